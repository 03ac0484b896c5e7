"""Twilio played by `emulate`: keeps numbers, signs and posts webhooks, answers the REST client."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

SCRIPT = Path(__file__).parents[2] / ".peers" / "node_modules" / "emulate" / "dist" / "index.js"
ACCOUNT = "AC" + "0" * 32
TOKEN = "twilio_test_auth_token"
_START_SECONDS = 60


class LocalHttp(TwilioHttpClient):
    """The official client has no base URL to set: send what it means for Twilio to a local server."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=60)
        self._base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        asked = urlsplit(url)
        if asked.netloc != "api.twilio.com":
            raise AssertionError(f"a test would have gone to {asked.netloc}")
        local = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        return super().request(method, local, *args, **options)


class Emulator:
    """One running emulator: buy a number that points at us, then let people ring and write."""

    account = ACCOUNT
    token = TOKEN

    def __init__(self, base: str) -> None:
        self.base = base
        self.client = Client(ACCOUNT, TOKEN, http_client=LocalHttp(base))

    def buy(self, number: str, hooks: str) -> str:
        """Buy a number whose webhooks are `hooks`/sms, /voice and /status; its SID."""
        bought = self.client.incoming_phone_numbers.create(
            phone_number=number,
            sms_url=f"{hooks}/sms",
            voice_url=f"{hooks}/voice",
            status_callback=f"{hooks}/status",
        )
        return str(bought.sid)

    def text(self, sender: str, number: str, body: str) -> str:
        """Someone texts the number; returns once our server answered. The message's SID."""
        return self._simulate("inbound-message", From=sender, To=number, Body=body)

    def call(self, sender: str, number: str) -> str:
        """Someone rings the number; returns once our server answered. The call's SID."""
        return self._simulate("inbound-call", From=sender, To=number)

    def call_status(self, sid: str, status: str) -> None:
        """The call goes on: "completed", "no-answer", …"""
        self._simulate("call-status", CallSid=sid, Status=status)

    def _simulate(self, what: str, **parameters: str) -> str:
        url = f"{self.base}/_twilio/simulate/{what}"
        answer = requests.post(url, data=parameters, auth=(ACCOUNT, TOKEN), timeout=60)
        answer.raise_for_status()
        return str(answer.json()["sid"])


@contextmanager
def running(node: str) -> Iterator[Emulator]:
    """An emulator on a free loopback port, ended with its whole process group."""
    with serving([node, str(SCRIPT), "--service", "twilio", "--port"], "/2010-04-01/Accounts.json") as base:
        yield Emulator(base)


@contextmanager
def serving(command: list[str], probe: str) -> Iterator[str]:
    """The address of a peer that `command` starts on a free loopback port, its last argument, and that answers at
    the path `probe`; ended with its whole process group."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    ending = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    process = subprocess.Popen([*command, str(port)], **ending)  # type: ignore[call-overload]
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(process, base + probe)
        yield base
    finally:
        _end(process)


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with exit code {process.returncode}")
        try:
            requests.get(url, timeout=2)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{process.args!r} did not answer within {_START_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)
