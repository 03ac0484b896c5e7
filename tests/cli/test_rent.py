"""Numbers rented from Twilio, by commands against its emulator: bought once, drift seen, given back when cool."""

import pytest

from canary.cli.rent import _spread
from canary.demo.wire import free_port
from canary.listen.providers.twilio_numbers import Offer
from tests.cli.conftest import Shell, rent_from, serving, unused_number
from tests.peers.emulate import Emulator
from tests.peers.front import Front

pytestmark = pytest.mark.peer

CALLER = "+8613800138000"
PUBLIC = "https://calls.example"
PRICE = ("--monthly-cost", "1.15", "--yes")


@pytest.fixture
def rented(canary: Shell, front: Front) -> Shell:
    """A registry with an account at Twilio, and no number yet."""
    rent_from(canary, front, PUBLIC)
    return canary


def at_twilio(emulator: Emulator, number: str) -> list[dict[str, str]]:
    found = emulator.client.incoming_phone_numbers.list(phone_number=number, limit=9)
    return [{"sid": n.sid, "sms": n.sms_url, "voice": n.voice_url, "status": n.status_callback} for n in found]


def numbers(shell: Shell) -> dict[str, str]:
    return {n["code"]: n["state"] for n in shell.json("number", "list")["numbers"]} if shell.sql(HELD) else {}


HELD = "SELECT 1 FROM number"


def test_a_bought_number_points_at_us_and_waits_in_quarantine(rented: Shell, twilio_emulator: Emulator) -> None:
    number = unused_number()
    said = rented("number", "buy", number, *PRICE).stdout
    assert said == "N00001: bought, in quarantine, 1.15 a month\n"
    hooks = f"{PUBLIC}/hooks/twilio"
    (found,) = at_twilio(twilio_emulator, number)
    assert found | {"sid": ""} == {
        "sid": "",
        "sms": f"{hooks}/sms",
        "voice": f"{hooks}/voice",
        "status": f"{hooks}/status",
    }
    (line,) = rented.json("number", "list")["numbers"]
    assert (line["state"], line["provider"], line["monthly_cost"]) == ("quarantine", "twilio-us-local", "1.15")
    assert rented.ledger("rented") == [{"numbers": {"N00001": found["sid"]}}]
    assert rented.json("number", "health")["health"][0]["drift"] == []


def test_nothing_is_bought_without_a_yes(rented: Shell, twilio_emulator: Emulator) -> None:
    number = unused_number()
    assert "nothing was bought" in rented("number", "buy", number, "--monthly-cost", "1.15", code=2).stderr
    assert at_twilio(twilio_emulator, number) == [] and numbers(rented) == {}


def test_a_purchase_whose_answer_was_lost_is_found_again_and_not_paid_twice(
    rented: Shell, front: Front, twilio_emulator: Emulator
) -> None:
    number, other = unused_number(), unused_number()
    front.loses = 1
    assert "buying" in rented.refused("number", "buy", number, *PRICE, code=3)
    assert numbers(rented) == {} and len(at_twilio(twilio_emulator, number)) == 1
    result = rented("number", "buy", other, *PRICE)
    assert "N00001: bought by a run that was stopped" in result.stderr
    assert numbers(rented) == {"N00001": "quarantine", "N00002": "quarantine"}
    assert sum(path.endswith("/IncomingPhoneNumbers.json") for path in front.posts) == 2
    assert rented.sql("SELECT * FROM purchase") == []
    assert "held already" in rented("number", "buy", number, *PRICE, code=2).stderr


def test_a_purchase_that_never_reached_twilio_is_forgotten(rented: Shell) -> None:
    number = unused_number()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CANARY_TWILIO_API_URL", "http://127.0.0.1:9")
        rented.refused("number", "buy", number, *PRICE, code=3)
    assert len(rented.sql("SELECT * FROM purchase")) == 1
    rented("number", "buy", unused_number(), *PRICE)
    assert rented.sql("SELECT * FROM purchase") == [] and list(numbers(rented)) == ["N00001"]


def test_a_number_that_the_account_has_already_is_adopted_and_pointed_at_us(
    rented: Shell, front: Front, twilio_emulator: Emulator
) -> None:
    number = unused_number()
    twilio_emulator.buy(number, "https://elsewhere.example")
    assert "was in the account already" in rented("number", "buy", number, *PRICE).stdout
    assert at_twilio(twilio_emulator, number)[0]["sms"] == f"{PUBLIC}/hooks/twilio/sms"


