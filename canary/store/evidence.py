"""From rows to the plain values that `trace` reads, and the counted factors back to rows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from canary.store import lots
from canary.store.database import queue, vault_of
from canary.store.finds import Sought
from canary.store.schema import (
    Canary,
    Contact,
    Copy,
    Factor,
    Inherited,
    Naming,
    Number,
    Placement,
    PlacementState,
    Triage,
)
from canary.trace.evidence import Event, Evidence, Hit, Mark, Outcome, Release, Step
from canary.trace.law import Law
from canary.trace.storms import Dialled, block_dialled

IN_LOT = "lot"  # the block of all personas of one lot: which of them were planted was one draw


class _Known(NamedTuple):
    """What judging needs of a canary: a row, for an object of each takes five times as long to load."""

    id: int
    placement_id: int
    number_id: int | None
    label: str | None
    planted: bool
    number: str | None
    block: str | None
    copy: str


@dataclass
class _Heard:
    """What was heard: contacts (time, id, kind) by number id, and the number codes that a contact names by
    (contact id, placement id)."""

    contacts: Mapping[int, Sequence[tuple[datetime, int, str]]]
    names: Mapping[tuple[int, int], frozenset[str]]
    inherited: Mapping[int, Sequence[int]]
    counted: Mapping[int, Sequence[Step]]
    canaries: dict[int, _Known] = field(default_factory=dict)
    drawn: Mapping[int, Sequence[_Known]] = field(default_factory=dict)
    dues: dict[tuple[int, str], date] = field(default_factory=dict)

    def marks(self, placement: Placement, canaries: Iterable[_Known]) -> tuple[Mark, ...]:
        """The canaries and controls that can ring: of a copy without phones, none."""
        return tuple(self._mark(c, c.number, placement.drawn_at) for c in canaries if c.number is not None)

    def own(self, placement: Placement) -> tuple[Mark, ...]:
        """The marks of a placement's own draw."""
        return self.marks(placement, self.drawn.get(placement.id, ()))

    def _mark(self, canary: _Known, number: str, start: datetime) -> Mark:
        return Mark(number, canary.block or "", canary.planted, self.hits(canary, start), self.due(canary, number))

    def due(self, canary: _Known, number: str) -> date | None:
        """When the season of the persona on this number is at its height, if she has one."""
        return self.dues.get((canary.placement_id, number))

    def hits(self, canary: _Known, start: datetime) -> tuple[Hit, ...]:
        """The recognised contacts on this canary's number since `start`."""
        found = []
        for at, contact_id, kind in self.contacts.get(canary.number_id or 0, ()):
            names = self.names.get((contact_id, canary.placement_id), frozenset())
            if at >= start and (names or kind == "maternal"):
                found.append(Hit(at, Outcome.NAMED if names else Outcome.MATERNAL, contact_id, names))
        return tuple(found)


@dataclass
class _Seen(_Heard):
    """What was read in files instead: hits by canary id, whatever was heard on the numbers."""

    files: Mapping[int, tuple[Hit, ...]] = field(default_factory=dict)
    shadows: Mapping[str, Sequence[Sought]] = field(default_factory=dict)

    def marks(self, placement: Placement, canaries: Iterable[_Known]) -> tuple[Mark, ...]:
        """The canaries and controls that a file can show: also those that cannot ring."""
        known = list(canaries)
        units = [(c.id, lots.unit(c.copy, c.label)) for c in known if c.label is not None]
        silent = [Mark(unit, IN_LOT, True, self.files.get(i, ())) for i, unit in units]
        return (*super().marks(placement, known), *silent)

    def own(self, placement: Placement) -> tuple[Mark, ...]:
        """The marks of a placement's own draw, the shadows of its lot among them."""
        lot = self.shadows.get(placement.copy.slug, ())
        shadows = (Mark(s.number, IN_LOT, False, self.files.get(s.id, ())) for s in lot)
        return (*super().own(placement), *shadows)

    def due(self, canary: _Known, number: str) -> date | None:
        """Nobody has a season: what a file lacks, it lacks at once."""
        return None

    def hits(self, canary: _Known, start: datetime) -> tuple[Hit, ...]:
        """What the files show of this canary: a file may be older or younger than any hand-over."""
        return self.files.get(canary.id, ())


