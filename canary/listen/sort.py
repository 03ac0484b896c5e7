"""Deriving the kind of every contact that has none yet, or whose grounds have changed."""

from sqlalchemy.orm import Session

from canary.listen.providers.base import Channel
from canary.listen.triage import TRIAGE_VERSION, Heard, base_kind, names_persona
from canary.mint.facts import Cell, Fact
from canary.store import contacts, placements
from canary.store.database import Store

Facts = dict[Fact, Cell]


BATCH = 500


def sort_all(store: Store) -> int:
    """Triage every contact that needs it; returns how many. Safe to run twice, by anyone, at any time."""
    # In batches, so that a long backlog never holds the write lock while a webhook waits for it.
    done = 0
    while True:
        with store.writing() as session:
            batch = sort(session, BATCH)
        done += batch
        if batch < BATCH:
            return done


def sort(session: Session, limit: int) -> int:
    """Triage up to `limit` contacts that are new or whose grounds changed; returns how many."""
    stale = contacts.untriaged(session, TRIAGE_VERSION, limit)
    personas: dict[int, list[tuple[int, Facts]]] = {}
    for item in stale:
        contact = item.contact
        text, duration = contacts.heard(session, contact)
        triage = base_kind(Heard(Channel(contact.channel), text, duration, item.allowed))
        namings = {}
        if text and contact.number_id is not None:
            for canary_id, facts in _personas(session, contact.number_id, personas):
                if reason := names_persona(text, facts):
                    namings[canary_id] = reason
        contacts.keep_triage(session, contact.id, item.basis, triage.kind, triage.reason, namings)
    return len(stale)


def _personas(
    session: Session, number_id: int, opened: dict[int, list[tuple[int, Facts]]]
) -> list[tuple[int, Facts]]:
    if number_id not in opened:
        found = placements.canaries_of(session, number_id)
        opened[number_id] = [(c.id, placements.facts(session, c)) for c in found]
    return opened[number_id]
