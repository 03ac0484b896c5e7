"""Contacts are stored once, whatever the order and multiplicity of their deliveries; on both databases."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from canary.listen.intake import arrived
from canary.listen.providers.base import Channel, Event
from canary.listen.sort import sort_all
from canary.store import contacts, numbers, permissions, views
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.schema import Contact, Part

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
OURS = "+8612000000001"
EVENTS = [
    ("voice", Event("CA1", "contact", Channel.CALL, OURS, "+8612000000099")),
    ("status", Event("CA1", "status:completed", Channel.CALL, OURS, "+8612000000099", duration=40)),
    ("transcription", Event("CA1", "transcription:GT1:1", Channel.CALL, text="月子中心")),
    ("transcription", Event("CA1", "transcription:GT1:2", Channel.CALL, text="春季预订")),
    ("sms", Event("SM1", "contact", Channel.TEXT, OURS, "+8612000000098", "奶粉特价")),
]


def hold(store: Store, *held: str) -> None:
    with store.writing() as session:
        numbers.import_numbers(session, NOW, [NewNumber(n, "twilio", Decimal(1)) for n in held])


def deliver(store: Store, order: list[int]) -> None:
    for index in order:
        endpoint, event = EVENTS[index]
        with store.writing() as session:
            contacts.record(session, NOW, arrived("twilio", endpoint, event))


def heard(store: Store) -> list[tuple[str, str, str, str | None]]:
    sort_all(store)
    with store.reading() as session:
        rows = views.sorted_contacts(session, NOW + timedelta(days=1))
        return sorted(
            (r.contact.sid, r.kind, views.opened(session, r.contact).text, r.contact.number.code) for r in rows
        )


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, str, str, str]]:
    return [("CA1", "maternal", "月子中心\n春季预订", "N00001"), ("SM1", "maternal", "奶粉特价", "N00001")]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.permutations(list(range(len(EVENTS)))), st.lists(st.integers(0, len(EVENTS) - 1), max_size=6))
def test_any_order_and_multiplicity_gives_the_same_contacts(tmp_path_factory, expected, order, repeats):
    from canary.store.vault import Vault, new_key

    store = Store(f"sqlite:///{tmp_path_factory.mktemp('order') / 'r.sqlite3'}", Vault(new_key()))
    store.migrate()
    hold(store, OURS)
    deliver(store, [*order, *repeats])
    assert heard(store) == expected
    store.close()


def test_contacts_and_parts_are_stored_once_on_both_databases(store, expected):
    hold(store, OURS)
    deliver(store, [4, 2, 1, 3, 0, 0, 1, 2, 3, 4])
    assert heard(store) == expected
    with store.reading() as session:
        assert session.scalar(select(func.count(Contact.id))) == 2
        assert session.scalar(select(func.count(Part.id))) == 5


def test_the_same_delivery_at_the_same_instant_from_eight_threads_is_one_contact(store):
    hold(store, OURS)
    start = threading.Barrier(8)

    def once() -> None:
        start.wait()
        deliver(store, [4])

    threads = [threading.Thread(target=once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard(store)) == 1


def test_a_number_we_do_not_hold_is_kept_without_a_number(store):
    deliver(store, [4])
    sort_all(store)
    with store.reading() as session:
        row = next(views.sorted_contacts(session, NOW))
        assert row.contact.number is None
        assert row.kind == "maternal"


def test_a_transcription_that_comes_after_triage_changes_the_kind(store):
    hold(store, OURS)
    deliver(store, [0])
    assert [kind for _, kind, _, _ in heard(store)] == ["silent"]
    deliver(store, [2])
    assert [kind for _, kind, _, _ in heard(store)] == ["maternal"]


def test_allowing_a_caller_afterwards_makes_its_contacts_authorised(store):
    hold(store, OURS)
    deliver(store, [4])
    assert heard(store)[0][1] == "maternal"
    with store.writing() as session:
        permissions.allow(session, "+8612000000098", "clinic")
    assert heard(store)[0][1] == "authorised"


def test_nothing_readable_stands_in_the_database(store):
    hold(store, OURS)
    deliver(store, [4])
    with store.engine.connect() as connection:
        tables = ("number", "contact", "part")
        dump = "".join(str(tuple(row)) for t in tables for row in connection.exec_driver_sql(f"SELECT * FROM {t}"))
    assert not any(secret in dump for secret in (OURS, OURS[3:], "奶粉", "8612000000098"))


def test_quarantine_splits_by_provider_and_drops_numbers_with_baby_traffic(store):
    hold(store, *(f"+86120000000{i:02d}" for i in range(1, 41)))
    deliver(store, [4])
    sort_all(store)
    with store.writing() as session:
        assert numbers.end_quarantine(session, NOW + timedelta(days=27), 0.1) == 0
        assert numbers.end_quarantine(session, NOW + timedelta(days=28), 0.1) == 39
        states = Counter(n.state for n in numbers.numbers(session))
    assert states == {"ready": 26, "control": 13, "cooling": 1}
