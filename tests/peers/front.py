"""What stands before the emulator of Twilio: it remembers fallback addresses, which that forgets, carries texts between
the account's own numbers, and loses answers on demand."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.listen.receivers import running
from tests.peers.emulate import ACCOUNT, TOKEN
from tests.peers.played import Played

FALLBACKS = {"SmsFallbackUrl": "sms_fallback_url", "VoiceFallbackUrl": "voice_fallback_url"}


class Front(ThreadingHTTPServer):
    """An API in front of `behind`. `loses` counts the POSTs whose answers will be lost after they took effect, `posts`
    every POST that arrived; texts between own numbers are delivered while `carries`."""

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.behind = behind
        self.fallbacks: dict[str, dict[str, str]] = {}
        self.loses = 0
        self.carries = True
        self.posts: list[str] = []


class _Forward(Played):
    server: Front

    def do_GET(self) -> None:
        self._forward("GET", {})

    def do_DELETE(self) -> None:
        self._forward("DELETE", {})

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.server.posts.append(urlsplit(self.path).path)
        if self.path.endswith("/Messages.json") and self.server.carries:  # before the answer: tests need not wait
            url = f"{self.server.behind}/_twilio/simulate/inbound-message"
            requests.post(url, data=form, auth=(ACCOUNT, TOKEN), timeout=60)
        self._forward("POST", form)

    def _forward(self, method: str, form: dict[str, str]) -> None:
        if urlsplit(self.path).path.endswith("/Recordings.json"):
            return self._answer(200, {"recordings": [], "next_page_uri": None})
        headers = {"Authorization": self.headers["Authorization"]}
        there = self.server.behind + self.path
        answer = requests.request(method, there, data=form, headers=headers, timeout=60)
        body = answer.json() if answer.content else None
        for each in (body or {}).get("incoming_phone_numbers", [body or {}]):
            self._remember(each, form)
        if method == "POST" and self.server.loses:
            self.server.loses -= 1
            self.close_connection = True
            return None
        return self._answer(answer.status_code, body)

    def _remember(self, number: dict[str, Any], form: dict[str, str]) -> None:
        if "sms_url" in number:
            kept = self.server.fallbacks.setdefault(number["sid"], {})
            kept.update({name: form[sent] for sent, name in FALLBACKS.items() if sent in form})
            number.update(kept)

    def _answer(self, status: int, body: Any) -> None:
        self.answer(status, b"" if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})


@contextmanager
def fronting(behind: str) -> Iterator[Front]:
    server = Front(behind)
    with running(server):
        yield server
