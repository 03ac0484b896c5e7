"""What is peculiar to each gateway: stamps good for one body, doubly announced pictures, charsets, shared keys."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import ThreadingHTTPServer
from urllib.parse import quote

import pytest
from twilio.request_validator import RequestValidator

from canary.errors import OutsideError
from canary.listen import reconcile as logs
from canary.listen.intake import Intake
from canary.listen.providers.base import Channel, RawRequest, Signature
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.listen.providers.twilio import TwilioProvider
from canary.store import contacts, deliveries
from canary.store.database import Store
from canary.store.spool import Spool
from canary.store.vault import Vault, new_key
from tests.listen import cases
from tests.listen.cases import BASIC, CALLER, NOW, OURS, SECRET, TWILIO, basic, forwarded, smsforwarder, smsgate, twilio
from tests.listen.receivers import running
from tests.peers.played import Played

PHONE = SmsForwarderProvider(SECRET, BASIC, cases.SIMS)


@pytest.fixture
def intake(tmp_path) -> Iterator[Intake]:
    store = Store(f"sqlite:///{tmp_path / 'r.sqlite3'}", Vault(new_key()))
    store.migrate()
    yield Intake(store, Spool(tmp_path / "spool", store.vault), {"smsforwarder": PHONE}, lambda: NOW)
    store.close()


# --- SmsForwarder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-121, 121, 3600, -86400])
def test_a_stamp_is_good_for_two_minutes(seconds: int) -> None:
    _, request = smsforwarder(forwarded(0, text="x"))
    assert PHONE.verify(replace(request, at=NOW + timedelta(seconds=seconds))) is Signature.BAD
    assert PHONE.verify(replace(request, at=NOW + timedelta(seconds=119))) is Signature.GOOD


@pytest.mark.parametrize("spell", [str, lambda s: quote(s, safe=""), lambda s: quote(quote(s, safe=""), safe="")])
@pytest.mark.parametrize("how", ["json", "form"])
def test_the_stamp_may_be_url_encoded_up_to_twice(spell, how: str) -> None:
    for plus in range(8):  # "+" and "/" in some of them
        ts, sign = cases.stamp(plus=plus)
        _, request = smsforwarder({"from": CALLER, "content": "x", "timestamp": ts, "sign": spell(sign)}, how)
        assert PHONE.verify(request) is Signature.GOOD


@pytest.mark.parametrize(
    "header", ["Bearer x", "Basic", "Basic ?", basic("phone:other"), basic(""), basic(BASIC + " ")]
)
def test_credentials_are_wanted_beside_the_stamp(header: str) -> None:
    _, request = smsforwarder(forwarded(0, text="x"))
    assert PHONE.verify(replace(request, headers={**request.headers, "authorization": header})) is not Signature.GOOD


def test_a_captured_stamp_does_not_carry_other_words(intake: Intake) -> None:
    ours, forged = forwarded(0, text="您的快递"), forwarded(0, text="王女士，奶粉特价")
    assert ours["ts"] == forged["ts"]
    answers = [intake.receive("smsforwarder", *smsforwarder(body)).status for body in (ours, forged, ours)]
    assert answers == [200, 403, 200], "the app's own retry is no forgery"
    with intake.store.reading() as session:
        assert deliveries.quarantined(session) == 1
        (contact,) = contacts.contacts(session)
        assert contacts.heard(session, [contact])[contact.id][0] == "您的快递"


def test_a_stamp_that_was_spooled_is_as_old_as_when_it_came(intake: Intake) -> None:
    _, request = smsforwarder(forwarded(0, text="x"))
    intake._resting_until = float("inf")
    assert intake.receive("smsforwarder", "webhook", request).status == 200
    intake.now = lambda: NOW + timedelta(days=2)
    assert intake.drain() == 1
    with intake.store.reading() as session:
        assert [contact.at for contact in contacts.contacts(session)] == [NOW]


def test_a_retry_with_a_new_stamp_is_the_same_contact() -> None:
    one, two = (forwarded(plus, text="x", rx="2026-06-05 18:00:00") for plus in (1, 2))
    assert one["ts"] != two["ts"]
    sids = {PHONE.parse(*smsforwarder(body))[0].sid for body in (one, two)}
    assert len(sids) == 1


def test_calls_have_a_length_and_no_words() -> None:
    (call,) = PHONE.parse(*smsforwarder(forwarded(0, text="来电手机:99 奶粉", call_type="来电挂机", duration="40")))
    assert (call.channel, call.text, call.duration) == (Channel.CALL, "", 40)
    assert PHONE.parse(*smsforwarder(forwarded(0, text="来电", call_type="4"))) == ()


@pytest.mark.parametrize(
    ("sim", "device", "to"),
    [
        (f"SIM1_{OURS}", "other", OURS),
        ("SIM1_12000000001", "other", OURS),
        ("SIM1_work", "pixel", OURS),
        ("SIM2", "pixel", OURS),
        ("SIM1_work", "other", ""),
    ],
)
def test_the_number_stands_in_the_sims_remark_or_in_our_settings(sim: str, device: str, to: str) -> None:
    (text,) = PHONE.parse(*smsforwarder(forwarded(0, text="x", sim=sim, device=device)))
    assert text.to == to


def test_what_a_phone_says_is_marked_so() -> None:
    (text,) = PHONE.parse(*smsforwarder(forwarded(0, text="x")))
    assert text.details["attested"] == "device-attested"


# --- SMSGate ----------------------------------------------------------------------------------------------------------


def test_the_signature_covers_body_and_timestamp() -> None:
    gate = SmsGateProvider(SECRET)
    _, request = smsgate({"event": "system:ping", "id": "1"})
    assert gate.verify(request) is Signature.GOOD
    later = {**request.headers, "x-timestamp": "1780653601"}
    assert gate.verify(replace(request, headers=later)) is Signature.BAD
    upper = {**request.headers, "x-signature": request.headers["x-signature"].upper()}
    assert gate.verify(replace(request, headers=upper)) is Signature.BAD


def test_equal_texts_are_told_apart_by_the_events_id_not_by_the_messages() -> None:
    gate = SmsGateProvider(SECRET)
    payload = {"messageId": "same", "message": "x", "sender": CALLER, "recipient": OURS}
    came = [("one", "a"), ("one", "b"), ("two", "a"), ("one", "a")]
    events = [{"event": "sms:received", "id": sid, "deviceId": device, "payload": payload} for device, sid in came]
    sids = [gate.parse(*smsgate(event))[0].sid for event in events]
    assert len(set(sids)) == 3 and sids[0] == sids[3]


def test_a_picture_announced_and_fetched_is_one_contact_to_the_sim_of_our_settings() -> None:
    gate = SmsGateProvider(SECRET, {"ffb1/1": OURS})
    payload = {"messageId": "m", "sender": CALLER, "recipient": None, "simNumber": 1}
    found = [
        gate.parse(*smsgate({"event": event, "id": sid, "deviceId": "ffb1", "payload": payload}))[0]
        for event, sid in (("mms:received", "a"), ("mms:downloaded", "b"))
    ]
    assert found[0].sid == found[1].sid
    assert {(event.channel, event.to) for event in found} == {(Channel.MESSAGE, OURS)}


# --- Kannel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "kind", "encoding"),
    [
        ("UTF-16BE", "text/plain", "utf-16-be"),
        ("", 'text/plain; charset="UTF-16BE"', "utf-16-be"),
        ("", "text/plain", "utf-8"),
        ("no-such", "text/plain", "utf-8"),
    ],
)
def test_words_come_in_the_charset_that_the_address_or_the_header_names(named: str, kind: str, encoding: str) -> None:
    url = f"https://h/hooks/kannel/sms?from=%2B86120&to=&id=7&cs={named}"
    request = RawRequest(url, {"content-type": kind}, "月子中心".encode(encoding))
    (text,) = cases.KANNEL.provider.parse("sms", request)
    assert (text.text, text.sender, text.sid) == ("月子中心", "+86120", "7")


# --- Twilio's newer ways ----------------------------------------------------------------------------------------------

KEY = "webhooks_sharedkey_1"
SETTINGS = "x-twilio-webhooks-signature-settings"


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"key={KEY}",
        f"key={KEY},algorithm=HMAC_SHA1",
        f"key={KEY},algorithm=none",
        "algorithm=HMAC_SHA256",
        "key=another,algorithm=HMAC_SHA256",
        "key=,algorithm=HMAC_SHA256",
    ],
)
def test_a_shared_key_signs_by_its_own_algorithm_only(header: str) -> None:
    _, request = twilio("sms", {"MessageSid": "SM1"}, KEY)
    assert TWILIO.provider.verify(request) is Signature.GOOD
    assert TWILIO.provider.verify(replace(request, headers={**request.headers, SETTINGS: header})) is Signature.BAD


def test_the_token_does_not_sign_in_the_name_of_a_shared_key() -> None:
    url, form = f"{cases.BASE}/twilio/sms", {"MessageSid": "SM1"}
    for algorithm in ("HMAC_SHA1", "HMAC_SHA256"):
        signature = RequestValidator(SECRET).compute_signature(url, form, algorithm)
        headers = {"content-type": cases.FORM, "x-twilio-signature": signature}
        named = {**headers, SETTINGS: f"key={KEY},algorithm={algorithm}"}
        assert TWILIO.provider.verify(RawRequest(url, named, b"MessageSid=SM1")) is Signature.BAD


def test_a_shared_key_signs_json_and_works_without_a_token() -> None:
    only_shared = TwilioProvider("", shared_keys={KEY: "shared secret"})
    _, request = twilio("events", [], KEY)
    assert only_shared.verify(request) is Signature.GOOD
    assert only_shared.verify(replace(request, body=b"[ ]")) is Signature.BAD
    assert only_shared.health() == ()


def test_numbers_and_truth_in_json_are_read_as_a_form_spells_them() -> None:
    body = {"MessageSid": "SM1", "From": CALLER, "To": OURS, "NumMedia": 2, "Forwarded": True, "Body": None}
    request = RawRequest("https://h/", {"content-type": "application/json"}, json.dumps(body).encode())
    (text,) = TWILIO.provider.parse("sms", request)
    assert (text.channel, text.text) == (Channel.MESSAGE, "")
    assert text.details["NumMedia"] == "2" and text.details["Forwarded"] == "true"


def test_a_stream_and_the_webhook_tell_of_one_contact_whose_words_stand_once(intake: Intake) -> None:
    intake.providers = {"twilio": TWILIO.provider}
    streamed = twilio("events", [{"type": cases.INBOUND, "id": "EZ1", "data": cases.STREAMED}] * 2)
    for endpoint, request in (streamed, TWILIO.text("1", cases.STREAMED["body"]), streamed):
        assert intake.receive("twilio", endpoint, request).status == 200
    with intake.store.reading() as session:
        (contact,) = contacts.contacts(session)
        assert contacts.heard(session, [contact])[contact.id][0] == cases.STREAMED["body"]
        assert contacts.paths(session, [contact]) == {contact.id: ["stream", "webhook"]}


# --- SMSGate: the inbox again -----------------------------------------------------------------------------------------


class Gateway(ThreadingHTTPServer):
    """SMSGate's API: takes exports from whoever has the credentials, and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Gateway)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, dict[str, str]]] = []


