"""A phone's own server, played as the app documents it, gives back what never reached us, each contact once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from canary.listen import reconcile as logs
from canary.listen.intake import Intake
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.store import contacts
from canary.store.database import Store
from canary.store.spool import Spool
from tests.listen.cases import BASIC, CALLER, NOW, OURS, SECRET, SIMS, forwarded, smsforwarder
from tests.listen.phone_server import Phone
from tests.listen.receivers import running

LATER = NOW + timedelta(hours=3)


@pytest.fixture
def phone() -> Iterator[Phone]:
    server = Phone()
    with running(server):
        yield server


def provider(phone: Phone, secret: str = SECRET) -> SmsForwarderProvider:
    return SmsForwarderProvider(secret, BASIC, SIMS, phones={"pixel": phone.url})


def reconciled(store: Store, phone: Phone, secret: str = SECRET, now: datetime = LATER) -> logs.Reconciled:
    (found,) = logs.reconcile(store, {"smsforwarder": provider(phone, secret)}, now, timedelta(days=2))
    return found


def received(store: Store, phone: Phone, tmp_path, plus: int, text: str) -> None:
    intake = Intake(store, Spool(tmp_path / "spool", store.vault), {"smsforwarder": provider(phone)}, lambda: NOW)
    assert intake.receive("smsforwarder", *smsforwarder(forwarded(plus, text=text))).status == 200


def came(store: Store) -> list[tuple[str, str, list[str]]]:
    with store.reading() as session:
        found = contacts.contacts(session)
        heard, paths = contacts.heard(session, found), contacts.paths(session, found)
        return sorted((c.channel, heard[c.id][0], paths[c.id]) for c in found)


def test_what_the_phone_kept_is_added_once_with_its_time_and_what_reached_us_stays_one(store, phone, tmp_path) -> None:
    received(store, phone, tmp_path, 1, "奶粉")
    phone.text(NOW - timedelta(seconds=3), "奶粉")
    phone.text(NOW + timedelta(minutes=1), "月子中心 🍼")
    phone.call(NOW - timedelta(hours=1), 3, 0)
    phone.call(NOW - timedelta(hours=2), 1, 40)
    first = reconciled(store, phone)
    assert (first.read, first.added, first.problem) == (4, 3, "")
    expected = [
        ("call", "", ["backfill"]),
        ("call", "", ["backfill"]),
        ("text", "奶粉", ["backfill", "webhook"]),
        ("text", "月子中心 🍼", ["backfill"]),
    ]
    assert came(store) == expected
    assert (reconciled(store, phone).added, came(store)) == (0, expected)
    with store.reading() as session:
        found = contacts.contacts(session)
        assert {contacts.sender(session, c) for c in found} == {CALLER}
        assert {c.at for c in found} >= {NOW - timedelta(hours=1), NOW - timedelta(hours=2)}


def test_two_equal_texts_of_which_one_reached_us_are_two(store, phone, tmp_path) -> None:
    received(store, phone, tmp_path, 1, "奶粉")
    phone.text(NOW - timedelta(seconds=50), "奶粉")
    phone.text(NOW - timedelta(seconds=2), "奶粉")
    assert [reconciled(store, phone).added for _ in range(3)] == [1, 0, 0]
    assert len(came(store)) == 2


def test_what_the_phone_may_still_send_by_itself_is_left_to_it(store, phone, tmp_path) -> None:
    phone.text(LATER - timedelta(minutes=20), "奶粉")
    assert reconciled(store, phone).added == 0
    assert reconciled(store, phone, now=LATER + timedelta(hours=1)).added == 1


def test_pages_are_turned_as_far_back_as_asked(store, phone) -> None:
    for number in range(120):
        phone.text(NOW - timedelta(minutes=30 * number), f"text {number}")
    found = reconciled(store, phone)
    assert found.added == 91 and phone.asked.count("/sms/query") == 2, "two days before the reading"
    times = [row["date"] for row in phone.texts]
    assert all(one > two for one, two in pairwise(times))


@pytest.mark.parametrize(("secret", "told"), [("another", "sign verify failed")])
def test_a_phone_that_refuses_or_is_away_is_told_and_refutes_nothing(store, phone, secret: str, told: str) -> None:
    phone.text(NOW, "奶粉")
    assert told in reconciled(store, phone, secret).problem
    gone = SmsForwarderProvider(SECRET, BASIC, SIMS, phones={"pixel": "http://127.0.0.1:9"})
    (found,) = logs.reconcile(store, {"smsforwarder": gone}, LATER, timedelta(days=2))
    assert "phone pixel" in found.problem and found.refuted == 0


def test_a_phone_whose_sim_is_not_known_gives_no_contact_of_a_wrong_number(store, phone) -> None:
    phone.text(NOW, "奶粉")
    stranger = SmsForwarderProvider(SECRET, BASIC, {"other": OURS}, phones={"pixel": phone.url})
    logs.reconcile(store, {"smsforwarder": stranger}, LATER, timedelta(days=2))
    assert came(store) == [] and "no SIM" in " ".join(stranger.health())
    assert provider(phone).health() == ()
