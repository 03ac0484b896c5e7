"""Deliveries of all providers, in any order and any number of times, leave the same contacts, kinds and verdicts."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select, text

from canary import findings
from canary.listen.intake import Intake
from canary.settings import load
from canary.store import contacts, deliveries, numbers, views
from canary.store.base import Base
from canary.store.database import Store
from canary.store.schema import Canary, Number
from canary.store.spool import Spool
from canary.store.vault import Vault
from tests.cli.conftest import Shell
from tests.conftest import fresh_database
from tests.listen.cases import CALL, CALLER, CASES, KANNEL, SMSFORWARDER, SMSGATE, Signed, smsgate, twilio

Delivery = tuple[str, str, Any]  # provider, endpoint, request
Rows = list[tuple[Table, list[dict[str, Any]]]]
NOW = datetime(2026, 6, 20, tzinfo=UTC)


def texts_to(phones: Sequence[str]) -> list[Delivery]:
    """A seller works through our numbers; beside it a call in parts, a forgery, and what other providers bring."""
    found: list[tuple[str, Signed]] = []
    for i, phone in enumerate(phones):
        form = {"MessageSid": f"SM{i}", "From": CALLER, "To": phone, "Body": "奶粉特价"}
        found.append(("twilio", twilio("sms", form)))
    call = {**CALL, "To": phones[0]}
    words = {**call, "TranscriptionSid": "GT1", "Final": "true", "TranscriptionData": '{"transcript": "月子中心"}'}
    payload = {"message": "您的验证码是 123456", "sender": CALLER, "recipient": phones[1], "receivedAt": "x"}
    forged = replace(twilio("sms", {"MessageSid": "SM99", "From": CALLER, "To": phones[-1]})[1], body=b"MessageSid=SM0")
    found += [
        ("twilio", twilio("voice", {**call, "CallStatus": "ringing"})),
        ("twilio", twilio("status", {**call, "CallStatus": "completed", "CallDuration": "40"})),
        ("twilio", twilio("transcription", {**words, "SequenceId": "1"})),
        ("twilio", twilio("transcription", {**words, "SequenceId": "2"})),
        ("twilio", twilio("recording", {"CallSid": "CA1", "RecordingSid": "RE1", "RecordingStatus": "completed"})),
        ("twilio", ("sms", forged)),
        ("smsgate", smsgate({"event": "sms:received", "id": "1", "deviceId": "d", "payload": payload})),
        *((case.provider.name, case.text("1", "优惠")) for case in (SMSGATE, SMSFORWARDER, KANNEL)),
    ]
    return [(name, endpoint, request) for name, (endpoint, request) in found]


@pytest.fixture
def registry(seeded: Shell, request: pytest.FixtureRequest) -> Store:
    seeded.sql("UPDATE placement SET drawn_at = '2026-06-01 00:00:00.000000'")
    return Store(load().url, Vault(load().secret()))


def rows_of(store: Store) -> Rows:
    with store.engine.connect() as connection:
        return [(t, [dict(r._mapping) for r in connection.execute(select(t))]) for t in Base.metadata.sorted_tables]


def restore(store: Store, rows: Rows) -> None:
    """Make the registry what it was."""
    with store.engine.begin() as connection:
        for table, _ in reversed(rows):
            connection.execute(table.delete())
        for table, held in rows:
            if held:
                connection.execute(table.insert(), held)
            if store.engine.dialect.name == "postgresql" and "id" in table.c and held:
                newest = connection.execute(select(func.max(table.c.id))).scalar()
                reset = text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :newest)")
                connection.execute(reset, {"name": table.name, "newest": newest})


def concluded(store: Store, folder: Path, arrivals: Sequence[tuple[datetime, Delivery]]) -> dict[str, Any]:
    """Everything that is derived from deliveries that came at those times."""
    clock = iter(at for at, _ in arrivals)
    providers = {case.provider.name: case.provider for case in CASES}
    intake = Intake(store, Spool(folder / "spool", store.vault), providers, lambda: next(clock))
    for _, (provider, endpoint, request) in arrivals:
        intake.receive(provider, endpoint, request)
    found = findings.trace(store, NOW, load().terms)
    with store.reading() as session:
        heard = sorted(
            (row.contact.sid, row.kind, row.contact.at, row.contact.channel, row.contact.number_id, opened.text)
            for row in views.sorted_contacts(session, NOW)
            for opened in [views.opened(session, row.contact)]
        )
        paths = {c.sid: contacts.paths(session, [c])[c.id] for c in contacts.contacts(session)}
        return {
            "contacts": heard,
            "paths": paths,
            "verdicts": [(v.copy, v.word, v.log_e, v.posterior, v.window) for v in found.verdicts],
            "quarantine": deliveries.quarantined(session) > 0,
        }


def check_any_order(store: Store, folder: Path, rows: Rows, examples: int) -> None:
    restore(store, rows)
    with store.reading() as session:
        of_a = select(func.min(Canary.placement_id)).scalar_subquery()
        planted = select(Number).join(Canary).where(Canary.planted, Canary.placement_id == of_a).order_by(Number.code)
        phones = [numbers.e164(session, number) for number in session.scalars(planted)]
    # A phone's stamp is as old as its request: the clock of the cases rules here.
    base = CASES[0].samples()[0][1].at
    sent = [(base + timedelta(seconds=i), delivery) for i, delivery in enumerate(texts_to(phones))]
    expected = concluded(store, folder, sent)
    assert {row[1] for row in expected["contacts"]} >= {"maternal", "marketing", "service"}
    assert [word for _, word, *_ in expected["verdicts"]].count("leaked") == 1

    orders = st.permutations(sent)
    repeats = st.lists(st.tuples(st.integers(0, len(sent) - 1), st.integers(0, 30)), max_size=8)

    # Without shrinking, which would take minutes: what it prints is short enough.
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],
    )
    @given(orders, repeats, st.randoms())
    def same_in_any_order(order: list[Any], again: list[tuple[int, int]], dice: Any) -> None:
        arrivals = [*order, *((sent[i][0] + timedelta(seconds=late), sent[i][1]) for i, late in again)]
        dice.shuffle(arrivals)
        restore(store, rows)
        assert concluded(store, folder, arrivals) == expected

    same_in_any_order()


def test_any_order_and_multiplicity_gives_the_same_contacts_kinds_and_verdicts(registry: Store, tmp_path) -> None:
    with closing(registry):
        check_any_order(registry, tmp_path, rows_of(registry), 12)


@pytest.mark.peer
def test_any_order_and_multiplicity_gives_the_same_on_postgresql(registry: Store, tmp_path, postgres_url: str) -> None:
    rows = rows_of(registry)
    registry.close()
    with closing(Store(fresh_database(postgres_url), registry.vault)) as store:
        store.migrate()
        check_any_order(store, tmp_path, rows, 4)
