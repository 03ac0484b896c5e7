"""`POST /exclude`: is this one row a canary? One question a request, few a day, each of them logged."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Response, current_app, jsonify, request

from canary.errors import CanaryError, OutsideError
from canary.settings import Settings
from canary.store import exclusion
from canary.store.database import Store
from canary.store.e164 import normalise

SHORTEST_TOKEN = 20
_LONGEST = 1_000  # bytes of one question
_USAGE = "one telephone number (phone), or one name and due date (name, due_date: YYYY-MM-DD); no lists"


@dataclass(frozen=True)
class Desk:
    """What answers questions: the registry, the tokens that may ask, how often, and the clock."""

    store: Store
    tokens: tuple[str, ...]
    limits: exclusion.Limits
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Question:
    """One row to look up: an E.164 number, or a name with a due date."""

    phone: str | None
    name: str
    due: date | None

    def __str__(self) -> str:
        return self.phone or f"{self.name}|{self.due}"


def desk(settings: Settings, store: Store) -> Desk:
    """The desk of a registry. Raises CanaryError when a token is so short that it can be guessed."""
    tokens = tuple(filter(None, map(str.strip, settings.exclude_token.get_secret_value().split(","))))
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        raise CanaryError(f"exclude_token: shorter than {SHORTEST_TOKEN} characters", "use a random one")
    return Desk(store, tokens, exclusion.Limits(settings.exclude_per_hour, settings.exclude_per_day), settings.now)


def exclude() -> Response:
    """Yes or no to one question; 404 while nobody may ask, 401 without a token, 400 for anything but one row, 429
    after too many."""
    found: Desk = current_app.extensions["exclude"]
    if not found.tokens:
        return _refused(404, "not found")
    if (token := _token(found)) is None:
        return _refused(401, "give a token: Authorization: Bearer …")
    request.max_content_length = _LONGEST
    if (request.content_length or 0) > _LONGEST or (question := _question()) is None:
        return _refused(400, _USAGE)
    try:
        return _answer(found, token, question)
    except OutsideError as error:
        return _refused(503, str(error))


def _answer(found: Desk, token: str, question: Question) -> Response:
    with found.store.writing() as session:
        allowed = exclusion.ask(session, found.now(), token, str(question), found.limits)
    if not allowed:
        return _refused(429, "too many questions: ask again later")
    with found.store.reading() as session:
        if question.phone:
            yes = exclusion.holds_phone(session, question.phone)
        else:
            yes = question.due is not None and exclusion.holds_person(session, question.name, question.due)
    return jsonify({"format": "canary-exclude-answer/1", "exclude": yes})


def _token(found: Desk) -> str | None:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    # Every token is compared, each in constant time: how long it takes tells nothing.
    matches = [token for token in found.tokens if hmac.compare_digest(token.encode(), given.encode())]
    return matches[0] if matches else None


def _question() -> Question | None:
    fields = _fields()
    if fields is None or not all(isinstance(value, str) and value.strip() for value in fields.values()):
        return None
    if set(fields) in ({"phone"}, {"phone", "region"}):
        phone = normalise(fields["phone"], fields.get("region", "CN"))
        return Question(phone, "", None) if phone else None
    if set(fields) != {"name", "due_date"}:
        return None
    try:
        return Question(None, fields["name"].strip(), date.fromisoformat(fields["due_date"].strip()))
    except ValueError:
        return None


def _fields() -> Mapping[str, Any] | None:
    """The form or JSON object of the request, each field once; None for lists of any kind."""
    if request.is_json:
        body = request.get_json(silent=True)
        return body if isinstance(body, dict) else None
    if request.args or any(len(values) > 1 for values in request.form.listvalues()):
        return None
    return request.form.to_dict()


def _refused(status: int, why: str) -> Response:
    answer = jsonify({"error": why})
    answer.status_code = status
    if status == 429:
        answer.headers["Retry-After"] = "3600"
    return answer
