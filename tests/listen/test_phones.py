"""Phones that listen for us say how they fare, and what is wrong with one is said once, in words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from canary.listen import phones
from canary.listen.intake import Intake
from canary.listen.phones import NEVER, Limits
from canary.listen.providers.base import Phone as Told
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.store.database import Store
from canary.store.spool import Spool
from tests.listen.cases import BASIC, NOW, OURS, SECRET, smsgate
from tests.listen.phone_server import Phone
from tests.listen.receivers import running
from tests.peers.played import Played

HOUR = timedelta(hours=1)
LIMITS = Limits(20, 6 * HOUR, timedelta(days=7), {})


class Gateway(ThreadingHTTPServer):
    """SMSGate's server with its list of devices, for one login."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Gateway)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/3rdparty/v1"
        self.devices: object = []


class _Gateway(Played):
    server: Gateway

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Basic dXNlcjpwYXNz" and self.path == "/3rdparty/v1/devices"
        self.answer_json(200 if allowed else 401, self.server.devices)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    with running(server):
        yield server


@pytest.fixture
def phone() -> Iterator[Phone]:
    server = Phone()
    with running(server):
        yield server


def ping(store: Store, tmp_path, at: datetime, level: float = 90, charging: int = 2, online: int = 1) -> None:
    values = {"battery:level": level, "battery:charging": charging, "connection:status": online}
    checks = {name: {"observedValue": value, "status": "pass"} for name, value in values.items()}
    send(store, tmp_path, at, "system:ping", {"health": {"checks": checks, "status": "pass"}})


def started(store: Store, tmp_path, at: datetime, *cards: str) -> None:
    listed = [{"slotIndex": i, "simNumber": i + 1, "iccid": card} for i, card in enumerate(cards)]
    send(store, tmp_path, at, "app:started", {"simCards": listed})


def send(store: Store, tmp_path, at: datetime, event: str, payload: object) -> None:
    gate = {"smsgate": SmsGateProvider(SECRET)}
    body = {"deviceId": "ffb1", "event": event, "id": f"{event} {at}", "payload": payload}
    intake = Intake(store, Spool(tmp_path / "spool", store.vault), gate, lambda: at)
    assert intake.receive("smsgate", *smsgate(body, str(int(at.timestamp())))).status == 200


def gate(store: Store, now: datetime, limits: Limits = LIMITS) -> Told:
    (found,) = phones.known(store, {"smsgate": SmsGateProvider(SECRET)}, now, limits)["smsgate"]
    return found


def wrong(told: Told) -> list[str]:
    return [words for _, words in told.wrong]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"level": 90, "charging": 0}, []),
        ({"level": 20, "charging": 2}, []),
        ({"level": 20, "charging": 0}, ["battery 20 %, not charging"]),
        ({"level": 21, "charging": 0}, []),
        ({"level": 0.0, "charging": 0, "online": 0}, ["battery 0 %, not charging", "no internet"]),
    ],
    ids=["well", "low but charging", "low", "just enough", "dying"],
)
def test_a_ping_says_how_battery_and_line_are(store, tmp_path, state: dict[str, Any], words: list[str]) -> None:
    ping(store, tmp_path, NOW, **state)
    told = gate(store, NOW + HOUR)
    assert (told.device, told.seen, wrong(told)) == ("ffb1", NOW, words)


def test_the_last_state_counts_and_a_phone_that_falls_silent_is_told_of_whatever_it_said(store, tmp_path) -> None:
    ping(store, tmp_path, NOW, level=5, charging=0)
    ping(store, tmp_path, NOW + HOUR)
    assert wrong(gate(store, NOW + 2 * HOUR)) == []
    assert wrong(gate(store, NOW + 8 * HOUR)) == ["not seen since 2026-06-05 11:00"]


def test_pings_make_no_contact_and_one_an_hour_is_kept(store, tmp_path) -> None:
    for minute in range(0, 120, 10):
        ping(store, tmp_path, NOW + timedelta(minutes=minute))
    with store.engine.connect() as connection:
        counted = connection.exec_driver_sql("SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM contact)")
        assert tuple(counted.one()) == (2, 0)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (("891", "892"), []),
        (("891",), ["SIM 2 is gone"]),
        ((), ["SIM 1 is gone", "SIM 2 is gone"]),
        (("891", "899"), ["SIM 2 is another card than before"]),
    ],
    ids=["same", "one gone", "all gone", "changed"],
)
def test_a_sim_that_went_or_was_changed_is_told(store, tmp_path, later: tuple[str, ...], words: list[str]) -> None:
    started(store, tmp_path, NOW, "891", "892")
    started(store, tmp_path, NOW + HOUR, *later)
    assert wrong(gate(store, NOW + 2 * HOUR)) == words


def test_a_sim_of_the_settings_must_be_there_if_the_phone_sees_any(store, tmp_path) -> None:
    ours = Limits(20, 6 * HOUR, timedelta(days=7), {"ffb1/2": OURS, "other/1": OURS})
    started(store, tmp_path, NOW)
    assert wrong(gate(store, NOW, ours)) == [], "perhaps it is not allowed to see them"
    started(store, tmp_path, NOW + HOUR, "891")
    assert wrong(gate(store, NOW + HOUR, ours)) == ["SIM 2 is gone"]


