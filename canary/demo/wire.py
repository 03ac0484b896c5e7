"""The demo's wire: the real server and scheduler processes, and signed requests as Twilio would send them."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from canary.demo.callers import Ring
from canary.errors import OutsideError

CONNECTIONS = 4
START_SECONDS = 30
REDELIVERED = 0.03
FORGED = 0.01
STATUS_SHARE = 0.2  # a status callback is optional at Twilio


@contextmanager
def process(folder: Path, command: str) -> Iterator[None]:
    """`canary <command>` as a process of its own, ended by its own id; its output goes to a log beside."""
    with (folder / f"{command}.log").open("w") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "canary", command],
            stdout=log,
            stderr=log,
            env=dict(os.environ),
            cwd=folder,
        )
        try:
            yield
        finally:
            started.terminate()
            try:
                started.wait(timeout=20)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(port: int, log: Path) -> None:
    """Raises OutsideError unless the server answers in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            if _exchange(port, "GET", "/readyz", "", {}) == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise OutsideError("the server did not start", f"see {log}")


def _exchange(port: int, method: str, path: str, body: str, headers: Mapping[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body.encode(), dict(headers))
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@dataclass
class Sender:
    """Posts rings as Twilio's webhooks, signed by Twilio's own validator; some twice, a few forged."""

    port: int
    public_url: str
    token: str
    rng: random.Random
    statuses: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._signer = RequestValidator(self.token)
        self._pool = ThreadPoolExecutor(CONNECTIONS)

    def send(self, rings: Sequence[Ring]) -> int:
        """Deliver one day's rings, several at a time; returns how many requests were made."""
        batches = [self._requests(ring) for ring in rings]
        for statuses in self._pool.map(self._post_all, batches):
            for status in statuses:
                self.statuses[status] = self.statuses.get(status, 0) + 1
        return sum(map(len, batches))

    def close(self) -> None:
        """End the sending threads."""
        self._pool.shutdown()

    def _requests(self, ring: Ring) -> list[tuple[str, dict[str, str], bool]]:
        sid = f"{self.rng.getrandbits(128):032x}"
        common = {
            "AccountSid": "AC" + "0" * 32,
            "From": ring.sender,
            "To": ring.to,
            "ApiVersion": "2010-04-01",
        }
        if not ring.voice:
            ids = {"MessageSid": f"SM{sid}", "SmsSid": f"SM{sid}"}
            requests = [("sms", {**common, **ids, "Body": ring.text, "NumMedia": "0", "SmsStatus": "received"})]
        else:
            call = {**common, "CallSid": f"CA{sid}", "Direction": "inbound"}
            requests = [("voice", {**call, "CallStatus": "ringing"})]
            if ring.text:
                requests.append(("transcription", _transcription(call, sid, ring.text)))
                done = {**call, "CallStatus": "completed", "CallDuration": str(ring.seconds)}
                requests += [("status", done)] if self.rng.random() < STATUS_SHARE else []
        signed = [(endpoint, form, True) for endpoint, form in requests]
        if self.rng.random() < REDELIVERED:
            signed.append(signed[0])
        if self.rng.random() < FORGED:
            forged = {**requests[0][1], "Body": "奶粉", "MessageSid": f"SM{self.rng.getrandbits(128):032x}"}
            signed.append(("sms", forged, False))
        return signed

    def _post_all(self, requests: list[tuple[str, dict[str, str], bool]]) -> list[int]:
        return [self._post(*request) for request in requests]

    def _post(self, endpoint: str, form: dict[str, str], honest: bool) -> int:
        path = f"/hooks/twilio/{endpoint}"
        signature = self._signer.compute_signature(self.public_url + path, form) if honest else "bm90IHR3aWxpbw=="
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        return _exchange(self.port, "POST", path, urlencode(form), headers)


def _transcription(call: dict[str, str], sid: str, text: str) -> dict[str, str]:
    said = json.dumps({"transcript": text, "confidence": 0.93}, ensure_ascii=False)
    return {
        **call,
        "TranscriptionEvent": "transcription-content",
        "TranscriptionSid": f"GT{sid}",
        "SequenceId": "1",
        "Track": "inbound_track",
        "LanguageCode": "cmn-Hans-CN",
        "Final": "true",
        "TranscriptionData": said,
    }
