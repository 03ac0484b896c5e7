"""The intake that loses nothing: save the raw request, then verify, then read, then answer."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.base import Event, Provider, RawRequest, Reply, Signature
from canary.store import contacts
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.e164 import normalise

MAX_BODY = 256 * 1024
TRIES = 3
LEFT_BEHIND = timedelta(minutes=1)  # longer than any request takes: a living one is never judged twice
FORBIDDEN = Reply(403, "signature not accepted", "text/plain")
UNAVAILABLE = Reply(503, "try again", "text/plain")
TOO_LARGE = Reply(413, "too large", "text/plain")
UNKNOWN = Reply(404, "no such hook", "text/plain")


@dataclass(frozen=True)
class Intake:
    """One server's intake over a store and its providers by name; `now` is the clock."""

    store: Store
    providers: Mapping[str, Provider]
    now: Callable[[], datetime]

    def receive(self, provider_name: str, endpoint: str, request: RawRequest) -> Reply:
        """Keep the request durably, then judge it. Only a stored request is answered 2xx or 403; when the
        database is gone the answer is 503, so that the provider's own retry and fallback act."""
        provider = self.providers.get(provider_name)
        if provider is None or endpoint not in provider.endpoints:
            return UNKNOWN
        at = self.now()
        try:
            delivery = self._keep(at, provider_name, endpoint, request)
            return self._judge(at, delivery, provider, endpoint, request)
        except OutsideError:
            return UNAVAILABLE

    def resume(self) -> int:
        """Judge the deliveries a dying server left between "kept" and "judged"; returns how many."""
        with self.store.reading() as session:
            left = contacts.unconcluded(session, self.now() - LEFT_BEHIND)
        for kept in left:
            raw = kept.request
            request = RawRequest(raw["url"], raw["headers"], base64.b64decode(raw["body"]))
            self._judge(kept.at, kept.id, self.providers[kept.provider], kept.endpoint, request)
        return len(left)

    def _judge(self, at: datetime, delivery: int, provider: Provider, endpoint: str, request: RawRequest) -> Reply:
        if len(request.body) > MAX_BODY:
            self._conclude(delivery, Signature.BAD, "body too large, kept cut off")
            return TOO_LARGE
        signature = provider.verify(request)
        if signature is not Signature.GOOD:
            self._conclude(delivery, signature)
            return FORBIDDEN
        self._read(at, delivery, provider, endpoint, request)
        return provider.reply(endpoint)

    def _keep(self, at: datetime, provider: str, endpoint: str, request: RawRequest) -> int:
        body = base64.b64encode(request.body[: MAX_BODY + 1]).decode()
        raw = {"url": request.url, "headers": dict(request.headers), "body": body}
        for tried in range(TRIES):
            try:
                with self.store.writing() as session:
                    return contacts.keep_delivery(session, at, provider, endpoint, raw)
            except OutsideError:
                # A dropped connection or a lock that ran out: the pool hands out a fresh one next time.
                if tried == TRIES - 1:
                    raise
                time.sleep(0.05 * (tried + 1))
        raise AssertionError("unreachable")

    def _conclude(self, delivery: int, signature: Signature, error: str = "") -> None:
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            contacts.conclude_delivery(session, delivery, signature, error)

    def _read(self, at: datetime, delivery: int, provider: Provider, endpoint: str, request: RawRequest) -> None:
        try:
            events = provider.parse(endpoint, request)
        except CanaryError as error:
            # Signed but unreadable: kept with the reason, and accepted, for a retry would read no better.
            self._conclude(delivery, Signature.GOOD, str(error))
            return
        with self.store.writing(durable=False) as session:  # `resume` can repeat it
            contacts.conclude_delivery(session, delivery, Signature.GOOD)
            for event in events:
                contacts.record(session, at, arrived(provider.name, endpoint, event))


def arrived(provider: str, endpoint: str, event: Event) -> Arrived:
    """An event as the store keeps it: numbers in one spelling, raw spelling where they are none."""
    # The contact part is keyed by endpoint too: a status callback without text must not shut out the text.
    part = f"contact:{endpoint}" if event.part == "contact" else event.part
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
    )
