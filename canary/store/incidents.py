"""Incidents: what is wrong or new, each said once, again when it changes, and when it is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload

from canary.store import outbox
from canary.store.database import insert_once, queue
from canary.store.operation import Alerted, Incident
from canary.store.schema import Canary, Contact, Copy, Naming, Number, Placement, PlacementState, Triage

SENDER = "sender"


@dataclass(frozen=True)
class Sign:
    """Something found wrong, by a key within its scope; said again when `state` changes. Codes only."""

    key: str
    state: str
    severity: str
    title: str
    text: str


def settle(session: Session, at: datetime, scope: str, found: Iterable[Sign], channels: Iterable[str]) -> int:
    """Bring a scope to what was found now: alert what is new or changed, and what is over; returns how many alerts
    that made a channel."""
    queue(session, "incidents")
    rows = {row.key: row for row in session.scalars(select(Incident).where(Incident.scope == scope))}
    channels, said, seen = list(channels), 0, set()
    for sign in found:
        seen.add(sign.key)
        if _news(session, rows.get(sign.key), at, scope, sign):
            outbox.put(session, at, channels, _said(scope, sign.severity, sign.title, sign.text))
            said += 1
    for row in rows.values():
        if row.key not in seen and row.closed_at is None:
            row.closed_at = at
            since = f"It began {row.opened_at:%Y-%m-%d %H:%M} UTC."
            outbox.put(session, at, channels, _said(scope, "info", f"Over: {row.title}", since))
            said += 1
    return said


def _news(session: Session, row: Incident | None, at: datetime, scope: str, sign: Sign) -> bool:
    if row is not None and row.closed_at is None and row.state == sign.state[:200]:
        return False
    if row is None:
        row = Incident(scope=scope, key=sign.key[:120], opened_at=at)
        session.add(row)
    elif row.closed_at is not None:
        row.opened_at, row.count = at, 0
    row.state, row.title, row.last_at, row.closed_at = sign.state[:200], sign.title[:200], at, None
    row.count = (row.count or 0) + 1
    return True


def _said(scope: str, severity: str, title: str, text: str) -> dict[str, str]:
    return {"scope": scope, "severity": severity, "title": title, "text": text}


@dataclass(frozen=True)
class Fresh:
    """A recognised contact on a planted number that no alert has looked at; `copies` it may have come from."""

    contact: Contact
    kind: str
    copies: tuple[str, ...]


def fresh(session: Session, most: int = 500) -> list[Fresh]:
    """Contacts that are evidence (named or maternal, never authorised) and have not been looked at, oldest first."""
    own = (
        select(Naming.contact_id)
        .join(Canary, Canary.id == Naming.canary_id)
        .where(Canary.planted, Canary.number_id == Contact.number_id, Naming.contact_id == Contact.id)
        .exists()
    )
    live = (Placement.state != PlacementState.VOID, Canary.planted)
    planted = exists().where(Canary.number_id == Contact.number_id, Placement.id == Canary.placement_id, *live)
    query = (
        select(Contact, own)
        .join(Triage, Triage.contact_id == Contact.id)
        .outerjoin(Alerted, Alerted.contact_id == Contact.id)
        .where(Alerted.contact_id.is_(None), planted, Triage.kind != "authorised")
        .where(own | (Triage.kind == "maternal"))
        .options(joinedload(Contact.number))
    )
    rows = session.execute(query.order_by(Contact.at, Contact.id).limit(most)).all()
    copies = _copies(session, {contact.number_id for contact, _ in rows if contact.number_id is not None})
    return [Fresh(c, "named" if names else "maternal", copies.get(c.number_id or 0, ())) for c, names in rows]


def _copies(session: Session, number_ids: set[int]) -> Mapping[int, tuple[str, ...]]:
    query = (
        select(Number.id, Copy.slug)
        .join(Canary, Canary.number_id == Number.id)
        .join(Placement, Placement.id == Canary.placement_id)
        .join(Copy, Copy.id == Placement.copy_id)
        .where(Canary.planted, Placement.state != PlacementState.VOID, Number.id.in_(number_ids))
        .order_by(Copy.slug)
    )
    found: dict[int, tuple[str, ...]] = {}
    for number_id, slug in session.execute(query):
        found[number_id] = (*found.get(number_id, ()), slug)
    return found


def looked_at(session: Session, contact_id: int) -> None:
    """No alert need look at this contact again."""
    insert_once(session, Alerted, {"contact_id": contact_id})


def meet(session: Session, at: datetime, keys: Sequence[str], title: str, again: timedelta) -> bool:
    """Note the marks of a sender (its number, a callback number, a link); says whether to alert: one of them was
    never met before, or all have been quiet for `again`."""
    rows = {r.key: r for r in session.scalars(select(Incident).where(Incident.scope == SENDER, Incident.key.in_(keys)))}
    alert = len(rows) < len(set(keys)) or all(at - row.last_at >= again for row in rows.values())
    for key in dict.fromkeys(keys):
        row = rows.get(key)
        if row is None:
            row = Incident(scope=SENDER, key=key, state="", title=title, opened_at=at, last_at=at, count=0)
            session.add(row)
        row.count += 1
        row.last_at = max(row.last_at, at)
    session.flush()
    return alert


def incidents(session: Session, open_only: bool = True) -> Sequence[Incident]:
    """Incidents, newest first; senders are never closed."""
    query = select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc())
    return session.scalars(query.where(Incident.closed_at.is_(None)) if open_only else query).all()
