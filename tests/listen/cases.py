"""One case a provider for the contract suite: how it signs, what it sends, and what is to be made of it."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from twilio.request_validator import RequestValidator

from canary.listen.providers.base import Channel, Provider, RawRequest
from canary.listen.providers.kannel import KannelProvider
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.listen.providers.twilio import INBOUND, TwilioProvider

OURS = "+8612000000001"
CALLER = "+8612000000099"
NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
SECRET, BASIC = "12345", "phone:long password"
SIMS = {"ffb1/1": OURS, "pixel": OURS}
BASE = "https://canary.example/hooks"

Signed = tuple[str, RawRequest]  # endpoint, request


@dataclass(frozen=True)
class Case:
    """A provider with samples of its requests: texts of the same words each, then others. `unsigned` says that its
    signature does not cover the body."""

    provider: Provider
    text: Callable[[str, str], Signed]
    others: tuple[Signed, ...] = ()
    unsigned: bool = False

    def samples(self) -> tuple[Signed, ...]:
        return (self.text("1", "奶粉 🍼 + 100% & more"), self.text("2", "您的快递"), *self.others)


# --- Twilio -----------------------------------------------------------------------------------------------------------


def twilio(endpoint: str, body: Mapping[str, str] | object, key: str = "") -> Signed:
    """Form of a mapping of texts, JSON of anything else; signed by the token or by a SharedKey."""
    validator = RequestValidator("shared secret" if key else SECRET)
    algorithm = "HMAC_SHA256" if key else None
    url, headers = f"{BASE}/twilio/{endpoint}", {"content-type": FORM}
    form = dict(body) if isinstance(body, Mapping) else {}
    raw = urlencode(form).encode()
    if not form:
        raw = json.dumps(body).encode()
        url += f"?bodySHA256={hashlib.sha256(raw).hexdigest()}"
        headers["content-type"] = "application/json"
    headers["x-twilio-signature"] = validator.compute_signature(url, form, algorithm)
    if key:
        headers["x-twilio-webhooks-signature-settings"] = f"key={key},algorithm=HMAC_SHA256"
    return endpoint, RawRequest(url, headers, raw, NOW)


def _twilio_text(sid: str, text: str) -> Signed:
    return twilio("sms", {"MessageSid": f"SM{sid}", "From": CALLER, "To": OURS, "Body": text})


CALL = {"CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": OURS, "Direction": "inbound"}
SPOKEN = {**CALL, "TranscriptionEvent": "transcription-content", "TranscriptionSid": "GT1", "Final": "true"}
STREAMED = {"messageSid": "SM1", "from": CALLER, "to": OURS, "body": "奶粉 🍼 + 100% & more", "numMedia": 0}

TWILIO = Case(
    TwilioProvider(SECRET, f"{BASE}/twilio", shared_keys={"webhooks_sharedkey_1": "shared secret"}),
    _twilio_text,
    (
        twilio("sms", {"MessageSid": "SM3", "From": CALLER, "To": OURS, "Body": "优惠"}, "webhooks_sharedkey_1"),
        twilio("voice", {**CALL, "CallStatus": "ringing"}),
        twilio("status", {**CALL, "CallStatus": "completed", "CallDuration": "40", "SequenceNumber": "0"}),
        twilio("status", {**CALL, "CallStatus": "completed", "CallDuration": "40", "SequenceNumber": "1"}),
        twilio("recording", {"CallSid": "CA1", "RecordingSid": "RE1", "RecordingStatus": "completed"}),
        twilio("transcription", {**SPOKEN, "SequenceId": "1", "TranscriptionData": '{"transcript": "月子中心"}'}),
        twilio("transcription", {**SPOKEN, "SequenceId": "2", "TranscriptionData": '{"transcript": "预订"}'}),
        twilio("events", [{"type": INBOUND, "id": "EZ1", "data": STREAMED}, {"type": "com.twilio.other", "id": "EZ2"}]),
    ),
)

# --- SMSGate ----------------------------------------------------------------------------------------------------------


def smsgate(body: Mapping[str, object], stamp: str = "1780653600") -> Signed:
    raw = json.dumps(body, ensure_ascii=False).encode()
    signature = hmac.new(SECRET.encode(), raw + stamp.encode(), hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-signature": signature, "x-timestamp": stamp}
    return "webhook", RawRequest(f"{BASE}/smsgate/webhook", headers, raw, NOW)


def _smsgate_text(sid: str, text: str) -> Signed:
    payload = {"messageId": "c0", "message": text, "sender": CALLER, "recipient": OURS, "simNumber": 1}
    return smsgate({"deviceId": "ffb1", "event": "sms:received", "id": sid, "payload": payload, "webhookId": "w"})


MMS = {"messageId": "m1", "sender": CALLER, "recipient": None, "simNumber": 1}
SMSGATE = Case(
    SmsGateProvider(SECRET, SIMS),
    _smsgate_text,
    (
        smsgate({"deviceId": "ffb1", "event": "mms:received", "id": "M1", "payload": {**MMS, "subject": ""}}),
        smsgate({"deviceId": "ffb1", "event": "mms:downloaded", "id": "M2", "payload": {**MMS, "body": "月子中心"}}),
        smsgate({"deviceId": "ffb1", "event": "system:ping", "id": "P1", "payload": {"health": {}}}),
        smsgate({"deviceId": "ffb1", "event": "app:started", "id": "P2", "payload": {"sims": []}}),
    ),
)

# --- SmsForwarder -----------------------------------------------------------------------------------------------------


def basic(credentials: str = BASIC) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


def stamp(at: datetime = NOW, plus: int = 0) -> tuple[str, str]:
    """The app's timestamp in milliseconds, and its signature."""
    ts = str(int(at.timestamp() * 1000) + plus)
    return ts, b64encode(hmac.new(SECRET.encode(), f"{ts}\n{SECRET}".encode(), hashlib.sha256).digest()).decode()


