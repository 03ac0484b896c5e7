"""Rentals, purchases, incidents and drills on both databases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from canary.errors import CanaryError
from canary.store import contacts, drills, incidents, ledger, numbers, outbox, rentals
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.incidents import Sign
from canary.store.numbers import NewNumber
from canary.store.rentals import Held, Order

NOW = datetime(2026, 6, 5, 12, tzinfo=UTC)
ONE, TWO, US = "+14155550101", "+14155550102", "+14155550103"


def hold(store: Store) -> None:
    with store.writing() as session:
        new = [NewNumber(ONE, "twilio", Decimal(1), sid="PN1"), NewNumber(TWO, "sim", Decimal(3))]
        numbers.import_numbers(session, NOW, new)


def test_rentals_are_kept_with_the_providers_id_and_adopted_later(store: Store) -> None:
    hold(store)
    with store.writing() as session:
        assert rentals.held(session) == [Held("N00001", ONE, "PN1"), Held("N00002", TWO, "")]
        rentals.adopt(session, NOW, {"N00002": "PN2"})
        rentals.adopt(session, NOW, {})
    with store.reading() as session:
        assert rentals.sid(session, "N00002") == "PN2"
        assert [e.payload for e in ledger.entries(session, "rented")] == [{"numbers": {"N00002": "PN2"}}]


def test_a_purchase_is_remembered_sealed_until_it_is_settled(store: Store) -> None:
    order = Order(ONE, "twilio-us-local", Decimal("1.15"))
    with store.writing() as session:
        rentals.intend(session, NOW, order)
        rentals.intend(session, NOW, order)
    with store.writing() as session:
        assert rentals.intended(session) == [order]
        rentals.settle(session, ONE)
        rentals.settle(session, ONE)
    with store.reading() as session:
        assert rentals.intended(session) == []


def test_a_number_is_given_back_when_it_has_cooled_and_not_an_hour_before(store: Store) -> None:
    hold(store)
    cooling = timedelta(days=90)
    with store.writing() as session:
        numbers.retire(session, NOW, "N00001")
        almost = NOW + cooling - timedelta(hours=1)
        assert numbers.cooled(session, almost, cooling) == []
        with pytest.raises(CanaryError, match="cools until 2026-09-03"):
            numbers.check_cooled(session, almost, "N00001", cooling)
        assert [n.code for n in numbers.cooled(session, NOW + cooling, cooling)] == ["N00001"]
        numbers.release(session, NOW + cooling, "N00001")
        assert [h.code for h in rentals.held(session)] == ["N00002"]
        with pytest.raises(CanaryError, match="was given back"):
            numbers.retire(session, NOW, "N00001")
    with store.writing() as session, pytest.raises(CanaryError, match="was given back, callers may still know it"):
        numbers.import_numbers(session, NOW, [NewNumber(ONE, "sim", Decimal(1))])


def sign(state: str) -> Sign:
    return Sign("N00001", state, "warning", f"N00001: {state}", "")


def test_an_incident_is_said_when_it_begins_changes_ends_and_begins_again(store: Store) -> None:
    for found in ([sign("gone")], [sign("gone")], [sign("sms_url")], [], [], [sign("gone")]):
        with store.writing() as session:
            incidents.settle(session, NOW, "drift", found, ["mail", "chat"])
            incidents.settle(session, NOW, "quiet", [], ["mail"])
    with store.reading() as session:
        said = [a.title for a in reversed(outbox.alerts(session)) if a.channel == "mail"]
        assert said == ["N00001: gone", "N00001: sms_url", "Over: N00001: sms_url", "N00001: gone"]
        assert len(outbox.alerts(session)) == 8
        (open_one,) = incidents.incidents(session)
        assert (open_one.state, open_one.count) == ("gone", 1)


def test_a_sender_is_new_by_any_mark_and_again_after_a_silence(store: Store) -> None:
    day = timedelta(days=1)
    steps = [(["s"], 0, True), (["s"], 1, False), (["s", "n"], 2, True), (["s", "n"], 3, False), (["s"], 28, True)]
    for keys, hours, expected in steps:
        with store.writing() as session:
            assert incidents.meet(session, NOW + timedelta(hours=hours), keys, "t", day) is expected, (keys, hours)


def test_drills_take_the_rented_number_that_was_drilled_longest_ago(store: Store) -> None:
    hold(store)
    with store.writing() as session:
        new = [NewNumber(US, "twilio", Decimal(1), sid="PN3")]
        numbers.import_numbers(session, NOW, new)
        order = []
        for hour in range(3):
            target = drills.target(session, "+14155550199")
            assert target is not None
            order.append(target.code)
            drills.start(session, NOW + timedelta(hours=hour), target.number_id)
        assert order == ["N00001", "N00003", "N00001"]
        only = drills.target(session, US)
        assert only is not None and only.code == "N00001", "never the number it is sent from"
        assert drills.target(session, US, "N00002") is None, "a SIM is not drilled"
        newest = drills.last(session)
        assert newest is not None and newest.problem == drills.UNFINISHED


def test_a_drill_knows_its_text_among_others(store: Store) -> None:
    hold(store)
    texts = {"SM1": (US, "canary drill 1"), "SM2": (US, "canary drill 2"), "SM3": (TWO, "canary drill 2")}
    with store.writing() as session:
        for sid, (sender, words) in texts.items():
            heard = Arrived("twilio", sid, "contact:text", "text", ONE, sender, words, None, {})
            contacts.record(session, NOW, heard)
    with store.reading() as session:
        (number, _) = numbers.numbers(session)
        found = drills.arrived(session, US, number.id, "canary drill 2")
        assert found is not None and found[1] == ["webhook"]
        assert session.get_one(contacts.Contact, found[0]).sid == "SM2"
        assert drills.arrived(session, US, number.id, "canary drill 3") is None
        assert drills.made_of(session, found[0]) == ("nothing", False)
