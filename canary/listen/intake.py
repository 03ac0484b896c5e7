"""The intake that loses nothing: save the raw request, then verify, answer, and read it when there is time."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from canary.errors import CanaryError, OutsideError
from canary.listen.group import Group
from canary.listen.later import Later
from canary.listen.providers.base import Event, Provider, RawRequest, Reply, Signature
from canary.store import contacts, deliveries
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.deliveries import Delivered
from canary.store.e164 import normalise
from canary.store.spool import Spool

MAX_BODY = 256 * 1024
REST_SECONDS = 5.0  # for how long a database that failed twice is not asked: each asking may take seconds
TOGETHER = 32  # deliveries taken up again in one transaction: each may be as large as we take
LEFT_BEHIND = timedelta(minutes=1)  # by then a living server has judged its own; twice would do no harm
FORBIDDEN = Reply(403, "signature not accepted", "text/plain")
UNAVAILABLE = Reply(503, "try again", "text/plain")
TOO_LARGE = Reply(413, "too large", "text/plain")
PATHS = {"events": "stream", "sighting": "hand"}
UNKNOWN = Reply(404, "no such hook", "text/plain")


@dataclass
class Intake:
    """One server's intake over a store, the spool beside it, and its providers by name; `now` is the clock."""

    store: Store
    spool: Spool
    providers: Mapping[str, Provider]
    now: Callable[[], datetime]
    _resting_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.later: Later[Kept] | None = None  # who settles what is kept; nobody: whoever keeps it
        self._group = Group(self._keep_together, self.store.turn)

    def receive(self, provider_name: str, endpoint: str, request: RawRequest) -> Reply:
        """Keep the request durably, in the database or else in the spool, then say what it is. Only a stored request is
        answered 2xx or 403; when both are gone the answer is 503, so that the sender's own fallback acts."""
        provider = self.providers.get(provider_name)
        if provider is None or endpoint not in provider.endpoints:
            return UNKNOWN
        request = replace(request, at=self.now())
        delivered = _delivered(provider_name, endpoint, request)
        try:
            kept = self._keep(delivered)
        except OutsideError:
            return UNAVAILABLE
        signature = _verified(provider, request)
        if kept:
            signature = self._conclude(Kept(delivered, request, signature), provider)
        return _answer(provider, endpoint, signature)

    def resume(self, after: timedelta = LEFT_BEHIND) -> int:
        """Judge the deliveries that a dying server left between "kept" and "judged", or that were too many to judge at
        once; returns how many. Those of a provider that is no longer configured stay as they are."""
        with self.store.reading() as session:
            left = deliveries.unconcluded(session, self.now(), after)
        judged = 0
        # Some at a time: a flood leaves more than the memory holds.
        for start in range(0, len(left), TOGETHER):
            with self.store.reading() as session:
                found = deliveries.delivered(session, left[start : start + TOGETHER], self.providers)
            self.settle_all([self._again(delivered) for delivered in found])
            judged += len(found)
        return judged

    def drain(self) -> int:
        """Move what waits in the spool into the database, oldest first, and judge it; returns how many. Safe while
        others do the same, and after a crash at any point: a delivery kept under its key is not kept again."""
        moved = 0
        with self.spool.alone() as mine:
            for path in self.spool.waiting() if mine else ():
                try:
                    delivered = self.spool.read(path)
                except CanaryError:  # sealed with a key we lack: it waits until that key is back
                    continue
                with self.store.writing() as session:
                    deliveries.keep(session, delivered)
                self.spool.remove(path)
                moved += 1
                if delivered.provider in self.providers:
                    self.settle([self._again(delivered)])
        return moved

    def settle_all(self, found: Sequence["Kept"]) -> None:
        """Settle many at once, or one by one where some cannot be: one that the database does not take must not hold
        up the others. Raises OutsideError when the database is gone."""
        try:
            self.settle(found)
        except OutsideError:
            self.store.ping()
            for kept in found:
                with suppress(OutsideError):
                    self.settle([kept])

    def settle(self, found: Sequence["Kept"]) -> list[Signature | None]:
        """Read deliveries that are kept, and note what they are and say; returns what each turned out to be."""
        judged = [_judged(self.providers[kept.delivered.provider], kept) for kept in found]
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            stamped = [_stamped(session, each) for each in judged]
            ids = deliveries.ids(session, [each.delivered.key for each in stamped])
            deliveries.conclude(session, [(ids[e.delivered.key], e.kept_as, e.error) for e in stamped])
            contacts.record_all(session, [event for each in stamped for event in each.events])
        return [each.signature for each in stamped]

    def _keep(self, delivered: Delivered) -> bool:
        """Keep a delivery; whether in the database, for else it went to the spool."""
        if time.monotonic() >= self._resting_until:
            # A dropped connection or a lock that ran out: the pool hands out a fresh one the second time.
            with suppress(OutsideError):
                return self._group.do(deliveries.sealed(self.store.vault, delivered))
            with suppress(OutsideError), self.store.writing() as session:
                deliveries.keep(session, delivered)
                return True
            self._resting_until = time.monotonic() + REST_SECONDS
        try:
            self.spool.keep(delivered)
        except OutsideError:
            self._resting_until = 0.0  # the sender's next try may find the database back
            raise
        return False

    def _keep_together(self, group: Sequence[deliveries.Row]) -> list[bool]:
        with self.store.appending() as connection:
            deliveries.keep_all(connection, group)
        return [True] * len(group)

    def _conclude(self, kept: "Kept", provider: Provider) -> Signature | None:
        """What a delivery is. Where that rests on what came before, it is settled at once; else later, if that is
        somebody's task."""
        unrepeatable = kept.signature is Signature.GOOD and provider.once(kept.request)
        if self.later is not None and not unrepeatable:
            self.later.add(kept)
            return kept.signature
        with suppress(OutsideError):  # it is kept: `resume` judges it
            return self.settle([kept])[0]
        return kept.signature

    def _again(self, delivered: Delivered) -> "Kept":
        request = _raw(delivered)
        return Kept(delivered, request, _verified(self.providers[delivered.provider], request))


