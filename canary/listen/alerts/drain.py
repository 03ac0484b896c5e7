"""Emptying the outbox: every alert at least once through its channel, by one process at a time."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from canary.errors import OutsideError
from canary.listen.alerts.base import SECONDS, Channel, Message, Severity
from canary.store import outbox
from canary.store.database import Store
from canary.store.operation import Alert

BATCH = 10
# Longer than a batch of which every message takes its channel's whole patience, some steps of a dialogue each.
CLAIM = timedelta(seconds=6 * BATCH * SECONDS)


def drain(store: Store, channels: Mapping[str, Channel], now: Callable[[], datetime]) -> tuple[int, int]:
    """Send what is due; returns how many went out and how many tries failed. A channel that fails is left alone for
    the rest of the batch. Safe while others do the same, and after a crash at any point: an alert may then come
    twice, under the same key."""
    gone = failures = 0
    while True:
        with store.writing() as session:
            batch = outbox.claim(session, now(), CLAIM, BATCH)
        if not batch:
            return gone, failures
        broken: set[str] = set()
        for alert in batch:
            if alert.channel in broken:
                with store.writing() as session:
                    outbox.put_off(session, [alert.id], now() + outbox.FIRST_PAUSE)
                continue
            error = _tried(channels.get(alert.channel), alert)
            with store.writing() as session:
                if error:
                    outbox.failed(session, alert.id, now(), error)
                else:
                    outbox.sent(session, alert.id, now())
            if error:
                broken.add(alert.channel)
            gone, failures = gone + (not error), failures + bool(error)


def _tried(channel: Channel | None, alert: Alert) -> str:
    """What went wrong, "" if nothing did."""
    if channel is None:
        return f"{alert.channel} is not set up any more"
    try:
        channel.send(message(alert))
    except OutsideError as error:
        return error.message
    return ""


def message(alert: Alert) -> Message:
    """An alert as its channel says it."""
    return Message(alert.key, alert.at, alert.scope, Severity(alert.severity), alert.title, alert.text)
