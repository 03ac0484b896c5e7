"""Contacts and their parts, each stored once, and what triage derived from them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session, selectinload

from canary.store.database import insert_earliest, insert_once, queue, vault_of
from canary.store.permissions import is_permitted
from canary.store.schema import Canary, Contact, ContactPath, Naming, Number, Part, Triage


@dataclass(frozen=True)
class Arrived:
    """One event as the intake hands it over: `to` and `sender` normalised to E.164 where they are numbers."""

    provider: str
    sid: str
    part: str
    channel: str
    to: str
    sender: str
    text: str
    duration: int | None
    details: dict[str, str]
    path: str = "webhook"


def record(session: Session, at: datetime, arrived: Arrived) -> None:
    """Store one event (see `record_all`)."""
    record_all(session, [(at, arrived)])


def record_all(session: Session, events: Sequence[tuple[datetime, Arrived]]) -> None:
    """Store events with their times; the same (provider, sid, part) again changes nothing, in whatever order they
    come. A contact's time is the earliest that any of its events gives."""
    # In one order everywhere: two servers that touch the same contacts must not wait for one another in a circle.
    ordered = sorted(events, key=lambda event: (event[1].provider, event[1].sid, event[1].part))
    if not ordered:
        return
    held = _held(session, {arrived.to for _, arrived in ordered if arrived.to})
    heard = [_heard(session, at, arrived, held) for at, arrived in ordered if arrived.to]
    if heard:
        insert_earliest(session, Contact, heard, ("provider", "sid"))
        ways = [_key(arrived) | {"path": arrived.path, "at": at} for at, arrived in ordered if arrived.to]
        insert_earliest(session, ContactPath, ways, ("provider", "sid", "path"))
    insert_once(session, Part, [_part(session, at, arrived) for at, arrived in ordered])


def _held(session: Session, to: Iterable[str]) -> dict[str, int]:
    """The ids of those numbers that we hold, by keyed fingerprint."""
    marks = [vault_of(session).fingerprint(number) for number in to]
    rows = session.execute(select(Number.fingerprint, Number.id).where(Number.fingerprint.in_(marks)))
    return {row[0]: row[1] for row in rows}


def _key(arrived: Arrived) -> dict[str, Any]:
    return {"provider": arrived.provider, "sid": arrived.sid}


def _heard(session: Session, at: datetime, arrived: Arrived, held: Mapping[str, int]) -> dict[str, Any]:
    vault = vault_of(session)
    return _key(arrived) | {
        "number_id": held.get(vault.fingerprint(arrived.to)),
        "at": at,
        "channel": arrived.channel,
        "sealed": vault.seal({"to": arrived.to, "sender": arrived.sender}),
        "sender_fingerprint": vault.fingerprint(arrived.sender),
    }


def _part(session: Session, at: datetime, arrived: Arrived) -> dict[str, Any]:
    heard = {"text": arrived.text, "duration": arrived.duration, "details": arrived.details}
    return _key(arrived) | {"part": arrived.part[:120], "at": at, "sealed": vault_of(session).seal(heard)}


def paths(session: Session, found: Sequence[Contact]) -> dict[int, list[str]]:
    """By contact id: the paths by which we learned of it, by name."""
    by_key: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    sids = [c.sid for c in found]
    for first in range(0, len(sids), 500):  # a statement takes only so many values
        query = select(ContactPath).where(ContactPath.sid.in_(sids[first : first + 500])).order_by(ContactPath.path)
        for row in session.scalars(query):
            by_key[row.provider, row.sid].append(row.path)
    return {c.id: by_key[c.provider, c.sid] for c in found}


def known(session: Session, provider: str, sids: Iterable[str]) -> set[str]:
    """Which of these ids of a provider are contacts already."""
    return set(session.scalars(select(Contact.sid).where(Contact.provider == provider, Contact.sid.in_(list(sids)))))


def matched(session: Session, events: Sequence[tuple[datetime, Arrived]], within: timedelta) -> dict[str, str]:
    """By the sid of an event, the sid of the contact that it is: the nearest in time with the same parties, channel and
    words, each contact for one event only. Events that stand here under their own sid are left out."""
    ours = {arrived.sid for _, arrived in events}
    taken = {c.sid for c in _of(session, events, Contact.sid.in_(ours))}
    found: dict[str, str] = {}
    for at, arrived in sorted(events, key=lambda event: event[0]):
        if arrived.sid in taken:
            continue
        mark = vault_of(session).fingerprint(arrived.sender)
        near = Contact.at.between(at - within, at + within)
        same = _of(session, events, Contact.sender_fingerprint == mark, Contact.channel == arrived.channel, near)
        free = [c for c in same if c.sid not in taken and _says(session, c, arrived)]
        if free:
            found[arrived.sid] = min(free, key=lambda c: abs(c.at - at)).sid
            taken.add(found[arrived.sid])
    return found


