"""The intake that loses nothing: what a request is and says is stored with it, durably, before it is answered."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from canary.errors import CanaryError, OutsideError
from canary.listen.group import Group
from canary.listen.providers.base import Event, Provider, RawRequest, Reply, Signature
from canary.store import contacts, deliveries
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.deliveries import Delivered
from canary.store.e164 import normalise
from canary.store.spool import Spool

MAX_BODY = 256 * 1024
REST_SECONDS = 5.0  # for how long a database that failed twice is not asked: each asking may take seconds
LEFT_BEHIND = timedelta(minutes=1)  # longer than any request takes: a living one is never judged twice
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
        self._group = Group(self._together)

    def receive(self, provider_name: str, endpoint: str, request: RawRequest) -> Reply:
        """Judge the request and keep it durably, whatever the judgement: in the database or else in the spool. Only a
        stored request is answered 2xx or 403; when both are gone the answer is 503, so that the sender's own fallback
        acts. Reading it first costs nothing: what goes wrong there is a judgement too, and nothing is answered yet."""
        provider = self.providers.get(provider_name)
        if provider is None or endpoint not in provider.endpoints:
            return UNKNOWN
        request = replace(request, at=self.now())
        judged = _judged(provider, _delivered(provider_name, endpoint, request), request)
        try:
            signature = self._keep(judged)
        except OutsideError:
            return UNAVAILABLE
        return _answer(provider, endpoint, signature)

    def resume(self) -> int:
        """Judge the deliveries a dying server left between "kept" and "judged"; returns how many. Those of a
        provider that is no longer configured stay as they are."""
        with self.store.reading() as session:
            left = deliveries.unconcluded(session, self.now() - LEFT_BEHIND)
        known = [(kept, delivered) for kept, delivered in left if delivered.provider in self.providers]
        for kept, delivered in known:
            self._judge_again(kept, delivered)
        return len(known)

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
                    kept = deliveries.keep(session, delivered)
                self.spool.remove(path)
                moved += 1
                if delivered.provider in self.providers:
                    self._judge_again(kept, delivered)
        return moved

    def _keep(self, judged: "Judged") -> Signature | None:
        """What the request is, once it is kept: in a group with others, else alone, else in the spool."""
        if time.monotonic() >= self._resting_until:
            for way in (self._group.do, self._alone):
                # A dropped connection or a lock that ran out: the pool hands out a fresh one the second time.
                with suppress(OutsideError):
                    return way(judged)
            self._resting_until = time.monotonic() + REST_SECONDS
        try:
            self.spool.keep(judged.delivered)
        except OutsideError:
            self._resting_until = 0.0  # the sender's next try may find the database back
            raise
        return judged.signature

    def _together(self, group: Sequence["Judged"]) -> list[Signature | None]:
        with self.store.writing() as session:
            stamped = [_stamped(session, judged) for judged in group]
            ids = deliveries.keep_all(session, [judged.delivered for judged in stamped])
            deliveries.conclude_all(session, [(i, j.kept_as, j.error) for i, j in zip(ids, stamped, strict=True)])
            contacts.record_all(session, [event for judged in stamped for event in judged.events])
        return [judged.signature for judged in stamped]

    def _alone(self, judged: "Judged") -> Signature | None:
        with self.store.writing() as session:
            return _settle(session, deliveries.keep(session, judged.delivered), judged)

    def _judge_again(self, kept: int, delivered: Delivered) -> None:
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            _settle(session, kept, _judged(self.providers[delivered.provider], delivered, _raw(delivered)))


@dataclass(frozen=True)
class Judged:
    """A delivery and what verification and reading made of it; `signature` is None for a body too large to look at."""

    delivered: Delivered
    signature: Signature | None
    error: str = ""
    stamp: str = ""
    events: tuple[tuple[datetime, Arrived], ...] = ()

    @property
    def kept_as(self) -> Signature:
        """The signature as it is stored."""
        return self.signature or Signature.BAD


def _judged(provider: Provider, delivered: Delivered, request: RawRequest) -> Judged:
    """What a request is and says. Never raises: whatever a sender thinks of, it must be kept."""
    if len(request.body) > MAX_BODY:
        return Judged(delivered, None, "body too large, kept cut off")
    signature = provider.verify(request)
    if signature is not Signature.GOOD:
        return Judged(delivered, signature)
    try:
        events = provider.parse(delivered.endpoint, request)
    except Exception as error:
        # Signed but unreadable: kept with the reason, and accepted, for a retry would read no better.
        said = str(error) if isinstance(error, CanaryError) else f"not understood: {type(error).__name__}"
        return Judged(delivered, signature, said)
    found = tuple((e.at or request.at, arrived(provider.name, delivered.endpoint, e)) for e in events)
    return Judged(delivered, signature, "", provider.once(request), found)


def _stamped(session: Session, judged: Judged) -> Judged:
    """The judgement once its stamp, if it has one, is spent: what comes under a used one is not believed."""
    if not judged.stamp:
        return judged
    delivered = judged.delivered
    if deliveries.spend(session, delivered.provider, judged.stamp, base64.b64decode(delivered.request["body"]).hex()):
        return judged
    return Judged(delivered, Signature.BAD, "its stamp came with another body before")


def _settle(session: Session, kept: int, judged: Judged) -> Signature | None:
    """Note the judgement of one delivery, once however often it is noted."""
    judged = _stamped(session, judged)
    deliveries.conclude(session, kept, judged.kept_as, judged.error)
    contacts.record_all(session, judged.events)
    return judged.signature


def _answer(provider: Provider, endpoint: str, signature: Signature | None) -> Reply:
    if signature is None:
        return TOO_LARGE
    return provider.reply(endpoint) if signature is Signature.GOOD else FORBIDDEN


def _delivered(provider: str, endpoint: str, request: RawRequest) -> Delivered:
    body = base64.b64encode(request.body[: MAX_BODY + 1]).decode()
    raw = {"url": request.url, "headers": dict(request.headers), "body": body}
    return Delivered(uuid4().hex, request.at, provider, endpoint, raw)


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
