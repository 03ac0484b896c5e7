"""Renting numbers, held to Twilio's official specification: by Prism's mock, and by Prism before the emulator."""

from decimal import Decimal

import pytest

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.twilio_numbers import Rented, TwilioNumbers, drift, hooks
from tests.peers.emulate import ACCOUNT, TOKEN, Emulator

WANTED = hooks("https://calls.example")
BUNDLE = {"bundle_sid": "BU" + "0" * 32, "address_sid": "AD" + "0" * 32}


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["local", "mobile", "national", "toll_free"])
def test_twilios_specification_takes_our_search_and_we_its_answer(twilio_mock: str, kind: str) -> None:
    (offer, *_) = TwilioNumbers(ACCOUNT, TOKEN, twilio_mock).search("GB", kind, 5)
    assert offer.number.startswith("+") and offer.address == "none"


@pytest.mark.peer
def test_twilios_specification_takes_every_step_of_a_rent(twilio_mock: str) -> None:
    shop = TwilioNumbers(ACCOUNT, TOKEN, twilio_mock)
    assert shop.price("US", "local") == Decimal("1.00")
    assert shop.price("US", "toll_free") == Decimal("2.00")
    assert shop.price("US", "mobile") is None
    bought = shop.buy("+15017122661", WANTED, BUNDLE)
    assert bought.sid.startswith("PN") and bought.number.startswith("+")
    shop.point(bought.sid, WANTED)
    shop.give_back(bought.sid)
    assert shop.rented("+15017122660") == [], "the mock lists another number than the one asked for"
    assert shop.text("+15017122661", "+15558675310", "drill").startswith("SM")


@pytest.mark.peer
def test_a_wrong_token_and_a_wrong_id_are_told_as_the_outside_world(twilio_mock: str) -> None:
    with pytest.raises(OutsideError, match="setting a number's addresses"):
        TwilioNumbers(ACCOUNT, TOKEN, twilio_mock).point("no id", WANTED)
    with pytest.raises(OutsideError, match="Twilio's list of numbers"):
        TwilioNumbers(ACCOUNT, TOKEN, "http://127.0.0.1:9").rented()


@pytest.mark.peer
def test_a_rent_from_purchase_to_end_holds_to_the_specification_on_both_sides(
    twilio_guard: str, twilio_emulator: Emulator
) -> None:
    shop, number = TwilioNumbers(ACCOUNT, TOKEN, twilio_guard), "+14155557101"
    bought = shop.buy(number, WANTED, {})
    assert [each.sid for each in shop.rented(number)] == [bought.sid]
    shop.point(bought.sid, hooks("https://other.example"))
    (moved,) = shop.rented(number)
    assert moved.points_at["sms_url"] == "https://other.example/hooks/twilio/sms"
    assert shop.text(number, "+14155557102", "drill").startswith("SM")
    shop.give_back(bought.sid)
    shop.give_back(bought.sid)
    assert shop.rented(number) == []


def test_drift_names_every_setting_that_keeps_things_from_us_and_every_number_that_is_gone() -> None:
    right = dict(WANTED.__dict__)
    listed = [Rented("+1", "PN1", right), Rented("+2", "PN2", right | {"sms_url": "", "voice_fallback_url": "x"})]
    listed.append(Rented("+4", "PN4", right | {"sms_method": "GET", "voice_method": "POST", "trunk_sid": "TK1"}))
    held = {"+1": "N1", "+2": "N2", "+3": "N3", "+4": "N4"}
    wrong = {"N2": ["sms_url", "voice_fallback_url"], "N3": ["gone"], "N4": ["sms_method", "trunk_sid"]}
    assert drift(listed, held, WANTED) == wrong


@pytest.mark.parametrize("url", ["", "http://calls.example", "calls.example"])
def test_twilio_is_never_pointed_at_an_address_that_is_not_https(url: str) -> None:
    with pytest.raises(CanaryError, match="not an https address"):
        hooks(url)


def test_a_call_that_nobody_answers_goes_where_the_setting_says() -> None:
    assert hooks("https://calls.example/", "https://bin.example").voice_fallback_url == "https://bin.example"
    assert hooks("https://calls.example/").voice_fallback_url == "https://calls.example/hooks/twilio/voice"
