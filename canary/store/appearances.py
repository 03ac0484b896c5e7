"""Canaries from month to month: the rows written into a copy, and those that live on in the next one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row
from canary.store import registry
from canary.store.database import vault_of
from canary.store.schema import Appearance, Canary, Copy, CopySource, Number, NumberState, Placement, PlacementState

# A number given up rings at a stranger's: its canary must not stand in another file.
_HELD = (NumberState.PLANTED, NumberState.BURNED)


@dataclass(frozen=True)
class Living:
    """A canary that stood in a copy and whose number is still ours; `row` is its place among the data rows there."""

    canary: int
    number: str
    e164: str
    header: tuple[str, ...]
    cells: Row
    row: int


@dataclass(frozen=True)
class Carried:
    """A canary that lives on in a new copy: its row there, and in front of which host row it stands best."""

    canary: int
    number: str
    cells: Row
    before: int | None = None


@dataclass(frozen=True)
class Written:
    """A canary's row as it stands in a new file."""

    canary: int
    row: int
    cells: Row


def predecessor(session: Session, slug: str) -> Placement | None:
    """The placement of the recipient's copy that a copy follows on: the one its `--from` names, else the latest
    seeded one of an earlier day. Raises CanaryError when several are of that day."""
    copy = registry.copy(session, slug)
    query = select(Placement).join(Copy).where(Copy.recipient_id == copy.recipient_id, Copy.id != copy.id)
    seeded = session.scalars(query.where(Placement.state == PlacementState.SEALED).options(joinedload(Placement.copy)))
    earlier = [p for p in seeded if p.copy.date < copy.date]
    declared = {source.id for source in copy.sources}
    found = [p for p in earlier if p.copy_id in declared] or earlier
    last = [p for p in found if p.copy.date == max(other.copy.date for other in found)]
    if len(last) > 1:
        names = " and ".join(sorted(p.copy.slug for p in last))
        raise CanaryError(
            f"copy {slug!r} could follow on {names}", "register it with --from and the one that came before"
        )
    return last[0] if last else None


def written(session: Session, placement: Placement) -> list[Living]:
    """The canaries written into a placement's file, in the order of its rows."""
    vault = vault_of(session)
    query = select(Appearance, Number).join(Canary, Canary.id == Appearance.canary_id).join(Number)
    found = []
    for each, number in session.execute(query.where(Appearance.placement_id == placement.id).order_by(Appearance.row)):
        opened = vault.open(each.sealed_cells)
        cells = tuple(map(read_cell, opened["cells"]))
        found.append(
            Living(each.canary_id, number.code, vault.open(number.sealed), tuple(opened["header"]), cells, each.row)
        )
    return found


def held(session: Session, living: Sequence[Living]) -> set[int]:
    """The ids of those whose number is still ours. Whether it has rung makes no difference: a canary that vanished
    for it would give itself away, and who lives on must not depend on calls."""
    ids = [each.canary for each in living]
    query = select(Canary.id).join(Number).where(Canary.id.in_(ids), Number.state.in_(_HELD))
    return set(session.scalars(query))


def add(session: Session, placement: Placement, header: Sequence[str], rows: Iterable[Written]) -> None:
    """Keep the rows a placement writes, so that the next month can carry them on."""
    vault = vault_of(session)
    session.add_all(
        Appearance(
            placement_id=placement.id,
            canary_id=each.canary,
            row=each.row,
            sealed_cells=vault.seal({"header": list(header), "cells": [stored_cell(cell) for cell in each.cells]}),
        )
        for each in rows
    )


def follow_on(session: Session, copy: Copy, slug: str) -> None:
    """Enter in the copy graph that a copy was made from the one whose canaries it carries on."""
    source = registry.copy(session, slug)
    if session.get(CopySource, (copy.id, source.id)) is None:
        session.add(CopySource(copy_id=copy.id, source_id=source.id))


def stored_cell(cell: Cell) -> Any:
    """A cell as JSON."""
    if isinstance(cell, datetime):
        return {"time": cell.isoformat()}
    return {"day": cell.isoformat()} if isinstance(cell, date) else cell


def read_cell(stored: Any) -> Cell:
    """The cell that was stored."""
    if not isinstance(stored, dict):
        cell: Cell = stored
        return cell
    return datetime.fromisoformat(stored["time"]) if "time" in stored else date.fromisoformat(stored["day"])
