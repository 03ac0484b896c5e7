"""The server process: gunicorn with our app, configured from our settings alone."""

from contextlib import suppress
from threading import Thread
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from canary.errors import OutsideError
from canary.listen.intake import Intake
from canary.settings import Settings
from canary.web.app import create_app

THREADS = 16  # of each worker: as many requests may share one commit


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn running `create_app` in each worker, so that no database connection is shared by a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Workers with threads: requests that wait for the disk together are written together (see listen.group)."""
        options: dict[str, Any] = {
            "bind": self._settings.bind,
            "workers": self._settings.workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 60,
            "proc_name": "canary-records",
            "control_socket_disable": True,
        }
        for key, value in options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        """The WSGI app; what the last server left in the spool is fetched beside the first requests."""
        app = create_app(self._settings)
        Thread(target=_drain, args=(app.extensions["intake"],), daemon=True).start()
        return app


def _drain(intake: Intake) -> None:
    with suppress(OutsideError):  # the database is still away: the job `deliveries` tries again
        intake.drain()
