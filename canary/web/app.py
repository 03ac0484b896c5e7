"""The app factory: provider hooks in front, exclusion and health in Flask."""

from flask import Flask, Response, current_app

from canary.errors import OutsideError
from canary.listen.intake import Intake
from canary.settings import Settings, load
from canary.store.database import Store
from canary.web.exclude import desk, exclude
from canary.web.hooks import Hooks
from canary.web.providers import providers


def create_app(settings: Settings | None = None) -> Flask:
    """The app over the registry of `settings` (those in force by default)."""
    settings = settings or load()
    app = Flask(__name__)
    store = settings.serving_store()
    app.extensions["intake"] = intake(settings, store)
    app.extensions["exclude"] = desk(settings, store)
    app.add_url_rule("/exclude", view_func=exclude, methods=["POST"])
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    public_url = (settings.public_url or f"http://{settings.bind}").rstrip("/")
    app.wsgi_app = Hooks(app.wsgi_app, app.extensions["intake"], public_url)  # type: ignore[method-assign]
    return app


def intake(settings: Settings, store: Store) -> Intake:
    """The intake of a registry with every provider that is configured."""
    return Intake(store, settings.spool(), providers(settings, store.vault), settings.now)


def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", content_type="text/plain")


def readyz() -> Response:
    """The registry answers too."""
    try:
        _intake().store.ping()
    except OutsideError as error:
        return Response(f"{error}\n", status=503, content_type="text/plain")
    return Response("ready\n", content_type="text/plain")


def _intake() -> Intake:
    found: Intake = current_app.extensions["intake"]
    return found
