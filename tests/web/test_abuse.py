"""Hostile requests: a reduced run of the grammar in benchmarks/, then replays, smuggling, slow and oversized ones."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import requests
from twilio.request_validator import RequestValidator

from canary.listen.intake import MAX_BODY
from canary.settings import Settings
from canary.store import contacts, deliveries
from canary.store.database import Store
from canary.store.vault import Vault
from tests.web.conftest import CALLER, OURS, TOKEN, serving, settled

FOLDER = Path(__file__).parents[2] / "benchmarks"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def bench(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_hostile_requests_are_never_an_error_and_nothing_unsigned_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARY_CONFIG", "")
    abuse = bench("abuse")
    told = abuse.run(700, 150, seed=7)
    assert not abuse.failed(told), json.dumps(told, indent=1)
    assert all(each["accepted_forged"] == 0 and each["contacts"] > 0 for each in told.values())
    assert set(told["inside"]["answers"]["signed"]) == {"200"}


@pytest.fixture
def server(settings: Settings) -> Iterator[Settings]:
    Store(settings.url, Vault(settings.secret())).migrate()
    with serving(settings):
        yield settings
    assert "Traceback" not in (settings.folder / "serve.log").read_text()


def signed(settings: Settings, sid: str, body: str = "奶粉") -> dict[str, object]:
    form = {"MessageSid": sid, "From": CALLER, "To": OURS, "Body": body}
    url = f"{settings.public_url}/hooks/twilio/sms"
    return {
        "url": url,
        "data": form,
        "headers": {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(url, form)},
    }


def raw(settings: Settings, sent: bytes) -> bytes:
    host, _, port = settings.bind.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def heard(settings: Settings) -> list[str]:
    with settled(settings).store().reading() as session:
        return sorted(contact.sid for contact in contacts.contacts(session))


def test_a_replay_is_kept_but_counts_once_and_its_signature_carries_no_other_words_or_address(server: Settings) -> None:
    good = signed(server, "SM1")
    assert [requests.post(**good, timeout=60).status_code for _ in range(3)] == [200, 200, 200]
    other = {**good, "data": {**good["data"], "Body": "other words"}}
    assert requests.post(**other, timeout=60).status_code == 403
    for path in ("voice", "status", "events", "transcription"):
        assert (
            requests.post(**{**good, "url": f"{server.public_url}/hooks/twilio/{path}"}, timeout=60).status_code == 403
        )
    assert requests.post(**{**good, "url": f"{good['url']}?a=b"}, timeout=60).status_code == 403
    assert heard(server) == ["SM1"]
    with server.store().reading() as session:
        assert deliveries.quarantined(session) == 6


SMUGGLED = b"POST /hooks/twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"


SPLIT = (
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 4\r\nContent-Length: 5\r\n",
    b"Content-Length: 4, 4\r\n",
    b"Content-Length: +4\r\n",
    b"Content-Length: -1\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b" Content-Length: 4\r\n",
    b"X: a\r\n b\r\nContent-Length: 4\r\n",
    b"X: a\0b\r\nContent-Length: 4\r\n",
    b"X\xff: 1\r\nContent-Length: 4\r\n",
)


def test_headers_that_two_servers_may_read_differently_are_refused_with_all_that_follows(server: Settings) -> None:
    start = b"POST /hooks/twilio/sms HTTP/1.1\r\nHost: h\r\n" + FORM
    for head in SPLIT:
        answer = raw(server, start + head + b"\r\n0\r\n\r\n" + SMUGGLED)
        assert answer.count(b"HTTP/1.1 ") == 1, head
        assert answer.split()[1] in (b"400", b"501"), head
    with server.store().reading() as session:
        assert deliveries.quarantined(session) == 0


NAMES = (b"X_Twilio_Signature", b"x-twilio_signature", b"X-Twilio-Signature ")
PATHS = (
    "/hooks/twilio/sms/", "//hooks/twilio/sms", "/hooks/twilio/./sms", "/hooks/x/../twilio/sms", "/hooks/twilio/%73ms",
    "/hooks/twilio/sms%00", "/hooks/twilio/sms;a", "/hooks%2Ftwilio%2Fsms", "/HOOKS/twilio/sms", "/hooks/twilio/voice",
)  # fmt: skip


def test_another_spelling_of_path_or_header_does_not_verify(server: Settings) -> None:
    good = signed(server, "SM1")
    body = str(requests.Request("POST", **good).prepare().body).encode()
    signature = b": " + good["headers"]["X-Twilio-Signature"].encode()
    asked = [("/hooks/twilio/sms", name) for name in NAMES] + [(path, b"X-Twilio-Signature") for path in PATHS]
    for path, name in asked:
        lines = [b"POST " + path.encode() + b" HTTP/1.1", b"Host: h", FORM.strip(), name + signature]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", body]
        assert raw(server, b"\r\n".join(lines)).split()[1] in (b"308", b"400", b"403", b"404"), (path, name)
    assert heard(server) == []


def test_forwarded_hosts_and_methods_change_neither_address_nor_method(server: Settings) -> None:
    good = signed(server, "SM1")
    lies = {
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Proto": "https, http",
        "X-HTTP-Method-Override": "GET",
        "Host": "evil",
    }
    assert requests.post(**{**good, "headers": {**good["headers"], **lies}}, timeout=60).status_code == 200
    assert heard(server) == ["SM1"]


def test_oversized_bodies_headers_and_lines_are_refused_and_a_signed_one_too(server: Settings) -> None:
    assert requests.post(**signed(server, "SM1", "x" * MAX_BODY), timeout=60).status_code == 413
    chunked = {"url": f"{server.public_url}/hooks/twilio/sms", "data": (b"x" * 65536 for _ in range(64))}
    assert requests.post(**chunked, timeout=60).status_code == 413
    assert b" 4" in raw(server, b"POST /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n")[:20]
    assert b" 4" in raw(server, b"POST / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")[:20]
    many = b"".join(b"X-%d: 1\r\n" % n for n in range(500))
    assert b" 4" in raw(server, b"POST / HTTP/1.1\r\nHost: h\r\n" + many + b"\r\n")[:20]
    assert heard(server) == []


IMPATIENT = "import canary.web.server as s; s.READ_SECONDS = 1.0; from canary.cli.main import cli; cli(['serve'])"


@contextmanager
def impatient(settings: Settings) -> Iterator[None]:
    with (settings.folder / "serve.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", IMPATIENT], stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(200):
            try:
                requests.get(f"{settings.public_url}/readyz", timeout=2)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_connections_that_send_a_byte_now_and_then_do_not_hold_the_server(settings: Settings) -> None:
    Store(settings.url, Vault(settings.secret())).migrate()
    host, _, port = settings.bind.partition(":")
    with impatient(settings):
        slow = [
            socket.create_connection((host, int(port)), timeout=60) for _ in range(64)
        ]  # more than there are threads
        heads = (
            b"POST /hooks/twilio/sms HTTP/1.1\r\nX: ",
            b"POST /hooks/twilio/sms HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\nBo",
        )
        for number, line in enumerate(slow):
            line.sendall(heads[number % 2])
        assert requests.post(**signed(settings, "SM1"), timeout=60).status_code == 200
        for line in slow:
            line.close()
    assert heard(settings) == ["SM1"]
    assert "Traceback" not in (settings.folder / "serve.log").read_text()
