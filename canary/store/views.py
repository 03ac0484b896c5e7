"""Queries that only look: what reports, lists and the doctor show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from canary.store import contacts
from canary.store.database import vault_of
from canary.store.evidence import own_namings, shown_kind
from canary.store.schema import Canary, Contact, Copy, Meta, Placement, PlacementState, Triage

_BATCH = 500


@dataclass(frozen=True)
class Sorted:
    """A contact with the kind and reason it is shown with."""

    contact: Contact
    kind: str
    reason: str


@dataclass(frozen=True)
class Opened:
    """The sealed side of a contact."""

    sender: str
    text: str


def placements(session: Session) -> Sequence[Placement]:
    """All live placements, oldest first."""
    query = select(Placement).where(Placement.state != PlacementState.VOID).order_by(Placement.id)
    return session.scalars(query.options(joinedload(Placement.copy))).all()


def planted(session: Session) -> dict[str, int]:
    """How many canaries were planted in each copy, by slug."""
    query = select(Copy.slug, func.count(Canary.id)).join(Placement, Placement.copy_id == Copy.id).join(Canary)
    live = Placement.state != PlacementState.VOID
    rows = session.execute(query.where(live, Canary.planted).group_by(Copy.slug))
    return {row[0]: row[1] for row in rows}


def planted_canaries(session: Session) -> Sequence[Canary]:
    """Every planted canary of a live placement, with its number and copy."""
    query = select(Canary).join(Placement).where(Canary.planted, Placement.state != PlacementState.VOID)
    return session.scalars(
        query.options(
            joinedload(Canary.number),
            joinedload(Canary.placement).joinedload(Placement.copy).joinedload(Copy.recipient),
        )
    ).all()


def sorted_contacts(session: Session, as_of: datetime) -> Iterator[Sorted]:
    """Contacts until `as_of` in order, each with its kind; a planted persona named outranks the base kind."""
    named = own_namings(session)
    query = (
        select(Contact, Triage.kind, Triage.reason)
        .outerjoin(Triage, Triage.contact_id == Contact.id)
        .where(Contact.at <= as_of)
        .order_by(Contact.at, Contact.id)
        .options(joinedload(Contact.number))
    )
    for contact, kind, reason in session.execute(query):
        shown = shown_kind(kind or "other", contact.id in named)
        yield Sorted(contact, shown, named[contact.id] if shown == "named" else reason or "not sorted yet")


def opened(session: Session, contact: Contact) -> Opened:
    """Who rang and what was said: only for doors that reveal."""
    return Opened(contacts.sender(session, contact), contacts.heard(session, [contact])[contact.id][0])


def said(session: Session, as_of: datetime) -> Iterator[tuple[int, str, str, str]]:
    """Of each contact until `as_of`: its id, its sender, the number it came to, and its words. Sealed things opened."""
    vault = vault_of(session)
    ids = session.scalars(select(Contact.id).where(Contact.at <= as_of).order_by(Contact.id)).all()
    for first in range(0, len(ids), _BATCH):
        found = contacts.contacts(session, ids[first : first + _BATCH])
        words = contacts.heard(session, found)
        for contact in found:
            ends = vault.open(contact.sealed)
            yield contact.id, ends["sender"], ends["to"], words[contact.id][0]


def simulated(session: Session) -> bool:
    """Whether this registry lives in a simulated world (`canary demo`): nothing in it is evidence."""
    return session.get(Meta, "simulated") is not None


def mark_simulated(session: Session) -> None:
    """Say for good that this registry's clock is simulated."""
    session.merge(Meta(name="simulated", value=b"1"))
