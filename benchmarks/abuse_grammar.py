"""A grammar of hostile requests of every provider: signed with odd content, forged, tampered with, bent."""

import hashlib
import hmac
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote, quote_from_bytes, urlencode

from twilio.request_validator import RequestValidator

from canary.listen.providers.twilio_signature import parsed_form

OURS, CALLER = "+8612000000001", "+8612000000099"
SECRET, BASIC, SHARED = "a secret of the abuse run", "phone:long password", "a shared secret"
FORGED = "FORGED"  # stands in whatever nobody may ever count
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CONFIG = f"""
twilio_auth_token = "{SECRET}"
twilio_shared_keys = "key1={SHARED}"
smsgate_key = "{SECRET}"
smsforwarder_secret = "{SECRET}"
smsforwarder_basic = "{BASIC}"
kannel_basic = "{BASIC}"
sims = {{ "pixel" = "{OURS}" }}
"""


@dataclass(frozen=True)
class Shot:
    """One request: target and header values as bytes; `kind` says what it is meant to be."""

    kind: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    method: bytes = b"POST"


@dataclass(frozen=True)
class _Draft:
    """A request before it is signed; `secret` is the right one or another."""

    rng: random.Random
    public: str
    secret: str
    basic: str
    mark: str


def shots(seed: int, count: int, public: str) -> list[Shot]:
    """So many requests to a server whose public address is `public`; the same for the same seed, but for the time in
    some signatures."""
    rng = random.Random(seed)
    return [_shot(rng, public) for _ in range(count)]


def _shot(rng: random.Random, public: str) -> Shot:
    kind = rng.choices(("signed", "forged", "tampered", "bent"), (4, 4, 2, 2))[0]
    right = kind in ("signed", "tampered")
    draft = _Draft(rng, public, SECRET if right else "another secret", BASIC if right else "phone:guess", "")
    if kind == "forged":
        draft = replace(draft, mark=FORGED)
    made = rng.choice(_SIGNED_BODIES if kind == "tampered" else _MAKERS)(draft)
    if kind == "tampered":
        made = replace(made, body=_tampered(made.body))
    made = replace(made, kind=kind)
    return _bent(rng, made) if kind == "bent" else made if rng.random() < 0.7 else _noisy(rng, made)


def _tampered(body: bytes) -> bytes:
    # Whatever the rest means, the words are now others than those that were signed.
    if body.startswith(b"{"):
        return b'{"payload": {"message": "' + FORGED.encode() + b'"}, ' + body[1:]
    return body + b"&Body=" + FORGED.encode() + b"&MessageSid=" + FORGED.encode()


def _odd(rng: random.Random) -> str:
    """A value that somebody may think of."""
    return rng.choice(_ODD)(rng)


_ODD: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: "",
    lambda rng: "奶粉 🍼 + 100% & = ; more",
    lambda rng: "\0" * rng.randint(1, 4),
    lambda rng: "\ud83d",
    lambda rng: "\udfff x \ud800",
    lambda rng: "9" * rng.choice((10, 19, 20, 400, 5000)),
    lambda rng: rng.choice(("-1", "NaN", "Infinity", "1e999", "0x10", "²", "１２", "1_000", "true", "null")),
    lambda rng: "A" * rng.choice((80, 81, 120, 121, 255, 4096, 30_000)),
    lambda rng: "'; DROP TABLE contact; --",
    lambda rng: "{{7*7}}<script>alert(1)</script>${jndi:ldap://x}",
    lambda rng: "\r\nX-Injected: 1\r\n\r\n",
    lambda rng: "\u202egnp.exe\u2066\u200b\ufeff",
    lambda rng: "e\u0301" * rng.randint(1, 300),
    lambda rng: "../../../../etc/passwd\0.png",
    lambda rng: '=HYPERLINK("http://x")',
    lambda rng: "".join(chr(rng.randrange(1, 0x3000)) for _ in range(rng.randint(1, 40))),
    lambda rng: rng.choice((OURS, CALLER, "whatsapp:+1", "anonymous", "+", "10690000", "sip:a@b")),
    lambda rng: "[" * rng.choice((10, 2000, 20_000)),
    lambda rng: '{"transcript": ' + "[" * rng.choice((1, 5000)) + "}",
)


