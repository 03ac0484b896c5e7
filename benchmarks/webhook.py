"""Signed webhooks a second, every one durable before its answer, beside the same gunicorn with an empty Flask view.

    python benchmarks/webhook.py [--requests 4000] [--rounds 3] [--connections 32] [--postgresql URL]

Each server is a gunicorn with two workers and the threads that `canary serve` gives them; rounds alternate. Requests
are distinct texts signed as Twilio signs them, sent by one process over kept-alive connections, as many at once as
`connections`. `signature` verifies and keeps nothing; `commits` are bare inserts into the same database, a commit each,
from one connection. Printed: ratios to the empty view, and each server's own p50 and p99.
"""

import argparse
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from sqlalchemy import text
from twilio.request_validator import RequestValidator

from canary.store.database import Store
from canary.store.vault import Vault, new_key

TOKEN, PUBLIC = "0123456789abcdef0123456789abcdef", "https://canary.example"
PATH = "/hooks/twilio/sms"
SERVER = """
import sys
from flask import Flask, Response, request
from gunicorn.app.base import BaseApplication
from twilio.request_validator import RequestValidator
from canary.web.server import WORKERS
kind, bind = sys.argv[1:]
app, validator = Flask("empty"), RequestValidator("{token}")

@app.post("{path}")
def view():
    if kind == "signature":
        good = validator.validate("{public}{path}", request.form, request.headers["X-Twilio-Signature"])
        return Response("ok" if good else "no", status=200 if good else 403)
    return Response("ok")

class Server(BaseApplication):
    def load_config(self):
        for key, value in dict(bind=bind, workers=2, **WORKERS).items():
            self.cfg.set(key, value)
    def load(self):
        return app
Server().run()
"""


def request_bytes(number: int) -> bytes:
    form = {
        "MessageSid": f"SM{number:032x}",
        "AccountSid": "AC" + "0" * 32,
        "From": f"+8613{number % 10**9:09}",
        "To": f"+8612{number % 500:09}",
        "Body": f"您好，李女士，预产期快到了，月子中心{number}优惠",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + PATH, form)
    body = urlencode(form).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: canary.example\r\nX-Twilio-Signature: {signature}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Connection:
    port: int
    selector: selectors.BaseSelector
    sock: socket.socket | None = None
    sent: float = 0.0
    buffer: bytes = b""
    latencies: list[float] = field(default_factory=list)

    def send(self, content: bytes) -> None:
        self.sent, self.buffer = time.perf_counter(), b""
        if self.sock is None:
            self.sock = socket.create_connection(("127.0.0.1", self.port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(self.sock, selectors.EVENT_READ, self)
        self.sock.sendall(content)

    def close(self) -> None:
        if self.sock is not None:
            self.selector.unregister(self.sock)
            self.sock.close()
            self.sock = None

    def received(self) -> int | None:
        """The status, once the answer is whole. A server that keeps no connections is connected to again."""
        assert self.sock is not None
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection")
        self.buffer += piece
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        if len(body) < length:
            return None
        self.latencies.append(time.perf_counter() - self.sent)
        if b"connection: close" in head.lower():
            self.close()
        return int(head.split(b" ", 2)[1])


def load(port: int, requests: Sequence[bytes], connections: int) -> tuple[float, list[float], int]:
    """Requests a second, latencies, and how many answers were not 200."""
    selector, waiting = selectors.DefaultSelector(), iter(requests)
    begun, bad, open_ones = time.perf_counter(), 0, 0
    every = []
    for content in (next(waiting) for _ in range(min(connections, len(requests)))):
        connection = Connection(port, selector)
        every.append(connection)
        connection.send(content)
        open_ones += 1
    while open_ones:
        for key, _ in selector.select():
            connection = key.data
            status = connection.received()
            if status is None:
                continue
            bad += status != 200
            following = next(waiting, None)
            if following is None:
                connection.close()
                open_ones -= 1
            else:
                connection.send(following)
    seconds = time.perf_counter() - begun
    return len(requests) / seconds, [each for c in every for each in c.latencies], bad


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(folder: Path, kind: str, postgresql: str) -> Iterator[int]:
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CANARY_")}
    command = [sys.executable, "-c", SERVER.format(token=TOKEN, path=PATH, public=PUBLIC), kind, f"127.0.0.1:{port}"]
    if kind in ("sqlite", "postgresql"):
        environment |= {
            "CANARY_CONFIG": str(folder / "canary.toml"),
            "CANARY_KEY": (folder / "key").read_text(),
            "CANARY_BIND": f"127.0.0.1:{port}",
            "CANARY_PUBLIC_URL": PUBLIC,
            "CANARY_TWILIO_AUTH_TOKEN": TOKEN,
            "CANARY_DATABASE_URL": postgresql if kind == "postgresql" else f"sqlite:///{folder / 'canary.sqlite3'}",
        }
        command = [sys.executable, "-m", "canary", "serve"]
    with (folder / f"{kind}.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def commits(url: str, seconds: float = 2.0) -> float:
    """Bare inserts a second, a commit each, on one connection of this database."""
    store = Store(url, Vault(new_key()))
    done, begun = 0, time.perf_counter()
    with store.engine.connect() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS bare (body text)"))
        connection.commit()
        while time.perf_counter() - begun < seconds:
            connection.execute(text("INSERT INTO bare VALUES (:body)"), {"body": "x" * 600})
            connection.commit()
            done += 1
    store.close()
    return done / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description="Signed webhooks a second beside an empty view.")
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--postgresql", default="")
    options = parser.parse_args()
    kinds = ["empty", "signature", "sqlite", *(["postgresql"] if options.postgresql else [])]
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    tails: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "key").write_text(new_key())
        (folder / "canary.toml").touch()
        urls = {"sqlite": f"sqlite:///{folder / 'canary.sqlite3'}", "postgresql": options.postgresql}
        for kind in kinds[2:]:
            store = Store(urls[kind], Vault((folder / "key").read_text()))
            store.migrate()
            store.close()
        for turn in range(options.rounds):
            for at, kind in enumerate(kinds):
                start = (turn * len(kinds) + at) * options.requests
                requests = [request_bytes(start + i) for i in range(options.requests)]
                with running(folder, kind, options.postgresql) as port:
                    load(port, [request_bytes(10**9 + start + i) for i in range(200)], options.connections)
                    rate, latencies, bad = load(port, requests, options.connections)
                assert not bad, f"{bad} requests were refused by {kind}: see its log"
                rates[kind].append(rate)
                cut = statistics.quantiles(latencies, n=100)
                tails[kind].append((cut[49], cut[98]))
        for kind in kinds:
            ratio = statistics.median(a / b for a, b in zip(rates[kind], rates["empty"], strict=True))
            p50, p99 = (statistics.median(values) * 1000 for values in zip(*tails[kind], strict=True))
            print(
                f"{kind:>10}: {ratio:.2f} x the empty view ({statistics.median(rates[kind]):,.0f} a second), "
                f"p50 {p50:.1f} ms, p99 {p99:.1f} ms = {p99 / p50:.1f} x p50"
            )
        for kind in kinds[2:]:
            bare = commits(urls[kind])
            print(f"{kind}: {statistics.median(rates[kind]) / bare:.2f} x bare commits on one connection ({bare:,.0f})")


if __name__ == "__main__":
    main()
