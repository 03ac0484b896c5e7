"""A bad line between senders and our server: it drops, cuts, repeats and delays, and notes what the server answered."""

import random
import re
import time
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from http.server import ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from uuid import uuid4

from tests.peers.played import Played

ARRIVAL = "x-arrival"  # a header that names one arrival at the server
SECONDS = 20  # longer than a sender waits
MISHAPS = ("refused", "request cut", "answer cut", "repeated", "delayed")


@dataclass(frozen=True)
class Answer:
    """What the server answered to one arrival: whose contact it is, and the status, 0 for none."""

    arrival: str
    caller: str
    status: int


class BadLine(ThreadingHTTPServer):
    """Forwards to the port `backend` on this machine, and does a mishap to one request in `1 / share`, by `seed`.
    `caller` finds in a request whose contact it is. Set `cut` to drop everything."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, backend: int, caller: re.Pattern[str], seed: int, share: float = 0.1) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.backend, self.caller = backend, caller
        self.cut, self.share = False, share
        self.answers: list[Answer] = []
        self.mishaps: Counter[str] = Counter()
        self._random, self._mutex = random.Random(seed), Lock()
        Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def mishap(self) -> tuple[str, float]:
        """What happens to the next request, and a random part of it."""
        with self._mutex:
            hit, which, part = self._random.random(), self._random.choice(MISHAPS), self._random.random()
            found = "cut off" if self.cut else which if hit < self.share else ""
            self.mishaps[found] += 1
        return found, part

    def note(self, answer: Answer) -> None:
        """Remember an answer of the server's, whether its sender hears it or not."""
        with self._mutex:
            self.answers.append(answer)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders that hung up are nothing to tell."""


class _Handler(Played):
    server: BadLine

    def do_POST(self) -> None:
        self.close_connection = True
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mishap, part = self.server.mishap()
        if mishap in ("cut off", "refused"):
            return
        if mishap == "delayed":
            time.sleep(2 * part)
        if mishap == "repeated":
            self._forward(body, len(body))
        told = self._forward(body, int(len(body) * part) if mishap == "request cut" else len(body))
        if told is None or mishap == "answer cut":
            return
        status, kind, content = told
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _forward(self, body: bytes, most: int) -> tuple[int, str, bytes] | None:
        """The server's answer to the first `most` bytes of the body, None if it gave none."""
        arrival = uuid4().hex
        found = self.server.caller.search(self.path) or self.server.caller.search(body.decode())
        status, told = 0, None
        line = HTTPConnection("127.0.0.1", self.server.backend, timeout=SECONDS)
        try:
            line.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() != "connection":
                    line.putheader(name, value)
            line.putheader(ARRIVAL, arrival)
            line.endheaders(body[:most])
            if most == len(body):
                answer = line.getresponse()
                told = answer.status, answer.headers["Content-Type"], answer.read()
                status = answer.status
        except (OSError, HTTPException):
            told = None
        finally:
            line.close()
            self.server.note(Answer(arrival, found[0] if found else "", status))
        return told