def smsforwarder(body: Mapping[str, str], how: str = "json") -> Signed:
    """A body as the template (json) or the app by default (form) makes it."""
    raw = json.dumps(body, ensure_ascii=False) if how == "json" else urlencode(body)
    kind = "application/json" if how == "json" else FORM
    headers = {"content-type": kind, "authorization": basic()}
    return "webhook", RawRequest(f"{BASE}/smsforwarder/webhook", headers, raw.encode(), NOW)


def forwarded(plus: int, **fields: str) -> dict[str, str]:
    ts, sign = stamp(plus=plus)
    rx = f"2026-06-05 18:00:{plus % 60:02d}"
    common = {"v": "1", "from": CALLER, "sim": f"SIM1_{OURS}", "device": "pixel", "rx": rx, "call_type": ""}
    return {**common, "text": "", "ts": ts, "sign": quote(sign, safe=""), **fields}


def _forwarded_text(sid: str, text: str) -> Signed:
    return smsforwarder(forwarded(int(sid), text=text))


SMSFORWARDER = Case(
    SmsForwarderProvider(SECRET, BASIC, SIMS),
    _forwarded_text,
    (
        smsforwarder(forwarded(3, text="月子中心", sim="SIM2_")),
        smsforwarder(forwarded(4, text="来电手机:99", call_type="3")),
        smsforwarder(forwarded(5, text="来电手机:99", call_type="来电挂机", duration="40")),
        smsforwarder(forwarded(6, text="来电手机:99", call_type="来电提醒", sim="")),
        smsforwarder(forwarded(7, text="form", rx=""), "form"),
    ),
    unsigned=True,
)

# --- Kannel -----------------------------------------------------------------------------------------------------------


def kannel(sid: str, text: str, charset: str = "UTF-8", kind: str = "text/plain") -> Signed:
    query = urlencode({"from": CALLER, "to": OURS, "id": sid, "ts": "2026-06-05 10:00", "cs": charset})
    headers = {"content-type": kind, "authorization": basic()}
    return "sms", RawRequest(f"{BASE}/kannel/sms?{query}", headers, text.encode(charset or "utf-8"), NOW)


KANNEL = Case(
    KannelProvider(BASIC),
    lambda sid, text: kannel(f"7d1b-{sid}", text),
    (kannel("7d1b-3", "月子中心", "UTF-16BE"), kannel("7d1b-4", "plain", "")),
    unsigned=True,
)

CASES = (TWILIO, SMSGATE, SMSFORWARDER, KANNEL)
TEXT = Channel.TEXT
