"""Who is a canary: the registry's side of leaving canaries out, with a log of every question from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from canary.mint.facts import Fact, Row
from canary.store import ledger, lots
from canary.store.database import queue, vault_of
from canary.store.numbers import by_e164
from canary.store.placements import facts
from canary.store.schema import Canary, ExclusionQuestion, Number, Placement, PlacementState


@dataclass(frozen=True)
class Known:
    """One planted canary as a table may show it; `phone` is E.164, or empty where only her row's `cells`, in the
    columns of `header`, tell her."""

    id: int
    code: str
    copy: str
    phone: str
    name: str
    due: date | None
    header: tuple[str, ...] = ()
    cells: Row = ()


@dataclass(frozen=True)
class Limits:
    """How many questions one token may ask in an hour and in a day."""

    hour: int
    day: int


def known(session: Session) -> list[Known]:
    """Every canary planted in a live placement, opened: keep it in memory only."""
    vault = vault_of(session)
    found = []
    with_copy = joinedload(Canary.placement).joinedload(Placement.copy)
    for canary, number in session.execute(_planted().join(Number).add_columns(Number).options(with_copy)):
        persona = facts(session, canary)
        due = persona.get(Fact.DUE_DATE)
        found.append(
            Known(
                canary.id,
                canary.code,
                canary.placement.copy.slug,
                vault.open(number.sealed),
                str(persona.get(Fact.NAME) or ""),
                due if isinstance(due, date) else None,
            )
        )
    lot = (m for m in lots.members(session) if m.planted)
    return found + [Known(m.id, m.code, m.copy, "", "", None, m.header, m.cells) for m in lot]


def holds_phone(session: Session, phone: str) -> bool:
    """Whether that E.164 number is planted somewhere, looked up by its keyed fingerprint."""
    number = by_e164(session, phone)
    return number is not None and session.scalar(_planted().where(Canary.number_id == number.id).limit(1)) is not None


def holds_person(session: Session, name: str, due: date) -> bool:
    """Whether a planted canary has that name and due date."""
    # No early end: how long the answer takes must not tell it.
    return sum((one.name, one.due) == (name, due) for one in known(session)) > 0


def ask(session: Session, at: datetime, token: str, question: str, limits: Limits) -> bool:
    """Log one question of a token; False when it has asked too many. Counted in the database, one asker after
    another, so that all workers agree. Neither token nor question is kept readable."""
    queue(session, "exclude")
    vault = vault_of(session)
    asker = vault.fingerprint(f"exclude token {token}")
    allowed = _asked(session, asker, at - timedelta(hours=1)) < limits.hour
    allowed = allowed and _asked(session, asker, at - timedelta(days=1)) < limits.day
    if not allowed and not _refused_lately(session, asker, at - timedelta(hours=1)):
        ledger.append(session, at, "exclude", {"door": "endpoint", "refused": "too many questions"})
    session.add(
        ExclusionQuestion(
            at=at, asker=asker, question=vault.fingerprint(f"exclude question {question}"), answered=allowed
        )
    )
    session.flush()
    return allowed


def record(session: Session, at: datetime, rows: int, excluded: int, doubtful: int) -> None:
    """The ledger line of one file that was searched for canaries."""
    counts = {"rows": rows, "excluded": excluded, "doubtful": doubtful}
    ledger.append(session, at, "exclude", {"door": "owner", **counts})


def questions(session: Session) -> Sequence[ExclusionQuestion]:
    """The log of questions, oldest first."""
    return session.scalars(select(ExclusionQuestion).order_by(ExclusionQuestion.id)).all()


def _planted() -> Select[Canary]:
    return select(Canary).join(Placement).where(Canary.planted, Placement.state != PlacementState.VOID)


def _asked(session: Session, asker: str, since: datetime) -> int:
    mine = (ExclusionQuestion.asker == asker, ExclusionQuestion.at > since, ExclusionQuestion.answered)
    return session.scalar(select(func.count(ExclusionQuestion.id)).where(*mine)) or 0


def _refused_lately(session: Session, asker: str, since: datetime) -> bool:
    mine = (ExclusionQuestion.asker == asker, ExclusionQuestion.at > since, ~ExclusionQuestion.answered)
    return session.scalar(select(ExclusionQuestion.id).where(*mine).limit(1)) is not None
