"""What a provider's own log says, beside what reached us: contacts that are missing, and the truth about quarantine."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from canary.errors import CanaryError, OutsideError
from canary.listen.intake import arrived
from canary.listen.providers.base import Event, Provider, RawRequest
from canary.store import contacts, deliveries, ledger
from canary.store.database import Store
from canary.store.deliveries import Delivered
from canary.store.e164 import normalise

LAG = timedelta(hours=1)  # a log may be late: only what is older can be refuted by not standing there
BATCH = 200
CONFIRMED, REFUTED = "confirmed", "refuted"
Log = dict[str, dict[str, Event]]  # by sid, by part


@dataclass(frozen=True)
class Reconciled:
    """What one provider's log gave: events read, contacts that were missing, quarantined requests confirmed and
    refuted; `problem` is why the log could not be read to its end, "" if it was."""

    provider: str
    read: int
    added: int
    confirmed: int
    refuted: int
    problem: str = ""


def reconcile(store: Store, providers: Mapping[str, Provider], now: datetime, back: timedelta) -> list[Reconciled]:
    """Read every provider's log as far `back` and store what it has. Safe to run twice, by anyone, at any time."""
    found = [_one(store, provider, now, now - back) for provider in providers.values()]
    return [result for result in found if result is not None]


def _one(store: Store, provider: Provider, now: datetime, since: datetime) -> Reconciled | None:
    log = provider.backfill(since)
    if log is None:
        return None
    events, problem = _read(log)
    if provider.alike:
        events = _same(
            store, provider.name, [e for e in events if e.at and e.at < now - provider.alike], provider.alike
        )
    added = _store(store, provider.name, now, events)
    # A log without ids cannot tell which request is meant.
    results = [] if provider.alike else _review(store, provider, now, (since, problem == ""), events)
    counted = Reconciled(provider.name, len(events), added, results.count(CONFIRMED), results.count(REFUTED), problem)
    if added or results:
        with store.writing() as session:
            ledger.append(session, now, "reconciled", asdict(counted))
    return counted


def _read(log: Iterable[Event]) -> tuple[list[Event], str]:
    events: list[Event] = []
    try:
        for event in log:
            events.append(event)  # noqa: PERF402 - what came before an error is kept
    except OutsideError as error:
        return events, error.message
    return events, ""


def _same(store: Store, provider: str, events: Sequence[Event], within: timedelta) -> list[Event]:
    """The events under the ids that their contacts have here, where a log knows none. Let them be so old that no try
    of the sender's can follow, for that would come under an id of its own."""
    known = [(event.at, arrived(provider, "log", event)) for event in events if event.at]
    if not known:
        return []
    with store.reading() as session:
        here = contacts.matched(session, known, within)
    return [replace(event, sid=here.get(event.sid, event.sid)) for event in events]


def _store(store: Store, provider: str, now: datetime, events: Sequence[Event]) -> int:
    added, left = 0, iter(events)
    # In batches, so that a long log never holds the write lock while a webhook waits for it.
    while batch := list(islice(left, BATCH)):
        sids = {event.sid for event in batch if event.part == "contact" and event.to}
        with store.writing() as session:
            added += len(sids - contacts.known(session, provider, sids))
            for event in batch:
                way = event.path or "backfill"
                contacts.record(session, event.at or now, arrived(provider, event.path or "log", event, way))
    return added


def _review(
    store: Store, provider: Provider, now: datetime, reach: tuple[datetime, bool], events: Sequence[Event]
) -> list[str]:
    since, whole = reach
    log: Log = {}
    for event in (event for event in events if not event.path):  # an alert tells what was sent, not what is so
        log.setdefault(event.sid, {})[event.part] = event
    with store.reading() as session:
        waiting = deliveries.unreviewed(session, provider.name, since)
    results = []
    for delivery_id, delivered in waiting:
        claimed = _claimed(provider, delivered)
        result = _compared(claimed, log)
        if result is None or (result == REFUTED and not (whole and delivered.at < now - LAG)):
            continue
        with store.writing() as session:
            deliveries.review(session, delivery_id, result, now)
            for event in claimed if result == CONFIRMED else ():
                contacts.record(session, delivered.at, arrived(provider.name, delivered.endpoint, event, "confirmed"))
        results.append(result)
    return results


def _claimed(provider: Provider, delivered: Delivered) -> tuple[Event, ...]:
    raw = delivered.request
    request = RawRequest(raw["url"], raw["headers"], base64.b64decode(raw["body"]), delivered.at)
    try:
        return provider.parse(delivered.endpoint, request)
    except CanaryError:
        return ()


def _compared(claimed: Sequence[Event], log: Log) -> str | None:
    """Confirmed if the log has all that is claimed, refuted if it contradicts, None where it cannot tell."""
    if any(event.sid not in log or not _agrees(event, log[event.sid].get(event.part)) for event in claimed):
        return REFUTED
    return CONFIRMED if claimed and all(event.part in log[event.sid] for event in claimed) else None


def _agrees(claimed: Event, logged: Event | None) -> bool:
    if logged is None or claimed.part != "contact":
        return True  # the log tells less of statuses and words spoken than webhooks do
    pairs = (claimed.to, logged.to), (claimed.sender, logged.sender)
    same = all((normalise(one) or one) == (normalise(two) or two) for one, two in pairs)
    return same and claimed.text.strip() == logged.text.strip()
