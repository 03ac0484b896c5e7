"""Alert channels against real servers, and the outbox: at least once, ever later, by one process at a time."""

import json
import re
import socketserver
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.errors import CanaryError, OutsideError
from canary.listen.alerts.base import Message, Severity
from canary.listen.alerts.chat import Slack, Teams
from canary.listen.alerts.drain import CLAIM, drain
from canary.listen.alerts.mail import Mail
from canary.listen.alerts.senders import marks
from canary.listen.alerts.syslog import Syslog, cef, rfc5424
from canary.listen.alerts.webhook import Webhook, signature
from canary.store import outbox
from canary.store.database import Store
from tests.listen.receivers import Hook, MailServer, certificate, datagrams, running

AT = datetime(2026, 6, 5, 8, 30, 1, 250_000, tzinfo=UTC)
SAID = Message("k" * 32, AT, "sender", Severity.HIGH, "Copy a: a new sender", "contact 7 <b> & more\nsecond line")
FROM, TO = "canary@clinic.example", ("dpo@clinic.example", "it@clinic.example")


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    with running(server):
        yield server


def test_slack_gets_text_that_cannot_mention_or_link(hook: Hook) -> None:
    Slack(hook.url).send(SAID)
    ((_, body),) = hook.got
    words = json.loads(body)["text"]
    assert "*Copy a: a new sender*\ncontact 7 &lt;b&gt; &amp; more\nsecond line" in words and SAID.key in words


def test_teams_gets_an_adaptive_card(hook: Hook) -> None:
    Teams(hook.url).send(SAID)
    ((_, body),) = hook.got
    (attachment,) = json.loads(body)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in attachment["content"]["body"]] == [SAID.title, SAID.text, SAID.key]


def test_a_webhook_is_signed_over_time_and_body_and_names_the_alert(hook: Hook) -> None:
    Webhook(hook.url, "sesame").send(SAID)
    ((headers, body),) = hook.got
    stamp = headers["x-canary-timestamp"]
    assert headers["x-canary-signature"] == f"sha256={signature(b'sesame', stamp, body)}"
    assert headers["x-canary-signature"] != f"sha256={signature(b'sesame', str(int(stamp) + 1), body)}"
    assert headers["idempotency-key"] == json.loads(body)["id"] == SAID.key
    assert json.loads(body)["format"] == "canary-alert/1"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_accept_is_the_outside_world_and_its_address_stays_secret(
    hook: Hook, status: int
) -> None:
    hook.status = status
    with pytest.raises(OutsideError, match=f"slack: answered {status}") as raised:
        Slack(hook.url).send(SAID)
    assert "hook" not in str(raised.value)
    with pytest.raises(OutsideError, match="teams: ConnectionError") as raised:
        Teams("http://127.0.0.1:9/sesame").send(SAID)
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["smtp+plain", "smtp", "smtps"])
def test_mail_is_delivered_plain_by_starttls_and_over_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    pem, tls = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    server = MailServer(None if scheme == "smtp+plain" else tls, wrapped=scheme == "smtps")
    with running(server):
        Mail(f"{scheme}://me:p%40ss@127.0.0.1:{server.port}", FROM, TO).send(SAID)
    ((to, raw),) = server.got
    letter = message_from_string(raw, policy=policy.default)
    assert to == list(TO) and letter["From"] == FROM and letter["Subject"] == "[canary] Copy a: a new sender"
    assert letter["Message-ID"] == f"<{SAID.key}@canary>" and "contact 7 <b> & more" in letter.get_content()
    assert server.logins == ["AG1lAHBAc3M="], "\\0me\\0p@ss in base64"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_that_nobody_vouches_for_gets_neither_letter_nor_password(tmp_path: Path, scheme: str) -> None:
    server = MailServer(certificate(tmp_path)[1], wrapped=scheme == "smtps")
    with running(server), pytest.raises(OutsideError, match="email: "):
        Mail(f"{scheme}://me:pass@127.0.0.1:{server.port}", FROM, TO).send(SAID)
    assert server.got == [] and server.logins == []


def test_a_mail_server_without_starttls_gets_no_letter_in_the_clear() -> None:
    server = MailServer()
    with running(server), pytest.raises(OutsideError, match="email: SMTPNotSupportedError"):
        Mail(f"smtp://127.0.0.1:{server.port}", FROM, TO).send(SAID)
    assert server.got == []


def test_a_refused_recipient_is_an_error_without_the_servers_words() -> None:
    server = MailServer()
    server.refuses = True
    with running(server), pytest.raises(OutsideError, match="email: SMTPRecipientsRefused") as raised:
        Mail(f"smtp+plain://127.0.0.1:{server.port}", FROM, TO).send(SAID)
    assert "sesame" not in str(raised.value)


def test_syslog_by_datagram_is_one_rfc5424_line_with_cef() -> None:
    with datagrams() as receiver:
        Syslog(f"udp://127.0.0.1:{receiver.getsockname()[1]}").send(SAID)
        line = receiver.recv(9000).decode()
    assert re.match(r"<130>1 2026-06-05T08:30:01\.250000Z \S+ canary - sender - CEF:0\|canary-records\|canary\|", line)
    assert r"|sender|Copy a: a new sender|9|externalId=" + SAID.key + " rt=1780648201250 msg=" in line
    assert r"& more\nsecond line" in line and "\n" not in line


