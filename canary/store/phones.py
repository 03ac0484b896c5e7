"""What phones told of themselves: parts that belong to no contact, under the phone's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from canary.store.database import vault_of
from canary.store.schema import Part

PREFIX = "phone:"
STATE, SIMS = "state:", "sims:"


@dataclass(frozen=True)
class Told:
    """When a phone was heard of last, its last state and when it told that, and its SIMs as told last and first since
    some moment."""

    seen: datetime
    state_at: datetime
    state: Mapping[str, str] = field(default_factory=dict)
    sims_now: Mapping[str, str] = field(default_factory=dict)
    sims_then: Mapping[str, str] = field(default_factory=dict)


def told(session: Session, provider: str, since: datetime) -> dict[str, Told]:
    """By name, what each phone of a provider told."""
    mine = (Part.provider == provider, Part.sid.startswith(PREFIX, autoescape=True))
    sids = session.scalars(select(Part.sid).where(*mine).distinct().order_by(Part.sid))
    return {sid.removeprefix(PREFIX): _told(session, provider, sid, since) for sid in sids}


def _told(session: Session, provider: str, sid: str, since: datetime) -> Told:
    mine = select(Part).where(Part.provider == provider, Part.sid == sid)
    newest = mine.order_by(Part.at.desc(), Part.id.desc()).limit(1)
    sims = Part.part.startswith(SIMS)
    last = session.scalars(newest).one()
    then = session.scalar(mine.where(sims, Part.at >= since).order_by(Part.at, Part.id).limit(1))
    state = session.scalar(newest.where(Part.part.startswith(STATE)))
    details = (_details(session, part) for part in (state, session.scalar(newest.where(sims)), then))
    return Told(last.at, state.at if state else last.at, *details)


def _details(session: Session, part: Part | None) -> Mapping[str, str]:
    return dict(vault_of(session).open(part.sealed)["details"]) if part else {}
