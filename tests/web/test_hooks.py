"""The hooks keep every request before judging it, accept what Twilio signed, and refuse the rest."""

import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator

from canary.listen.intake import MAX_BODY, _delivered
from canary.listen.providers.base import RawRequest
from canary.listen.sort import sort_all
from canary.settings import Settings
from canary.store import deliveries, numbers, views
from canary.store.database import Store
from canary.store.deliveries import keep
from canary.store.numbers import NewNumber
from canary.store.schema import Contact, Delivery, Outcome
from canary.store.vault import Vault
from canary.web.app import create_app, intake
from tests.web.conftest import CALLER, OURS, TOKEN

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def registry(settings: Settings) -> Store:
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    with store.writing() as session:
        numbers.import_numbers(session, settings.now(), [NewNumber(OURS, "twilio", Decimal("1.15"))])
    return store


@pytest.fixture
def client(registry: Store, settings: Settings) -> FlaskClient:
    return create_app(settings).test_client()


def sms(sid: str = "SM1", body: str = "奶粉 🍼", **extra: str) -> dict[str, str]:
    return {"MessageSid": sid, "AccountSid": "AC1", "From": CALLER, "To": OURS, "Body": body, **extra}


def post(client: FlaskClient, settings: Settings, form: dict[str, str], endpoint: str = "sms", token: str = TOKEN):
    path = f"/hooks/twilio/{endpoint}"
    signature = RequestValidator(token).compute_signature(settings.public_url + path, form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": signature})


def counts(store: Store) -> tuple[int, int]:
    with store.reading() as session:
        return session.scalar(select(func.count(Delivery.id))), session.scalar(select(func.count(Contact.id)))


def test_a_signed_sms_is_stored_and_never_replied_to(client, settings, registry):
    answer = post(client, settings, sms())
    assert answer.status_code == 200
    assert "<Message" not in answer.text
    assert counts(registry) == (1, 1)


def test_the_same_sms_twice_is_two_deliveries_and_one_contact(client, settings, registry):
    post(client, settings, sms())
    post(client, settings, sms())
    assert counts(registry) == (2, 1)


@pytest.mark.parametrize("signature", [None, "", "bm90IHR3aWxpbw==", "💥"])
def test_a_bad_or_missing_signature_is_kept_in_quarantine_and_answered_403(client, registry, signature):
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    assert client.post("/hooks/twilio/sms", data=sms(), headers=headers).status_code == 403
    assert counts(registry) == (1, 0)
    with registry.reading() as session:
        assert deliveries.quarantined(session) == 1


def test_a_signature_by_another_account_is_refused(client, settings, registry):
    assert post(client, settings, sms(), token="another").status_code == 403


def test_unknown_parameters_unknown_numbers_and_blank_bodies_are_taken(client, settings, registry):
    assert post(client, settings, sms("SM1", "", NewIn2027="值", Blank="")).status_code == 200
    assert post(client, settings, {**sms("SM2"), "To": "+8612999999999"}).status_code == 200
    assert counts(registry) == (2, 2)


def test_a_huge_body_is_cut_off_kept_and_refused(client, registry):
    answer = client.post("/hooks/twilio/sms", data="Body=" + "x" * (MAX_BODY + 10), content_type=FORM)
    assert answer.status_code == 413
    assert counts(registry) == (1, 0)


def test_a_signed_request_without_any_sid_is_kept_with_the_reason(client, settings, registry):
    assert post(client, settings, {"Body": "?"}).status_code == 200
    with registry.reading() as session:
        assert session.scalar(select(Outcome.error)) != ""


def test_hooks_take_nothing_but_post_and_say_so(client):
    answer = client.get("/hooks/twilio/sms")
    assert (answer.status, answer.headers["Allow"]) == ("405 Method Not Allowed", "POST")


@pytest.mark.parametrize("body", [b"Body=half", b""])
def test_a_request_that_broke_off_is_not_kept(client, settings, registry, body):
    url = "/hooks/twilio/sms"
    answer = client.post(
        url, data=body, headers={"X-Twilio-Signature": "x"}, environ_overrides={"CONTENT_LENGTH": "99"}
    )
    assert answer.status_code == 400
    assert counts(registry) == (0, 0)


@pytest.mark.parametrize("path", ["/hooks/twilio/fax", "/hooks/nobody/sms", "/hooks/twilio", "/hooks/twilio/sms/x"])
def test_hooks_that_do_not_exist_are_404(client, path):
    assert client.post(path, data={}).status_code == 404


def test_voice_is_answered_with_notice_then_recorder(client, settings, registry):
    call = {"CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": OURS, "CallStatus": "ringing"}
    answer = post(client, settings, call, "voice")
    assert answer.content_type.startswith("text/xml")
    assert answer.text.index("<Say") < answer.text.index("<Record")


def test_a_call_its_transcription_and_status_are_one_contact_in_any_order(client, settings, registry):
    call = {"CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": OURS}
    said = '{"transcript": "月子中心预订", "confidence": 0.9}'
    words = {
        "TranscriptionEvent": "transcription-content",
        "TranscriptionSid": "GT1",
        "SequenceId": "1",
        "Final": "true",
    }
    post(client, settings, {**call, **words, "TranscriptionData": said}, "transcription")
    post(client, settings, {**call, "CallStatus": "completed", "CallDuration": "40"}, "status")
    post(client, settings, {**call, "CallStatus": "ringing"}, "voice")
    sort_all(registry)
    with registry.reading() as session:
        rows = list(views.sorted_contacts(session, datetime.now(UTC)))
    assert [(r.kind, r.contact.channel) for r in rows] == [("maternal", "call")]


def test_without_a_database_the_request_waits_in_the_spool_and_is_a_contact_once_it_is_back(client, settings, registry):
    take_away(client, settings, registry)
    assert post(client, settings, sms()).status_code == 200
    assert client.post("/hooks/twilio/sms", data=sms("SM2")).status_code == 403
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
    waiting = list((settings.folder / "spool").glob("*.sealed"))
    assert len(waiting) == 2 and not any(b"SM1" in path.read_bytes() for path in waiting)
    for file in settings.folder.glob("gone-*"):
        file.rename(file.with_name(file.name.removeprefix("gone-")))
    service = intake(settings, registry)
    assert (service.drain(), service.drain()) == (2, 0)
    assert counts(registry) == (2, 1)
    with registry.reading() as session:
        assert deliveries.quarantined(session) == 1
        arrivals = list(session.scalars(select(Delivery.at).order_by(Delivery.id)))
    assert arrivals == sorted(arrivals)


def test_a_call_is_answered_without_a_database(client, settings, registry):
    take_away(client, settings, registry)
    call = {"CallSid": "CA1", "AccountSid": "AC1", "From": CALLER, "To": OURS, "CallStatus": "ringing"}
    assert "<Record" in post(client, settings, call, "voice").text


def test_without_database_and_spool_the_answer_is_503_so_that_the_providers_fallback_acts(client, settings, registry):
    take_away(client, settings, registry)
    (settings.folder / "spool").rename(settings.folder / "no-spool")
    (settings.folder / "spool").write_text("a file where the folder should be")
    assert post(client, settings, sms()).status_code == 503


def take_away(client: FlaskClient, settings: Settings, store: Store) -> None:
    store.close()
    client.application.extensions["intake"].store.close()
    for file in settings.folder.glob("canary.sqlite3*"):
        file.rename(file.with_name("gone-" + file.name))


def test_a_delivery_kept_but_not_judged_is_taken_up_again_once(settings, registry):
    """What a kill -9 between "kept" and "judged" leaves behind."""
    url = settings.public_url + "/hooks/twilio/sms"
    headers = {"x-twilio-signature": RequestValidator(TOKEN).compute_signature(url, sms()), "content-type": FORM}
    request = RawRequest(url, headers, urlencode(sms()).encode(), datetime.now(UTC) - timedelta(minutes=5))
    service = intake(settings, registry)
    with registry.writing() as session:
        keep(session, _delivered("twilio", "sms", request))
    assert counts(registry) == (1, 0)
    assert (service.resume(), service.resume()) == (1, 0)
    assert counts(registry) == (1, 1)


def kept(store: Store, settings: Settings, at: datetime, body: bytes = b"") -> None:
    url = settings.public_url + "/hooks/twilio/sms"
    with store.writing() as session:
        keep(session, _delivered("twilio", "sms", RawRequest(url, {}, body, at)))


def test_a_delivery_that_a_clock_running_ahead_dated_is_taken_up_too(settings, registry):
    for hours in (-1, 0, 24):
        kept(registry, settings, datetime.now(UTC) + timedelta(hours=hours))
    assert intake(settings, registry).resume() == 2


def test_what_a_flood_left_is_taken_up_without_filling_the_memory(settings, registry, monkeypatch):
    monkeypatch.setattr("canary.listen.intake.TOGETHER", 2)
    size, many = 100_000, 30
    for _ in range(many):
        kept(registry, settings, datetime.now(UTC) - timedelta(hours=1), b"x" * size)
    service = intake(settings, registry)
    tracemalloc.start()
    assert service.resume() == many
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < size * many / 2
