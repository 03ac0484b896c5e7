"""Somebody's database that holds the table to seed: one transaction, a reflected table, rows in and out."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Row

URL_HINT = "postgresql+psycopg://user@host/database or sqlite:///file"
_CHUNK = 5_000
_CONNECT_SECONDS = 10
_KEPT = (str, bool, int, float, Decimal, date, time, timedelta)  # what a persona may take over from a real row


class Database:
    """One transaction in the database behind `url`: all of it is kept by `commit`, or nothing."""

    def __init__(self, connection: sa.Connection, name: str) -> None:
        self.connection, self.name = connection, name

    def table(self, name: str, without: Sequence[str] = ()) -> "HostTable":
        """The table or view [SCHEMA.]NAME, the columns `without` left aside. Raises CanaryError if it is not there."""
        schema, _, table = name.rpartition(".")
        try:
            reflected = sa.Table(table, sa.MetaData(), schema=schema or None, autoload_with=self.connection)
        except NoSuchTableError:
            seen = ", ".join(sa.inspect(self.connection).get_table_names(schema or None)[:20])
            hint = f"this account sees: {seen or 'none'}"
            raise CanaryError(f"{self.name}: no table {name!r}", hint) from None
        unknown = [column for column in without if column not in reflected.c]
        if unknown:
            raise CanaryError(f"{name}: no column {unknown[0]!r}", f"there are: {', '.join(reflected.c.keys())}")
        return HostTable(self, reflected, tuple(c.name for c in reflected.c if c.name not in without))

    def has(self, name: str) -> bool:
        """Whether a table or view of that name is there."""
        schema, _, table = name.rpartition(".")
        return sa.inspect(self.connection).has_table(table, schema or None)

    def commit(self) -> None:
        """Keep what was done. Raises DBAPIError of the database."""
        self.connection.commit()


@dataclass(frozen=True)
class HostTable:
    """A table of the host: `reflected` as the database describes it, `columns` those that are handed out."""

    database: Database
    reflected: sa.Table
    columns: tuple[str, ...]

    @cached_property
    def clause(self) -> sa.TableClause:
        """The table for reading and writing. SQLite keeps what it is given whatever the column's type says, so
        its values pass as they are."""
        if self.database.connection.dialect.name == "sqlite":
            return sa.table(self.reflected.name, *map(sa.column, self.reflected.c.keys()), schema=self.reflected.schema)
        return self.reflected

    @property
    def rows(self) -> Sequence[Row]:
        """All rows as they were first read; values no persona may take over (documents, binaries, lists) are None."""
        return self._loaded[0]

    @property
    def unsupported(self) -> frozenset[str]:
        """Columns that hold values no persona may take over."""
        return self._loaded[1]

    @cached_property
    def _loaded(self) -> tuple[list[Row], frozenset[str]]:
        rows, unsupported = [], set[int]()
        for row in self._raw():
            rows.append(plain(row))
            unsupported.update(at for at, cell in enumerate(rows[-1]) if cell is None is not row[at])
        return rows, frozenset(self.columns[at] for at in unsupported)

    def read(self) -> Iterator[Row]:
        """The rows as they are now, fetched in chunks."""
        return map(plain, self._raw())

    def _raw(self) -> Iterator[Sequence[Any]]:
        query = sa.select(*(self.clause.c[name] for name in self.columns))
        options = {"yield_per": _CHUNK}
        yield from self.database.connection.execute(query, execution_options=options)


@contextmanager
def opened(url: str, write: bool = True) -> Iterator[Database]:
    """A transaction in the database behind `url`, rolled back unless it was committed.

    Raises CanaryError on a URL that is none, OutsideError when the database refuses; neither shows a password.
    """
    parsed = checked_url(url)
    with outside_errors(parsed):
        engine = _engine(parsed, write)
        try:
            with engine.connect() as connection:
                yield Database(connection, shown(parsed))
        finally:
            engine.dispose()


def checked_url(url: str) -> sa.URL:
    """The URL of a database we can seed. Raises CanaryError otherwise, never quoting the text: it may hold a
    password in the wrong place."""
    try:
        parsed = sa.make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise CanaryError("this is no database URL", f"{URL_HINT}; percent-encode a password's / : @") from None
    if "@" in (parsed.host or ""):
        raise CanaryError("the database URL has an @ too many", "percent-encode a password's @ as %40")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise CanaryError(
            f"{parsed.get_backend_name()} databases are not supported", "export the table to a file, and seed that"
        )
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file():
        raise OutsideError(f"{shown(parsed)}: no such file", "sqlite:///relative/file or sqlite:////absolute/file")
    return parsed


def shown(url: sa.URL) -> str:
    """The URL without who logs in."""
    return sa.URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


def same_database(one: sa.URL, other: sa.URL) -> bool:
    """Whether two URLs plainly name one database."""
    return _place(one) == _place(other)


def _place(url: sa.URL) -> tuple[object, ...]:
    if url.get_backend_name() == "sqlite":
        return ("sqlite", Path(url.database or "").resolve())
    local = {None: "localhost", "127.0.0.1": "localhost", "::1": "localhost"}
    return (url.get_backend_name(), local.get(url.host, url.host), url.port or 5432, url.database)


@contextmanager
def outside_errors(url: sa.URL) -> Iterator[None]:
    """Turns errors of the database's driver into OutsideError."""
    try:
        yield
    except DBAPIError as error:
        raise OutsideError(f"{shown(url)}: {first_line(error, url)}", "ask the database's administrator") from error
    except SQLAlchemyError as error:  # such as a value that the column's type cannot hold
        raise CanaryError(
            f"{shown(url)}: {str(error).splitlines()[0]}", "export the table, and seed the file"
        ) from error
    except ImportError as error:
        raise CanaryError(f"{error.name}: the driver of this URL is not installed", URL_HINT) from error


def first_line(error: DBAPIError, url: sa.URL | None = None) -> str:
    """What the database said: later lines may quote a row."""
    text = (str(error.orig) or type(error.orig).__name__).splitlines()[0]
    return text.replace(str(url.password), "***") if url is not None and url.password else text


def plain(row: Sequence[Any]) -> Row:
    """A row as the mint takes it."""
    return tuple(map(_cell, row))


def row_digest(row: Row) -> str:
    """SHA-256 of a row's values and their types, the same in every session's time zone."""
    cells = (c.astimezone(UTC) if isinstance(c, datetime) and c.tzinfo else c for c in row)
    return hashlib.sha256(repr([(type(c).__name__, str(c)) for c in cells]).encode()).hexdigest()


def _cell(value: Any) -> Any:
    """A value as the mint takes it: whole decimals as int, UUIDs as text; None for what is no plain value."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite() and value.as_tuple().exponent == 0:
        return int(value)
    return value if isinstance(value, _KEPT) else None


def _engine(url: sa.URL, write: bool) -> sa.Engine:
    if url.get_backend_name() == "postgresql":
        # One snapshot for reading, planting and reading back, whatever others do meanwhile.
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": not write}
        patience = {"connect_timeout": _CONNECT_SECONDS}
        return sa.create_engine(url, poolclass=sa.NullPool, execution_options=options, connect_args=patience)
    engine = sa.create_engine(url, poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own transactions leave CREATE outside; see store.database
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA query_only = {'OFF' if write else 'ON'}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