def _id(draft: _Draft, prefix: str) -> str:
    return f"{prefix}{draft.mark}{draft.rng.getrandbits(64):016x}"


def _text(draft: _Draft) -> str:
    return draft.mark + (_odd(draft.rng) if draft.rng.random() < 0.6 else "奶粉")


def _spoiled(rng: random.Random, fields: dict[str, str]) -> list[tuple[str, str]]:
    """Some fields odd, missing, doubled, or far too many."""
    pairs = [(name, _odd(rng) if rng.random() < 0.12 else value) for name, value in fields.items()]
    pairs = [pair for pair in pairs if rng.random() > 0.04]
    while rng.random() < 0.4:
        pairs.append((rng.choice((*fields, _odd(rng)[:200])), _odd(rng)))
    if rng.random() < 0.01:
        pairs += [(f"p{n}", str(n)) for n in range(rng.choice((1_000, 12_000)))]
    rng.shuffle(pairs)
    return pairs


def _encoded(rng: random.Random, pairs: list[tuple[str, str]]) -> bytes:
    way = rng.choice((quote, None, None))
    escaped = [(name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass")) for name, value in pairs]
    if way is quote:
        return "&".join(f"{quote_from_bytes(n, safe='')}={quote_from_bytes(v, safe='')}" for n, v in escaped).encode()
    return urlencode(escaped).encode()


def _twilio(draft: _Draft) -> Shot:
    rng = draft.rng
    endpoint = rng.choice(_ENDPOINTS)
    if endpoint == "events" or rng.random() < 0.15:
        return _twilio_json(draft, endpoint)
    common = {"AccountSid": "AC1", "From": CALLER, "To": OURS, "ApiVersion": "2010-04-01"}
    call = {"CallSid": _id(draft, "CA"), "CallStatus": rng.choice(("ringing", "completed", "", "no-answer")), **common}
    text = _text(draft)
    fields = {
        "sms": {"MessageSid": _id(draft, "SM"), "Body": text, "NumMedia": rng.choice(("0", "1", "9" * 9)), **common},
        "status": {**call, "CallDuration": "3", "SequenceNumber": rng.choice(("0", "1")), "Direction": "inbound"},
        "recording": {**call, "RecordingSid": _id(draft, "RE"), "RecordingStatus": "completed", "RecordingUrl": text},
        "transcription": {
            **call,
            "TranscriptionSid": _id(draft, "GT"),
            "TranscriptionData": json.dumps({"transcript": text}),
        },
    }.get(endpoint, {**call, "SpeechResult": text})
    body = _encoded(rng, _spoiled(rng, fields))
    url = f"{draft.public}/hooks/twilio/{endpoint}"
    return _twilio_signed(draft, url, body, FORM, parsed_form(body))


def _twilio_json(draft: _Draft, endpoint: str) -> Shot:
    rng = draft.rng
    data = {
        "messageSid": _id(draft, "SM"),
        "from": CALLER,
        "to": OURS,
        "body": _text(draft),
        "numMedia": rng.choice((0, "1", None, [], 1e308)),
    }
    event = {"type": "com.twilio.messaging.inbound-message.received", "id": "EZ1", "data": data}
    found: object = rng.choice(
        ([event], [event] * 3, {"MessageSid": _id(draft, "SM"), "Body": _text(draft)}, [[]], "x", 7, None)
    )
    body = json.dumps(found).encode() if rng.random() < 0.95 else _odd(rng).encode("utf-8", "surrogatepass")
    url = f"{draft.public}/hooks/twilio/{endpoint}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    return _twilio_signed(draft, url, body, JSON, {})


def _twilio_signed(draft: _Draft, url: str, body: bytes, kind: str, form: object) -> Shot:
    headers = [("Content-Type", kind)]
    shared = draft.rng.random() < 0.2
    secret, algorithm = (SHARED if draft.secret == SECRET else "x", "HMAC_SHA256") if shared else (draft.secret, None)
    try:
        signature = RequestValidator(secret).compute_signature(url, form, algorithm)
    except (UnicodeError, TypeError, ValueError):
        signature = "bm90aGluZw=="
    headers.append(("X-Twilio-Signature", signature))
    if shared:
        headers.append(("X-Twilio-Webhooks-Signature-Settings", "key=key1,algorithm=HMAC_SHA256"))
    return _made(url.removeprefix(draft.public), headers, body)


def _smsgate(draft: _Draft) -> Shot:
    rng = draft.rng
    payload: dict[str, object] = {
        "messageId": _id(draft, "c"),
        "message": _text(draft),
        "sender": CALLER,
        "recipient": OURS,
        "simNumber": 1,
    }
    payload |= {name: rng.choice((None, [], {}, 10**400, True, _odd(rng))) for name in payload if rng.random() < 0.08}
    event = rng.choice(("sms:received", "mms:received", "mms:downloaded", "system:ping", "app:started", _odd(rng)))
    odd = rng.choice((None, [], {}, 10**400, -1, 7, 1e308, True, _odd(rng)))
    payload["health"] = rng.choice((odd, {"checks": odd}, {"checks": {"battery:level": {"observedValue": odd}}}))
    payload["simCards"] = rng.choice((odd, [odd], [{"simNumber": odd, "iccid": odd}]))
    found: dict[str, object] = {"deviceId": "ffb1", "event": event, "id": _id(draft, "e"), "payload": payload}
    if rng.random() < 0.05:
        found["payload"] = rng.choice((None, [], 7, "x"))
    body = json.dumps(found).encode() if rng.random() < 0.97 else b"[" * rng.choice((10, 100_000))
    return _made("/hooks/smsgate/webhook", [("Content-Type", JSON), *smsgate_headers(draft.secret, body)], body)


def smsgate_headers(secret: str, body: bytes) -> list[tuple[str, str]]:
    """How SMSGate signs a body: its HMAC with the time."""
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    return [("X-Signature", digest), ("X-Timestamp", stamp)]


def _smsforwarder(draft: _Draft) -> Shot:
    rng = draft.rng
    fields = {
        "from": CALLER,
        "text": _text(draft),
        "sim": f"SIM1_{OURS}",
        "device": "pixel",
        "call_type": rng.choice(("", "3", "1")),
    }
    pairs = [*_spoiled(rng, fields), *smsforwarder_fields(draft.secret, rng.randint(-30_000, 30_000))]
    as_json = rng.random() < 0.6
    body = json.dumps(dict(pairs)).encode() if as_json else _encoded(rng, pairs)
    return _made("/hooks/smsforwarder/webhook", [("Content-Type", JSON if as_json else FORM), basic(draft.basic)], body)


def smsforwarder_fields(secret: str, late: int = 0) -> list[tuple[str, str]]:
    """How SmsForwarder signs: a field of the time (here so many ms `late`) and one of its HMAC."""
    stamp = str(int(time.time() * 1000) + late)
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return [("ts", stamp), ("sign", b64encode(digest).decode())]


def _kannel(draft: _Draft) -> Shot:
    rng = draft.rng
    fields = {
        "from": CALLER,
        "to": OURS,
        "id": _id(draft, "k"),
        "cs": rng.choice(("UTF-8", "UTF-16BE", "rot13", "zip", "", "idna", "undefined")),
    }
    target = "/hooks/kannel/sms?" + _encoded(rng, _spoiled(rng, fields)).decode()[:6000]
    return _made(
        target,
        [("Content-Type", "text/plain; charset=" + rng.choice(("utf-8", "x" * 300, "\xff"))), basic(draft.basic)],
        _text(draft).encode("utf-8", "surrogatepass"),
    )


def basic(credentials: str) -> tuple[str, str]:
    return "Authorization", f"Basic {b64encode(credentials.encode()).decode()}"


def _made(target: str, headers: list[tuple[str, str]], body: bytes) -> Shot:
    encoded = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in headers)
    return Shot("", target.encode(), encoded, body)


_ENDPOINTS = ("sms", "sms", "voice", "status", "recording", "transcription", "events")
_SIGNED_BODIES: tuple[Callable[[_Draft], Shot], ...] = (_twilio, _smsgate)
_MAKERS: tuple[Callable[[_Draft], Shot], ...] = (_twilio, _twilio, _smsgate, _smsforwarder, _kannel)
_PATHS = (
    b"/hooks/twilio/sms/",
    b"//hooks/twilio/sms",
    b"/hooks//twilio/sms",
    b"/hooks/twilio/../twilio/sms",
    b"/hooks/twilio/sms%00",
    b"/hooks/twilio/%73ms",
    b"/hooks/twilio%2Fsms",
    b"/hooks/twilio/sms;v=1",
    b"/hooks/TWILIO/sms",
    b"/hooks/twilio/sms?#",
    b"/hooks/\xff\xfe/sms",
    b"/hooks/kannel/sms?id=%ZZ&%00",
    b"/hooks/" + b"a" * 3000 + b"/b",
    b"/hooks/twilio/sms?" + b"a&" * 1000,
    b"/exclude",
    b"/healthz",
    b"/",
    b"/hooks/__class__/__init__",
    b"/hooks/twilio/events?bodySHA256=" + b"0" * 64,
    b"http://elsewhere/hooks/twilio/sms",
)
_HEADERS = (
    (b"X-Twilio-Signature", b""),
    (b"X-Twilio-Signature", b"\xff\xfe"),
    (b"X-Twilio-Signature", b"=" * 4000),
    (b"Authorization", b"Basic " + b"A" * 5000),
    (b"Authorization", b"Basic \xff"),
    (b"X-Signature", b"\xe4"),
    (b"X-Timestamp", b"-1"),
    (b"X-Timestamp", b"9" * 500),
    (b"X-Forwarded-Host", b"evil.example"),
    (b"X-Forwarded-Proto", b"https, http"),
    (b"X-Original-URL", b"/exclude"),
    (b"X-HTTP-Method-Override", b"DELETE"),
    (b"Content-Type", b"application/json; charset=utf-7"),
    (b"Content-Type", b"multipart/form-data; boundary=" + b"x" * 200),
    (b"Content-Encoding", b"gzip"),
    (b"X-Twilio-Webhooks-Signature-Settings", b"key=key1,algorithm=none"),
    (b"X-Twilio-Webhooks-Signature-Settings", b",,=,=" * 50),
    (b"Cookie", b"\x01" * 10),
    (b"I-Twilio-Idempotency-Token", b"x" * 1000),
    (b"Host", b"evil.example"),
)


def _noisy(rng: random.Random, made: Shot) -> Shot:
    """The same request with headers that should change nothing."""
    extra = [h for h in rng.sample(_HEADERS, 3) if h[0].startswith((b"X-F", b"X-O", b"X-H", b"Co", b"I-"))]
    named = {name for name, _ in made.headers}
    return replace(made, headers=(*made.headers, *(h for h in extra if h[0] not in named)))


def _bent(rng: random.Random, made: Shot) -> Shot:
    """Wrong in path, method, headers or body; made with the wrong keys, so nothing of it may count."""
    if rng.random() < 0.5:
        made = replace(made, target=rng.choice(_PATHS))
    if rng.random() < 0.5:
        made = replace(made, headers=tuple(rng.sample((*made.headers, *rng.sample(_HEADERS, 4)), rng.randint(0, 4))))
    if rng.random() < 0.3:
        made = replace(
            made, body=rng.choice((b"", b"\0" * 50, rng.randbytes(300), b"&" * 5000, b"a=b&" * 20_000, b"%" * 999))
        )
    if rng.random() < 0.005:
        made = replace(made, body=b"Body=" + b"x" * (300 * 1024))
    if rng.random() < 0.15:
        made = replace(made, method=rng.choice((b"GET", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE")))
    return made
