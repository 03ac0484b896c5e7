"""Opening a registry: migrations complete, the wrong key refused, failures named, the ledger whole."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from canary.errors import CanaryError, OutsideError
from canary.prove.chain import first_break
from canary.store import database, leases, ledger
from canary.store.base import Base
from canary.store.database import Store
from canary.store.vault import Vault, new_key

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)


def test_migrations_make_exactly_the_tables_of_the_schema(store):
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_newest_version_is_the_one_with_the_highest_number(store):
    """`check` goes by the names of files, which is quicker than asking Alembic."""
    scripts = Path(database.__file__).with_name("migrations")
    head = ScriptDirectory(str(scripts)).get_current_head()
    assert head == max(path.name[:4] for path in (scripts / "versions").glob("[0-9]*.py"))


def test_migrating_twice_changes_nothing(store):
    store.migrate()
    store.check()


def test_another_key_is_refused_at_the_door(store):
    other = Store(store.engine.url.render_as_string(hide_password=False), Vault(new_key()))
    with pytest.raises(CanaryError, match="key does not open"):
        other.check()
    other.close()


def test_an_empty_database_says_to_run_init(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'none.sqlite3'}", Vault(new_key()))
    with pytest.raises(CanaryError, match="canary init"):
        store.check()
    store.close()


def test_an_unreachable_database_is_the_outside_world():
    store = Store("postgresql+psycopg://nobody@127.0.0.1:9/none", Vault(new_key()))
    with pytest.raises(OutsideError, match="database: "):
        store.check()


@pytest.mark.parametrize("url", ["nonsense", "oracle-of-delphi://x", ""])
def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(CanaryError, match="database_url"):
        Store(url, Vault(new_key()))


def test_an_exception_inside_a_transaction_leaves_nothing(store):
    def fail() -> None:
        with store.writing() as session:
            ledger.append(session, NOW, "lost", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as session:
        assert list(ledger.entries(session)) == []


def test_ledger_stays_whole_when_many_write_at_once(store):
    def write() -> None:
        for _ in range(5):
            with store.writing() as session:
                ledger.append(session, NOW, "test", {"thread": threading.get_ident() % 1000})

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        entries = list(ledger.entries(session))
    assert len(entries) == 30
    assert first_break(entries) is None


def test_a_row_changed_behind_our_back_breaks_the_chain_there(store):
    with store.writing() as session:
        for i in range(3):
            ledger.append(session, NOW, "test", {"i": i})
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ledger SET kind = 'forged' WHERE seq = 2")
    with store.reading() as session:
        assert first_break(ledger.entries(session)) == 2


def test_one_holder_has_the_lease_until_it_runs_out(store):
    from datetime import timedelta

    minute = timedelta(minutes=1)
    with store.writing() as session:
        assert leases.acquire(session, "jobs", "a", NOW, minute)
    with store.writing() as session:
        assert not leases.acquire(session, "jobs", "b", NOW + minute / 2, minute)
        assert leases.acquire(session, "jobs", "a", NOW + minute / 2, minute)
        assert leases.acquire(session, "jobs", "b", NOW + 2 * minute, minute)
