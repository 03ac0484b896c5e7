"""Seeding a database's table, on SQLite and on PostgreSQL: what it holds afterwards, and what the registry knows."""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.cli.main import cli
from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Row
from canary.plant import database as databases
from canary.plant.draft import Request
from canary.plant.seed import Unsettled
from canary.plant.sql import SqlOrder, finish, rehearse, seed_table, undo
from canary.store import ledger, placements
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from tests.conftest import fresh_database
from tests.plant.test_seed import NOW, canaries, city, dump, prepare, states, written

HEADER = city().header
PHONE, BIRTH, DUE = HEADER.index("联系电话"), HEADER.index("出生日期(婴儿)"), HEADER.index("预产期")


@pytest.fixture(scope="session")
def one_database(postgres_url: str) -> str:
    """A database that the tests here use one after another: to create one takes longer than a test."""
    return fresh_database(postgres_url)


def emptied(url: str) -> str:
    """The same database with nothing in it."""
    for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
        run(url, statement)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of somebody else's."""
    if request.param == "postgresql":
        return emptied(request.getfixturevalue("one_database"))
    sqlite3.connect(tmp_path / "host.sqlite3").close()
    return f"sqlite:///{tmp_path / 'host.sqlite3'}"


@pytest.fixture
def postgres(one_database: str) -> str:
    """An empty database on PostgreSQL."""
    return emptied(one_database)


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A registry with numbers and the copies june and july, made once: its file and its key."""
    path, key = tmp_path_factory.mktemp("stock") / "canary.sqlite3", new_key()
    made = Store(f"sqlite:///{path}", Vault(key))
    made.migrate()
    prepare(made, "june", "july")
    made.close()
    return path, key


def stocked(stock: tuple[Path, str], folder: Path) -> Store:
    """A copy of the stocked registry, in a folder of its own, with its key beside it."""
    shutil.copy(stock[0], folder)
    (folder / "canary.key").write_text(stock[1])
    return Store(f"sqlite:///{folder / 'canary.sqlite3'}", Vault(stock[1]))


@pytest.fixture
def lite(tmp_path: Path, stock: tuple[Path, str]) -> Iterator[Store]:
    """A registry with numbers, and the copies june and july."""
    made = stocked(stock, tmp_path)
    yield made
    made.close()


def with_gaps(rows: int) -> list[int]:
    """File numbers as a register leaves them: some are never used, or were deleted."""
    return sorted(Random(5).sample(range(4000, 4000 + 2 * rows), rows))


Values = Callable[[int], dict[str, Any]]


def make(url: str, *more: sa.Column[Any], values: Values = lambda i: {}, key: str = "gaps") -> None:
    """The table register: the invented city under its own headers, after a key."""
    keys = {"gaps": with_gaps(90), "dense": range(1, 91), "assigned": range(1, 91), "none": [None] * 90}[key]
    number = [sa.Column("file_no", sa.Integer, primary_key=True, autoincrement=key == "assigned")]
    types = {BIRTH: sa.Date(), DUE: sa.Date()}
    metadata = sa.MetaData()
    sa.Table("ward", metadata, sa.Column("id", sa.Integer, primary_key=True))
    facts = [sa.Column(name, types.get(at, sa.String(80))) for at, name in enumerate(HEADER)]
    table = sa.Table("register", metadata, *(number if key != "none" else []), *facts, *more)
    rows = [
        {**({} if key in ("none", "assigned") else {"file_no": keys[i]}), **named(row), **values(i)}
        for i, row in enumerate(city().rows)
    ]
    with engine(url).begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table), rows)


def named(row: Row) -> dict[str, Any]:
    return dict(zip(HEADER, row, strict=True))


def engine(url: str) -> sa.Engine:
    return sa.create_engine(url, poolclass=sa.NullPool)


def contents(url: str, name: str) -> list[tuple[Any, ...]]:
    """What `SELECT *` shows, in the order shown; on SQLite as stored."""
    schema, _, table = name.rpartition(".")
    query = sa.select(sa.text("*")).select_from(sa.table(table, schema=schema or None))
    with engine(url).connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def everything(url: str) -> dict[str, Any]:
    """Every table and view of the database with its rows, and every sequence with its value."""
    with engine(url).connect() as connection:
        inspector = sa.inspect(connection)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        found: dict[str, Any] = {name: Counter(map(repr, contents(url, name))) for name in names}
        if url.startswith("postgresql"):
            found["sequences"] = connection.execute(sa.text("select sequencename, last_value from pg_sequences")).all()
        return found


def run(url: str, statement: str) -> None:
    with engine(url).begin() as connection:
        connection.exec_driver_sql(statement)


def order(url: str, view: str | None = "handout", count: int = 12, copy: str = "june", **more: Any) -> SqlOrder:
    side = "register_late" if view else ""
    return SqlOrder(Request(copy, count, timedelta(days=180)), url, "register", view, more.pop("side", side), **more)


# --- what stands in the database --------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["handout", None])
def test_every_row_stays_and_the_canaries_are_found_by_their_phones(lite: Store, url: str, view: str | None) -> None:
    make(url)
    before = contents(url, "register")
    done = seed_table(lite, NOW, order(url, view))
    after = contents(url, view or "register")
    added = Counter(after) - Counter(before)
    assert Counter(before) - Counter(after) == Counter()
    assert {written(row[PHONE + 1]) for row in added} == set(canaries(lite, "june"))
    assert added.total() == done.canaries == 12 and done.rows == len(after) == 102
    if view:
        assert contents(url, "register") == before, "the table itself is left alone"


def test_a_view_shows_the_canaries_among_the_others_in_the_order_of_the_key(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url))
    after, ours = contents(url, "handout"), set(canaries(lite, "june"))
    keys = [row[0] for row in after]
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
    places = [i for i, row in enumerate(after) if written(row[PHONE + 1]) in ours]
    assert places != list(range(90, 102)) and places[0] < 60


def test_a_view_without_a_key_does_not_show_the_canaries_last(lite: Store, url: str) -> None:
    make(url, key="dense")
    seed_table(lite, NOW, order(url, without=("file_no",)))
    after, ours = contents(url, "handout"), set(canaries(lite, "june"))
    places = [i for i, row in enumerate(after) if written(row[PHONE]) in ours]
    assert len(places) == 12 and places[0] < 60


def test_the_columns_of_a_view_have_the_names_order_and_types_of_the_table(lite: Store, url: str) -> None:
    make(url, sa.Column("weight", sa.Numeric(6, 2)), values=lambda i: {"weight": Decimal(3000 + i % 7) / 8})
    seed_table(lite, NOW, order(url))
    names = ("register", "handout")
    with engine(url).connect() as connection:
        base, view = (sa.inspect(connection).get_columns(name) for name in names)
    assert [c["name"] for c in base] == [c["name"] for c in view]
    if url.startswith("postgresql"):
        assert [str(c["type"]) for c in base] == [str(c["type"]) for c in view]
    kinds = [[set(map(type, column)) for column in zip(*contents(url, name), strict=True)] for name in names]
    assert kinds[0] == kinds[1]


def test_a_table_in_a_schema_under_odd_names_is_seeded(lite: Store, postgres: str) -> None:
    url = postgres
    make(url)
    run(url, 'CREATE SCHEMA "孕 产"')
    run(url, 'ALTER TABLE register SET SCHEMA "孕 产"')
    odd = '孕 产.drop table x;--"'
    seed_table(lite, NOW, SqlOrder(order(url).request, url, "孕 产.register", odd, "孕 产.select"))
    assert len(contents(url, odd)) == 102
    undo(lite, NOW, "june", url)
    assert len(contents(url, "孕 产.register")) == 90


def test_the_facts_recorded_are_those_in_the_view(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url))
    rows = contents(url, "handout")
    shown = {written(row[PHONE + 1]): dict(zip(HEADER, row[1:], strict=True)) for row in rows}
    for phone, canary in canaries(lite, "june").items():
        with lite.reading() as session:
            facts = {fact.value: value for fact, value in placements.facts(session, canary).items()}
        assert (facts["name"], str(facts["due_date"])) == (shown[phone]["姓名"], str(shown[phone]["预产期"]))
        assert canary.row is None


def test_the_hash_on_record_is_of_all_rows_and_cannot_tell_which_are_ours(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url, count=1))
    with databases.opened(url, write=False) as host:
        digests = sorted(map(databases.row_digest, host.table("handout").read()))
    with lite.reading() as session:
        public = next(ledger.entries(session, "placement")).payload
    assert public["file_sha256"] == hashlib.sha256("".join(digests).encode()).hexdigest()


def test_canaries_a_table_brings_along_are_inherited(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url))
    again = SqlOrder(Request("july", 5, timedelta(days=180)), url, "handout", "handout_2", "handout_3")
    assert seed_table(lite, NOW, again).inherited == 12


# --- keys -------------------------------------------------------------------------------------------------------


def test_rows_inserted_where_the_database_numbers_them_say_so(lite: Store, url: str) -> None:
    make(url, key="assigned")
    done = seed_table(lite, NOW, order(url, None))
    assert [row[0] for row in contents(url, "register")][-12:] == list(range(91, 103))
    assert "the database itself filled file_no: 91 to 102, one block after all others" in done.remarks


def test_a_key_that_runs_without_gaps_is_refused(lite: Store, url: str) -> None:
    make(url, key="dense")
    assert_refused(lite, order(url), "'file_no' numbers the rows", 2)


def test_a_key_that_the_database_does_not_give_itself_is_refused_for_new_rows_too(lite: Store, postgres: str) -> None:
    make(postgres, key="dense")
    assert_refused(lite, order(postgres, None), "'file_no' numbers the rows", 2)


@pytest.mark.parametrize(
    "code",
    [
        lambda i: f"GZ-{with_gaps(90)[i]:06}",
        lambda i: f"202606{i // 4:02}-{i % 4 + 1:03}",
        lambda i: f"{Random(i).getrandbits(128):032x}"[:12] + "4" + "abc" + "8" + "0" * 15,
    ],
    ids=["serial", "a series a day", "uuid"],
)
def test_codes_are_new_ones_of_the_same_form(lite: Store, url: str, code: Callable[[int], str]) -> None:
    make(url, sa.Column("code", sa.String(40), nullable=False, unique=True), values=lambda i: {"code": code(i)})
    seed_table(lite, NOW, order(url))
    shape: Callable[[str], str] = lambda text: re.sub(r"[0-9a-f]", "0", text)  # noqa: E731
    old = {row[-1] for row in contents(url, "register")}
    codes = [row[-1] for row in contents(url, "handout")]
    assert len(set(codes)) == 102 and {shape(c) for c in codes} == {shape(c) for c in old}


def test_uuid_keys_get_new_uuids(lite: Store, postgres: str) -> None:
    url = postgres
    make(url)
    run(url, "ALTER TABLE register ADD guid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid()")
    seed_table(lite, NOW, order(url, None))
    undo(lite, NOW, "june", url)
    seed_table(lite, NOW, order(url, copy="july"))
    guids = [row[-1] for row in contents(url, "handout")]
    assert len(set(guids)) == 102 and {g.version for g in guids} == {4}


def test_types_of_postgresql_are_kept(lite: Store, postgres: str) -> None:
    url = postgres
    make(url)
    run(url, "CREATE TYPE mode AS ENUM ('natural', 'caesarean')")
    run(
        url,
        "ALTER TABLE register ADD mode mode DEFAULT 'natural', ADD seen timestamptz DEFAULT '2026-06-01 10:00+08',"
        " ADD bmi numeric(4,1) DEFAULT 21.5, ADD code char(4) DEFAULT 'ab', ADD note jsonb DEFAULT '{}',"
        " ADD tags text[] DEFAULT '{x}', ADD at time DEFAULT '10:30', ADD ok boolean NOT NULL DEFAULT true",
    )
    done = seed_table(lite, NOW, order(url))
    ours = [r for r in contents(url, "handout") if written(r[PHONE + 1]) in canaries(lite, "june")]
    base = contents(url, "register")[0]
    assert {repr(r[-8:-4]) for r in ours} == {repr(base[-8:-4])} and {repr(r[-2:]) for r in ours} == {repr(base[-2:])}
    assert {r[-4:-2] for r in ours} == {(None, None)}
    assert next(r for r in done.remarks if "empty in every canary" in r).startswith("column note ")
    undo(lite, NOW, "june", url)


def test_texts_that_are_empty_where_nothing_is_known_stay_empty_texts(lite: Store, url: str) -> None:
    make(url, sa.Column("remark", sa.String(20), nullable=False), values=lambda i: {"remark": ""})
    seed_table(lite, NOW, order(url))
    assert {row[-1] for row in contents(url, "handout")} == {""}


def test_a_column_that_must_hold_something_and_that_nobody_can_invent_is_refused(lite: Store, url: str) -> None:
    make(url, sa.Column("scan", sa.LargeBinary, nullable=False), values=lambda i: {"scan": bytes([i])})
    assert_refused(lite, order(url), "'scan' must not be empty", 2)
    seed_table(lite, NOW, order(url, without=("scan",)))


# --- taking it out again ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["handout", None])
@pytest.mark.parametrize("key", ["gaps", "none"])
def test_undo_restores_the_database_and_keeps_the_copy_watched(
    lite: Store, url: str, view: str | None, key: str
) -> None:
    make(url, key=key)
    before = everything(url)
    seed_table(lite, NOW, order(url, view))
    assert everything(url) != before
    assert undo(lite, NOW, "june", url) == 12
    assert everything(url) == before
    assert states(lite)["planted"] == 12
    with lite.reading() as session:
        assert [e.kind for e in ledger.entries(session)][-3:] == ["placement", "sealed", "taken out"]
    with pytest.raises(CanaryError, match=r"nothing of copy|no longer holds"):
        undo(lite, NOW, "june", url)


@pytest.mark.parametrize(
    ("view", "change"),
    [
        ("handout", "UPDATE register_late SET 姓名 = '张三'"),
        ("handout", "INSERT INTO register_late SELECT * FROM register"),
        (None, "UPDATE register SET 就诊医院 = '光明'"),
        (None, "DELETE FROM register"),
    ],
)
def test_undo_refuses_when_rows_have_changed(lite: Store, url: str, view: str | None, change: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url, view))
    run(url, change)
    before, known = everything(url), dump(lite)
    with pytest.raises(CanaryError, match="no longer holds the rows of copy 'june'"):
        undo(lite, NOW, "june", url)
    assert everything(url) == before and dump(lite) == known


def test_undo_names_what_is_gone(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url))
    run(url, "DROP VIEW handout")
    with pytest.raises(CanaryError, match="handout of copy 'june' is gone"):
        undo(lite, NOW, "june", url)


def test_undo_leaves_rows_that_came_later(lite: Store, url: str) -> None:
    make(url)
    seed_table(lite, NOW, order(url, None))
    run(url, "INSERT INTO register (file_no, 姓名, 联系电话) VALUES (9999, '新来', '12099999999')")
    undo(lite, NOW, "june", url)
    assert len(contents(url, "register")) == 91


def test_a_copy_that_was_a_file_has_nothing_to_undo(lite: Store, url: str) -> None:
    with pytest.raises(CanaryError, match="was not seeded in a database"):
        undo(lite, NOW, "june", url)


TEXT = st.none() | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
DAY = st.none() | st.dates(date(2000, 1, 1))
EXTRA = st.fixed_dictionaries({"remark": TEXT, "visits": st.none() | st.integers(0, 9), "seen": DAY})
ROWS = st.lists(EXTRA, min_size=90, max_size=90)
WAY = st.sampled_from(["handout", None])
quick = settings(max_examples=6, deadline=None)


@quick
@given(extra=ROWS, view=WAY, count=st.integers(1, 20))
def test_whatever_a_table_holds_it_is_there_and_undo_restores_it(
    tmp_path_factory: pytest.TempPathFactory,
    stock: tuple[Path, str],
    extra: list[dict[str, Any]],
    view: str | None,
    count: int,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    sqlite3.connect(folder / "host.sqlite3").close()
    round_trip(stocked(stock, folder), f"sqlite:///{folder / 'host.sqlite3'}", extra, view, count)


@quick
@given(extra=ROWS, view=WAY, count=st.integers(1, 20))
def test_whatever_a_table_holds_it_is_there_on_postgresql_too(
    one_database: str,
    tmp_path_factory: pytest.TempPathFactory,
    stock: tuple[Path, str],
    extra: list[dict[str, Any]],
    view: str | None,
    count: int,
) -> None:
    round_trip(stocked(stock, tmp_path_factory.mktemp("any")), emptied(one_database), extra, view, count)


def round_trip(store: Store, url: str, extra: Sequence[dict[str, Any]], view: str | None, count: int) -> None:
    columns = sa.Column("remark", sa.String(20)), sa.Column("visits", sa.Integer), sa.Column("seen", sa.Date)
    make(url, *columns, values=lambda i: extra[i])
    before, rows = everything(url), Counter(contents(url, "register"))
    seed_table(store, NOW, order(url, view, count))
    added = Counter(contents(url, view or "register")) - rows
    assert rows - Counter(contents(url, view or "register")) == Counter()
    assert {written(row[PHONE + 1]) for row in added} == set(canaries(store, "june")) and added.total() == count
    undo(store, NOW, "june", url)
    assert everything(url) == before
    store.close()


# --- refusals, and trying it first ------------------------------------------------------------------------------


@pytest.mark.parametrize(("view", "key"), [("handout", "gaps"), (None, "assigned")])
def test_a_dry_run_tells_and_changes_nothing(lite: Store, url: str, view: str | None, key: str) -> None:
    make(url, key=key)
    before, known = everything(url), dump(lite)
    told = rehearse(lite, order(url, view))
    assert (everything(url), dump(lite)) == (before, known)
    assert (told.canaries, told.rows, told.inherited) == (12, 102, 0)
    assert (told.fresh, told.assigned) == (((), ("file_no",)) if key == "assigned" else (("file_no",), ()))
    assert [s.split()[0] for s in told.statements] == (["CREATE", "INSERT", "CREATE"] if view else ["INSERT"])
    assert not re.search(r"12\d{9}", " ".join(told.statements)), "a statement shows a persona"
    assert seed_table(lite, NOW, order(url, view)).rows == told.rows


def assert_refused(store: Store, refused: SqlOrder, words: str, code: int) -> CanaryError:
    before = dump(store)
    with pytest.raises(CanaryError, match=words) as caught:
        seed_table(store, NOW, refused)
    assert caught.value.exit_code == code and "\n" not in caught.value.message and caught.value.hint
    assert dump(store) == before
    return caught.value


def test_what_is_not_there_or_is_there_already_is_named(lite: Store, url: str) -> None:
    make(url)
    run(url, "CREATE TABLE other (a INTEGER)")
    missing = SqlOrder(order(url).request, url, "regster", "handout", "late")
    assert "register" in assert_refused(lite, missing, "no table 'regster'", 2).hint
    assert_refused(lite, order(url, without=("nope",)), "no column 'nope'", 2)
    assert_refused(lite, order(url, "other"), "other is there already", 2)
    assert_refused(lite, order(url, side="other"), "other is there already", 2)


def test_the_registry_itself_is_never_seeded(lite: Store) -> None:
    own = lite.engine.url.render_as_string(hide_password=False)
    assert_refused(lite, order(own), "registry itself", 2)


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("postgresql+psycopg://u:secret@127.0.0.1:9/x", 3, "refused"),
        ("postgresql+psycopg://u:x@127.0.0.1:secret/x", 2, "no database URL"),
        ("postgresql+psycopg://u:pa@secret@127.0.0.1:9/x", 2, "@ too many"),
        ("oracle+nothing://u:secret@h/x", 2, "no database URL"),
        ("mssql+pyodbc://u:secret@h/x", 2, "not supported|not installed"),
        ("sqlite:///none.sqlite3", 3, "no such file"),
        ("sqlite://", 3, "no such file"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(
    lite: Store, url: str, code: int, words: str
) -> None:
    assert "secret" not in str(assert_refused(lite, order(url), words, code))
    assert not Path("none.sqlite3").exists()


def test_a_database_that_forbids_it_is_the_outside_world(lite: Store, postgres: str) -> None:
    url = postgres
    make(url)
    role = f"reader_{os.urandom(4).hex()}"
    run(url, f"CREATE ROLE {role} LOGIN")
    run(url, f"GRANT USAGE ON SCHEMA public TO {role}")
    run(url, f"GRANT SELECT ON register TO {role}")
    weak = url.replace("canary@", f"{role}@")
    assert_refused(lite, order(weak), "permission denied for schema public", 3)
    assert role not in str(assert_refused(lite, order(weak, None), "permission denied for table register", 3))
    run(url, f"REVOKE SELECT ON register FROM {role}")
    assert_refused(lite, order(weak), "permission denied for table register", 3)


# --- in the middle ----------------------------------------------------------------------------------------------


def test_the_draw_is_on_record_before_anybody_else_sees_a_row(
    lite: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(url)
    before = everything(url)
    commit, seen = databases.Database.commit, []

    def watched(self: databases.Database) -> None:
        if url.startswith("postgresql"):
            assert everything(url) == before
        with lite.reading() as session:
            seen.extend(e.payload["commitment"] for e in ledger.entries(session, "placement"))
        commit(self)

    monkeypatch.setattr(databases.Database, "commit", watched)
    assert seed_table(lite, NOW, order(url)).commitment == seen[0]


def test_a_commit_the_database_refuses_leaves_nothing_and_gives_the_numbers_back(lite: Store, url: str) -> None:
    # Every row names a ward that is not there; the database looks at new rows only, and only at the commit.
    run(url, "CREATE TABLE ward (id INTEGER PRIMARY KEY)")
    rule = sa.ForeignKey("ward.id", deferrable=True, initially="DEFERRED")
    column = sa.Column("ward", sa.Integer, *([rule] if url.startswith("sqlite") else []))
    make(url, column, values=lambda i: {"ward": 7})
    if url.startswith("postgresql"):
        run(url, "ALTER TABLE register ADD FOREIGN KEY (ward) REFERENCES ward DEFERRABLE INITIALLY DEFERRED NOT VALID")
    before, free = everything(url), states(lite)
    with pytest.raises(OutsideError, match=r"(?i)foreign key"):
        seed_table(lite, NOW, order(url, None))
    assert everything(url) == before and states(lite) == free
    with lite.reading() as session:
        assert [e.kind for e in ledger.entries(session)][-2:] == ["placement", "void"]
        assert placements.unsealed(session) == []
    assert seed_table(lite, NOW, order(url)).canaries == 12, "a view copies the rows, not the rule"


def test_a_draw_the_registry_refuses_leaves_the_database_as_it_was(
    lite: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(url)
    before = everything(url)

    def refuse(*given: Any) -> int:
        raise CanaryError("another seeding took some of these numbers", "run the command again")

    monkeypatch.setattr(placements, "record", refuse)
    assert_refused(lite, order(url), "another seeding", 2)
    assert everything(url) == before


def test_a_connection_that_breaks_at_the_commit_leaves_the_draw_to_be_settled(
    lite: Store, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres
    make(url)
    commit = databases.Database.commit

    def cut(self: databases.Database) -> None:
        pid = self.connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with engine(postgres).begin() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        commit(self)

    with monkeypatch.context() as patched:
        patched.setattr(databases.Database, "commit", cut)
        with pytest.raises(Unsettled, match="nobody can say"):
            seed_table(lite, NOW, order(url))
    with lite.reading() as session:
        assert [p.copy.slug for p in placements.unsealed(session)] == ["june"]
    with pytest.raises(CanaryError, match="nothing of copy"):
        finish(lite, NOW, "june", url)


CRASH = """
import os, sys
from canary.plant import database