@dataclass(frozen=True)
class Kept:
    """A delivery that is stored; `signature` is None for a body too large to look at."""

    delivered: Delivered
    request: RawRequest
    signature: Signature | None

    @property
    def kilobytes(self) -> int:
        """What it takes of the memory, roughly, while it waits to be read."""
        return 1 + len(self.request.body) // 1024


@dataclass(frozen=True)
class _Judged:
    """What verification and reading made of a delivery."""

    delivered: Delivered
    signature: Signature | None
    error: str = ""
    stamp: str = ""
    events: tuple[tuple[datetime, Arrived], ...] = ()

    @property
    def kept_as(self) -> Signature:
        """The signature as it is stored."""
        return self.signature or Signature.BAD


def _verified(provider: Provider, request: RawRequest) -> Signature | None:
    """None for a body too large to be looked at."""
    return None if len(request.body) > MAX_BODY else provider.verify(request)


def _judged(provider: Provider, kept: Kept) -> _Judged:
    """What a delivery is and says. Never raises: whatever a sender thinks of, all others must be judged."""
    delivered, signature = kept.delivered, kept.signature
    if signature is not Signature.GOOD:
        return _Judged(delivered, signature, "" if signature else "body too large, kept cut off")
    try:
        events = provider.parse(delivered.endpoint, kept.request)
    except Exception as error:
        # Signed but unreadable: kept with the reason, and accepted, for a retry would read no better.
        said = str(error) if isinstance(error, CanaryError) else f"not understood: {type(error).__name__}"
        return _Judged(delivered, signature, said)
    found = tuple((e.at or kept.request.at, arrived(provider.name, delivered.endpoint, e)) for e in events)
    return _Judged(delivered, signature, "", provider.once(kept.request), found)


def _stamped(session: Session, judged: _Judged) -> _Judged:
    """The judgement once its stamp, if it has one, is spent: what comes under a used one is not believed."""
    if not judged.stamp:
        return judged
    delivered = judged.delivered
    if deliveries.spend(session, delivered.provider, judged.stamp, base64.b64decode(delivered.request["body"]).hex()):
        return judged
    return _Judged(delivered, Signature.BAD, "its stamp came with another body before")


def _answer(provider: Provider, endpoint: str, signature: Signature | None) -> Reply:
    if signature is None:
        return TOO_LARGE
    return provider.reply(endpoint) if signature is Signature.GOOD else FORBIDDEN


def _delivered(provider: str, endpoint: str, request: RawRequest) -> Delivered:
    body = base64.b64encode(request.body[: MAX_BODY + 1]).decode()
    raw = {"url": request.url, "headers": dict(request.headers), "body": body}
    return Delivered(deliveries.new_key(), request.at, provider, endpoint, raw)


def _raw(delivered: Delivered) -> RawRequest:
    raw = delivered.request
    return RawRequest(raw["url"], raw["headers"], base64.b64decode(raw["body"]), delivered.at)


def arrived(provider: str, endpoint: str, event: Event, path: str = "") -> Arrived:
    """An event as the store keeps it: numbers in one spelling, raw spelling where they are none. `path` is how we
    learned of it, told by the endpoint if it is empty."""
    part = event.part
    if part == "contact":
        # A status callback without text must not shut out the text; the same text by two paths is kept once.
        part = "contact:text" if event.text else f"contact:{endpoint}"
    return Arrived(
        provider=provider,
        sid=event.sid,
        part=part,
        channel=event.channel.value,
        to=normalise(event.to) or event.to,
        sender=normalise(event.sender) or event.sender,
        text=event.text,
        duration=event.duration,
        details=dict(event.details),
        path=path or PATHS.get(endpoint, "webhook"),
    )
