"""From rows to the plain values that `trace` reads."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from canary.store.schema import (
    Canary,
    Contact,
    Copy,
    Inherited,
    Naming,
    Placement,
    PlacementState,
    Triage,
)
from canary.trace.evidence import Evidence, Hit, Mark, Outcome, Release

Recognised = dict[int, list[tuple[datetime, int, str]]]


def evidence(session: Session, as_of: datetime) -> Evidence:
    """The evidence as of a moment: every live placement with its marks and what was heard on them."""
    placements = session.scalars(
        select(Placement)
        .where(Placement.state != PlacementState.VOID, Placement.drawn_at <= as_of)
        .order_by(Placement.drawn_at, Placement.id)
        .options(
            joinedload(Placement.copy).joinedload(Copy.recipient),
            joinedload(Placement.copy).selectinload(Copy.sources),
            selectinload(Placement.canaries).joinedload(Canary.number),
        )
    ).all()
    heard, naming = _contacts(session, as_of), _namings(session)
    carried = _inherited(session)
    by_id = {c.id: c for p in placements for c in p.canaries}
    live = {p.copy.slug for p in placements}
    releases = []
    for placement in placements:
        start = placement.drawn_at
        releases.append(
            Release(
                copy=placement.copy.slug,
                recipient=placement.copy.recipient.slug,
                start=start,
                end=start + timedelta(days=placement.window_days),
                marks=tuple(_mark(c, start, heard, naming) for c in placement.canaries),
                sources=tuple(s.slug for s in placement.copy.sources if s.slug in live),
                carried=tuple(_mark(by_id[i], start, heard, naming) for i in carried[placement.copy_id] if i in by_id),
            )
        )
    return Evidence(as_of, tuple(releases))


def _contacts(session: Session, as_of: datetime) -> Recognised:
    query = (
        select(Contact.number_id, Contact.at, Contact.id, Triage.kind)
        .join(Triage)
        .where(Contact.at <= as_of, Contact.number_id.is_not(None), Triage.kind != "authorised")
    )
    found: Recognised = defaultdict(list)
    for number_id, at, contact_id, kind in session.execute(query.order_by(Contact.at, Contact.id)):
        found[number_id or 0].append((at, contact_id, kind))
    return found


def _namings(session: Session) -> set[tuple[int, int]]:
    return {(contact, canary) for contact, canary in session.execute(select(Naming.contact_id, Naming.canary_id))}


def _inherited(session: Session) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in session.scalars(select(Inherited).order_by(Inherited.canary_id)):
        found[row.copy_id].append(row.canary_id)
    return found


def _mark(canary: Canary, start: datetime, heard: Recognised, naming: set[tuple[int, int]]) -> Mark:
    hits = []
    for at, contact_id, kind in heard.get(canary.number_id, ()):
        if at < start:
            continue
        if (contact_id, canary.id) in naming:
            hits.append(Hit(at, Outcome.NAMED, contact_id))
        elif kind == "maternal":
            hits.append(Hit(at, Outcome.MATERNAL, contact_id))
    return Mark(canary.number.code, canary.number.block or "", canary.planted, tuple(hits))


def kinds(session: Session, as_of: datetime) -> dict[str, int]:
    """How many contacts of each kind were heard by then; `named` means a planted persona's facts were used."""
    named = set(session.scalars(select(Naming.contact_id).join(Canary).where(Canary.planted)))
    query = select(Contact.id, Triage.kind).join(Triage).where(Contact.at <= as_of)
    return dict(Counter(shown_kind(kind, i in named) for i, kind in session.execute(query)))


def shown_kind(kind: str, names_planted: bool) -> str:
    """The kind a contact is shown with: naming a planted persona outranks all but the allow-list."""
    return "named" if names_planted and kind != "authorised" else kind
