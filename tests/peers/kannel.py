"""Kannel, the SMS gateway of Debian: bearerbox and smsbox over a fake line into which texts are put."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from canary.demo.wire import free_port

_START_SECONDS = 20
_SETTINGS = """
group = core
admin-port = {admin}
admin-password = none
smsbox-port = {boxes}
box-allow-ip = 127.0.0.1
box-deny-ip = "*.*.*.*"
log-level = 3

group = smsc
smsc = fake
smsc-id = fake
port = {line}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
http-request-retry = {tries}
http-queue-delay = 2
log-level = 3

group = sms-service
keyword = default
post-url = "{hook}?from=%p&to=%P&id=%I&ts=%t&cs=%C"
max-messages = 0
omit-empty = true
"""


def installed() -> bool:
    """Whether Debian's packages are there."""
    return all(shutil.which(name) for name in ("bearerbox", "smsbox"))


class Kannel:
    """A running gateway; who texts it speaks the line protocol of its `fakesmsc`."""

    def __init__(self, line: int) -> None:
        self._line = socket.create_connection(("127.0.0.1", line))

    def text(self, sender: str, number: str, words: str) -> None:
        """Someone texts the number. Words of one line, in ASCII."""
        self._line.sendall(f"{sender} {number} text {words}\n".encode("ascii"))

    def close(self) -> None:
        """Hang up."""
        self._line.close()


@contextmanager
def running(hook: str, folder: Path, tries: int = 100) -> Iterator[Kannel]:
    """A gateway that posts to `hook` (an address with user and password), up to so many times more, two seconds
    apart; its settings and logs are in `folder`."""
    ports = {name: free_port() for name in ("admin", "boxes", "line")}
    settings = folder / "kannel.conf"
    settings.write_text(_SETTINGS.format(hook=hook, tries=tries, **ports))
    with ExitStack() as stack:
        for program, port in (("bearerbox", ports["boxes"]), ("smsbox", ports["line"])):
            stack.enter_context(_process(program, settings))
            _wait(port)
        gateway = Kannel(ports["line"])
        stack.callback(gateway.close)
        yield gateway


@contextmanager
def _process(program: str, settings: Path) -> Iterator[None]:
    with settings.with_name(f"{program}.log").open("wb") as log:
        process = subprocess.Popen([program, str(settings)], stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int) -> None:
    """The port is opened; without connecting to it, for a box that comes and goes counts as one."""
    deadline = time.monotonic() + _START_SECONDS
    while f":{port:04X} 00000000:0000 0A" not in Path("/proc/net/tcp").read_text():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Kannel did not open port {port} within {_START_SECONDS} s")
        time.sleep(0.1)
