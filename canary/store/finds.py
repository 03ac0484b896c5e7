"""Who is looked for in found files: every planted canary, and every shadow persona beside her; and what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from canary.mint.facts import Cell, Fact, Row
from canary.store import ledger, lots
from canary.store.database import vault_of
from canary.store.placements import facts
from canary.store.schema import Canary, Number, Placement, PlacementState


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


def sought(session: Session) -> list[Sought]:
    """All personas of live placements, opened: keep them in memory only.

    Shadows are looked for too: how often a file shows them is how often it shows canaries by chance.
    """
    return [*_on_numbers(session), *_in_lots(session)]


def _on_numbers(session: Session) -> list[Sought]:
    vault, heirs = vault_of(session), lots.heirs(session)
    with_copy = joinedload(Canary.placement).joinedload(Placement.copy)
    live = Placement.state != PlacementState.VOID
    query = select(Canary).join(Placement).join(Number).where(live).order_by(Canary.id).add_columns(Number)
    return [
        Sought(
            id=canary.id,
            code=canary.code,
            copy=canary.placement.copy.slug,
            copies=(canary.placement.copy.slug, *heirs.get(canary.id, ())) if canary.planted else (),
            number=number.code,
            phone=vault.open(number.sealed),
            planted=canary.planted,
            facts=facts(session, canary),
        )
        for canary, number in session.execute(query.options(with_copy))
    ]


def _in_lots(session: Session) -> list[Sought]:
    return [
        Sought(m.id, m.code, m.copy, m.copies, m.unit, "", m.planted, {}, m.header, m.cells)
        for m in lots.members(session)
    ]


def record(session: Session, at: datetime, files: list[dict[str, Any]], words: Mapping[str, str]) -> None:
    """The ledger line of one scan: each file's hash, size, counts and codes of canaries, and what was said."""
    ledger.append(session, at, "scan", {"files": files, "words": dict(words)})
