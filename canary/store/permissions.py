"""Who may ring: the allow-list for good, the calendar for some days; what was taken off stays on record."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from canary.store.database import vault_of
from canary.store.schema import Allowed, Contact, Permitted


@dataclass(frozen=True)
class Permission:
    """Contacts from `sender` (E.164, or as shown; "" for any) by `channel` ("" for any), from `starts` until before
    `ends`; without them for good. `entry` is its number in the calendar; since `removed` it no longer applies."""

    sender: str
    note: str
    channel: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    entry: int | None = None
    removed: datetime | None = None


def allow(session: Session, sender: str, note: str) -> None:
    """Put a caller on the allow-list: its contacts become `authorised`, and stay stored."""
    vault = vault_of(session)
    session.merge(Allowed(fingerprint=vault.fingerprint(sender), sealed=vault.seal(sender), note=note, removed_at=None))


def permit(session: Session, entry: Permission) -> None:
    """Put an entry into the calendar: contacts it fits, past and to come, become `authorised`, and stay stored."""
    vault = vault_of(session)
    who = {"fingerprint": vault.fingerprint(entry.sender), "sealed": vault.seal(entry.sender)} if entry.sender else {}
    session.add(Permitted(**who, channel=entry.channel or None, starts=entry.starts, ends=entry.ends, note=entry.note))


def permissions(session: Session) -> list[Permission]:
    """The allow-list by note, then the calendar by first day, those taken off among them."""
    vault = vault_of(session)
    callers = session.scalars(select(Allowed).order_by(Allowed.note))
    listed = [Permission(vault.open(row.sealed), row.note, removed=row.removed_at) for row in callers]
    calendar = session.scalars(select(Permitted).order_by(Permitted.starts, Permitted.id))
    return listed + [_entry(session, row) for row in calendar]


def _entry(session: Session, row: Permitted) -> Permission:
    sender = vault_of(session).open(row.sealed) if row.sealed else ""
    return Permission(sender, row.note, row.channel or "", row.starts, row.ends, row.id, row.removed_at)


def is_allowed(session: Session, sender: str) -> bool:
    """Whether this caller stands on the allow-list now."""
    row = session.get(Allowed, vault_of(session).fingerprint(sender))
    return row is not None and row.removed_at is None


def remove(session: Session, at: datetime, sender: str = "", entry: int | None = None) -> Permission | None:
    """Take a caller off the allow-list, or an entry out of the calendar; what it was, None if there is none in force.
    What came until then stays `authorised`, so that a second thought never makes evidence."""
    row: Permitted | Allowed | None
    if entry is not None:
        row = session.get(Permitted, entry)
    else:
        row = session.get(Allowed, vault_of(session).fingerprint(sender))
    if row is None or row.removed_at is not None:
        return None
    row.removed_at = at
    return _entry(session, row) if isinstance(row, Permitted) else Permission(sender, row.note, removed=at)


def is_permitted() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Of a contact in a query: whether the allow-list, and whether the calendar has it."""
    listed = exists().where(Allowed.fingerprint == Contact.sender_fingerprint, _in_force(Allowed.removed_at))
    dated = exists().where(
        or_(Permitted.fingerprint.is_(None), Permitted.fingerprint == Contact.sender_fingerprint),
        or_(Permitted.channel.is_(None), Permitted.channel == Contact.channel),
        Permitted.starts <= Contact.at,
        Contact.at < Permitted.ends,
        _in_force(Permitted.removed_at),
    )
    return listed, dated


def _in_force(removed_at: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    return or_(removed_at.is_(None), Contact.at < removed_at)
