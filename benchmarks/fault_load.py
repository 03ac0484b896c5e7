"""The senders of the fault run (faults.py): who they are, how often they try again, and what each of them sent."""

import hmac
import json
import random
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from threading import Event, Lock, Thread
from urllib.parse import quote

import requests
from twilio.request_validator import RequestValidator

from tests.peers.emulate import Emulator
from tests.peers.kannel import Kannel

OURS = "+8612000000001"
CALLER = r"86129\d{8}"  # whoever calls: each contact has a caller of its own, none of whom can exist
BASIC, KEY = "phone:basic-secret", "fault-run-key"
LOGGED = ("twilio emulator, text", "twilio emulator, call")  # whose log is read back
PATIENCE = 15  # seconds a sender waits for an answer


@dataclass
class Load:
    """What is sent: by source the words of each caller. `over` ends new contacts, `late` ends all."""

    line: str
    sent: dict[str, dict[str, str]] = field(default_factory=dict)
    over: Event = field(default_factory=Event)
    late: Event = field(default_factory=Event)
    threads: list[Thread] = field(default_factory=list)

    def begin(self, source: str, send: Callable[[str, str], None], a_second: float, threads: int) -> None:
        """Have so many threads send contacts, together up to that many a second."""
        place, numbers, rest = len(self.sent), count(), threads / a_second
        mine = self.sent.setdefault(source, {})

        def run() -> None:
            while not self.over.wait(rest * random.uniform(0.5, 1.5)):
                number = next(numbers)
                caller = f"86129{place}{number:07}"
                mine[caller] = f"milk powder {number}, due in June"
                with suppress(requests.RequestException):
                    send(f"+{caller}", mine[caller])

        self.threads += [Thread(target=run, daemon=True) for _ in range(threads)]

    def insist(self, tries: int, post: Callable[[], requests.Response]) -> None:
        """Post until it is answered 2xx, at most so many times; as a provider does on 5xx and broken connections."""
        for attempt in range(tries):
            with suppress(requests.RequestException):
                if post().ok:
                    return
            if self.late.wait(min(2.0, 0.3 * 2**attempt)):
                return

    def finish(self, seconds: float) -> None:
        """No new contacts; those under way may end, for so many seconds."""
        self.over.set()
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self.late.set()
        for thread in self.threads:
            thread.join(PATIENCE)


def everybody(line: str, emulator: Emulator, kannel: Kannel | None, pace: float) -> Load:
    """All senders at once over the address `line`, each with about `pace` contacts a second."""
    load = Load(line)
    text, call = LOGGED
    load.begin(text, lambda caller, words: _nothing(emulator.text(caller, OURS, words)), pace, 3)
    load.begin(call, lambda caller, words: _rings(emulator, caller), pace / 2, 2)
    load.begin("twilio, signed", _twilio(load), pace, 3)
    load.begin("smsgate", _smsgate(load), pace, 3)
    load.begin("smsforwarder", _smsforwarder(load), pace, 3)
    if kannel is not None:
        load.begin("kannel", lambda caller, words: kannel.text(caller, OURS, words), pace, 1)
    for thread in load.threads:
        thread.start()
    return load


def _nothing(_: object) -> None:
    """The emulator posts once and never again."""


def _rings(emulator: Emulator, caller: str) -> None:
    emulator.call_status(emulator.call(caller, OURS), "completed")


def _twilio(load: Load) -> Callable[[str, str], None]:
    """Texts as Twilio posts them, with four retries (`#rc=4`)."""
    url, validator = f"{load.line}/hooks/twilio/sms", RequestValidator(Emulator.token)

    def send(caller: str, words: str) -> None:
        form = {"MessageSid": f"SM{caller[1:]:>032}", "From": caller, "To": OURS, "Body": words}
        signed = {"X-Twilio-Signature": validator.compute_signature(url, form)}
        load.insist(5, lambda: requests.post(url, data=form, headers=signed, timeout=PATIENCE))

    return send


def _smsgate(load: Load) -> Callable[[str, str], None]:
    """A phone that tries for two days."""
    url = f"{load.line}/hooks/smsgate/webhook"

    def send(caller: str, words: str) -> None:
        payload = {"messageId": "1", "message": words, "sender": caller, "recipient": OURS, "simNumber": 1}
        said = {"deviceId": "d", "event": "sms:received", "id": caller, "payload": payload, "webhookId": "w"}
        body, stamp = json.dumps(said).encode(), str(int(time.time()))
        signature = hmac.new(KEY.encode(), body + stamp.encode(), sha256).hexdigest()
        headers = {"X-Signature": signature, "X-Timestamp": stamp, "Content-Type": "application/json"}
        load.insist(10_000, lambda: requests.post(url, data=body, headers=headers, timeout=PATIENCE))

    return send


def _smsforwarder(load: Load) -> Callable[[str, str], None]:
    """A phone with five retries, each stamped anew."""
    url = f"{load.line}/hooks/smsforwarder/webhook"
    basic = {"Authorization": f"Basic {b64encode(BASIC.encode()).decode()}", "Content-Type": "application/json"}
    mutex, last = Lock(), [0]

    def stamp() -> str:
        with mutex:  # one phone makes no two stamps in one millisecond
            last[0] = max(last[0] + 1, int(time.time() * 1000))
            return str(last[0])

    def send(caller: str, words: str) -> None:
        def post() -> requests.Response:
            ts = stamp()
            made = hmac.new(KEY.encode(), f"{ts}\n{KEY}".encode(), sha256).digest()
            said = {"from": caller, "text": words, "sim": f"SIM1_{OURS}", "device": "d", "rx": "now", "call_type": ""}
            body = json.dumps({**said, "ts": ts, "sign": quote(b64encode(made))}).encode()
            return requests.post(url, data=body, headers=basic, timeout=PATIENCE)

        load.insist(6, post)

    return send
