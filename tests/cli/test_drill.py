"""Drills through Twilio's emulator and our real server: the whole chain, and each link broken once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from canary.demo.wire import free_port
from canary.settings import load
from canary.store import contacts
from tests.cli.conftest import Shell, rent_from, serving, unused_number
from tests.listen.receivers import Hook, running
from tests.peers.emulate import Emulator
from tests.peers.front import Front

pytestmark = pytest.mark.peer


@dataclass
class Line:
    """A registry with two rented numbers (codes N00001, N00002), and from where it drills."""

    shell: Shell
    port: int
    sender: str
    hook: Hook

    def drill(self, *arguments: str, code: int = 0) -> dict[str, str]:
        """By step: what the command said; without waiting for what cannot come."""
        found = self.shell.json("drill", "--wait", "0", *arguments, code=code)["drill"]
        return {line["step"]: line["result"] for line in found}

    def doctor(self) -> str:
        return next(c["result"] for c in self.shell.json("doctor", code=1)["doctor"] if c["check"] == "drill")

    def alerts(self) -> list[str]:
        self.hook.got.clear()
        self.shell("job", "run", "alerts")
        return [json.loads(body)["title"] for _, body in self.hook.got]


@pytest.fixture
def line(canary: Shell, front: Front, twilio_emulator: Emulator) -> Iterator[Line]:
    port, sender, hook = free_port(), unused_number(), Hook()
    alerting = f'alert_webhook_url = "{hook.url}"', 'alert_webhook_secret = "sesame"'
    rent_from(canary, front, f"http://127.0.0.1:{port}", f'drill_from = "{sender}"', *alerting)
    twilio_emulator.buy(sender, "https://nowhere.example")
    canary("number", "buy", unused_number(), unused_number(), "--monthly-cost", "1", "--yes")
    with running(hook):
        yield Line(canary, port, sender, hook)


def test_a_text_to_ourselves_is_stored_authorised_and_no_evidence(line: Line) -> None:
    assert line.doctor() == "never run"
    with serving(line.port):
        found = line.drill()
    assert found == {
        "sent": "to N00001",
        "stored": "by webhook",
        "sorted": "authorised",
        "judged": "not evidence",
        "chain": "whole",
    }
    assert line.doctor() == "ok" and line.alerts() == []
    (contact,) = line.shell.json("contact", "list")["contacts"]
    assert contact["kind"] == "authorised"
    with load().store().reading() as session:
        assert contacts.recognised_numbers(session) == set()


def test_drills_go_round_all_numbers(line: Line) -> None:
    with serving(line.port):
        assert [line.drill()["sent"] for _ in range(3)] == ["to N00001", "to N00002", "to N00001"]
        assert line.drill("--number", "N00001")["sent"] == "to N00001"
    (allowed,) = line.shell.json("allow", "list")["allowed"]
    assert (allowed["number"], allowed["note"], allowed["to"]) == (line.sender, "drill", None)


def test_a_server_that_is_dead_breaks_the_chain_though_the_log_has_the_text(line: Line) -> None:
    found = line.drill(code=1)
    assert (found["stored"], found["sorted"]) == ("by backfill", "authorised")
    assert "webhooks do not reach us" in found["chain"] and "webhooks do not reach us" in line.doctor()
    assert line.alerts() == ["The drill of N00001 failed"]
    line.drill(code=1)
    assert [title for title in line.alerts() if "N00001" in title] == [], "one alert an incident"
    with serving(line.port):
        line.drill()
    assert [title.split(" ")[0] for title in line.alerts()] == ["Over:"]


def test_a_text_that_never_comes_breaks_the_chain(line: Line, front: Front) -> None:
    front.carries = False
    assert line.drill(code=1) == {
        "sent": "to N00001",
        "chain": "the text to N00001 never came, neither by webhook nor in the provider's log",
    }


def test_a_provider_that_takes_no_text_is_the_outside_world_and_alerts(line: Line, front: Front) -> None:
    front.loses = 1
    front.carries = False
    assert "sending a text" in line.shell.refused("drill", code=3)
    assert "Twilio did not take the text" in line.doctor() and line.alerts() == ["The drill of N00001 failed"]


def test_a_drill_that_was_killed_counts_as_broken(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("canary.drill.time.sleep", die)
    line.shell("drill", code=1)
    assert "stopped before it ended" in line.doctor()


def test_the_scheduler_drills_once_a_day_however_often_it_is_started(line: Line) -> None:
    with serving(line.port):
        assert "N00001 is heard" in line.shell("job", "run", "drill").stdout
        assert line.shell("job", "run", "drill").stdout == "not due yet\n"
        line.shell.sql("UPDATE drill SET at = datetime('now', '-22 hours')")
        assert "N00002 is heard" in line.shell("job", "run", "drill").stdout
    line.shell.sql("UPDATE drill SET at = datetime('now', '-4 days')")
    assert line.doctor().startswith("the last was on ")


def test_what_is_missing_for_a_drill_is_named(canary: Shell, front: Front) -> None:
    assert "drill_from" in canary.refused("drill")
    assert "no drill_from" in canary("job", "run", "drill").stdout
    canary.write("canary.toml", 'drill_from = "+14155550000"')
    assert "no Twilio account" in canary.refused("drill")
    rent_from(canary, front, "https://calls.example", 'drill_from = "+14155550000"')
    assert "no number rented to drill" in canary.refused("drill")
