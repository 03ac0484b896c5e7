"""The personas of copies without phones: all that were minted, in one sealed piece a copy, and which were planted.

Columns that identify are left out: their codes are given to planted rows alone, and whoever is recognised must be
recognised alike, planted or not.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from canary.mint.facts import Row
from canary.store.appearances import read_cell, stored_cell
from canary.store.database import vault_of
from canary.store.schema import Canary, Copy, Inherited, Lot, Placement, PlacementState

_MOST = 1_000_000  # personas of one lot: below it an id of one lot is none of another


@dataclass(frozen=True)
class Member:
    """One persona of a lot. `id` is the canary's if she was planted, else a negative one of her own; `code` is the
    canary's or empty; `unit` names her among all lots; `copies` are those whose file holds her, her own first."""

    id: int
    code: str
    unit: str
    copy: str
    copies: tuple[str, ...]
    planted: bool
    header: tuple[str, ...]
    cells: Row


def add(
    session: Session, placement: Placement, header: Sequence[str], rows: Mapping[str, Row], identifying: frozenset[int]
) -> None:
    """Keep the rows of all personas minted for a placement, by label, without the columns that are `identifying`."""
    told = [at for at in range(len(header)) if at not in identifying]
    shown = {label: [stored_cell(row[at]) for at in told] for label, row in rows.items()}
    kept = {"header": [header[at] for at in told], "rows": shown}
    packed = base64.b64encode(zlib.compress(json.dumps(kept, ensure_ascii=False).encode())).decode()
    session.add(Lot(placement_id=placement.id, sealed_rows=vault_of(session).seal(packed)))


def members(session: Session) -> list[Member]:
    """Everybody in the lots of live placements, opened: keep them in memory only."""
    query = select(Lot, Placement).join(Placement).where(Placement.state != PlacementState.VOID)
    query = query.options(joinedload(Placement.copy)).order_by(Lot.placement_id)
    inherited = heirs(session)
    return [
        member
        for lot, placement in session.execute(query)
        for member in _members(session, lot, placement.copy, inherited)
    ]


def _members(session: Session, lot: Lot, copy: Copy, inherited: Mapping[int, Sequence[str]]) -> list[Member]:
    opened = json.loads(zlib.decompress(base64.b64decode(vault_of(session).open(lot.sealed_rows))))
    header = tuple(opened["header"])
    canaries = session.execute(
        select(Canary.label, Canary.id, Canary.code).where(Canary.placement_id == lot.placement_id)
    )
    planted = {label: (i, code) for label, i, code in canaries}
    found = []
    for place, (label, cells) in enumerate(opened["rows"].items()):
        i, code = planted.get(label, (-(lot.placement_id * _MOST + place), ""))
        found.append(
            Member(
                id=i,
                code=code,
                unit=unit(copy.slug, label),
                copy=copy.slug,
                copies=(copy.slug, *inherited.get(i, ())) if code else (),
                planted=bool(code),
                header=header,
                cells=tuple(map(read_cell, cells)),
            )
        )
    return found


def unit(copy: str, label: str) -> str:
    """How a persona of a lot is called among those of all copies, as a number's code elsewhere."""
    return f"{copy}#{label}"


def heirs(session: Session) -> Mapping[int, list[str]]:
    """The copies whose file holds a canary of another copy, by canary id."""
    query = select(Inherited.canary_id, Copy.slug).join(Copy, Copy.id == Inherited.copy_id).order_by(Copy.slug)
    found: dict[int, list[str]] = {}
    for canary_id, slug in session.execute(query):
        found.setdefault(canary_id, []).append(slug)
    return found
