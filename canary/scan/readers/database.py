"""SQLite files: every table, read only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from canary.errors import CanaryError
from canary.scan.readers.base import LARGEST, Part, Source, held, table_blocks, table_syntax


class SqliteReader:
    """Reads a database without touching its file: no journal appears beside it."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The tables; the only one has the file's own name."""
        try:
            with closing(_opened(source)) as database:
                database.execute("PRAGMA trusted_schema = OFF")
                database.text_factory = bytes
                query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
                names = [name.decode("utf-8", "replace") for (name,) in database.execute(query)]
                for name in names:
                    yield _part(database, name, source.name if len(names) == 1 else f"{source.name}!{name}")
        except sqlite3.Error as error:
            raise _unreadable(source.name, error) from error


def _unreadable(name: str, error: sqlite3.Error) -> CanaryError:
    return CanaryError(f"{name}: not a database that can be read: {error}", "dump it as CSV")


def _opened(source: Source) -> sqlite3.Connection:
    if source.path is not None:
        return sqlite3.connect(f"{source.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    content = bytearray().join(held(source, LARGEST // 2))  # half, for the library copies it
    content[18:20] = b"\x01\x01"  # as if not in WAL mode, in which nothing opens in memory
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    return database


def _part(database: sqlite3.Connection, table: str, label: str) -> Part:
    quoted = '"' + table.replace('"', '""') + '"'
    columns = [name for name, *_ in database.execute(f"SELECT * FROM {quoted} LIMIT 0").description]

    def rows() -> Iterator[list[object]]:
        yield columns
        try:
            for row in database.execute(f"SELECT * FROM {quoted}"):
                yield list(row)
        except sqlite3.Error as error:
            raise _unreadable(label, error) from error

    # The columns have names, so the first line is a header whether or not the names say anything to us.
    return Part(label, replace(table_syntax(columns), first=0), lambda: table_blocks(rows()))
