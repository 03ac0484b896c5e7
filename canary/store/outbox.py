"""The outbox of alerts: kept until delivered, tried again ever later, by one process at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from canary.store.database import queue
from canary.store.operation import Alert

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)


def put(session: Session, at: datetime, channels: Iterable[str], said: dict[str, str]) -> None:
    """Keep one alert for every channel; `said` are its scope, severity, title and text."""
    fitting = {**said, "title": said["title"][:200], "text": said["text"][:4000]}
    session.add_all(Alert(key=uuid4().hex, channel=channel, at=at, next_at=at, **fitting) for channel in channels)


def claim(session: Session, now: datetime, lasting: timedelta, most: int) -> list[Alert]:
    """The alerts that are due, oldest first, ours alone until `lasting` is over: whoever dies in between has not
    lost them, and whoever comes second does not send them too."""
    queue(session, "alerts")
    due = select(Alert).where(Alert.sent_at.is_(None), Alert.next_at <= now).order_by(Alert.id).limit(most)
    found = list(session.scalars(due))
    for alert in found:
        alert.next_at = now + lasting
    return found


def sent(session: Session, alert_id: int, at: datetime) -> None:
    """Note a delivery."""
    session.execute(update(Alert).where(Alert.id == alert_id).values(sent_at=at, error=""))


def failed(session: Session, alert_id: int, now: datetime, error: str) -> None:
    """Note a failure, and try again later: after 1, 2, 4 … minutes, at last every six hours. Never given up."""
    alert = session.get_one(Alert, alert_id)
    alert.attempts += 1
    alert.error = error[:300]
    alert.next_at = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(alert.attempts - 1, 20))


def put_off(session: Session, ids: Sequence[int], until: datetime) -> None:
    """Give back alerts that were claimed but not tried, for their channel has just failed."""
    session.execute(update(Alert).where(Alert.id.in_(ids)).values(next_at=until))


def alerts(session: Session, most: int = 100) -> Sequence[Alert]:
    """The newest alerts, newest first."""
    return session.scalars(select(Alert).order_by(Alert.id.desc()).limit(most)).all()


def stuck(session: Session, tries: int = 3) -> dict[str, tuple[int, str]]:
    """By channel: how many alerts were tried so often in vain, and the last error."""
    query = select(Alert.channel, func.count(), func.max(Alert.error)).where(Alert.sent_at.is_(None))
    rows = session.execute(query.where(Alert.attempts >= tries).group_by(Alert.channel))
    return {channel: (count, error) for channel, count, error in rows}


def waiting(session: Session) -> int:
    """How many alerts are not delivered yet."""
    return session.scalar(select(func.count()).select_from(Alert).where(Alert.sent_at.is_(None))) or 0