def _of(session: Session, events: Sequence[tuple[datetime, Arrived]], *which: Any) -> Sequence[Contact]:
    return session.scalars(select(Contact).where(Contact.provider == events[0][1].provider, *which)).all()


def _says(session: Session, contact: Contact, arrived: Arrived) -> bool:
    to = vault_of(session).open(contact.sealed)["to"]
    return arrived.to in ("", to) and heard(session, [contact])[contact.id][0].strip() == arrived.text.strip()


def calls_since(session: Session, start: datetime) -> dict[str, int]:
    """How many calls came since then, by the caller's keyed fingerprint."""
    query = select(Contact.sender_fingerprint, func.count(Contact.id)).where(Contact.at >= start)
    rows = session.execute(query.where(Contact.channel == "call").group_by(Contact.sender_fingerprint))
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True)
class Stale:
    """A contact whose kind must be derived (again); `basis` is what the derivation will have rested on."""

    contact_id: int
    basis: str
    allowed: bool
    permitted: bool


def stale(session: Session, version: int) -> list[Stale]:
    """Contacts never triaged, or since when rules, parts, canaries, the allow-list or the calendar changed."""
    parts = (
        select(func.count(Part.id)).where(Part.provider == Contact.provider, Part.sid == Contact.sid).scalar_subquery()
    )
    canaries = select(func.count(Canary.id)).where(Canary.number_id == Contact.number_id).scalar_subquery()
    query = select(Contact.id, parts, canaries, *is_permitted(), Triage.basis).outerjoin(
        Triage, Triage.contact_id == Contact.id
    )
    found = []
    for contact_id, part_count, canary_count, *may, basis in session.execute(query.order_by(Contact.id)):
        current = f"{version}:{part_count}:{canary_count}:{int(may[0])}{int(may[1])}"
        if current != basis:
            found.append(Stale(contact_id, current, *may))
    return found


def heard(session: Session, found: Sequence[Contact]) -> dict[int, tuple[str, int | None]]:
    """By contact id: all text (message, transcriptions) and the longest reported duration in seconds."""
    vault = vault_of(session)
    by_key: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    query = select(Part).where(Part.sid.in_([c.sid for c in found])).order_by(Part.part)
    for part in session.scalars(query):
        by_key[part.provider, part.sid].append(vault.open(part.sealed))
    return {c.id: _joined(by_key[c.provider, c.sid]) for c in found}


def _joined(parts: Sequence[dict[str, Any]]) -> tuple[str, int | None]:
    durations = [p["duration"] for p in parts if p["duration"] is not None]
    return "\n".join(p["text"] for p in parts if p["text"]), max(durations, default=None)


def sender(session: Session, contact: Contact) -> str:
    """Who rang or wrote, as far as the provider said."""
    opened: str = vault_of(session).open(contact.sealed)["sender"]
    return opened


@dataclass(frozen=True)
class Derived:
    """What triage made of a contact; `namings` maps canary id to the reason it was recognised."""

    contact_id: int
    basis: str
    kind: str
    reason: str
    namings: dict[int, str]


def keep_derived(session: Session, found: Sequence[Derived]) -> None:
    """Replace what was derived about these contacts."""
    queue(session, "triage")  # scheduler and command line may derive the same ones at once
    ids = [d.contact_id for d in found]
    session.execute(delete(Naming).where(Naming.contact_id.in_(ids)))
    session.execute(delete(Triage).where(Triage.contact_id.in_(ids)))
    session.execute(
        insert(Triage),
        [{"contact_id": d.contact_id, "basis": d.basis, "kind": d.kind, "reason": d.reason[:200]} for d in found],
    )
    namings = [
        {"contact_id": d.contact_id, "canary_id": canary_id, "reason": reason[:200]}
        for d in found
        for canary_id, reason in d.namings.items()
    ]
    if namings:
        session.execute(insert(Naming), namings)


def recognised_numbers(session: Session) -> set[int]:
    """Ids of numbers with a recognised contact: maternal, or naming a planted persona; never authorised ones."""
    maternal = select(Contact.number_id).join(Triage).where(Triage.kind == "maternal")
    named = (
        select(Contact.number_id)
        .join(Triage)
        .join(Naming, Naming.contact_id == Contact.id)
        .join(Canary, Canary.id == Naming.canary_id)
        .where(Canary.planted, Canary.number_id == Contact.number_id, Triage.kind != "authorised")
    )
    return {i for i in session.scalars(maternal.union(named)) if i is not None}


def contacts(session: Session, ids: Iterable[int] | None = None) -> Sequence[Contact]:
    """Contacts in the order they came, all or those of `ids`."""
    query = select(Contact).order_by(Contact.at, Contact.id).options(selectinload(Contact.number))
    return session.scalars(query.where(Contact.id.in_(list(ids))) if ids is not None else query).all()
