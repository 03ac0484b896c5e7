"""POST /exclude: one row a question, few questions, every one logged; nothing else is ever told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from canary.errors import CanaryError
from canary.mint.facts import Fact, Persona
from canary.settings import Settings
from canary.store import exclusion, ledger, numbers, placements, registry
from canary.store.database import Store
from canary.store.exclusion import Limits
from canary.store.numbers import NewNumber
from canary.store.vault import Vault
from canary.trace.law import Law
from canary.web.app import create_app
from canary.web.exclude import desk
from tests.web.conftest import OURS

ASKER = "one-clinic-0123456789abcdef"
OTHER = "other-clinic-0123456789abcd"
NAME, DUE = "张小红", date(2026, 9, 1)
NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)


def plant(store: Store) -> None:
    """One canary, on the number OURS."""
    with store.writing() as session:
        numbers.import_numbers(session, NOW, [NewNumber(OURS, "twilio", Decimal(1))], timedelta(0))
        numbers.end_quarantine(session, NOW, 0.01)
        number = numbers.numbers(session)[0]
        number.state = "ready"
        registry.add_recipient(session, NOW, "bureau", "Bureau", "bureau", None)
        registry.add_copy(session, NOW, "a", "bureau", NOW.date(), ())
        persona = Persona((), {Fact.NAME: NAME, Fact.PHONE: OURS, Fact.DUE_DATE: DUE})
        drawn = [placements.Drawn(number.code, True, persona, 0)]
        plan = placements.Plan("a", Law.EXCLUSIVE, {}, "c", drawn, (), timedelta(days=9), "a.csv", "0")
        placements.seal(session, NOW, placements.record(session, NOW, plan))


@pytest.fixture
def registered(settings: Settings) -> Store:
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    plant(store)
    return store


@pytest.fixture
def client(registered: Store, settings: Settings) -> FlaskClient:
    return create_app(asked(settings)).test_client()


def asked(settings: Settings, per_hour: int = 4, token: str = f"{ASKER}, {OTHER}") -> Settings:
    changes = {"exclude_token": token, "exclude_per_hour": per_hour, "exclude_per_day": 6}
    return Settings(**{**settings.model_dump(), **changes})


def ask(client: FlaskClient, fields: object, token: str = ASKER):
    return client.post("/exclude", json=fields, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("fields", "yes"),
    [
        ({"phone": OURS}, True),
        ({"phone": OURS.removeprefix("+86")}, True),
        ({"phone": "12000000002"}, False),
        ({"name": NAME, "due_date": "2026-09-01"}, True),
        ({"name": NAME, "due_date": "2026-09-02"}, False),
        ({"name": "张小绿", "due_date": "2026-09-01"}, False),
    ],
)
def test_the_answer_is_yes_or_no_and_nothing_else(client, fields, yes):
    answer = ask(client, fields)
    assert answer.status_code == 200
    assert answer.json == {"format": "canary-exclude-answer/1", "exclude": yes}
    form = client.post("/exclude", data=fields, headers={"Authorization": f"Bearer {ASKER}"})
    assert form.json == answer.json


NO_QUESTIONS = [
    [{"phone": OURS}],
    {"phone": [OURS]},
    {"phone": f"{OURS},{OURS}"},
    {"phone": OURS, "name": NAME},
    {"phone": ""},
    {"phone": "x"},
    {"phone": "1" * 2_000},
    {"name": NAME},
    {"name": NAME, "due_date": "soon"},
    {},
    "text",
]


@pytest.mark.parametrize("fields", NO_QUESTIONS, ids=lambda fields: str(fields)[:40])
def test_lists_and_half_questions_are_refused_and_not_counted(client, registered, fields):
    answer = ask(client, fields)
    assert answer.status_code in (400, 413)
    assert log(registered) == []


def test_a_form_with_two_numbers_is_refused(client):
    headers = {"Authorization": f"Bearer {ASKER}", "Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/exclude", data=f"phone={OURS}&phone={OURS}", headers=headers).status_code == 400


@pytest.mark.parametrize("token", ["", "wrong", ASKER[:-1], f"{ASKER}, {OTHER}", "💥"])
def test_without_a_token_nothing_is_told(client, registered, token):
    answer = client.post("/exclude", json={"phone": OURS}, environ_overrides={"HTTP_AUTHORIZATION": f"Bearer {token}"})
    assert answer.status_code == 401 and "exclude" not in answer.json
    assert log(registered) == []


def test_it_is_off_until_a_token_is_set(registered, settings):
    off = create_app(asked(settings, token="")).test_client()
    assert ask(off, {"phone": OURS}).status_code == 404
    with pytest.raises(CanaryError, match="exclude_token"):
        desk(asked(settings, token="short"), registered)


def test_too_many_questions_are_refused_whichever_worker_hears_them(registered, settings):
    workers = [create_app(asked(settings)).test_client() for _ in range(2)]
    statuses = [ask(workers[i % 2], {"phone": OURS}).status_code for i in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    assert ask(workers[0], {"phone": OURS}, OTHER).status_code == 200
    with registered.reading() as session:
        lines = [entry.payload for entry in ledger.entries(session, "exclude")]
    assert lines == [{"door": "endpoint", "refused": "too many questions"}]


def log(store: Store) -> list[tuple[str, str, bool]]:
    with store.reading() as session:
        return [(q.asker, q.question, q.answered) for q in exclusion.questions(session)]


def test_every_question_is_logged_without_what_was_asked(client, registered):
    for fields in ({"phone": OURS}, {"phone": OURS}, {"name": NAME, "due_date": "2026-09-01"}):
        ask(client, fields)
    found = log(registered)
    assert [answered for _, _, answered in found] == [True] * 3
    assert found[0] == found[1] and found[0][1] != found[2][1]
    assert not any(word in str(found) for word in (ASKER, OURS[1:], NAME))


def test_the_hour_and_the_day_are_counted_in_the_registry(store):
    """On SQLite and on PostgreSQL: 2 an hour, 3 a day."""
    limits, allowed = Limits(hour=2, day=3), []
    times = [NOW + timedelta(minutes=m) for m in (0, 1, 2, 62, 130, 25 * 60)]
    for at in times:
        with store.writing() as session:
            allowed.append(exclusion.ask(session, at, ASKER, "q", limits))
    assert allowed == [True, True, False, True, False, True]
