"""A phone may answer anything, or nothing for long: it is told of, holds up no other, and stops no alert."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.server import ThreadingHTTPServer

import pytest

from canary.listen import phones
from canary.listen.alerts.base import Message, Severity
from canary.listen.alerts.mail import Mail
from canary.listen.intake import Intake
from canary.listen.providers import ask
from canary.listen.providers.smsforwarder import SmsForwarderProvider
from canary.listen.providers.smsgate import SmsGateProvider
from canary.listen.reconcile import reconcile
from canary.store.spool import Spool
from tests.listen.cases import BASIC, NOW, OURS, SECRET, smsgate
from tests.listen.phone_server import Phone
from tests.listen.receivers import running
from tests.listen.test_phones import LIMITS, wrong
from tests.peers.played import Played

DAY = timedelta(days=1)
ODD = {
    "no JSON": b"<html>",
    "deep": b"[" * 100_000,
    "a number of many digits": b'{"code": ' + b"9" * 5000 + b"}",
    "endless": b'{"a": "' + b"x" * (ask.MOST + 1),
    "half a character": b'{"code": 500, "msg": "\\ud800\\u001b[2J"}',
}


class Odd(ThreadingHTTPServer):
    """Answers everything with `body`, in one piece or a byte now and then."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Odd)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.body, self.slowly = b"{}", False
        self.asked: list[str] = []


class _Odd(Played):
    server: Odd

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        self.server.asked.append(asked)
        refused = "ffb1" in asked
        self.send_response(404 if refused else 200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        for byte in self.server.body if self.server.slowly else ():
            time.sleep(0.05)
            self.wfile.write(bytes([byte]))
        if not self.server.slowly:
            self.wfile.write(self.server.body)

    do_GET = do_POST

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked had enough
            super().handle()


@pytest.fixture
def odd() -> Iterator[Odd]:
    with running(server := Odd()):
        yield server


@pytest.fixture
def phone() -> Iterator[Phone]:
    with running(server := Phone()):
        yield server


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_a_phone_or_server_that_answers_oddly_holds_up_no_other(store, odd, phone, body: bytes) -> None:
    odd.body = body
    of = SmsForwarderProvider(SECRET, BASIC, {"*": OURS}, phones={"odd": odd.url, "pixel": phone.url})
    providers = {"smsgate": SmsGateProvider(SECRET, api_url=odd.url, login="a:b"), "smsforwarder": of}
    assert phones.ask(store, providers, NOW) == 1
    phone.text(NOW - DAY, "月子中心开业")
    (found,) = reconcile(store, {"smsforwarder": of}, NOW, 2 * DAY)
    assert found.added == 1, "the phone behind it is read"
    assert found.problem.startswith("phone odd: ") and found.problem.isprintable()


def test_a_phone_that_sends_a_byte_now_and_then_is_given_up(store, odd, monkeypatch) -> None:
    monkeypatch.setattr(ask, "SECONDS", 0.3)
    odd.body, odd.slowly = b" " * 100 + b"{}", True
    provider = SmsForwarderProvider(SECRET, BASIC, {"*": OURS}, phones={"odd": odd.url})
    (found,) = reconcile(store, {"smsforwarder": provider}, NOW, 2 * DAY)
    assert found.problem == "phone odd: answered too much, or too slowly"


def test_a_phone_the_server_does_not_know_any_more_keeps_no_other_from_sending_again(store, odd) -> None:
    sims = {"ffb1/1": OURS, "ffb2/1": OURS}
    (found,) = reconcile(store, {"smsgate": SmsGateProvider(SECRET, sims, odd.url, "a:b")}, NOW, DAY)
    assert found.problem == "SMSGate ffb1: answered 404"
    assert ["ffb2" in asked for asked in odd.asked] == [False, True]


@pytest.mark.parametrize("level", ["9" * 5000, "٣", "-1", "x"], ids=["endless", "Arabic", "negative", "word"])
def test_no_battery_level_keeps_the_phones_from_being_told_of(store, phone, level: str) -> None:
    phone.battery = {"level": level}
    ours = {"smsforwarder": SmsForwarderProvider(SECRET, BASIC, {"*": OURS}, phones={"pixel": phone.url})}
    assert phones.ask(store, ours, NOW) == 1
    (found,) = phones.known(store, ours, NOW, LIMITS)["smsforwarder"]
    assert found.device == "pixel" and len("".join(wrong(found))) < 20


def test_the_name_and_slots_that_a_phone_gives_itself_are_shown_on_one_line(store, tmp_path) -> None:
    gate = {"smsgate": SmsGateProvider(SECRET)}
    intake = Intake(store, Spool(tmp_path / "spool", store.vault), gate, lambda: NOW)
    for n, cards in enumerate([[{"simNumber": "1\nBcc: x", "iccid": "1"}, {"simNumber": 1, "iccid": "2"}], []]):
        body = {"deviceId": "a\r\nb\x1b[2J", "event": "app:started", "id": f"{n}", "payload": {"simCards": cards}}
        assert intake.receive("smsgate", *smsgate(body, str(n))).status == 200
    (found,) = phones.known(store, gate, NOW, LIMITS)["smsgate"]
    assert found.device == "a??b?[2J"
    assert wrong(found) == ["SIM 1 is gone"]


def test_a_title_of_several_lines_goes_out_in_one(phone) -> None:
    mail = Mail("smtp+plain://localhost", "a@example.org", ("b@example.org",))
    letter = mail._letter(Message("k", NOW, "phone", Severity.INFO, "Phone a\r\nBcc: x\u2028y", "text"))
    assert letter["Subject"] == "[canary] Phone a Bcc: x y"
