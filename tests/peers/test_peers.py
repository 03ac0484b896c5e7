"""The peers work: PostgreSQL answers, and the emulator's signed webhooks verify as they were received."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from sqlalchemy import create_engine, text

from canary.listen.providers.base import Channel, RawRequest, Signature
from canary.listen.providers.twilio import TwilioProvider
from tests.peers.emulate import Emulator

pytestmark = pytest.mark.peer


class Receiver(ThreadingHTTPServer):
    """Keeps every request as it came, and answers what the provider answers."""

    def __init__(self, provider: TwilioProvider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.provider = provider
        self.requests: list[tuple[str, RawRequest]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        endpoint = self.path.rpartition("/")[2]
        self.server.requests.append((endpoint, RawRequest(self.server.base + self.path, headers, body)))
        answer = self.server.provider.reply(endpoint)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.end_headers()
        self.wfile.write(answer.body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(TwilioProvider(Emulator.token)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=60)


def test_postgres_is_15_and_durable(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        assert str(connection.execute(text("show server_version")).scalar()).startswith("15")
        assert connection.execute(text("show fsync")).scalar() == "on"
    engine.dispose()


def test_emulator_posts_signed_texts_and_calls(twilio_emulator: Emulator, receiver: Receiver) -> None:
    twilio_emulator.buy("+14155550199", f"{receiver.base}/hooks/twilio")
    words = "王女士您好，奶粉免费领取 🍼 + 100% & more"
    message = twilio_emulator.text("+8613800138000", "+14155550199", words)
    call = twilio_emulator.call("+8613800138000", "+14155550199")
    twilio_emulator.call_status(call, "completed")

    provider = receiver.provider
    assert [endpoint for endpoint, _ in receiver.requests] == ["sms", "voice", "status"]
    assert all(provider.verify(request) is Signature.GOOD for _, request in receiver.requests)
    events = [event for endpoint, request in receiver.requests for event in provider.parse(endpoint, request)]
    assert [(event.sid, event.part) for event in events] == [
        (message, "contact"),
        (call, "contact"),
        (call, "contact"),
        (call, "status:completed"),
    ]
    assert events[0].text == words and events[0].channel is Channel.TEXT
    assert {(event.sender, event.to) for event in events} == {("+8613800138000", "+14155550199")}


def test_another_token_does_not_verify(twilio_emulator: Emulator, receiver: Receiver) -> None:
    twilio_emulator.buy("+14155550198", f"{receiver.base}/hooks/twilio")
    twilio_emulator.text("+8613800138000", "+14155550198", "你好")
    (_, request), *_ = receiver.requests
    assert TwilioProvider("another token").verify(request) is Signature.BAD


def test_prism_lets_through_what_twilios_specification_allows_and_nothing_else(twilio_guard: str) -> None:
    messages = f"{twilio_guard}/2010-04-01/Accounts/{Emulator.account}/Messages.json"
    asked = {"auth": (Emulator.account, Emulator.token), "timeout": 30}
    assert requests.get(messages, params={"PageSize": 1000}, **asked).status_code == 200
    assert requests.get(messages, params={"PageSize": 5000}, **asked).status_code == 422
    assert requests.get(messages.replace("/AC", "/AX"), **asked).status_code == 422
