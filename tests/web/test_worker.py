"""Which of two server processes takes a connection that both see."""

import socket
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
