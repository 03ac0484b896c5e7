"""Who is looked for in found files: every planted canary, and every shadow persona beside her; and what was found."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from canary.mint.facts import Cell, Fact
from canary.store import ledger
from canary.store.database import vault_of
from canary.store.placements import facts
from canary.store.schema import Canary, Copy, Inherited, Placement, PlacementState


@dataclass(frozen=True)
class Sought:
    """One persona of a live placement: a canary if `planted`, else the shadow of a control, written nowhere.

    `copies` are those whose file holds her, her own first; `number` is a code, `phone` E.164.
    """

    id: int
    code: str
    copy: str
    copies: tuple[str, ...]
    number: str
    phone: str
    planted: bool
    facts: Mapping[Fact, Cell]


def sought(session: Session) -> list[Sought]:
    """All personas of live placements, opened: keep them in memory only.

    Shadows are looked for too: how often a file shows them is how often it shows canaries by chance.
    """
    vault, heirs = vault_of(session), _heirs(session)
    with_copy = joinedload(Canary.placement).joinedload(Placement.copy)
    query = select(Canary).join(Placement).where(Placement.state != PlacementState.VOID).order_by(Canary.id)
    return [
        Sought(
            id=canary.id,
            code=canary.code,
            copy=canary.placement.copy.slug,
            copies=(canary.placement.copy.slug, *heirs.get(canary.id, ())) if canary.planted else (),
            number=canary.number.code,
            phone=vault.open(canary.number.sealed),
            planted=canary.planted,
            facts=facts(session, canary),
        )
        for canary in session.scalars(query.options(joinedload(Canary.number), with_copy))
    ]


def _heirs(session: Session) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    query = select(Inherited.canary_id, Copy.slug).join(Copy, Copy.id == Inherited.copy_id).order_by(Copy.slug)
    for canary_id, slug in session.execute(query):
        found[canary_id].append(slug)
    return found


def record(session: Session, at: datetime, files: list[dict[str, Any]], words: Mapping[str, str]) -> None:
    """The ledger line of one scan: each file's hash, size, counts and codes of canaries, and what was said."""
    ledger.append(session, at, "scan", {"files": files, "words": dict(words)})
