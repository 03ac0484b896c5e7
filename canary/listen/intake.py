"""The intake that loses nothing: save the raw request, then verify, then read, then answer."""

import base64
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from canary.errors import CanaryError, OutsideError
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

    def receive(self, provider_name: str, endpoint: str, request: RawRequest) -> Reply:
        """Keep the request durably, in the database or else in the spool, then judge it. Only a stored request is
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
        if kept is not None:
            with suppress(OutsideError):  # it is kept: `resume` judges it
                signature = self._judge(kept, endpoint, request, provider, signature)
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

    def _keep(self, delivered: Delivered) -> int | None:
        """The delivery's id in the database, None if it went to the spool."""
        if time.monotonic() >= self._resting_until:
            for _ in range(2):
                # A dropped connection or a lock that ran out: the pool hands out a fresh one the second time.
                with suppress(OutsideError), self.store.writing() as session:
                    return deliveries.keep(session, delivered)
            self._resting_until = time.monotonic() + REST_SECONDS
        try:
            self.spool.keep(delivered)
        except OutsideError:
            self._resting_until = 0.0  # the sender's next try may find the database back
            raise
        return None

    def _judge_again(self, kept: int, delivered: Delivered) -> None:
        provider, request = self.providers[delivered.provider], _raw(delivered)
        self._judge(kept, delivered.endpoint, request, provider, _verified(provider, request))

    def _judge(
        self, kept: int, endpoint: str, request: RawRequest, provider: Provider, signature: Signature | None
    ) -> Signature | None:
        if signature is None:
            self._conclude(kept, Signature.BAD, "body too large, kept cut off")
            return None
        if signature is not Signature.GOOD:
            self._conclude(kept, signature)
            return signature
        try:
            events = provider.parse(endpoint, request)
        except CanaryError as error:
            # Signed but unreadable: kept with the reason, and accepted, for a retry would read no better.
            self._conclude(kept, Signature.GOOD, str(error))
            return signature
        return self._record(kept, endpoint, request, provider, events)

    def _record(
        self, kept: int, endpoint: str, request: RawRequest, provider: Provider, events: tuple[Event, ...]
    ) -> Signature:
        stamp = provider.once(request)
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            if stamp and not deliveries.spend(session, provider.name, stamp, request.body.hex()):
                deliveries.conclude(session, kept, Signature.BAD, "its stamp came with another body before")
                return Signature.BAD
            deliveries.conclude(session, kept, Signature.GOOD)
            for event in events:
                contacts.record(session, event.at or request.at, arrived(provider.name, endpoint, event))
        return Signature.GOOD

    def _conclude(self, kept: int, signature: Signature, error: str = "") -> None:
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            deliveries.conclude(session, kept, signature, error)


def _verified(provider: Provider, request: RawRequest) -> Signature | None:
    """None for a body too large to be looked at."""
    return None if len(request.body) > MAX_BODY else provider.verify(request)


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
