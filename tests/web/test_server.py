"""The real gunicorn process: Twilio's emulator delivers to it, and kill -9 loses nothing it answered."""

import base64
import random
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
import requests
from sqlalchemy import select
from twilio.request_validator import RequestValidator

from canary.settings import Settings
from canary.store import contacts, numbers
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.schema import Contact, Delivery
from canary.store.vault import Vault
from canary.web.app import intake
from tests.peers.emulate import Emulator
from tests.web.conftest import CALLER, OURS, TOKEN, Server, serving

REQUESTS = 2000


@pytest.fixture
def registry(settings: Settings) -> Iterator[Store]:
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    with store.writing() as session:
        numbers.import_numbers(session, settings.now(), [NewNumber(OURS, "twilio", Decimal("1.15"))])
    yield store
    store.close()


def sids(store: Store) -> set[str]:
    with store.reading() as session:
        return set(session.scalars(select(Contact.sid)))


@pytest.mark.peer
def test_the_emulators_sms_and_call_are_stored_once_after_two_deliveries_each(
    twilio_emulator: Emulator, settings: Settings, registry: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY_TWILIO_AUTH_TOKEN", Emulator.token)
    with serving(settings) as server:
        ours = "+15005550006"
        twilio_emulator.buy(ours, f"{server.url}/hooks/twilio")
        text = twilio_emulator.text("+15005550009", ours, "奶粉 trial pack 🍼")
        call = twilio_emulator.call("+15005550009", ours)
        _again(server, text, call, ours)
    assert sids(registry) == {text, call}
    with registry.reading() as session:
        assert session.query(Contact).count() == 2
        assert session.query(Delivery).count() >= 4


def _again(server: Server, text: str, call: str, ours: str) -> None:
    """The second delivery of each: Twilio's retry, signed as the first."""
    common = {"AccountSid": Emulator.account, "From": "+15005550009", "To": ours}
    for endpoint, form in (
        ("sms", {**common, "MessageSid": text, "Body": "奶粉 trial pack 🍼"}),
        ("voice", {**common, "CallSid": call, "CallStatus": "ringing"}),
    ):
        assert _post(server.url, endpoint, form, Emulator.token) == 200


def test_kill_9_in_the_middle_of_2000_requests_loses_none_that_was_answered_2xx(settings, registry):
    answered: set[str] = set()
    seen = threading.Semaphore(0)

    def send(number: int) -> None:
        sid = f"SM{number:032x}"
        form = {"MessageSid": sid, "AccountSid": "AC1", "From": CALLER, "To": OURS, "Body": f"奶粉 {number}"}
        try:
            if _post(f"http://{settings.bind}", "sms", form, TOKEN) == 200:
                answered.add(sid)
        except requests.ConnectionError:
            pass
        seen.release()

    server = Server(settings)
    with ThreadPoolExecutor(4) as pool:
        for number in range(REQUESTS):
            pool.submit(send, number)
        for _ in range(random.Random().randint(300, 1200)):
            seen.acquire()
        server.end(signal.SIGKILL)
        server = Server(settings)
    server.end()
    assert len(answered) > 300
    intake(settings, registry).resume(timedelta())  # the job `deliveries` does it a minute later
    assert answered <= sids(registry)


def test_a_request_that_breaks_off_is_not_taken_for_a_whole_one(
    settings: Settings, registry: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kannel signs nothing: half of the words under its credentials would shut out the whole text sent again."""
    monkeypatch.setenv("CANARY_KANNEL_BASIC", "gateway:password")
    basic = base64.b64encode(b"gateway:password").decode()
    path = f"/hooks/kannel/sms?from={quote(CALLER)}&to={quote(OURS)}&id=7"
    words = "奶粉 free trial".encode()
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Basic {basic}\r\nContent-Length: {len(words)}\r\n\r\n"
    answers = []
    with serving(settings):
        for body in (words[:9], words):
            with socket.create_connection(settings.bind.split(":"), timeout=60) as line:
                line.sendall(head.encode() + body)
                line.shutdown(socket.SHUT_WR)
                answers.append(line.recv(1000).split()[1])
    assert answers == [b"400", b"200"]
    with registry.reading() as session:
        (contact,) = contacts.contacts(session)
        assert contacts.heard(session, [contact])[contact.id][0] == words.decode()


def _post(base: str, endpoint: str, form: dict[str, str], token: str) -> int:
    url = f"{base}/hooks/twilio/{endpoint}"
    signature = RequestValidator(token).compute_signature(url, form)
    return requests.post(url, data=form, headers={"X-Twilio-Signature": signature}, timeout=60).status_code