def test_an_address_changed_in_the_console_and_a_number_given_up_there_are_found(
    rented: Shell, twilio_emulator: Emulator
) -> None:
    changed, gone, well = unused_number(), unused_number(), unused_number()
    rented("number", "buy", changed, gone, well, *PRICE)
    client = twilio_emulator.client
    client.incoming_phone_numbers(at_twilio(twilio_emulator, changed)[0]["sid"]).update(voice_url="https://x.example/")
    client.incoming_phone_numbers(at_twilio(twilio_emulator, gone)[0]["sid"]).delete()
    found = rented.json("number", "health", code=1)["health"]
    assert found[0]["drift"] == ["N00001 voice_url", "N00002 gone"]
    assert rented("number", "configure").stdout == "N00001: set voice_url\n1 numbers changed\n"
    assert rented.json("number", "health", code=1)["health"][0]["drift"] == ["N00002 gone"]
    assert "N00002: not in the account" in rented.refused("number", "configure", "N00002")


def test_whatever_is_for_sale_in_a_country_is_bought_at_the_price_twilio_names(
    canary: Shell, front: Front, twilio_mock: str
) -> None:
    front.base = twilio_mock
    rent_from(canary, front, PUBLIC)
    offer, *_ = canary.json("number", "search", "--country", "GB")["offers"]
    result = canary("number", "buy", "--country", "GB", "--yes")
    assert result.stdout == "N00001: bought, in quarantine, 1 a month\n"
    assert [n["number"] for n in canary.json("number", "list", "--reveal")["numbers"]] == [offer["number"]]
    assert "0 local numbers for sale in GB, not 1" in canary.refused("number", "buy", "--country", "GB", "--yes")
    assert "no price for mobile" in canary.refused("number", "buy", unused_number(), "--type", "mobile", "--yes")