class _Gateway(Played):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = self.headers["Authorization"] == basic("user:pass")
        if good:
            self.server.asked.append((self.path, body))
        self.answer(202 if good else 401)


def received(event_id: str, at: str) -> RawRequest:
    payload = {"messageId": "c0", "message": "奶粉", "sender": CALLER, "recipient": OURS, "receivedAt": at}
    _, found = smsgate({"deviceId": "ffb1", "event": "sms:received", "id": event_id, "payload": payload})
    return found


def test_an_inbox_sent_again_under_new_ids_is_the_same_texts_and_equal_texts_at_two_times_are_two() -> None:
    phone = SmsGateProvider(SECRET, cases.SIMS)
    times = ("2026-06-05T18:00:00.000+08:00", "2026-06-05T18:00:01.000+08:00")
    sent = (("a", times[0]), ("b", times[0]), ("c", times[1]))
    sids = [phone.parse("webhook", received(event_id, at))[0].sid for event_id, at in sent]
    assert sids[0] == sids[1] != sids[2]


def test_each_phone_is_asked_for_its_inbox_and_a_refusal_is_told() -> None:
    server = Gateway()
    with running(server):
        sims = {"ffb1/1": OURS, "ffb1/2": OURS, "a0/1": OURS}
        assert list(SmsGateProvider(SECRET, sims, server.url, "user:pass").backfill(NOW) or ["none"]) == []
        assert [(path, body["deviceId"]) for path, body in server.asked] == [
            ("/messages/inbox/export", "a0"),
            ("/messages/inbox/export", "ffb1"),
        ]
        assert server.asked[0][1]["since"] == "2026-06-05T10:00:00+00:00"
        with pytest.raises(OutsideError, match="401"):
            list(SmsGateProvider(SECRET, sims, server.url, "user:wrong").backfill(NOW) or [])


def test_asking_for_inboxes_refutes_nothing_that_stands_in_quarantine(intake: Intake) -> None:
    server = Gateway()
    phone = SmsGateProvider(SECRET, cases.SIMS, server.url, "user:pass")
    intake.providers = {"smsgate": phone}
    request = received("a", "2026-06-05T18:00:00+08:00")
    assert intake.receive("smsgate", "webhook", replace(request, body=request.body + b" ")).status == 403
    with running(server):
        (found,) = logs.reconcile(intake.store, intake.providers, NOW + timedelta(hours=5), timedelta(days=2))
    assert (found.refuted, found.confirmed, found.problem) == (0, 0, "")
