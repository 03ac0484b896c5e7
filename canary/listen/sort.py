"""Deriving the kind of every contact that has none yet, or whose grounds have changed."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from canary.listen.naming import names_persona
from canary.listen.providers.base import Channel
from canary.listen.triage import TRIAGE_VERSION, Heard, base_kind
from canary.mint.facts import Cell, Fact
from canary.store import contacts, placements
from canary.store.contacts import Derived, Stale
from canary.store.database import Store

Personas = dict[int, list[tuple[int, dict[Fact, Cell]]]]
BATCH = 500


def sort_all(store: Store) -> int:
    """Triage every contact that needs it; returns how many. Safe to run twice, by anyone, at any time."""
    with store.reading() as session:
        todo = contacts.stale(session, TRIAGE_VERSION)
    personas: Personas = {}
    # In batches, so that a long backlog never holds the write lock while a webhook waits for it.
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH]
        with store.reading() as session:
            derived = _derive(session, batch, personas)
        with store.writing(durable=False) as session:
            contacts.keep_derived(session, derived)
    return len(todo)


def _derive(session: Session, batch: Sequence[Stale], personas: Personas) -> list[Derived]:
    found = {c.id: c for c in contacts.contacts(session, [s.contact_id for s in batch])}
    heard = contacts.heard(session, list(found.values()))
    derived = []
    for stale in batch:
        contact = found[stale.contact_id]
        text, duration = heard[contact.id]
        triage = base_kind(Heard(Channel(contact.channel), text, duration, stale.allowed, stale.permitted))
        namings = _namings(session, contact.number_id, text, personas)
        derived.append(Derived(contact.id, stale.basis, triage.kind, triage.reason, namings))
    return derived


def _namings(session: Session, number_id: int | None, text: str, lists: Personas) -> dict[int, str]:
    """Whose facts a text uses, out of all personas of every release that has this number.

    Not the number's own alone: which persona stands on it was drawn, and a caller who names another one of
    the same release counts against that release.
    """
    if number_id is None or not text:
        return {}
    reasons = {}
    for placement_id in placements.placements_of(session, number_id):
        if placement_id not in lists:
            lists[placement_id] = placements.personas_of(session, placement_id)
        for canary_id, facts in lists[placement_id]:
            if reason := names_persona(text, facts):
                reasons[canary_id] = reason
    return reasons