def evidence(session: Session, as_of: datetime) -> Evidence:
    """The evidence as of a moment: every live placement with its marks and what was heard on them."""
    heard = _Heard(_contacts(session, as_of), _names(session), _inherited(session), _counted(session))
    return _evidence(session, as_of, heard)


def file_evidence(
    session: Session, as_of: datetime, files: Mapping[int, tuple[Hit, ...]], looked: Iterable[Sought]
) -> Evidence:
    """The same placements with what files showed (hits by id, planted or not) in place of contacts; `looked` are all
    who were looked for.

    Every window closes at `as_of`, and nobody has a season.
    """
    shadows: defaultdict[str, list[Sought]] = defaultdict(list)
    for who in looked:
        if who.in_lot and not who.planted:
            shadows[who.copy].append(who)
    seen = _evidence(session, as_of, _Seen({}, {}, _inherited(session), {}, files=files, shadows=shadows))
    return replace(seen, releases=tuple(_closed(release, as_of) for release in seen.releases))


def _closed(release: Release, as_of: datetime) -> Release:
    return replace(release, start=min(release.start, as_of - timedelta(seconds=1)), end=as_of)


def _evidence(session: Session, as_of: datetime, heard: _Heard) -> Evidence:
    live = (Placement.state != PlacementState.VOID, Placement.drawn_at <= as_of)
    placements = session.scalars(
        select(Placement)
        .where(*live)
        .order_by(Placement.drawn_at, Placement.id)
        .options(
            joinedload(Placement.copy).joinedload(Copy.recipient),
            joinedload(Placement.copy).selectinload(Copy.sources),
        )
    ).all()
    canary = (Canary.id, Canary.placement_id, Canary.number_id, Canary.label, Canary.planted)
    query = select(*canary, Number.code, Number.block, Copy.slug).join(Canary.placement).join(Placement.copy)
    known = [_Known(*row) for row in session.execute(query.outerjoin(Canary.number).where(*live).order_by(Canary.id))]
    drawn: defaultdict[int, list[_Known]] = defaultdict(list)
    for each in known:
        drawn[each.placement_id].append(each)
    heard.canaries, heard.drawn = {each.id: each for each in known}, drawn
    heard.dues = {(p.id, number): due for p in placements for number, due in _dues(session, p)}
    copies = {p.copy.slug for p in placements}
    return Evidence(as_of, tuple(_release(p, heard, copies) for p in placements))


def _release(placement: Placement, heard: _Heard, live: set[str]) -> Release:
    start = placement.drawn_at
    inherited = [heard.canaries[i] for i in heard.inherited.get(placement.copy_id, ()) if i in heard.canaries]
    # What stands in the file is a fact, whether or not somebody declared the source with --from.
    sources = {s.slug for s in placement.copy.sources} & live | {c.copy for c in inherited}
    return Release(
        copy=placement.copy.slug,
        recipient=placement.copy.recipient.slug,
        start=start,
        end=start + timedelta(days=placement.window_days),
        marks=heard.own(placement),
        sources=tuple(sorted(sources)),
        carried=heard.marks(placement, inherited),
        counted=tuple(heard.counted.get(placement.id, ())),
        law=Law(placement.law),
    )


def _dues(session: Session, placement: Placement) -> list[tuple[str, date]]:
    opened = vault_of(session).open(placement.sealed_dues) if placement.sealed_dues else {}
    return [(number, date.fromisoformat(due)) for number, due in opened.items()]


