"""What every provider must keep to; a new one is a file, and a case in `cases`."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from canary.errors import CanaryError, OutsideError
from canary.listen.intake import MAX_BODY, Intake, Kept, _delivered
from canary.listen.providers.base import Channel, RawRequest, Signature
from canary.listen.providers.every import EVERY, attested
from canary.store import contacts, deliveries
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.schema import Contact, Delivery
from canary.store.spool import Spool
from canary.store.vault import Vault, new_key
from tests.listen.cases import CALLER, CASES, FORM, NOW, OURS, Case, Signed

every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.provider.name)


def each_sample() -> Iterator[object]:
    for case in CASES:
        for number, signed in enumerate(case.samples()):
            yield pytest.param(case, signed, id=f"{case.provider.name}-{number}-{signed[0]}")


sample = pytest.mark.parametrize(("case", "signed"), list(each_sample()))


def test_every_provider_has_its_case() -> None:
    assert {type(case.provider) for case in CASES} == set(EVERY)


@sample
def test_what_it_signed_verifies_and_is_read_the_same_each_time(case: Case, signed: Signed) -> None:
    endpoint, request = signed
    assert case.provider.verify(request) is Signature.GOOD
    events = case.provider.parse(endpoint, request)
    assert events == case.provider.parse(endpoint, replace(request, at=NOW + timedelta(days=1)))
    assert len({(event.sid, event.part) for event in events}) == len(events)
    for event in events:
        assert event.sid and len(event.sid) <= 80 and len(event.part) <= 120
        assert all(isinstance(value, str) for value in event.details.values())


@sample
def test_without_headers_nothing_verifies(case: Case, signed: Signed) -> None:
    _, request = signed
    assert case.provider.verify(replace(request, headers={})) is Signature.MISSING


@sample
def test_a_changed_body_is_refused_or_what_came_is_marked_as_not_signed(case: Case, signed: Signed) -> None:
    _, request = signed
    changed = case.provider.verify(replace(request, body=request.body.replace(b"1", b"2") + b" "))
    if case.unsigned:
        assert attested(case.provider.name) in ("device-attested", "gateway-attested")
    else:
        assert changed is Signature.BAD


@every
def test_another_one_with_another_key_lets_nothing_of_it_in(case: Case) -> None:
    empty = {"twilio": ("",), "smsgate": ("",), "smsforwarder": ("", ""), "kannel": ("",)}[case.provider.name]
    keyless = type(case.provider)(*empty)
    assert keyless.health() and not case.provider.health()
    assert all(keyless.verify(request) is not Signature.GOOD for _, request in case.samples())


@every
def test_texts_say_who_wrote_to_whom_and_what(case: Case) -> None:
    words = "王女士您好\r\n奶粉 🍼 + 100% & more"
    endpoint, request = case.text("1", words)
    (event,) = case.provider.parse(endpoint, request)
    assert (event.part, event.channel, event.to, event.sender) == ("contact", Channel.TEXT, OURS, CALLER)
    assert event.text == words


@every
def test_two_texts_have_two_ids(case: Case) -> None:
    sids = {case.provider.parse(*case.text(sid, "same words"))[0].sid for sid in ("1", "2")}
    assert len(sids) == 2


@every
def test_the_answer_is_2xx_at_every_endpoint_and_reaches_no_sender(case: Case) -> None:
    for endpoint in case.provider.endpoints:
        answer = case.provider.reply(endpoint)
        assert 200 <= answer.status < 300
        assert "<Message" not in answer.body and "<Sms" not in answer.body
        assert case.provider.name != "kannel" or answer.body == "", "Kannel sends it to whoever wrote"


@every
def test_it_has_a_log_to_read_back_or_says_there_is_none(case: Case) -> None:
    assert case.provider.backfill(NOW) is None  # none of these has been told where its log is


WIDE = st.text(st.characters(exclude_categories=[]), max_size=30)
HEADERS = ("content-type", "authorization", "x-signature", "x-timestamp", "x-twilio-signature")


@every
@given(data=st.data())
def test_whatever_comes_verifying_never_raises_and_reading_raises_our_error_alone(case: Case, data) -> None:
    endpoint, good = data.draw(st.sampled_from(case.samples()))
    odd = st.one_of(st.sampled_from(["", FORM, "application/json", "Basic 💥", "Basic Og=="]), WIDE)
    headers = data.draw(st.dictionaries(st.sampled_from(HEADERS), odd))
    cut = data.draw(st.integers(0, len(good.body)))
    body = data.draw(st.sampled_from([b"", b"{}", b"[]", b"[[", b"null", b'{"payload": 1}', b"a=1&b", good.body[:cut]]))
    body += data.draw(st.binary(max_size=20))
    request = RawRequest(data.draw(st.one_of(st.just(good.url), WIDE)), {**good.headers, **headers}, body)
    assert case.provider.verify(request) in Signature
    try:
        events = case.provider.parse(endpoint, request)
        case.provider.once(request)
    except CanaryError:
        return
    for event in events:
        event.text.encode(), event.sid.encode()
        assert "\0" not in event.text + event.sender + event.to + event.sid


# --- through the intake -----------------------------------------------------------------------------------------------


@pytest.fixture
def intake(tmp_path) -> Iterator[Intake]:
    store = Store(f"sqlite:///{tmp_path / 'r.sqlite3'}", Vault(new_key()))
    store.migrate()
    yield Intake(
        store, Spool(tmp_path / "spool", store.vault), {c.provider.name: c.provider for c in CASES}, lambda: NOW
    )
    store.close()


def counts(intake: Intake) -> tuple[int, int, int]:
    """Deliveries, contacts, quarantine."""
    with intake.store.reading() as session:
        kept, heard = (session.scalar(select(func.count(model.id))) for model in (Delivery, Contact))
        return kept, heard, deliveries.quarantined(session)


@every
def test_a_text_sent_twice_is_two_deliveries_and_one_contact(case: Case, intake: Intake) -> None:
    endpoint, request = case.text("1", "奶粉")
    for _ in range(2):
        assert intake.receive(case.provider.name, endpoint, request) == case.provider.reply(endpoint)
    assert counts(intake) == (2, 1, 0)


@every
def test_all_it_sends_becomes_contacts_of_its_own_and_of_our_number(case: Case, intake: Intake) -> None:
    for endpoint, request in case.samples():
        assert intake.receive(case.provider.name, endpoint, request).status == 200
    with intake.store.reading() as session:
        found = contacts.contacts(session)
        assert {contact.provider for contact in found} == {case.provider.name}
        assert {contacts.sender(session, contact) for contact in found} == {CALLER}
        assert len(found) == {"twilio": 4, "smsgate": 3, "smsforwarder": 6, "kannel": 4}[case.provider.name]


@every
def test_unsigned_and_oversized_requests_are_kept_and_refused(case: Case, intake: Intake) -> None:
    endpoint, request = case.text("1", "奶粉")
    assert intake.receive(case.provider.name, endpoint, replace(request, headers={})).status == 403
    huge = replace(request, body=request.body + b" " * MAX_BODY)
    assert intake.receive(case.provider.name, endpoint, huge).status == 413
    assert counts(intake) == (2, 0, 2)


def test_a_delivery_the_database_does_not_take_holds_up_no_other(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = next(case for case in CASES if case.provider.name == "twilio")
    kept = [_kept(intake, case, sid) for sid in ("1", "poison", "2")]
    real = contacts.record_all

    def record_all(session: Session, events: Sequence[tuple[datetime, Arrived]]) -> None:
        if any("poison" in arrived.sid for _, arrived in events):
            raise OutsideError("database: value too long", "see `canary doctor`")
        real(session, events)

    monkeypatch.setattr(contacts, "record_all", record_all)
    intake.settle_all(kept)
    assert counts(intake)[:2] == (3, 2)
    intake.now = lambda: NOW + timedelta(hours=1)
    assert intake.resume() == 1
    monkeypatch.undo()
    intake.now = lambda: NOW + timedelta(hours=1)
    assert intake.resume() == 1
    assert counts(intake)[:2] == (3, 3)


def _kept(intake: Intake, case: Case, sid: str) -> Kept:
    endpoint, request = case.text(sid, "奶粉")
    delivered = _delivered(case.provider.name, endpoint, replace(request, at=NOW))
    with intake.store.writing() as session:
        deliveries.keep(session, delivered)
    return Kept(delivered, request, case.provider.verify(request))
