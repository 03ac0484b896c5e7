"""A configured registry in a folder, and the real server over it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from canary.demo.wire import free_port
from canary.settings import Settings, load
from canary.store import deliveries
from canary.store.vault import new_key

TOKEN = "12345"
OURS = "+8612000000001"
CALLER = "+8612000000099"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    port = free_port()
    (tmp_path / "canary.toml").write_text(
        f'bind = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\ntwilio_auth_token = "{TOKEN}"\n'
    )
    (tmp_path / "canary.key").write_text(new_key())
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    return load()


class Server:
    """`canary serve` as a process group of its own."""

    def __init__(self, settings: Settings) -> None:
        self.url = f"http://{settings.bind}"
        self._log = settings.folder / "serve.log"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "canary", "serve"],
                stdout=log,
                stderr=log,
                env=dict(os.environ),
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError(self._log.read_text())

    def end(self, signum: int = signal.SIGTERM) -> None:
        """Signal master and workers; the group is our own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signum)
            self.process.wait(timeout=60)


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    server = Server(settings)
    try:
        yield server
    finally:
        server.end()


def settled(settings: Settings) -> Settings:
    """The settings, once the server has read all that it answered: it answers first."""
    for _ in range(300):
        with settings.store().reading() as session:
            if not deliveries.waiting(session):
                return settings
        time.sleep(0.1)
    raise AssertionError("the server does not read what it keeps")
