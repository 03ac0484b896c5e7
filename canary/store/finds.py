"""Who is looked for in found files: every planted canary, and every shadow persona beside her; and what was found."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from canary.mint.facts import Cell, Fact, Row
from canary.store import ledger, lots
from canary.store.database import queue, vault_of
from canary.store.placements import facts_of
from canary.store.schema import Canary, Copy, Find, Number, Placement, PlacementState
from canary.store.vault import Vault
from canary.trace.verdict import Shown, Word

_LIVE = Placement.state != PlacementState.VOID


@dataclass(frozen=True)
class Sought:
    """One persona of a live placement: a canary if `planted`, else the shadow of a control, written nowhere.

    `copies` are those whose file holds her, her own first; `number` is a code, `phone` E.164. In a copy without
    phones `number` is her unit of the lot (see store.lots), `phone` is empty, and her row's `cells` are known.
    """

    id: int
    code: str
    copy: str
    copies: tuple[str, ...]
    number: str
    phone: str
    planted: bool
    facts: Mapping[Fact, Cell]
    header: tuple[str, ...] = ()
    cells: Row = ()

    @property
    def in_lot(self) -> bool:
        """Whether nobody can ring her: she is known by her row alone."""
        return bool(self.cells)


def sought(session: Session) -> list[Sought]:
    """All personas of live placements, opened: keep them in memory only.

    Shadows are looked for too: how often a file shows them is how often it shows canaries by chance.
    """
    return [*_on_numbers(session), *_in_lots(session)]


class _Facts(Mapping[Fact, Cell]):
    """A persona's facts, opened when first asked for: most are never met. A copy for another process is open."""

    def __init__(self, vault: Vault, sealed: bytes) -> None:
        self._vault, self._sealed = vault, sealed

    @cached_property
    def _opened(self) -> Mapping[Fact, Cell]:
        return facts_of(self._vault.open(self._sealed))

    def __getitem__(self, fact: Fact) -> Cell:
        return self._opened[fact]

    def get(self, fact: Fact, default: Any = None) -> Any:
        """As any mapping's, but quicker: all personas are asked."""
        return self._opened.get(fact, default)

    def __iter__(self) -> Iterator[Fact]:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    def __reduce__(self) -> tuple[type[dict[Fact, Cell]], tuple[dict[Fact, Cell]]]:
        return dict, (dict(self._opened),)


def _on_numbers(session: Session) -> list[Sought]:
    vault, heirs = vault_of(session), lots.heirs(session)
    canary = (Canary.id, Canary.code, Canary.planted, Canary.sealed_persona)
    query = select(*canary, Number.code, Number.sealed, Copy.slug).select_from(Canary).join(Number)
    live = query.join(Placement, Placement.id == Canary.placement_id).join(Copy).where(_LIVE).order_by(Canary.id)
    return [
        Sought(
            id=i,
            code=code,
            copy=slug,
            copies=(slug, *heirs.get(i, ())) if planted else (),
            number=number,
            phone=vault.open(phone),
            planted=planted,
            facts=_Facts(vault, persona),
        )
        for i, code, planted, persona, number, phone, slug in session.execute(live)
    ]


def _in_lots(session: Session) -> list[Sought]:
    return [
        Sought(m.id, m.code, m.copy, m.copies, m.unit, "", m.planted, {}, m.header, m.cells)
        for m in lots.members(session)
    ]


def record(session: Session, at: datetime, files: list[dict[str, Any]], words: Mapping[str, str]) -> None:
    """The ledger line of one scan: each file's hash, size, counts and codes of canaries, and what was said."""
    ledger.append(session, at, "scan", {"files": files, "words": dict(words)})


def phones(session: Session) -> tuple[list[str], bytes]:
    """The numbers (E.164) of all live placements, controls too, and the secret that filters of them are made with."""
    query = select(Number).join(Canary).join(Placement).where(_LIVE).distinct()
    vault = vault_of(session)
    found = sorted(vault.open(number.sealed) for number in session.scalars(query))
    return found, bytes.fromhex(vault.fingerprint("filter"))


def record_filter(session: Session, at: datetime, digest: str, whom: str, rate: float) -> None:
    """The ledger line of a filter handed out: its SHA-256, to whom, and its rate of false answers."""
    ledger.append(session, at, "filter", {"sha256": digest, "for": whom, "rate": rate})


def digest_of(hashes: Iterable[str]) -> str:
    """The digest of a find, from its files' SHA-256 in any order."""
    return hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()


def place(session: Session, digest: str) -> int:
    """Which find the files of this digest are, from 1: the place they have, or the next."""
    known = session.scalar(select(Find).where(Find.digest == digest))
    earlier = select(func.count(Find.id)).where(Find.id < known.id) if known else select(func.count(Find.id))
    return 1 + (session.scalar(earlier) or 0)


def keep(session: Session, at: datetime, digest: str, rows: int, shown: Sequence[Shown]) -> None:
    """Keep what a find says of each copy; the same files scanned again replace what they said before."""
    queue(session, "finds")
    kept = session.scalar(select(Find).where(Find.digest == digest)) or Find(digest=digest, at=at)
    kept.rows, kept.sealed_copies = rows, vault_of(session).seal([_stored(each) for each in shown])
    session.add(kept)


def shown(session: Session, as_of: datetime) -> list[Shown]:
    """What all finds by then say of the copies that are still in force, oldest first."""
    live = set(session.scalars(select(Copy.slug).join(Placement).where(_LIVE)))
    finds = session.scalars(select(Find).where(Find.at <= as_of).order_by(Find.id)).all()
    vault = vault_of(session)
    found = [_read(find, each) for find in finds for each in vault.open(find.sealed_copies)]
    return [each for each in found if each.copy in live]


def _stored(shown: Shown) -> dict[str, Any]:
    return {key: value for key, value in asdict(shown).items() if key not in ("find", "at", "rows")} | {
        "since": shown.since.isoformat()
    }


def _read(find: Find, kept: Mapping[str, Any]) -> Shown:
    told = {**kept, "word": Word(kept["word"]), "since": date.fromisoformat(kept["since"])}
    return Shown(find=find.id, at=find.at, rows=find.rows, **told)