def _contacts(session: Session, as_of: datetime) -> Mapping[int, Sequence[tuple[datetime, int, str]]]:
    query = (
        select(Contact.number_id, Contact.at, Contact.id, Triage.kind, Contact.sender_fingerprint)
        .join(Triage)
        .where(Contact.at <= as_of, Contact.number_id.is_not(None), Triage.kind != "authorised")
    )
    rows = session.execute(query.order_by(Contact.at, Contact.id)).all()
    places = _places(session)
    storms = block_dialled(Dialled(r.id, r.sender_fingerprint, r.at.date(), places[r.number_id or 0]) for r in rows)
    found: defaultdict[int, list[tuple[datetime, int, str]]] = defaultdict(list)
    for row in rows:
        if row.id not in storms:
            found[row.number_id or 0].append((row.at, row.id, row.kind))
    return found


def _places(session: Session) -> dict[int, int]:
    """Each number's place among all of ours in dialling order."""
    vault = vault_of(session)
    dialled = sorted((vault.open(sealed), i) for i, sealed in session.execute(select(Number.id, Number.sealed)))
    return {number_id: place for place, (_, number_id) in enumerate(dialled)}


def _names(session: Session) -> Mapping[tuple[int, int], frozenset[str]]:
    query = (
        select(Naming.contact_id, Canary.placement_id, Number.code)
        .join(Canary, Canary.id == Naming.canary_id)
        .join(Number, Number.id == Canary.number_id)
    )
    found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for contact_id, placement_id, code in session.execute(query):
        found[contact_id, placement_id].add(code)
    return {key: frozenset(codes) for key, codes in found.items()}


def _inherited(session: Session) -> Mapping[int, Sequence[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in session.scalars(select(Inherited).order_by(Inherited.canary_id)):
        found[row.copy_id].append(row.canary_id)
    return found


def _counted(session: Session) -> Mapping[int, Sequence[Step]]:
    found: defaultdict[int, list[Step]] = defaultdict(list)
    query = select(Factor, Number.code).join(Number, Number.id == Factor.number_id).order_by(Factor.id)
    for row, code in session.execute(query):
        step = Step(row.at, code, Event(row.event), Outcome(row.outcome), frozenset(row.names), row.contact_id)
        found[row.placement_id].append(step)
    return found


def keep_counted(session: Session, counted: Iterable[tuple[str, Sequence[Step]]]) -> int:
    """Keep the factors of each copy (slug) that are not kept yet; returns how many were new.

    Two processes may look at once: they pass one after another, and what the first kept stands.
    """
    queue(session, "factors")
    live = select(Copy.slug, Placement.id).join(Placement).where(Placement.state != PlacementState.VOID)
    placements = {row.slug: row.id for row in session.execute(live)}
    numbers = {code: i for i, code in session.execute(select(Number.id, Number.code))}
    kept = {tuple(row) for row in session.execute(select(Factor.placement_id, Factor.number_id, Factor.event))}
    new = [
        Factor(
            placement_id=placements[slug],
            number_id=numbers[s.number],
            event=s.event.value,
            at=s.at,
            outcome=s.outcome.value,
            names=sorted(s.names),
            contact_id=s.contact,
        )
        for slug, found in counted
        for s in found
        if (placements[slug], numbers[s.number], s.event.value) not in kept
    ]
    session.add_all(new)
    return len(new)


def kinds(session: Session, as_of: datetime) -> dict[str, int]:
    """How many contacts of each kind were heard by then; `named` means the number's own persona was used."""
    named = own_namings(session)
    query = select(Contact.id, Triage.kind).join(Triage).where(Contact.at <= as_of)
    return dict(Counter(shown_kind(kind, i in named) for i, kind in session.execute(query)))


def own_namings(session: Session) -> dict[int, str]:
    """Contacts that used the persona planted on the very number they came to, with the reason."""
    query = (
        select(Naming.contact_id, Naming.reason)
        .join(Canary, Canary.id == Naming.canary_id)
        .join(Contact, Contact.id == Naming.contact_id)
        .where(Canary.planted, Canary.number_id == Contact.number_id)
    )
    return {row.contact_id: row.reason for row in session.execute(query)}


def shown_kind(kind: str, names_planted: bool) -> str:
    """The kind a contact is shown with: naming a planted persona outranks all but the allow-list."""
    return "named" if names_planted and kind != "authorised" else kind
