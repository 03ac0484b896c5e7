"""The Flask app factory: provider hooks, exclusion and health; judging happens elsewhere, never in a request."""

from typing import Any

from flask import Flask, Response, current_app, request

from canary.errors import OutsideError
from canary.listen.intake import MAX_BODY, Intake
from canary.listen.providers.base import RawRequest, Reply
from canary.settings import Settings, load
from canary.store.database import Store
from canary.web.exclude import desk, exclude
from canary.web.providers import providers


def create_app(settings: Settings | None = None) -> Flask:
    """The app over the registry of `settings` (those in force by default)."""
    settings = settings or load()
    app = Flask(__name__)
    store = settings.serving_store()
    app.extensions["intake"] = intake(settings, store)
    app.extensions["exclude"] = desk(settings, store)
    app.config["PUBLIC_URL"] = (settings.public_url or f"http://{settings.bind}").rstrip("/")
    app.add_url_rule("/hooks/<provider>/<endpoint>", view_func=hook, methods=["POST"])
    app.add_url_rule("/exclude", view_func=exclude, methods=["POST"])
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    return app


def intake(settings: Settings, store: Store) -> Intake:
    """The intake of a registry with every provider that is configured."""
    return Intake(store, settings.spool(), providers(settings, store.vault), settings.now)


def hook(provider: str, endpoint: str) -> Response:
    """One provider request, kept before it is judged. One that broke off is none: not every sender signs its words,
    and half of them would stand for the whole, which its sender sends again."""
    raw = _raw()
    if len(raw.body) < min(request.content_length or 0, MAX_BODY + 1):
        return Response("broken off\n", status=400, content_type="text/plain")
    reply = _intake().receive(provider, endpoint, raw)
    return _respond(_intake().providers[provider].answer(endpoint, raw) if reply.status == 200 else reply)


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


def _raw() -> RawRequest:
    # The provider signed the public URL byte for byte. Behind a proxy, and after Werkzeug's decoding,
    # request.url is another one; gunicorn's RAW_URI is the target as it came.
    environ: dict[str, Any] = request.environ
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.full_path.rstrip("?")
    headers = {name.lower(): value for name, value in request.headers.items()}
    # A server that ends its stream where the body ends needs no second guard around it.
    stream = environ["wsgi.input"] if environ.get("wsgi.input_terminated") else request.stream
    body = stream.read(MAX_BODY + 1)
    return RawRequest(current_app.config["PUBLIC_URL"] + target, headers, body)


def _respond(reply: Reply) -> Response:
    return Response(reply.body, status=reply.status, content_type=f"{reply.content_type}; charset=utf-8")
