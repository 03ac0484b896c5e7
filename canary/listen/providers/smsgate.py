"""SMSGate (android-sms-gateway), our generic contract for gateways: signed JSON webhooks of a phone with real SIMs."""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.ask import Answer, ask, each_tried
from canary.listen.providers.base import (
    Attested,
    Channel,
    Event,
    Phone,
    Provider,
    RawRequest,
    Reply,
    Signature,
    text_in,
    unwell,
)
from canary.listen.providers.smsgate_phones import listed, told

_CHANNELS = {
    "sms:received": Channel.TEXT,
    "sms:data-received": Channel.TEXT,
    "mms:received": Channel.MESSAGE,
    "mms:downloaded": Channel.MESSAGE,
}


class SmsGateProvider(Provider):
    """Webhooks signed with `key`; `sims` tells numbers of SIMs that do not know their own, by "DEVICE/1"."""

    name = "smsgate"
    endpoints = frozenset({"webhook"})
    attested = Attested.DEVICE_SIGNED
    alike = timedelta(hours=1)  # what is exported comes by webhook: its absence from a log says nothing

    def __init__(self, key: str, sims: Mapping[str, str] | None = None, api_url: str = "", login: str = "") -> None:
        self._key = key.encode()
        self._sims = dict(sims or {})
        self._api, self._login = api_url.rstrip("/"), login

    def verify(self, request: RawRequest) -> Signature:
        """HMAC-SHA256 over body and timestamp; a request sent again later is told by its id, not by its age."""
        given = request.headers.get("x-signature", "")
        if not given:
            return Signature.MISSING
        stamp = request.headers.get("x-timestamp", "").encode("utf-8", "replace")
        expected = hmac.new(self._key, request.body + stamp, sha256).hexdigest()
        good = bool(self._key) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
        return Signature.GOOD if good else Signature.BAD

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """One contact of a text or picture message, or how the phone fares; reports on what was sent say nothing."""
        found = _object(request.body)
        channel = _CHANNELS.get(text_in(found, "event"))
        payload = found.get("payload")
        if channel is None:
            return told(found, request.headers.get("x-timestamp", ""))
        if not isinstance(payload, dict):
            raise CanaryError("SMSGate sent an event without payload", "the raw request is kept, look at it there")
        to = text_in(payload, "recipient") or self._sims.get(
            f"{text_in(found, 'deviceId')}/{text_in(payload, 'simNumber')}"
        )
        text = text_in(payload, "message") or text_in(payload, "body") or text_in(payload, "subject")
        details = {name: text_in(found, name) for name in ("deviceId", "event", "webhookId")}
        details |= {name: text_in(payload, name) for name in ("simNumber", "receivedAt", "messageId", "data")}
        sender = text_in(payload, "sender") or text_in(payload, "phoneNumber")
        said = {name: value for name, value in details.items() if value}
        return (Event(_sid(found, payload), "contact", channel, to or "", sender, text, None, said),)

    def reply(self, endpoint: str) -> Reply:
        """Kept; anything but 2xx is sent again for two days."""
        return Reply(200, '{"kept": true}', "application/json")

    def backfill(self, since: datetime) -> Iterator[Event] | None:
        """Nothing at once: each phone is asked to send again, by webhook, what it got since then, and what came before
        keeps its id. The phones are those of `sims`."""
        return self._export(since) if self._api else None

    def _export(self, since: datetime) -> Iterator[Event]:
        devices = sorted({name.partition("/")[0] for name in self._sims} - {"*"})
        return each_tried(self._sent_again(device, since) for device in devices)

    def _sent_again(self, device: str, since: datetime) -> Iterator[Event]:
        until = datetime.now(UTC)
        asked = {"deviceId": device, "since": since.astimezone(UTC).isoformat(), "until": until.isoformat()}
        self._call("POST", "messages/inbox/export", device, asked)
        yield from ()

    def _call(self, method: str, path: str, what: str, asked: object = None) -> Answer:
        user, _, password = self._login.partition(":")
        url = f"{self._api}/{path}"
        answer = ask(method, url, f"SMSGate {what}", "see smsgate_api_url", json=asked, auth=(user, password))
        if not 200 <= answer.status < 300:
            raise OutsideError(f"SMSGate {what}: answered {answer.status}", "see smsgate_login")
        return answer

    def phones(self, now: datetime) -> Iterator[Event]:
        """When its server was last reached by each phone of the account, and with which SIMs."""
        if self._api:
            with suppress(OutsideError, ValueError):
                yield from filter(None, (listed(device, now) for device in self._devices()))

    def _devices(self) -> list[Mapping[str, Any]]:
        found = self._call("GET", "devices", "the list of phones").read()
        listed = found if isinstance(found, list) else []
        return [device for device in listed if isinstance(device, dict) and not device.get("deletedAt")]

    def health(self, phones: Sequence[Phone] = ()) -> tuple[str, ...]:
        """Whether anything could verify, and what is wrong with the phones."""
        return (*(() if self._key else ("no key: every request is refused",)), *unwell(phones))


def _sid(found: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    # `messageId` is made of the content, and two equal texts share it, so the time goes with it; the id of the event is
    # another one when an inbox is exported again. A picture message is told of twice, when announced and when fetched,
    # under two ids.
    picture = text_in(found, "event").startswith("mms:")
    named, at = text_in(payload, "messageId"), text_in(payload, "receivedAt")
    text = f"{named} {at}" if named and at else text_in(found, "id")
    key = (named or text_in(payload, "transactionId")) if picture else text
    if not key:
        raise CanaryError("SMSGate sent an event without id", "the raw request is kept, look at it there")
    return f"SG{sha256(repr((picture, text_in(found, 'deviceId'), key)).encode()).hexdigest()}"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CanaryError("SMSGate sent a body that is no JSON object")
    return found