commit = database.Database.commit

def die(self):
    if sys.argv[1] == "after":
        commit(self)
    os._exit(9)

database.Database.commit = die
from canary.cli.main import cli
cli(["seed", "june", sys.argv[2], "--table", "register", *sys.argv[3:]])
"""
WAYS = {"view": ("-o", "handout"), "insert": ("--insert",)}


@pytest.fixture
def crashed(
    tmp_path: Path, url: str, stock: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], Store]]:
    """A registry whose `canary seed june` died without a word, `before` or `after` the host's commit."""
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    monkeypatch.chdir(tmp_path)
    store = stocked(stock, tmp_path)

    def crash(moment: str, way: str) -> Store:
        make(url)
        command = [sys.executable, "-c", CRASH, moment, url, *WAYS[way]]
        ended = subprocess.run(command, capture_output=True, check=False, timeout=60)
        assert ended.returncode == 9, ended.stderr
        return store

    yield crash
    store.close()


def canary(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize(("url", "way"), [("sqlite", "insert"), ("postgresql", "view")], indirect=["url"])
def test_a_crash_before_the_rows_appear_is_mended_by_void(crashed: Callable[..., Store], url: str, way: str) -> None:
    store = crashed("before", way)
    assert len(contents(url, "register")) == 90 and "handout" not in everything(url)
    assert re.search(r"draws .*june", canary("doctor", code=1).stdout)
    wrong = canary("copy", "seal", "june", url, code=2).stderr
    assert "nothing of copy" in wrong or "no longer holds" in wrong
    canary("copy", "void", "june")
    assert "planted" not in states(store)
    canary("seed", "june", url, "--table", "register", *WAYS[way])
    canary("prove", "verify")


@pytest.mark.parametrize(("url", "way"), [("sqlite", "insert"), ("postgresql", "view")], indirect=["url"])
def test_rows_that_did_appear_before_a_crash_are_sealed_or_taken_out(
    crashed: Callable[..., Store], url: str, way: str
) -> None:
    store = crashed("after", way)
    assert len(contents(url, "handout" if way == "view" else "register")) == 102
    assert canary("copy", "seal", "june", url).stdout == "june: sealed\n"
    assert re.search(r"draws +ok", canary("doctor", code=1).stdout)
    canary("copy", "seal", "june", url, code=2)
    canary("seed", "june", url, "--undo")
    assert len(contents(url, "register")) == 90 and states(store)["planted"] == 12
    canary("prove", "verify")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("first", ["void", "undo"])
def test_a_half_finished_draw_is_taken_out_and_its_numbers_are_burned(
    crashed: Callable[..., Store], url: str, first: str
) -> None:
    store = crashed("after", "insert")
    if first == "void":
        canary("copy", "void", "june")
    canary("seed", "june", url, "--undo")
    assert len(contents(url, "register")) == 90
    assert (states(store).get("planted"), states(store)["burned"]) == (None, 12)
    assert re.search(r"draws +ok", canary("doctor", code=1).stdout)
