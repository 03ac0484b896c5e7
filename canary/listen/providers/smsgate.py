"""SMSGate (android-sms-gateway), our generic contract for gateways: signed JSON webhooks of a phone with real SIMs."""

import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import requests

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.base import Attested, Channel, Event, Provider, RawRequest, Reply, Signature, storable

SECONDS = 20
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
        """One contact of a text or picture message; pings and reports on what was sent say nothing."""
        found = _object(request.body)
        channel = _CHANNELS.get(_text(found, "event"))
        if channel is None:
            return ()
        payload = found.get("payload")
        if not isinstance(payload, dict):
            raise CanaryError("SMSGate sent an event without payload", "the raw request is kept, look at it there")
        to = _text(payload, "recipient") or self._sims.get(f"{_text(found, 'deviceId')}/{_text(payload, 'simNumber')}")
        text = _text(payload, "message") or _text(payload, "body") or _text(payload, "subject")
        details = {name: _text(found, name) for name in ("deviceId", "event", "webhookId")}
        details |= {name: _text(payload, name) for name in ("simNumber", "receivedAt", "messageId", "data")}
        sender = _text(payload, "sender") or _text(payload, "phoneNumber")
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
        user, _, password = self._login.partition(":")
        until = datetime.now(UTC)
        for device in sorted({name.partition("/")[0] for name in self._sims} - {"*"}):
            asked = {"deviceId": device, "since": since.astimezone(UTC).isoformat(), "until": until.isoformat()}
            url = f"{self._api}/messages/inbox/export"
            try:
                answer = requests.post(url, json=asked, auth=(user, password), timeout=SECONDS, allow_redirects=False)
            except requests.RequestException as error:
                raise OutsideError(f"SMSGate {device}: {type(error).__name__}", "see smsgate_api_url") from error
            if not 200 <= answer.status_code < 300:
                raise OutsideError(f"SMSGate {device}: answered {answer.status_code}", "see smsgate_login")
        yield from ()

    def health(self) -> tuple[str, ...]:
        """Whether anything could verify."""
        return () if self._key else ("no key: every request is refused",)


def _sid(found: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    # `messageId` is made of the content, and two equal texts share it, so the time goes with it; the id of the event is
    # another one when an inbox is exported again. A picture message is told of twice, when announced and when fetched,
    # under two ids.
    picture = _text(found, "event").startswith("mms:")
    named, at = _text(payload, "messageId"), _text(payload, "receivedAt")
    text = f"{named} {at}" if named and at else _text(found, "id")
    key = (named or _text(payload, "transactionId")) if picture else text
    if not key:
        raise CanaryError("SMSGate sent an event without id", "the raw request is kept, look at it there")
    return f"SG{sha256(repr((picture, _text(found, 'deviceId'), key)).encode()).hexdigest()}"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise CanaryError("SMSGate sent a body that is no JSON object")
    return found


def _text(place: Mapping[str, Any], name: str) -> str:
    value = place.get(name)
    return "" if value is None or isinstance(value, dict | list) else storable(str(value)).strip()
