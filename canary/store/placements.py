"""Placements: the pool a draw may use, the recording of a draw before its file appears, and inheritance."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from canary.errors import CanaryError
from canary.mint.facts import Cell, Fact, Persona
from canary.prove.canonical import digest
from canary.store import appearances, ledger, lots, registry
from canary.store.appearances import Written
from canary.store.database import queue, vault_of
from canary.store.schema import Canary, Copy, Hosted, Inherited, Number, NumberState, Placement, PlacementState
from canary.trace import season
from canary.trace.law import Law

_FACTS = {fact.value: fact for fact in Fact}
_DATES = {fact.value for fact in (Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE, Fact.BIRTH_DATE)}


@dataclass(frozen=True)
class Pool:
    """The numbers one block offers to a draw, by code: those that may be planted, and its controls."""

    ready: tuple[str, ...]
    controls: tuple[str, ...]


@dataclass(frozen=True)
class Drawn:
    """One number of a draw: planted in data row `row` of the new file, or a control (`row` None)."""

    number: str
    planted: bool
    persona: Persona
    row: int | None


@dataclass(frozen=True)
class Plan:
    """A draw ready to be recorded; `opening` opens the commitment, `inherited` are canary ids found in the file,
    `receipt` (JSON) says what a database was given, for finishing or undoing it. The copy is listened for at least
    for `window`, longer if a persona is due later (see trace.season). `carried` are the rows of canaries that live on
    from the recipient's copy `continues`, under the same `header` as the new ones. Without `phones` the numbers of
    what was drawn are labels of a lot, and its `identifying` columns are told of planted rows alone."""

    copy: str
    law: Law
    opening: Mapping[str, Any]
    commitment: str
    drawn: Sequence[Drawn]
    inherited: Sequence[int]
    window: timedelta
    file_name: str
    file_sha256: str
    receipt: Mapping[str, Any] | None = None
    header: Sequence[str] = ()
    carried: Sequence[Written] = ()
    continues: str | None = None
    phones: bool = True
    identifying: frozenset[int] = frozenset()


def pools(session: Session, law: Law = Law.EXCLUSIVE) -> dict[str, Pool]:
    """What each block offers now. A number with baby traffic since its split is out for good, ready or control
    alike: the same rule for both keeps them exchangeable. Under the shared law a number already shared may be
    drawn again, and the numbers not drawn serve as the copy's controls. A block serves one law only: a later
    exclusive draw would tell which of its numbers an earlier shared one had left."""
    other = _blocks_drawn_by(session, Law.SHARED if law is Law.EXCLUSIVE else Law.EXCLUSIVE)
    states = [NumberState.READY, NumberState.CONTROL if law is Law.EXCLUSIVE else NumberState.PLANTED]
    ready: defaultdict[str, list[str]] = defaultdict(list)
    controls: defaultdict[str, list[str]] = defaultdict(list)
    for number in session.scalars(select(Number).where(Number.state.in_(states)).order_by(Number.code)):
        block = number.block or ""
        if not number.noisy and block not in other:
            (controls if number.state == NumberState.CONTROL else ready)[block].append(number.code)
    return {block: Pool(tuple(ready[block]), tuple(controls[block])) for block in {*ready, *controls}}


def _blocks_drawn_by(session: Session, law: Law) -> set[str]:
    query = select(Number.block).join(Canary, Canary.number_id == Number.id).join(Placement)
    return {block or "" for block in session.scalars(query.where(Placement.law == law).distinct())}


def e164_by_code(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """The numbers behind codes."""
    vault = vault_of(session)
    found = session.scalars(select(Number).where(Number.code.in_(list(codes))))
    return {n.code: vault.open(n.sealed) for n in found}


def planted_phones(session: Session) -> dict[str, list[tuple[int, str]]]:
    """E.164 of every planted number to its canaries: id and the persona's name (several on a shared number)."""
    vault = vault_of(session)
    query = select(Canary, Number).join(Number).join(Placement).where(Canary.planted)
    found: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for canary, number in session.execute(query.where(Placement.state != PlacementState.VOID)):
        name = str(facts(session, canary).get(Fact.NAME) or "")
        found[vault.open(number.sealed)].append((canary.id, name))
    return found


def undeclared(session: Session, slug: str, inherited: Sequence[int]) -> list[str]:
    """Copies whose canaries stand in a file although nothing says that it was made from them."""
    import networkx as nx

    sources = nx.ancestors(registry.graph(session), slug)
    query = select(Copy.slug).join(Placement).join(Canary).where(Canary.id.in_(inherited)).distinct()
    return sorted(set(session.scalars(query)) - sources)


