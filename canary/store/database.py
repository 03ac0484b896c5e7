"""Opening the registry: engine, transactions, migrations, and the check that the key fits."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.orm import Session

from canary.errors import CanaryError, OutsideError
from canary.store.base import Base
from canary.store.schema import Meta
from canary.store.turn import turn
from canary.store.vault import Vault

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_MIGRATIONS = Path(__file__).parent / "migrations"  # each version begins with its number
KEY_CHECK = "canary-records"
PATIENCE = 30  # seconds
URL_HINT = "sqlite:///file or postgresql+psycopg://…"


class Store:
    """The registry behind `url`, sealed by `vault`; how many seconds to wait for a lock, a connection or a silent
    network is `patience`. Raises CanaryError on a URL that is none."""

    def __init__(self, url: str, vault: Vault, patience: int = PATIENCE) -> None:
        self.vault = vault
        lite = url.startswith("sqlite")
        waits = {} if lite else {"connect_timeout": patience, "tcp_user_timeout": patience * 1000}
        try:
            self.engine = create_engine(url, pool_pre_ping=not lite, connect_args=waits)
        except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
            raise CanaryError(f"database_url: {error}", URL_HINT) from error
        if self.engine.dialect.name not in ("sqlite", "postgresql"):
            raise CanaryError(f"database_url: {self.engine.dialect.name} is not supported", URL_HINT)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine, patience)
        # SQLite: a writer takes the write lock at once, for a reader that turns writer cannot wait for it and fails.
        # Made here, once: that takes longer than to begin with one.
        self._writers = {
            durable: self.engine.execution_options(immediate=True, durable=durable) for durable in (True, False)
        }
        # PostgreSQL: a statement that commits itself, with no round trip to begin, to commit, or to ask beforehand
        # whether the connection is still there, is half the work.
        self._appender = (
            self._writers[True] if lite else create_engine(url, isolation_level="AUTOCOMMIT", connect_args=waits)
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries."""
        with _outside_errors(), self._session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self, durable: bool = True) -> Iterator[Session]:
        """A session in one transaction: all of it, or nothing. A power cut (not a crash of ours) may undo the
        last of those that are not `durable`; only for what can be derived again."""
        with _outside_errors(), self._session(self._writers[durable]) as session, session.begin():
            if not durable and self.engine.dialect.name == "postgresql":
                session.execute(text("SET LOCAL synchronous_commit TO OFF"))
            yield session

    @contextmanager
    def appending(self) -> Iterator[Connection]:
        """As `writing`, but a bare connection for one statement: a session's bookkeeping costs as much as the insert of
        a request. On PostgreSQL the statement commits itself, and a connection that was dropped meanwhile fails it."""
        with _outside_errors(), self._appender.begin() as connection:
            yield connection

    def turn(self) -> AbstractContextManager[None]:
        """Wait for this server's turn to write, so as to gather what to write meanwhile. Nobody keeps it longer than
        a write may take. PostgreSQL lets many write at once."""
        path = self.engine.url.database
        if self.engine.dialect.name != "sqlite" or not path or path == ":memory:":
            return nullcontext()
        return turn(Path(f"{path}-turn"))

    def _session(self, engine: Engine) -> Session:
        return Session(engine, info={"vault": self.vault}, expire_on_commit=False)

    def migrate(self) -> None:
        """Bring the tables to the newest version, and store the key check in a new registry."""
        # Imported here: it takes longer than most commands do.
        from alembic import command
        from alembic.config import Config

        with _outside_errors(), self.engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with self.writing() as session:
            if session.get(Meta, "key_check") is None:
                session.add(Meta(name="key_check", value=self.vault.seal(KEY_CHECK)))

    def check(self) -> None:
        """Raises CanaryError unless the tables are at the newest version and the key opens them."""
        with _outside_errors(), self.engine.connect() as connection:
            begun = inspect(connection).has_table("alembic_version")
            found = connection.scalar(text("SELECT version_num FROM alembic_version")) if begun else None
        newest = max(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
        if found is None:
            raise CanaryError("no registry here yet", "run `canary init` first")
        if found != newest:
            raise CanaryError(f"the registry is at version {found}, not {newest}", "run `canary init` to migrate")
        with self.reading() as session:
            check = session.get(Meta, "key_check")
        if check is None or self.vault.open(check.value) != KEY_CHECK:
            raise CanaryError("the registry has no key check", "it was not made by `canary init`")

    def ping(self) -> None:
        """Raises OutsideError unless the database answers and holds our tables."""
        with self.reading() as session:
            session.execute(select(Meta.name).limit(1))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        self._appender.dispose()


def queue(session: Session, what: str) -> None:
    """Let writers of the same thing pass one after another until they commit (SQLite has one writer anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": f"canary {what}"})


Values = dict[str, Any] | list[dict[str, Any]]


def insert_once(session: Session, model: type[Base], values: Values) -> None:
    """Insert a row, or each of several, unless one with its key is there: not "look, then insert", for two servers may
    receive the same delivery at the same instant."""
    session.execute(_insert(session.get_bind().dialect.name, model).on_conflict_do_nothing(), values)


def insert_earliest(session: Session, model: type[Base], values: Values, key: tuple[str, ...]) -> None:
    """Insert a row, or each of several, unless one with its key is there, and then let `at` be the earlier of both: so
    the order in which they come leaves no trace."""
    statement = _insert(session.get_bind().dialect.name, model)
    earlier = statement.excluded.at < cast(Table, model.__table__).c.at
    changed = {"at": statement.excluded.at}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed, where=earlier), values)


@cache
def _insert(dialect: str, model: type[Base]) -> "postgresql.Insert | sqlite.Insert":
    from sqlalchemy.dialects import postgresql, sqlite  # here, for the one takes a while which is not in use

    table = cast(Table, model.__table__)
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def vault_of(session: Session) -> Vault:
    """The vault of the store a session belongs to."""
    vault: Vault = session.info["vault"]
    return vault


@contextmanager
def _outside_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        first_line = str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__
        raise OutsideError(f"database: {first_line}", "see `canary doctor`") from error


def _prepare_sqlite(engine: Engine, patience: int) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        # The driver's own transaction handling starts too late; we emit BEGIN ourselves (SQLAlchemy docs,
        # "Serializable isolation / Savepoints / Transactional DDL" of pysqlite).
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {patience * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        wanted = "FULL" if options.get("durable", True) else "NORMAL"
        if connection.info.get("synchronous", "FULL") != wanted:
            connection.exec_driver_sql(f"PRAGMA synchronous = {wanted}")
            connection.info["synchronous"] = wanted
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")
