"""Twilio's signatures, webhooks and answers, with the vectors and traps of the real service."""

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from canary.errors import CanaryError
from canary.listen.providers.base import Channel, Event, Provider, RawRequest, Signature
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_signature import parsed_form, plain_signature

TOKEN = "12345"
BASE = "https://canary.example/hooks/twilio"
FORM = "application/x-www-form-urlencoded"
PROVIDER: Provider = TwilioProvider(TOKEN, BASE)
TEXT = {"MessageSid": "SM1", "From": "+8613800138000", "To": "+14155550199", "Body": "你好 🍼"}
CALL = {"CallSid": "CA1", "From": "+8613800138000", "To": "+14155550199", "Direction": "inbound"}


def request(body: bytes | Mapping[str, str], url: str = f"{BASE}/sms", **headers: str) -> RawRequest:
    raw = body if isinstance(body, bytes) else urlencode(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RawRequest(url, {"content-type": FORM, **named}, raw)


def signed(body: bytes | Mapping[str, str], url: str = f"{BASE}/sms", token: str = TOKEN) -> RawRequest:
    plain = request(body, url)
    signature = RequestValidator(token).compute_signature(url, parsed_form(plain.body))
    return request(body, url, x_twilio_signature=signature)


def parse(endpoint: str, body: bytes | Mapping[str, str], **headers: str) -> tuple[Event, ...]:
    return PROVIDER.parse(endpoint, request(body, **headers))


# --- signatures -------------------------------------------------------------------------------------

VECTOR = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
VECTOR["Caller"] = VECTOR["From"]
VECTOR_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        (VECTOR_URL, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (VECTOR_URL.replace(".com", ".com:1234"), "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (VECTOR_URL.replace("https", "http").replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
        (VECTOR_URL, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (VECTOR_URL.replace("https", "http"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    ],
)
def test_vectors_of_twilios_own_library(url: str, signature: str) -> None:
    assert PROVIDER.verify(request(VECTOR, url, x_twilio_signature=signature)) is Signature.GOOD


@pytest.mark.parametrize(
    "body",
    [
        b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234",
        b"Digits=1234&Sid=CA123&Digits=5678&SidAccount=AC123&Digits=1234",
    ],
)
def test_vector_of_repeated_parameters(body: bytes) -> None:
    asked = request(body, VECTOR_URL, x_twilio_signature="IK+Dwps556ElfBT0I3Rgjkr1wJU=")
    assert PROVIDER.verify(asked) is Signature.GOOD


def test_vector_of_a_json_body() -> None:
    body = b'{"property": "value", "boolean": true}'
    url = f"{VECTOR_URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
    headers = {"x_twilio_signature": "a9nBmqA0ju/hNViExpshrM61xv4=", "content_type": "application/json"}
    assert PROVIDER.verify(request(body, url, **headers)) is Signature.GOOD


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/sms",
        f"{BASE}/sms?q=%E4%BD%A0",
        f"{BASE}/sms?path=a%2Fb",
        "https://canary.example:8443/hooks/twilio/sms",
        "https://user:pw@canary.example:8443/hooks/twilio/sms",
        f"{BASE}/sms#rc=4&rp=all",
        f"{BASE}/sms?",
        "HTTPS://Canary.Example/hooks/twilio/sms",
    ],
)
@pytest.mark.parametrize("body", [TEXT, {**TEXT, "Body": ""}, {"Body": "a\r\nb  c 中文 + % & ="}, b""])
def test_urls_as_given(url: str, body: Mapping[str, str] | bytes) -> None:
    good = signed(body, url)
    assert PROVIDER.verify(good) is Signature.GOOD
    assert PROVIDER.verify(RawRequest(url + "x", good.headers, good.body)) is Signature.BAD


def test_missing_and_wrong() -> None:
    assert PROVIDER.verify(request(TEXT)) is Signature.MISSING
    assert PROVIDER.verify(request(TEXT, x_twilio_signature="")) is Signature.MISSING
    assert PROVIDER.verify(request(TEXT, x_twilio_signature="nonsense")) is Signature.BAD
    assert PROVIDER.verify(signed(TEXT, token="other")) is Signature.BAD


def test_without_a_token_nothing_verifies() -> None:
    assert TwilioProvider("").verify(signed(TEXT, token="")) is Signature.BAD


def test_the_header_does_not_choose_the_algorithm() -> None:
    signature = RequestValidator(TOKEN).compute_signature(f"{BASE}/sms", TEXT, "HMAC_SHA256")
    asked = request(TEXT, x_twilio_signature=signature)
    settings = {"x-twilio-webhooks-signature-settings": "key=k,algorithm=HMAC_SHA256"}
    assert PROVIDER.verify(RawRequest(asked.url, {**asked.headers, **settings}, asked.body)) is Signature.BAD


def json_request(body: bytes, hashed: bytes | None) -> RawRequest:
    url = f"{BASE}/sms" + (f"?bodySHA256={hashlib.sha256(hashed).hexdigest()}" if hashed is not None else "")
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    return request(body, url, x_twilio_signature=signature, content_type="application/json; charset=utf-8")


def test_json_is_signed_by_its_hash() -> None:
    body = '[{"id":"EZ1","data":"你好"}]'.encode()
    assert PROVIDER.verify(json_request(body, body)) is Signature.GOOD
    assert PROVIDER.verify(json_request(body + b" ", body)) is Signature.BAD
    assert PROVIDER.verify(json_request(b"\xff", b"\xff")) is Signature.BAD
    assert PROVIDER.verify(json_request(body, None)) is Signature.BAD


def test_a_signed_json_url_does_not_carry_a_form() -> None:
    good = json_request(b"{}", b"{}")
    forged = RawRequest(good.url, {**good.headers, "content-type": FORM}, b"MessageSid=SM1&Body=x")
    assert PROVIDER.verify(forged) is Signature.BAD


WIDE = st.text(st.characters(exclude_categories=[]), max_size=30)


@given(st.binary(max_size=200), WIDE, WIDE, st.sampled_from([FORM, "application/json", "", "x/y"]))
def test_verify_never_raises(body: bytes, url: str, signature: str, content_type: str) -> None:
    asked = request(body, url, x_twilio_signature=signature, content_type=content_type)
    assert PROVIDER.verify(asked) is (Signature.BAD if signature else Signature.MISSING)


@pytest.mark.parametrize("url", ["http://[", "http://h:port/", "http://h:99999/", "", "\ud800"])
def test_verify_of_a_broken_url(url: str) -> None:
    assert PROVIDER.verify(request(TEXT, url, x_twilio_signature="x")) is Signature.BAD


# Twilio sends names of letters and no bare surrogates.
FORMS = st.dictionaries(st.text("abcABC019_", min_size=1, max_size=6), st.text(max_size=20), min_size=1, max_size=6)


@given(FORMS, st.data())
def test_a_signed_form_verifies_and_a_changed_byte_does_not(form: dict[str, str], data: st.DataObject) -> None:
    good = signed(form)
    assert PROVIDER.verify(good) is Signature.GOOD
    at = data.draw(st.integers(0, len(good.body) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = good.body[:at] + bytes([byte]) + good.body[at + 1 :]
    assume(parsed_form(changed) != parsed_form(good.body))  # "%e4" is "%E4"
    assert PROVIDER.verify(RawRequest(good.url, good.headers, changed)) is Signature.BAD


PIECES = [*"abB==&+% ;你", "%2", "%C3", "%A9", "%e4%bd%a0", "%26", "%3D", "%00", "\xa9"]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join), st.sampled_from(["utf-8", "latin-1"]))
def test_the_short_way_to_a_signature_ends_where_the_validators_does(text: str, encoding: str) -> None:
    asked = request(text.encode(encoding, "ignore"))
    short = plain_signature(TOKEN.encode(), asked)
    if short is not None:
        form = parsed_form(asked.body, strict=True)
        assert short.decode() == RequestValidator(TOKEN).compute_signature(asked.url, form)


@pytest.mark.parametrize("body", [b"", b"a&b=c", b"a=1&a=2", b"a_b=1", "a=你".encode(), b"a=%ff"])
def test_odd_forms_are_left_to_the_validator(body: bytes) -> None:
    assert plain_signature(TOKEN.encode(), request(body)) is None


def test_texts_go_the_short_way_and_json_does_not() -> None:
    assert plain_signature(TOKEN.encode(), signed(TEXT)).decode() == signed(TEXT).headers["x-twilio-signature"]
    assert plain_signature(TOKEN.encode(), request(b"a=b", content_type="application/json")) is None


# --- events -----------------------------------------------------------------------------------------


def test_text() -> None:
    (event,) = parse("sms", {**TEXT, "FromCity": "", "FromCountry": "CN", "Surprise": "new", "AccountSid": "AC1"})
    expected = {"FromCountry": "CN", "Surprise": "new"}
    assert event == Event("SM1", "contact", Channel.TEXT, TEXT["To"], TEXT["From"], "你好 🍼", None, expected)


@pytest.mark.parametrize(
    ("extra", "channel"),
    [
        ({}, Channel.TEXT),
        ({"NumMedia": "0"}, Channel.TEXT),
        ({"NumMedia": "nonsense"}, Channel.TEXT),
        ({"NumMedia": "2"}, Channel.MESSAGE),
        ({"MediaUrl0": "https://api.twilio.com/x"}, Channel.MESSAGE),
        ({"From": "whatsapp:+8613800138000"}, Channel.MESSAGE),
    ],
)
def test_channel_of_a_text(extra: dict[str, str], channel: Channel) -> None:
    (event,) = parse("sms", {**TEXT, **extra})
    assert event.channel is channel


def test_sparse_texts() -> None:
    (event,) = parse("sms", b"SmsSid=SM2&Body=%FF%FE&&x&To=%00")
    assert (event.sid, event.text, event.to, event.sender) == ("SM2", "\ufffd\ufffd", "\ufffd", "")
    (event,) = parse("sms", {"SmsMessageSid": "SM3", "ButtonText": "Yes", "Body": ""})
    assert (event.sid, event.text) == ("SM3", "Yes")


def test_voice_keeps_no_call_token() -> None:
    (event,) = parse("voice", {**CALL, "CallStatus": "ringing", "CallToken": "secret"})
    assert event == Event(
        "CA1",
        "contact",
        Channel.CALL,
        CALL["To"],
        CALL["From"],
        details={"CallStatus": "ringing", "Direction": "inbound"},
    )


def test_status_creates_the_contact_too() -> None:
    body = {**CALL, "CallStatus": "completed", "CallDuration": "42", "Duration": "1", "SequenceNumber": "3"}
    contact, status = parse("status", body)
    assert (contact.part, contact.sid, contact.sender, contact.duration) == (
        "contact",
        "CA1",
        CALL["From"],
        None,
    )
    assert (status.part, status.duration) == ("status:completed:3", 42)


@pytest.mark.parametrize("gone", ["From", "To"])
def test_status_without_parties_is_only_a_status(gone: str) -> None:
    body = {name: value for name, value in CALL.items() if name != gone}
    assert [event.part for event in parse("status", {**body, "CallStatus": "busy"})] == ["status:busy"]


def test_status_of_what_we_sent_is_no_contact() -> None:
    assert [e.part for e in parse("status", {**CALL, "Direction": "outbound-api"})] == ["status:unknown"]
    (event,) = parse("status", {**TEXT, "MessageStatus": "delivered"})
    assert (event.part, event.channel) == ("status:delivered", Channel.TEXT)


@pytest.mark.parametrize("duration", ["", "-1", "1.5", "9" * 5000, "²", "１２", "NaN"])
def test_odd_durations(duration: str) -> None:
    assert parse("status", {**CALL, "CallDuration": duration})[-1].duration is None


def test_recording() -> None:
    body = {
        "CallSid": "CA1",
        "RecordingSid": "RE1",
        "RecordingStatus": "completed",
        "RecordingUrl": "https://x/RE1",
    }
    (event,) = parse("recording", {**body, "RecordingDuration": "31"})
    assert (event.sid, event.part) == ("CA1", "recording:RE1:completed")
    assert event.details["RecordingUrl"] == "https://x/RE1" and event.details["RecordingDuration"] == "31"
    del body["RecordingStatus"]
    assert parse("recording", body)[0].part == "recording:RE1:ended"


def transcription(**changes: str) -> dict[str, str]:
    said = json.dumps({"transcript": "您好，奶粉需要吗", "confidence": 0.9})
    base = {
        "CallSid": "CA1",
        "TranscriptionSid": "GT1",
        "SequenceId": "3",
        "TranscriptionEvent": "transcription-content",
    }
    return {**base, "Final": "true", "TranscriptionData": said, **changes}


def test_real_time_transcription() -> None:
    (event,) = parse("transcription", transcription())
    assert (event.sid, event.part, event.text) == ("CA1", "transcription:GT1:3", "您好，奶粉需要吗")


@pytest.mark.parametrize(
    "changes",
    [
        {"Final": "false"},
        {"TranscriptionData": "{"},
        {"TranscriptionData": "[1]"},
        {"TranscriptionData": '{"transcript": 7}'},
        {"TranscriptionData": '{"transcript": " "}'},
        {"TranscriptionData": "[" * 100_000},
    ],
)
def test_transcription_without_final_words(changes: dict[str, str]) -> None:
    assert parse("transcription", transcription(**changes)) == ()


def test_transcription_with_half_a_surrogate_can_be_stored() -> None:
    (event,) = parse("transcription", transcription(TranscriptionData=r'{"transcript": "a\ud83c\u0000"}'))
    assert event.text.encode() == b"a?\xef\xbf\xbd"


def test_transcription_events_around_the_words() -> None:
    for name in ("started", "stopped", "error"):
        body = {"CallSid": "CA1", "TranscriptionSid": "GT1", "TranscriptionEvent": f"transcription-{name}"}
        assert parse("transcription", body) == ()


def test_older_transcription() -> None:
    body = {
        **CALL,
        "TranscriptionSid": "TR1",
        "TranscriptionText": "hello",
        "TranscriptionStatus": "completed",
    }
    (event,) = parse("transcription", body)
    assert (event.part, event.text, event.sender) == ("transcription:TR1:0", "hello", CALL["From"])
    assert parse("transcription", {**body, "TranscriptionStatus": "failed"}) == ()


def test_json_body() -> None:
    (event,) = parse("sms", json.dumps({**TEXT, "n": 1, "deep": {}}).encode(), content_type="application/json")
    assert (event.sid, event.text) == ("SM1", "你好 🍼")


@pytest.mark.parametrize("endpoint", sorted(PROVIDER.endpoints))
@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"CallSid=&MessageSid=%20", b"From=%2B1&To=%2B2"])
def test_no_sid_is_an_error(endpoint: str, body: bytes) -> None:
    with pytest.raises(CanaryError, match=r"without any SID|no JSON array"):
        parse(endpoint, body)