def inherited_by(session: Session, copy: Copy) -> int:
    """How many canaries of other copies stand in a copy's file."""
    query = select(func.count()).select_from(Inherited).where(Inherited.copy_id == copy.id)
    return session.scalar(query) or 0


def unplanted(session: Session, slug: str) -> Copy:
    """The copy, if nothing was planted in it yet. Raises CanaryError otherwise."""
    copy = registry.copy(session, slug)
    if copy.placement is not None:
        raise CanaryError(
            f"copy {slug!r} was seeded already ({copy.placement.file_name})",
            "one copy is one hand-over: `canary copy add` another for a new file",
        )
    return copy


def record(session: Session, at: datetime, plan: Plan) -> int:
    """Record a draw and its commitment in one transaction; returns the placement's id.

    Raises CanaryError if another draw took a number or the copy in the meantime: nothing is recorded then.
    """
    queue(session, f"copy {plan.copy}")  # two draws for one copy: the second must see the first
    copy = unplanted(session, plan.copy)
    held = _held(session, plan) if plan.phones else {}
    vault = vault_of(session)
    dues = _dues(plan.drawn)
    placement = Placement(
        copy_id=copy.id,
        state=PlacementState.DRAWN,
        law=plan.law,
        sealed_opening=vault.seal(dict(plan.opening)),
        commitment=plan.commitment,
        drawn_at=at,
        window_days=season.window(dues.values(), at, plan.window).days,
        sealed_dues=vault.seal({number: due.isoformat() for number, due in dues.items()}),
        file_name=plan.file_name,
        file_sha256=plan.file_sha256,
    )
    session.add(placement)
    session.flush()
    if plan.receipt is not None:
        session.add(Hosted(placement_id=placement.id, sealed_receipt=vault.seal(dict(plan.receipt))))
    if plan.phones:
        added = [(_add_canary(session, placement, held[drawn.number], drawn, at), drawn) for drawn in plan.drawn]
        session.flush()
        rows = [Written(canary.id, d.row, d.persona.cells) for canary, d in added if d.row is not None]
        appearances.add(session, placement, plan.header, [*rows, *plan.carried])
    else:
        session.add_all(_labelled(session, placement, drawn) for drawn in plan.drawn if drawn.planted)
        rows_of = {drawn.number: drawn.persona.cells for drawn in plan.drawn}
        lots.add(session, placement, plan.header, rows_of, plan.identifying)
    inherited = {*plan.inherited, *(each.canary for each in plan.carried)}
    session.add_all(Inherited(copy_id=copy.id, canary_id=i) for i in sorted(inherited))
    if plan.continues is not None and plan.carried:
        appearances.follow_on(session, copy, plan.continues)
    entry = {
        "copy": plan.copy,
        "law": plan.law,
        "commitment": plan.commitment,
        "file_sha256": plan.file_sha256,
    }
    if plan.continues is not None:
        entry |= {"continues": plan.continues}
    ledger.append(session, at, "placement", {**entry, "canaries": sum(d.planted for d in plan.drawn)})
    return placement.id


def _held(session: Session, plan: Plan) -> dict[str, Number]:
    """The numbers of a draw by code, locked. Raises CanaryError if another draw took one."""
    codes = [d.number for d in plan.drawn]
    held = {n.code: n for n in session.scalars(select(Number).where(Number.code.in_(codes)).with_for_update())}
    free = {NumberState.READY} if plan.law is Law.EXCLUSIVE else {NumberState.READY, NumberState.PLANTED}
    if any(held[d.number].state not in free for d in plan.drawn if d.planted):
        raise CanaryError("another seeding took some of these numbers", "run the command again")
    return held


def _dues(drawn: Iterable[Drawn]) -> dict[str, date]:
    found = ((d.number, d.persona.facts.get(Fact.DUE_DATE)) for d in drawn)
    return {n: due.date() if isinstance(due, datetime) else due for n, due in found if isinstance(due, date)}


def _add_canary(session: Session, placement: Placement, number: Number, drawn: Drawn, at: datetime) -> Canary:
    vault = vault_of(session)
    canary = Canary(
        code="C" + vault.fingerprint(f"{placement.id}/{number.code}")[:8],
        placement_id=placement.id,
        number_id=number.id,
        planted=drawn.planted,
        sealed_persona=vault.seal(persona_facts(drawn.persona)),
        row=drawn.row,
    )
    session.add(canary)
    if drawn.planted:
        number.state, number.since = NumberState.PLANTED, at
    return canary


def _labelled(session: Session, placement: Placement, drawn: Drawn) -> Canary:
    vault = vault_of(session)
    return Canary(
        code="C" + vault.fingerprint(f"{placement.id}/{drawn.number}")[:12],  # of these there may be thousands
        placement_id=placement.id,
        label=drawn.number,
        planted=True,
        sealed_persona=vault.seal(persona_facts(drawn.persona)),
        row=drawn.row,
    )