def test_numbers_are_taken_from_as_many_ranges_as_there_are() -> None:
    offers = [Offer(f"+4420{block}{n:04}", "", True, True, "none") for block in range(1000, 1010) for n in range(50)]
    chosen = _spread(offers, 15)
    assert len(set(chosen)) == 15 and {number[:-4] for number in chosen} == {offer.number[:-4] for offer in offers}
    assert sorted(_spread(offers, 500)) == sorted(offer.number for offer in offers)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("buy",), "name the numbers, or --country"),
        (("buy", "+14155550001", "--country", "GB"), "name the numbers, or --country"),
        (("buy", "--country", "XX"), "is no country"),
        (("buy", "seven"), "is not a telephone number"),
        (("buy", "+14155550001", "--monthly-cost", "dear"), "is no price"),
        (("release",), "name the numbers by code"),
        (("release", "N00009"), "no number 'N00009'"),
        (("configure", "N00009"), "N00009: not in the account"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_wrong_use_is_named(rented: Shell, arguments: tuple[str, ...], words: str) -> None:
    assert words in rented.refused("number", *arguments)


@pytest.mark.parametrize("command", ["search --country GB", "buy +14155550001", "configure"])
def test_without_an_account_nothing_is_asked_of_twilio(canary: Shell, command: str) -> None:
    assert "no Twilio account" in canary.refused("number", *command.split())


def test_an_application_that_hides_a_numbers_addresses_is_named_and_left_to_the_console(
    rented: Shell, front: Front, twilio_emulator: Emulator
) -> None:
    number = unused_number()
    rented("number", "buy", number, *PRICE)
    front.fallbacks[at_twilio(twilio_emulator, number)[0]["sid"]]["voice_application_sid"] = "AP" + "0" * 32
    assert rented.json("number", "health", code=1)["health"][0]["drift"] == ["N00001 voice_application_sid"]
    result = rented("number", "configure", "N00001")
    assert "N00001: set nothing" in result.stdout and "take it off in the console" in result.stderr


def test_states_and_cost_are_shown_though_twilio_is_away(rented: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    rented("number", "buy", unused_number(), *PRICE)
    monkeypatch.setenv("CANARY_TWILIO_API_URL", "http://127.0.0.1:9")
    result = rented("number", "health", code=3)
    assert "1 quarantine" in result.stdout and "drift" not in result.stdout
    assert "Twilio's list of numbers" in result.stderr
    assert "Twilio's list of numbers" in rented("job", "run", "drift", code=3).stderr


def test_a_number_that_points_here_and_that_nobody_holds_is_found(rented: Shell, twilio_emulator: Emulator) -> None:
    twilio_emulator.buy(unused_number(), f"{PUBLIC}/hooks/twilio")
    twilio_emulator.buy(unused_number(), "https://another-project.example")
    result = rented("number", "health", code=1)
    assert result.stderr.count("nobody holds it") == 1


def test_imported_numbers_are_compared_too_once_configured(rented: Shell, twilio_emulator: Emulator) -> None:
    ours, sim = unused_number(), "+8613900139000"
    twilio_emulator.buy(ours, "https://old.example")
    rows = (f"{ours},twilio-us,1.15", f"{sim},smsgate,3")
    rented("number", "import", rented.write("n.csv", "number,provider,monthly_cost", *rows))
    rented("number", "configure")
    assert rented.json("number", "health")["health"][1]["drift"] == []
    twilio_emulator.client.incoming_phone_numbers(at_twilio(twilio_emulator, ours)[0]["sid"]).delete()
    assert [line["drift"] for line in rented.json("number", "health", code=1)["health"]] == [[], ["N00001 gone"]]


def test_a_number_is_given_back_only_after_it_cooled(rented: Shell, twilio_emulator: Emulator) -> None:
    number = unused_number()
    rented("number", "buy", number, *PRICE)
    assert "N00001 is quarantine" in rented.refused("number", "release", "N00001", "--yes")
    rented("number", "retire", "N00001")
    assert "N00001 cools until" in rented.refused("number", "release", "N00001", "--yes")
    rented.sql("UPDATE number SET since = datetime('now', '-91 days')")
    assert "nothing was given back" in rented("number", "release", "--cooled", code=2).stderr
    assert len(at_twilio(twilio_emulator, number)) == 1
    assert rented("number", "release", "--cooled", "--yes").stdout == "N00001: released\n"
    assert at_twilio(twilio_emulator, number) == [] and numbers(rented) == {"N00001": "released"}
    assert rented.json("number", "health")["health"][0]["monthly_cost"] == "0.00"
    assert "is or was held" in rented("number", "buy", number, *PRICE, code=2).stderr


def test_a_release_that_was_stopped_is_finished_by_the_next(rented: Shell, twilio_emulator: Emulator) -> None:
    number = unused_number()
    rented("number", "buy", number, *PRICE)
    rented("number", "retire", "N00001")
    rented.sql("UPDATE number SET since = datetime('now', '-91 days')")
    twilio_emulator.client.incoming_phone_numbers(at_twilio(twilio_emulator, number)[0]["sid"]).delete()
    assert rented("number", "release", "N00001", "--yes").stdout == "N00001: released\n"


def test_a_number_that_watches_a_copy_is_never_given_back(seeded: Shell, front: Front) -> None:
    rent_from(seeded, front, PUBLIC)
    seeded.sql("UPDATE number SET state = 'cooling', since = datetime('now', '-91 days') WHERE state = 'planted'")
    watched = next(n["code"] for n in seeded.json("number", "list")["numbers"] if n["state"] == "cooling")
    assert f"{watched} is watched until" in seeded.refused("number", "release", watched, "--yes")


@pytest.mark.parametrize("by_specification", [False, True], ids=["emulator", "emulator behind Prism"])
def test_buy_receive_list_and_backfill_after_the_receiver_was_dead(
    canary: Shell, front: Front, twilio_emulator: Emulator, request: pytest.FixtureRequest, by_specification: bool
) -> None:
    if by_specification:
        front.behind = request.getfixturevalue("twilio_guard")
    port, number = free_port(), unused_number()
    rent_from(canary, front, f"http://127.0.0.1:{port}")
    canary("number", "buy", number, *PRICE)
    with serving(port):
        twilio_emulator.text(CALLER, number, "孕妈您好，奶粉免费领取")
    twilio_emulator.text(CALLER, number, "孕妈专享：尿不湿免费试用，回复地址")
    twilio_emulator.call(CALLER, number)
    assert len(canary.json("contact", "list")["contacts"]) == 1
    canary("reconcile")
    found = [c for c in canary.json("contact", "list")["contacts"] if c["number"] == "N00001"]
    assert sorted((c["channel"], c["kind"]) for c in found) == [
        ("call", "silent"),
        ("text", "maternal"),
        ("text", "maternal"),
    ]
