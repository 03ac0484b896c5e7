"""The server process: gunicorn with our app, configured from our settings alone."""

import gc
import socket
import time
from contextlib import suppress
from ctypes import CDLL
from operator import attrgetter
from threading import Thread
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from canary.errors import CanaryError, OutsideError
from canary.listen.intake import Intake, Kept
from canary.listen.later import Later
from canary.settings import Settings
from canary.web.app import create_app

COURTESY = 0.0002  # seconds
REFRESH_SECONDS = 20.0
READ_SECONDS = 10.0  # a provider sends its request at once
HEAPS, M_ARENA_MAX = 2, -8  # of glibc's malloc.h


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's own, but a request that is not read after `READ_SECONDS` is read no further: else a few connections
    that send a byte now and then would hold every thread for good."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reading: dict[Any, float] = {}

    def accept(self, listener: Any) -> None:
        """Take a new connection, but let a worker without any come first: of thirty that arrive together one worker
        often took all, and half the machine idled for as long as they were kept alive."""
        if self.nr_conns:
            time.sleep(COURTESY)
        super().accept(listener)

    def handle(self, conn: Any) -> Any:
        """One request, in a thread."""
        self._reading[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def murder_pending(self) -> None:
        """What the main thread does about once a second."""
        super().murder_pending()
        late = time.monotonic() - READ_SECONDS
        for conn, since in list(self._reading.items()):
            if since < late:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)  # an answer can still be written


WORKERS: dict[str, Any] = {"worker_class": Worker, "threads": 16}


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn running `create_app` in each worker, so that no database connection is shared by a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._later: Later[Kept] | None = None
        super().__init__()

    def load_config(self) -> None:
        """Workers with threads: requests that wait for the disk together are written together (see listen.group)."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            **WORKERS,
            "timeout": 60,
            "proc_name": "canary-records",
            "control_socket_disable": True,
            "worker_exit": self._finish,
        }
        for key, value in options.items():
            self.cfg.set(key, value)

    def _finish(self, server: object, worker: object) -> None:
        if self._later is not None:
            self._later.close()

    def load(self) -> Flask:
        """The WSGI app; what the last server left in the spool is fetched beside the first requests."""
        share_heaps()
        app = create_app(self._settings)
        intake: Intake = app.extensions["intake"]
        intake.later = self._later = Later(intake.settle_all, attrgetter("kilobytes"))
        # What is loaded now stays: else every so often a request waits while all of it is looked through for garbage.
        gc.collect()
        gc.freeze()
        Thread(target=_drain, args=(intake,), daemon=True).start()
        Thread(target=_refresh, args=(intake,), daemon=True).start()
        return app


def share_heaps() -> None:
    """Let all threads share two heaps. glibc has one a thread, and each keeps for good what its largest request took:
    of 180 MB that a worker held after hostile requests 75 were free (benchmarks/abuse.py). Other C libraries have no
    such thing."""
    with suppress(AttributeError, OSError):
        CDLL(None).mallopt(M_ARENA_MAX, HEAPS)


def _drain(intake: Intake) -> None:
    with suppress(OutsideError):  # the database is still away: the job `deliveries` tries again
        intake.drain()


def _refresh(intake: Intake) -> None:
    """Beside the requests: what numbers say and who has called today, so that answering a call waits for nothing."""
    while True:
        for provider in intake.providers.values():
            if provider.desk:
                with suppress(CanaryError):  # the registry is away: what was known stays
                    provider.desk.refresh(intake.store, intake.now())
        time.sleep(REFRESH_SECONDS)