def seal(session: Session, at: datetime, placement_id: int) -> None:
    """The file has appeared: the placement is final."""
    placement = session.get_one(Placement, placement_id)
    placement.state = PlacementState.SEALED
    ledger.append(session, at, "sealed", {"commitment": placement.commitment})


def void(session: Session, at: datetime, placement_id: int, why: str, back: NumberState = NumberState.BURNED) -> None:
    """Take a draw back. Its numbers are burned unless it is certain (`back` = ready) that no file got out: a
    number that somebody may hold must not stand in another copy."""
    placement = session.get_one(Placement, placement_id)
    placement.state = PlacementState.VOID
    session.flush()
    still = set(
        session.scalars(
            select(Canary.number_id).join(Placement).where(Canary.planted, Placement.state != PlacementState.VOID)
        )
    )
    for canary in placement.canaries:
        if canary.number is not None and canary.planted and canary.number_id not in still:
            canary.number.state, canary.number.since = back, at
    for row in session.scalars(select(Inherited).where(Inherited.copy_id == placement.copy_id)):
        session.delete(row)
    ledger.append(session, at, "void", {"commitment": placement.commitment, "why": why})


def unsealed(session: Session) -> Sequence[Placement]:
    """Draws whose file never appeared, as after a crash."""
    query = select(Placement).where(Placement.state == PlacementState.DRAWN).options(joinedload(Placement.copy))
    return session.scalars(query).all()


def hosted(session: Session, slug: str) -> tuple[Placement, dict[str, Any]]:
    """The newest placement of a copy that went into a database, void or not, with its receipt.

    Raises CanaryError if there is none."""
    copy = registry.copy(session, slug)
    query = select(Placement, Hosted).join(Hosted).where(Placement.copy_id == copy.id).order_by(Placement.id.desc())
    found = session.execute(query.limit(1)).first()
    if found is None:
        raise CanaryError(f"copy {slug!r} was not seeded in a database", "a file is taken back by `canary copy void`")
    return found[0], vault_of(session).open(found[1].sealed_receipt)


def taken_out(session: Session, at: datetime, placement_id: int) -> None:
    """A database no longer holds the canaries. An unfinished draw is void; a sealed one stays in force, for
    somebody may have read the rows."""
    placement = session.get_one(Placement, placement_id)
    if placement.state == PlacementState.DRAWN:
        void(session, at, placement_id, "taken out of the database by hand")
    else:
        ledger.append(session, at, "taken out", {"commitment": placement.commitment})


def placements_of(session: Session, number_id: int) -> Sequence[int]:
    """Ids of the live placements that have a number, planted or as a control."""
    live = Placement.state != PlacementState.VOID
    query = select(Placement.id).join(Canary).where(Canary.number_id == number_id, live)
    return session.scalars(query.order_by(Placement.id)).all()


def personas_of(session: Session, placement_id: int) -> list[tuple[int, dict[Fact, Cell]]]:
    """Every canary id of a placement, planted or control, with its persona's facts."""
    found = session.scalars(select(Canary).where(Canary.placement_id == placement_id).order_by(Canary.id))
    return [(c.id, facts(session, c)) for c in found]


def canary_of(session: Session, code: str) -> Canary:
    """The planted canary of a code. Raises CanaryError if there is none."""
    live = Placement.state != PlacementState.VOID
    query = select(Canary).join(Placement).where(Canary.code == code, Canary.planted, live)
    found = session.scalar(query.options(joinedload(Canary.number)))
    if found is None:
        raise CanaryError(f"no canary {code!r}", "see `canary copy show COPY` for its canaries")
    return found


def persona_facts(persona: Persona) -> dict[str, Any]:
    """A persona's facts as JSON; dates as ISO strings."""
    return {
        fact.value: value.isoformat() if isinstance(value, date) else value for fact, value in persona.facts.items()
    }


def persona_digest(persona: Persona, whole: bool = False) -> str:
    """What the commitment says about a persona: her facts, or her `whole` row where that is all there is of her."""
    told: dict[str, Any] = persona_facts(persona)
    return digest({**told, "cells": [appearances.stored_cell(cell) for cell in persona.cells]} if whole else told)


def facts(session: Session, canary: Canary) -> dict[Fact, Cell]:
    """The facts of a canary's persona, dates as dates."""
    return facts_of(vault_of(session).open(canary.sealed_persona))


def facts_of(opened: Mapping[str, Any]) -> dict[Fact, Cell]:
    """Facts from the JSON they are kept as."""
    return {
        _FACTS[name]: date.fromisoformat(value[:10]) if value and name in _DATES else value
        for name, value in opened.items()
    }
