"""Alerts end to end: one for every sender and every change of a verdict, none for what is known, codes only."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from canary.listen.lines import Compared
from canary.mint.facts import Fact
from canary.settings import load
from canary.store import incidents, placements, views
from canary.watch import drifted
from tests.cli.conftest import PHONES, Shell, canaries
from tests.listen.phone_server import Phone
from tests.listen.receivers import Hook, running

SELLER, OTHER = "+8613900139000", "+8613900139001"
WORDS = "孕妈您好，奶粉特价"


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    with running(server):
        yield server


@pytest.fixture
def told(seeded: Shell, hook: Hook) -> Shell:
    """The seeded registry, its alerts going to `hook`."""
    set_up(seeded, hook)
    seeded("job", "run", "alerts")
    return seeded


def set_up(shell: Shell, hook: Hook, *more: str) -> None:
    lines = [f'alert_webhook_url = "{hook.url}"', 'alert_webhook_secret = "sesame"']
    shell.write("canary.toml", *lines, *more)


def alerts(hook: Hook) -> list[dict[str, str]]:
    found = [json.loads(body) for _, body in hook.got]
    hook.got.clear()
    return found


def hear(shell: Shell, copy: str, which: int, sender: str, words: str = WORDS, hours_ago: float = 1) -> None:
    at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    line = f"{at},,{canaries(shell, copy)[which]},sms,{words},{sender}"
    shell("contact", "import", shell.write("one.csv", "at,number,canary,via,text,sender", line))
    shell("job", "run", "alerts")


def test_a_sender_alerts_once_whatever_it_sends_to_that_copy(told: Shell, hook: Hook) -> None:
    hear(told, "a", 0, SELLER, hours_ago=3)
    (alert,) = alerts(hook)
    assert (alert["scope"], alert["severity"], alert["title"]) == ("sender", "high", "Copy a: a new sender")
    hear(told, "a", 0, SELLER, hours_ago=2)
    hear(told, "a", 1, SELLER, hours_ago=1)
    assert alerts(hook) == []


def test_a_second_sender_a_second_number_to_call_and_a_second_copy_always_alert(told: Shell, hook: Hook) -> None:
    hear(told, "a", 0, SELLER, hours_ago=4)
    assert len(alerts(hook)) == 1
    hear(told, "a", 0, OTHER, hours_ago=3)
    assert len(alerts(hook)) == 1, "the same words on the same number, but by another"
    hear(told, "a", 0, SELLER, f"{WORDS} 回电13700137000", hours_ago=2)
    assert len(alerts(hook)) == 1, "the same sender, but another number to call back"
    hear(told, "c", 0, SELLER, hours_ago=1)
    assert len(alerts(hook)) == 1, "the same sender, but another copy"


def test_callers_who_withhold_their_number_are_never_taken_for_one(told: Shell, hook: Hook) -> None:
    hear(told, "a", 0, "", hours_ago=2)
    hear(told, "a", 0, "", hours_ago=1)
    assert len(alerts(hook)) == 2


def test_a_known_sender_alerts_again_after_a_long_silence(told: Shell, hook: Hook) -> None:
    hear(told, "a", 0, SELLER, hours_ago=50)
    hear(told, "a", 1, SELLER, hours_ago=20)
    assert len(alerts(hook)) == 2
    hear(told, "a", 2, SELLER, hours_ago=1)
    assert alerts(hook) == []


def test_many_senders_at_once_share_an_alert_that_counts_them(told: Shell, hook: Hook) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    lines = [f"{at},,{canaries(told, 'a')[i % 12]},sms,{WORDS},+86139001390{i:02}" for i in range(30)]
    told("contact", "import", told.write("many.csv", "at,number,canary,via,text,sender", *lines))
    told("job", "run", "alerts")
    (alert,) = alerts(hook)
    assert alert["title"] == "Copy a: 30 new senders" and "and 20 more" in alert["text"]


def test_an_allowed_caller_and_a_control_and_mere_marketing_alert_nobody(told: Shell, hook: Hook) -> None:
    told("allow", "add", SELLER, "--note", "clinic")
    hear(told, "a", 0, SELLER)
    hear(told, "a", 0, OTHER, "您的快递到了")
    control = told.sql("SELECT sealed FROM number WHERE state = 'control' LIMIT 1")
    assert control
    number = next(n for n in told.json("number", "list", "--reveal")["numbers"] if n["state"] == "control")["number"]
    at = datetime.now(UTC).isoformat()
    line = f"{at},{number},,sms,{WORDS},{OTHER}"
    told("contact", "import", told.write("control.csv", "at,number,canary,via,text,sender", line))
    told("job", "run", "alerts")
    assert alerts(hook) == []


def test_a_verdict_alerts_when_it_is_reached_and_when_it_is_over(heard: Shell, hook: Hook) -> None:
    set_up(heard, hook)
    heard("job", "run", "verdicts")
    heard("job", "run", "alerts")
    found = {a["scope"]: a for a in alerts(hook)}
    assert found["verdict"]["title"] in ("Copy a: leaked", "Copy a: likely")
    heard("job", "run", "verdicts")
    heard("job", "run", "alerts")
    assert alerts(hook) == []
    heard("allow", "add", "+8612099999999", "--note", "it was the clinic")
    heard.sql("DELETE FROM factor")
    heard("job", "run", "verdicts")
    heard("job", "run", "alerts")
    (over,) = alerts(hook)
    assert over["title"].startswith("Over: Copy a: ") and over["severity"] == "info"


def test_no_alert_carries_a_name_a_number_or_a_word_that_was_said(heard: Shell, hook: Hook) -> None:
    set_up(heard, hook)
    secrets = [*PHONES, "8612099999999", "奶粉"]
    with load().store().reading() as session:
        secrets += [str(placements.facts(session, c)[Fact.NAME]) for c in views.planted_canaries(session)]
    heard("job", "run", "verdicts")
    heard("job", "run", "alerts")
    said = json.dumps(alerts(hook), ensure_ascii=False)
    assert "Copy a" in said and not [secret for secret in secrets if secret.lstrip("+") in said]


def test_a_provider_that_falls_silent_alerts_once_and_says_when_it_is_back(told: Shell, hook: Hook) -> None:
    last = (datetime.now(UTC) - timedelta(days=9)).isoformat(sep=" ")
    told.sql("INSERT INTO delivery VALUES (1, ?, 'twilio', 'sms', x'00', 'k')", last)
    told.sql("INSERT INTO delivery_outcome VALUES (1, 'good', '')")
    for _ in range(2):
        told("job", "run", "alerts")
    (alert,) = alerts(hook)
    assert (alert["scope"], alert["title"]) == ("quiet", "Nothing heard of twilio for 9 days")
    told.sql("UPDATE delivery SET at = datetime('now')")
    told("job", "run", "alerts")
    assert [a["title"] for a in alerts(hook)] == ["Over: Nothing heard of twilio for 9 days"]


def test_a_spool_that_does_not_drain_alerts(told: Shell, hook: Hook) -> None:
    spool = told.folder / "spool"
    spool.mkdir(exist_ok=True)
    (spool / f"{time.time_ns() - 10**9:020d}-young.sealed").write_bytes(b"sealed by another key")
    told("job", "run", "alerts")
    assert alerts(hook) == []
    (spool / f"{time.time_ns() - 3600 * 10**9:020d}-old.sealed").write_bytes(b"sealed by another key")
    told("job", "run", "alerts")
    assert [a["scope"] for a in alerts(hook)] == ["spool"]


def test_drift_alerts_when_it_changes_and_when_it_is_over(told: Shell, hook: Hook) -> None:
    settings = load()
    store = settings.store()
    for wrong in ({"N00001": ["sms_url"]}, {"N00001": ["sms_url"]}, {"N00001": ["gone"]}, {}):
        drifted(settings, store, Compared(wrong, [], {}))
    told("job", "run", "alerts")
    assert [a["title"] for a in alerts(hook)] == ["N00001: sms_url", "N00001: gone", "Over: N00001: gone"]
    with store.reading() as session:
        assert not [i for i in incidents.incidents(session) if i.scope == "drift"]
    store.close()


def test_an_alert_waits_while_its_channel_is_away_and_the_doctor_says_so(told: Shell, hook: Hook) -> None:
    hook.status = 500
    hear(told, "a", 0, SELLER)
    (line,) = told.json("alert", "list")["alerts"]
    assert (line["sent"], line["tries"], line["error"]) == (None, 1, "webhook: answered 500")
    told.sql("UPDATE alert SET attempts = 3, next_at = datetime('now', '-1 minute')")
    checks = {c["check"]: c["result"] for c in told.json("doctor", code=1)["doctor"]}
    assert checks["alerts"] == "1 wait for webhook: webhook: answered 500"
    hook.status = 204
    told("job", "run", "alerts")
    (line,) = told.json("alert", "list")["alerts"]
    assert line["sent"] and line["error"] == "" and len(alerts(hook)) == 1


def test_the_test_button_reaches_every_channel_or_one_and_says_what_failed(told: Shell, hook: Hook) -> None:
    assert told("alert", "test").stdout == "webhook: sent\n"
    (alert,) = alerts(hook)
    assert alert["scope"] == "test"
    set_up(told, hook, 'alert_slack_url = "http://127.0.0.1:9/sesame"')
    assert told("alert", "test", "--channel", "webhook").stdout == "webhook: sent\n"
    result = told("alert", "test", code=3)
    assert "slack: ConnectionError" in result.stderr and "9/sesame" not in result.output
    assert "no channel 'pigeon'" in told.refused("alert", "test", "--channel", "pigeon")


def test_without_a_channel_incidents_are_kept_and_nothing_waits(seeded: Shell) -> None:
    hear(seeded, "a", 0, SELLER)
    (line,) = seeded.json("alert", "incidents")["incidents"]
    assert line["scope"] == "sender" and "nobody is told" in seeded("alert", "incidents").stderr
    assert seeded.json("alert", "list")["alerts"] == []
    assert "no channel is set up" in seeded.refused("alert", "test")


def test_a_channel_that_is_half_set_up_is_named(seeded: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seeded.write("canary.toml", 'alert_webhook_url = "https://x.example"')
    assert "alert_webhook_secret" in seeded.refused("alert", "test")
    (tmp_path / "secret").write_text("sesame\n")
    monkeypatch.setenv("CANARY_ALERT_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    assert load().alert_webhook_secret.get_secret_value() == "sesame"
    seeded.write("canary.toml", 'alert_slack_url = "http://hooks.example/sesame"')
    assert "alert_slack_url: not an https address" in seeded.refused("alert", "test")
    seeded.write("canary.toml", 'alert_email_url = "smtps://mail.example"')
    assert "alert_email_from" in seeded.refused("alert", "test")
    checks = {c["check"]: c["result"] for c in seeded.json("doctor", code=1)["doctor"]}
    assert checks["alerts"] == "alert_email_url: from whom and to whom?"


def test_the_outside_hears_a_heartbeat_and_only_the_outside_minds_when_it_stops(told: Shell, hook: Hook) -> None:
    set_up(told, hook, f'heartbeat_url = "{hook.url}"')
    hook.got.clear()
    assert told("job", "run", "alerts").stdout == "0 alerts raised, 0 sent, 0 tries failed\n"
    assert [body for _, body in hook.got] == [b""]
    hook.status = 500
    assert told("job", "run", "alerts").stdout.endswith("; heartbeat: answered 500\n")


def test_the_doctor_finds_a_scheduler_that_has_stopped(told: Shell) -> None:
    def scheduler() -> list[str]:
        return [c["result"] for c in told.json("doctor", code=1)["doctor"] if c["check"] == "scheduler"]

    assert scheduler() == [], "none was ever started"
    told.sql("INSERT INTO lease VALUES ('scheduler', 'me', datetime('now', '+1 hour'))")
    assert scheduler() == ["ok"]
    told.sql("UPDATE lease SET until = '2026-06-05 08:00:00.000000'")
    assert scheduler() == ["not running since 2026-06-05 08:00"]


def test_a_phone_that_is_unwell_alerts_once_and_again_when_it_is_well(told: Shell, hook: Hook) -> None:
    server = Phone()
    with running(server):
        ours = ['smsforwarder_secret = "12345"', 'smsforwarder_basic = "phone:long password"', "[sims]", "pixel = '1'"]
        set_up(told, hook, *ours, "[smsforwarder_phones]", f'pixel = "{server.url}"')
        server.battery = {"level": "9%"}
        for _ in range(2):
            told("job", "run", "phones")
            told("job", "run", "alerts")
        (alert,) = alerts(hook)
        assert (alert["scope"], alert["title"]) == ("phone", "Phone pixel (smsforwarder): battery 9 %")
        assert "phone pixel: battery 9 %" in str(told.json("doctor", code=1))
        told.sql("UPDATE part SET part = 'state:before' WHERE part LIKE 'state:%'")  # an hour later
        server.battery = {"level": "80%"}
        told("job", "run", "phones")
        told("job", "run", "alerts")
        assert [alert["title"] for alert in alerts(hook)] == ["Over: Phone pixel (smsforwarder): battery 9 %"]
        assert "phones heard of: 1" in str(told.json("doctor", code=1))
