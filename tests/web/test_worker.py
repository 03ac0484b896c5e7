"""Which of two server processes takes a connection that both see."""

import platform
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from canary.web import server
from canary.web.server import Worker


class Accepting(Worker):
    """A worker as it is between requests, with so many connections."""

    def __init__(self, connections: int) -> None:
        self.cfg, self.nr_conns = None, connections
        self.taken: list[Any] = []

    def enqueue_req(self, conn: Any) -> None:
        self.taken.append(conn)


def test_a_worker_without_connections_comes_before_one_that_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "COURTESY", 0.3)
    busy, idle = Accepting(3), Accepting(0)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(False)
        first = threading.Thread(target=busy.accept, args=(listener,))
        first.start()
        idle.accept(listener)
        first.join()
        assert (len(busy.taken), len(idle.taken)) == (0, 1)
        with socket.create_connection(listener.getsockname()):
            busy.accept(listener)
        assert (busy.nr_conns, idle.nr_conns) == (4, 1)
        for conn in busy.taken + idle.taken:
            conn.sock.close()


HEAPS = """
import sys, threading
from ctypes import CDLL, c_void_p
from canary.web.server import share_heaps
share_heaps()
start = threading.Barrier(8)
def work():
    start.wait()
    held = [bytes(5_000) for _ in range(200)]
    start.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for one in threads: one.start()
for one in threads: one.join()
libc = CDLL(None)
libc.fdopen.restype = c_void_p
out = c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap a thread")
def test_threads_share_two_heaps() -> None:
    told = subprocess.run([sys.executable, "-c", HEAPS], check=True, capture_output=True, text=True).stdout
    assert told.count("<heap nr=") == server.HEAPS