class _Counted(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.server.got = self.rfile.read()  # type: ignore[attr-defined]


def test_syslog_by_tcp_is_counted_in_octets() -> None:
    server = socketserver.TCPServer(("127.0.0.1", 0), _Counted)
    with server:
        thread = Thread(target=server.handle_request)
        thread.start()
        Syslog(f"tcp://127.0.0.1:{server.server_address[1]}").send(SAID)
        thread.join(timeout=60)
    length, _, rest = server.got.partition(b" ")  # type: ignore[attr-defined]
    assert int(length) == len(rest) and rest.startswith(b"<130>1 ")
    with pytest.raises(OutsideError, match="syslog: "):
        Syslog("tcp://127.0.0.1:9").send(SAID)


@given(title=st.text(min_size=1), text=st.text())
def test_cef_has_seven_fields_three_pairs_and_one_line_whatever_is_said(title: str, text: str) -> None:
    line = cef(Message("k", AT, "sender", Severity.INFO, title, text))
    assert "\n" not in line and "\r" not in line
    *head, extension = re.split(r"(?<!\\)(?:\\\\)*\|", line, maxsplit=7)
    assert len(head) == 7 and head[6] == "2"
    assert len(re.findall(r"(?<!\\)(?:\\\\)*=", extension)) == 3


def test_a_hosts_odd_name_does_not_break_the_line() -> None:
    assert rfc5424(SAID, "主机 a").split(" ")[2] == "a" and rfc5424(SAID, "主机").split(" ")[2] == "-"


@pytest.mark.parametrize("address", ["", "udp://", "host:514", "http://host", "udp://host:port"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(CanaryError, match="alert_syslog"):
        Syslog(address)
    with pytest.raises(CanaryError, match="alert_email_url"):
        Mail(address, FROM, TO)


# --- marks of a sender ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("回电13900139000或+44 20 7946 0958", ["number +8613900139000", "number +442079460958"]),
        ("详见 https://Baby.example/a?b=1。加微信:naifen_88", ["link https://baby.example/a?b=1", "name naifen_88"]),
        ("奶粉特价", []),
        ("领取www.x.example/y！领取www.x.example/y", ["link www.x.example/y"]),
    ],
    ids=["numbers", "link and chat name", "nothing", "twice"],
)
def test_a_text_offers_ways_to_reach_its_sender(text: str, found: list[str]) -> None:
    assert marks(text) == found


# --- the outbox -------------------------------------------------------------------------------------------------


class Way:
    """A channel that keeps what it is given, and fails while `broken`."""

    name = "way"

    def __init__(self) -> None:
        self.got: list[str] = []
        self.tries = 0
        self.broken = False

    def send(self, message: Message) -> None:
        self.tries += 1
        if self.broken:
            raise OutsideError("way: away")
        self.got.append(message.key)


def put(store: Store, count: int = 1, channel: str = "way") -> None:
    with store.writing() as session:
        for i in range(count):
            outbox.put(session, AT, [channel], {"scope": "s", "severity": "info", "title": f"t{i}", "text": ""})


def test_what_is_put_out_arrives_once_in_order_and_is_then_done(store: Store) -> None:
    put(store, 25)
    way = Way()
    assert drain(store, {"way": way}, lambda: AT) == (25, 0)
    assert drain(store, {"way": way}, lambda: AT) == (0, 0)
    with store.reading() as session:
        assert way.got == [a.key for a in reversed(outbox.alerts(session))] and outbox.waiting(session) == 0


def test_a_failing_channel_is_tried_ever_later_and_never_given_up(store: Store) -> None:
    put(store)
    way, now, waits = Way(), AT, []
    way.broken = True
    for _ in range(12):
        start = now
        assert drain(store, {"way": way}, start.replace) == (0, 1)
        with store.reading() as session:
            (alert,) = outbox.alerts(session)
            now = alert.next_at
        waits.append((now - start) / timedelta(minutes=1))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    with store.reading() as session:
        assert outbox.stuck(session) == {"way": (1, "way: away")}
    way.broken = False
    assert drain(store, {"way": way}, lambda: now) == (1, 0)
    with store.reading() as session:
        assert outbox.stuck(session) == {}


def test_a_failing_channel_does_not_hold_up_another_nor_is_it_asked_for_every_alert(store: Store) -> None:
    put(store, 5, "way")
    put(store, 5, "other")
    way, other = Way(), Way()
    way.broken = True
    assert drain(store, {"way": way, "other": other}, lambda: AT) == (5, 1)
    assert (way.tries, len(other.got)) == (1, 5)


def test_a_channel_that_is_set_up_no_more_keeps_its_alerts(store: Store) -> None:
    put(store)
    assert drain(store, {}, lambda: AT) == (0, 1)
    way = Way()
    assert drain(store, {"way": way}, lambda: AT + timedelta(hours=1)) == (1, 0)


def test_two_schedulers_at_once_send_every_alert_once(store: Store) -> None:
    put(store, 40)
    way = Way()
    threads = [Thread(target=drain, args=(store, {"way": way}, lambda: AT)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(way.got) == len(set(way.got)) == 40


def test_what_a_killed_scheduler_had_claimed_comes_again_under_the_same_key(store: Store) -> None:
    put(store)
    with store.writing() as session:
        (alert,) = outbox.claim(session, AT, CLAIM, 10)
    way = Way()
    assert drain(store, {"way": way}, lambda: AT + CLAIM - timedelta(seconds=1)) == (0, 0), "still its own"
    assert drain(store, {"way": way}, lambda: AT + CLAIM) == (1, 0)
    assert way.got == [alert.key]
