"""Contacts entered by hand: WeChat, complaint hotline, a letter, a bought look-up."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from canary.errors import CanaryError
from canary.listen.intake import arrived
from canary.listen.providers.base import Channel, Event
from canary.store import contacts, ledger, numbers, placements
from canary.store.e164 import normalise

PROVIDER = "hand"


@dataclass(frozen=True)
class Sighting:
    """What somebody saw: on which number, or about which canary (its code); `via` says through what."""

    via: str
    text: str
    sender: str = ""
    number: str = ""
    canary: str = ""
    entered_by: str = ""


def enter(session: Session, now: datetime, seen_at: datetime, sighting: Sighting) -> str:
    """Store a sighting as a contact; returns its id at provider `hand`. Raises CanaryError on a number or
    canary we do not hold, and on a time in the future."""
    if seen_at > now:
        raise CanaryError(f"seen at {seen_at:%Y-%m-%d %H:%M}, which is in the future", "check --at")
    if not sighting.via.strip():
        raise CanaryError("a sighting came through something", "--via wechat, hotline, letter, look-up, …")
    to = _number(session, sighting)
    sid = f"SI{secrets.token_hex(16)}"
    details = {"via": sighting.via, "entered_by": sighting.entered_by, "entered_at": now.isoformat()}
    event = Event(sid, "contact", Channel.SIGHTING, to, sighting.sender, sighting.text, None, details)
    contacts.record(session, seen_at, arrived(PROVIDER, "sighting", event))
    ledger.append(session, now, "sighting", {"sid": sid, "via": sighting.via, "seen_at": seen_at.isoformat()})
    return sid


def _number(session: Session, sighting: Sighting) -> str:
    if bool(sighting.number) == bool(sighting.canary):
        raise CanaryError("a sighting is about one number or one canary", "give --number or --canary")
    if sighting.canary:
        number = placements.canary_of(session, sighting.canary).number
        if number is None:
            raise CanaryError(f"canary {sighting.canary} has no telephone number", "`canary scan` reads what turned up")
        return numbers.e164(session, number)
    e164 = normalise(sighting.number)
    held = e164 and numbers.by_e164(session, e164)
    if not held:
        raise CanaryError(f"we hold no number {sighting.number}", "see `canary number list --reveal`")
    return str(e164)
