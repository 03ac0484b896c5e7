"""Drills: texts to ourselves, whether they came through, and what was made of them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from canary.store import contacts
from canary.store.database import vault_of
from canary.store.numbers import e164
from canary.store.operation import Drill, Rental
from canary.store.schema import Contact, Factor, Number, NumberState, Triage

UNFINISHED = "stopped before it ended"


@dataclass(frozen=True)
class Target:
    """A number to drill."""

    number_id: int
    code: str
    number: str


def target(session: Session, not_this: str, code: str | None = None) -> Target | None:
    """The rented number that was drilled longest ago, or that of `code`; never the one we send from."""
    last = select(func.max(Drill.at)).where(Drill.number_id == Number.id).scalar_subquery()
    query = select(Number).join(Rental, Rental.number_id == Number.id).where(Number.state != NumberState.RELEASED)
    if code is not None:
        query = query.where(Number.code == code)
    for number in session.scalars(query.order_by(last.is_(None).desc(), last, Number.id)):
        if (spelled := e164(session, number)) != not_this:
            return Target(number.id, number.code, spelled)
    return None


def start(session: Session, at: datetime, number_id: int) -> int:
    """Note that a drill begins; until it ends it counts as broken."""
    drill = Drill(at=at, number_id=number_id, problem=UNFINISHED)
    session.add(drill)
    session.flush()
    return drill.id


def finish(session: Session, drill_id: int, path: str, seconds: dict[str, float], problem: str) -> None:
    """Note how far it came: `seconds` has stored, sorted and judged as far as they were reached."""
    drill = session.get_one(Drill, drill_id)
    drill.path, drill.problem = path, problem[:300]
    drill.stored, drill.sorted, drill.judged = (seconds.get(step) for step in ("stored", "sorted", "judged"))


def last(session: Session) -> Drill | None:
    """The newest drill."""
    return session.scalar(select(Drill).order_by(Drill.id.desc()).limit(1))


def arrived(session: Session, sender: str, number_id: int, words: str) -> tuple[int, list[str]] | None:
    """The contact that carries these words from us to that number, and the paths it came by, or None so far."""
    fingerprint = vault_of(session).fingerprint(sender)
    query = select(Contact).where(Contact.number_id == number_id, Contact.sender_fingerprint == fingerprint)
    newest = session.scalars(query.order_by(Contact.id.desc()).limit(20)).all()
    heard = contacts.heard(session, newest)
    for contact in newest:
        if words in heard[contact.id][0]:
            return contact.id, contacts.paths(session, [contact])[contact.id]
    return None


def made_of(session: Session, contact_id: int) -> tuple[str, bool]:
    """The kind a contact was sorted as, and whether it counted in anybody's score."""
    kind = session.scalar(select(Triage.kind).where(Triage.contact_id == contact_id)) or "nothing"
    counted = session.scalar(select(func.count(Factor.id)).where(Factor.contact_id == contact_id)) or 0
    return kind, counted > 0