def test_unknown_endpoint() -> None:
    with pytest.raises(CanaryError, match="no endpoint 'fax'"):
        parse("fax", TEXT)


NAMES = [
    "CallSid",
    "MessageSid",
    "From",
    "To",
    "Body",
    "CallStatus",
    "CallDuration",
    "TranscriptionData",
    "Final",
]
BODIES = st.binary(max_size=300) | st.dictionaries(st.sampled_from(NAMES), st.text()).map(
    lambda form: urlencode(form).encode()
)


@given(st.sampled_from(sorted(PROVIDER.endpoints)), BODIES, st.sampled_from([FORM, "application/json", ""]))
def test_parse_raises_only_our_error(endpoint: str, body: bytes, content_type: str) -> None:
    try:
        events = parse(endpoint, body, content_type=content_type)
    except CanaryError:
        return
    for event in events:
        assert event.sid and event.part
        f"{event}".encode()
        assert "\0" not in event.text + event.sid + event.part + event.to + event.sender


def test_deep_json_is_our_error() -> None:
    with pytest.raises(CanaryError, match="JSON"):
        parse("sms", b"[" * 200_000, content_type="application/json")


# --- answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint", sorted(e for e in PROVIDER.endpoints if e != "voice" and not e.startswith("turn-"))
)
def test_nobody_is_ever_answered(endpoint: str) -> None:
    answer = PROVIDER.reply(endpoint)
    assert answer.status == 200
    assert answer.body == '<?xml version="1.0" encoding="UTF-8"?><Response />'