def test_a_change_of_long_ago_is_no_news(store, tmp_path) -> None:
    started(store, tmp_path, NOW - timedelta(days=8), "891", "892")
    started(store, tmp_path, NOW, "891")
    assert wrong(gate(store, NOW + HOUR)) == []


def test_a_phone_that_goes_by_another_name_is_missed_for_a_month_and_for_good_if_the_settings_name_it(
    store, tmp_path
) -> None:
    ping(store, tmp_path, NOW)
    providers = {"smsgate": SmsGateProvider(SECRET)}
    ours = Limits(20, 6 * HOUR, timedelta(days=7), {"ffb1/2": OURS})
    assert [len(wrong(gate(store, NOW + timedelta(days=days), ours))) for days in (1, 30, 300)] == [1, 1, 1]
    assert len(wrong(gate(store, NOW + timedelta(days=30)))) == 1
    assert phones.known(store, providers, NOW + timedelta(days=31), LIMITS) == {"smsgate": []}


def test_the_servers_list_says_when_each_phone_was_seen_and_with_which_sims(store, gateway) -> None:
    seen = (NOW - HOUR).isoformat()
    gateway.devices = [
        {"id": "ffb1", "lastSeen": seen, "simCards": [{"simNumber": 1, "iccid": "891"}], "deletedAt": None},
        {"id": "ffb2", "lastSeen": (NOW - 9 * HOUR).isoformat().replace("+00:00", "Z")},
        {"id": "gone", "lastSeen": seen, "deletedAt": seen},
        {"id": "odd", "lastSeen": "yesterday"},
        7,
    ]
    ours = {"smsgate": SmsGateProvider(SECRET, api_url=gateway.url, login="user:pass")}
    assert [phones.ask(store, ours, NOW) for _ in range(2)] == [2, 2]
    one, two = phones.known(store, ours, NOW, LIMITS)["smsgate"]
    assert (one.device, one.seen, wrong(one)) == ("ffb1", NOW - HOUR, [])
    assert (two.device, wrong(two)) == ("ffb2", ["not seen since 2026-06-05 01:00"])


@pytest.mark.parametrize("listed", [None, {"error": "x"}, "x", [[]], [{"id": None}]], ids=str)
def test_a_list_that_is_none_gives_no_phones(store, gateway, listed: object) -> None:
    gateway.devices = listed
    assert phones.ask(store, {"smsgate": SmsGateProvider(SECRET, api_url=gateway.url, login="user:pass")}, NOW) == 0
    assert phones.ask(store, {"smsgate": SmsGateProvider(SECRET, api_url=gateway.url, login="no:one")}, NOW) == 0


def test_a_phones_own_server_is_asked_for_battery_and_sims(store, phone) -> None:
    ours = {"smsforwarder": SmsForwarderProvider(SECRET, BASIC, {"pixel": OURS}, phones={"pixel": phone.url})}

    def told(at: datetime) -> list[str]:
        phones.ask(store, ours, at)
        (found,) = phones.known(store, ours, at, LIMITS)["smsforwarder"]
        return wrong(found)

    assert told(NOW) == []
    phone.battery, phone.cards = {"level": "14%", "status": "放电中"}, {"0": "8986001"}
    assert told(NOW + HOUR) == ["battery 14 %", "SIM 2 is gone"]
    phone.battery = None  # switched off in the app: the last level counts on for a while
    assert told(NOW + 2 * HOUR) == ["battery 14 %", "SIM 2 is gone"]
    assert told(NOW + 8 * HOUR) == ["SIM 2 is gone"]


def test_a_phone_that_never_answered_is_named_and_one_that_does_not_holds_up_no_other(store, phone) -> None:
    addresses = {"away": "http://127.0.0.1:1", "pixel": phone.url}
    provider = SmsForwarderProvider(SECRET, BASIC, {"*": OURS}, phones=addresses)
    assert phones.ask(store, {"smsforwarder": provider}, NOW) == 1
    told = phones.known(store, {"smsforwarder": provider}, NOW, LIMITS)["smsforwarder"]
    assert {each.device: wrong(each) for each in told} == {"pixel": [], "away": [NEVER]}
    assert provider.health(told) == (f"phone away: {NEVER}",)


@pytest.mark.parametrize(
    "payload",
    [None, {}, {"health": 1}, {"health": {"checks": []}}, {"health": {"checks": {"battery:level": 3}}}]
    + [
        {"health": {"checks": {"battery:level": {"observedValue": value}}}}
        for value in ("x", None, [], 1e308, 10**400, True)
    ],
    ids=range(11),
)
def test_a_ping_of_another_shape_still_says_that_the_phone_lives(store, tmp_path, payload: object) -> None:
    send(store, tmp_path, NOW, "system:ping", payload)
    assert gate(store, NOW).seen == NOW.astimezone(UTC)
