"""SmsForwarder, an Android app that forwards texts and calls of real SIMs: its signature covers the time alone."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, unquote

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.ask import each_tried
from canary.listen.providers.base import (
    Attested,
    Channel,
    Event,
    Phone,
    Provider,
    RawRequest,
    Reply,
    Signature,
    has_basic,
    storable,
    unwell,
)
from canary.listen.providers.smsforwarder_log import PhoneLog
from canary.store.e164 import normalise

SKEW = timedelta(minutes=2)
# How the app may spell the kinds of calls; ringing and answered ones name no SIM, and an ended one follows them.
_HEARD = frozenset({"1", "3", "来电挂机", "未接来电", "incoming call ended", "missed call"})
_PASSED = frozenset({"2", "4", "5", "6", "去电挂机", "来电提醒", "来电接通", "去电拨出"})
_NAMES = {"content": "text", "timestamp": "ts"}  # the form that it sends without a template


class SmsForwarderProvider(Provider):
    """Requests with Basic credentials "user:password", stamped with the app's `secret` not long ago.

    Whoever sees one request can put other words under its stamp: so a stamp is good for one body, for `skew`, and
    what comes this way is only as good as the phone and the line. `sims` tells the numbers of SIMs by "DEVICE/SIM1",
    "DEVICE" or "*", where the SIM's remark in the app is not the number.
    """

    name = "smsforwarder"
    endpoints = frozenset({"webhook"})
    attested = Attested.DEVICE
    alike = timedelta(hours=1)

    def __init__(
        self,
        secret: str,
        basic: str,
        sims: Mapping[str, str] | None = None,
        skew: timedelta = SKEW,
        phones: Mapping[str, str] | None = None,
    ) -> None:
        self._phones = [PhoneLog(device, url, secret, sims or {}) for device, url in (phones or {}).items()]
        self.devices = tuple(phone.device for phone in self._phones)
        self._secret = secret
        self._basic = basic
        self._sims = dict(sims or {})
        self._skew = skew

    def verify(self, request: RawRequest) -> Signature:
        """Credentials, stamp and its age when the request came; never raises."""
        if (basic := has_basic(request, self._basic)) is not Signature.GOOD:
            return basic
        fields = _fields(request)
        stamp, given = fields.get("ts", ""), fields.get("sign", "")
        if not stamp or not given:
            return Signature.MISSING
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) == 13 and self._secret):
            return Signature.BAD
        young = abs(request.at.timestamp() - int(stamp) / 1000) <= self._skew.total_seconds()
        return Signature.GOOD if young and self._stamped(stamp, given) else Signature.BAD

    def _stamped(self, stamp: str, given: str) -> bool:
        made = hmac.new(self._secret.encode(), f"{stamp}\n{self._secret}".encode(), sha256).digest()
        expected = b64encode(made)
        # The app URL-encodes it, and its HTTP client may do so again; a form decoded "+" to a blank.
        spellings = (given, unquote(given), unquote(unquote(given)))
        tried = [hmac.compare_digest(expected, s.replace(" ", "+").encode("utf-8", "replace")) for s in spellings]
        return any(tried)

    def once(self, request: RawRequest) -> str:
        """The stamp."""
        return _fields(request).get("ts", "")

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """One text, or one call that ended or was missed."""
        fields = _fields(request)
        sender, text = fields.get("from", "").strip(), fields.get("text", "")
        if not sender and not text:
            raise CanaryError("SmsForwarder sent neither sender nor words", "use the template of docs/operators.md")
        call = fields.get("call_type", "").strip().lower()
        if call in _PASSED:
            return ()
        slot, _, remark = fields.get("sim", "").strip().partition("_")
        device = fields.get("device", "").strip()
        # No message id: retries differ in their stamp, so it is no part of the key.
        key = (device, slot, sender, text, fields.get("rx") or fields.get("ts", ""))
        sid = f"SF{sha256(repr(key).encode()).hexdigest()}"
        details = {"device": device, "sim": slot, "rx": fields.get("rx", ""), "attested": self.attested.value}
        to = normalise(remark) or self._sim(device, slot)
        if call in _HEARD:
            details |= {"call_type": call, "content": text}
            seconds = fields.get("duration", "")
            duration = int(seconds) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 7 else None
            return (Event(sid, "contact", Channel.CALL, to, sender, "", duration, details),)
        return (Event(sid, "contact", Channel.TEXT, to, sender, text, None, details),)

    def _sim(self, device: str, slot: str) -> str:
        found = (self._sims.get(name) for name in (f"{device}/{slot}", device, "*"))
        return next(filter(None, found), "")

    def reply(self, endpoint: str) -> Reply:
        """The word that the app is told to wait for."""
        return Reply(200, "kept", "text/plain")

    def backfill(self, since: datetime) -> Iterator[Event] | None:
        """What the phones themselves still have, once their servers are known."""
        return each_tried(phone.since(since) for phone in self._phones) if self._phones else None

    def phones(self, now: datetime) -> Iterator[Event]:
        """What the phones' own servers say."""
        for phone in self._phones:
            with suppress(OutsideError):
                yield from phone.told(now)

    def health(self, phones: Sequence[Phone] = ()) -> tuple[str, ...]:
        """Whether anything could verify, and what is wrong with the phones."""
        wants = (("secret", self._secret), ("Basic credentials user:password", ":" in self._basic))
        wrong = [f"no {what}: every request is refused" for what, there in wants if not there]
        known = {name.partition("/")[0] for name in self._sims}
        lost = [p.device for p in self._phones if not known & {p.device, "*"}]
        unheard = [f"phone {device}: no SIM of it in sims, so its log gives no contacts" for device in lost]
        return (*wrong, *unheard, *unwell(phones))


def _fields(request: RawRequest) -> Mapping[str, str]:
    """The fields of form or JSON, by their names in our template; empty when the body is neither."""
    text = request.body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text, strict=False)  # the app's template does not escape line breaks
        except (ValueError, RecursionError):
            return {}
        pairs = {str(name): str(value) for name, value in found.items() if not isinstance(value, dict | list)}
    else:
        pairs = dict(parse_qsl(text, keep_blank_values=True, errors="replace"))
    return {_NAMES.get(name, name): storable(value) for name, value in pairs.items()}
