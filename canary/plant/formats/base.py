"""The protocol every file format implements: read a table, insert rows and leave all else as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from canary.mint.columns import Profile
from canary.mint.facts import Row, Table


@dataclass(frozen=True)
class Insertion:
    """One new row: `before` is the 0-based data-row index it goes in front of (len(rows) appends)."""

    before: int
    cells: Row


class TableFormat(Protocol):
    """One file format. Both methods raise CanaryError naming file, row and column on bad input."""

    def read(self, path: Path) -> Table:
        """The table of the file; empty cells are None."""
        ...

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target`: the bytes of `source` with the new rows in place and nothing else changed."""
        ...


@runtime_checkable
class StreamedFormat(TableFormat, Protocol):
    """A format whose tables may be too big to hold."""

    def size(self, path: Path) -> int:
        """Bytes of the table's text, unpacked."""
        ...

    def stream(self, path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The header, and the rows as `read` gives them, one after another."""
        ...


@runtime_checkable
class ProfiledFormat(TableFormat, Protocol):
    """A format that knows itself what its columns mean and what must hold between them."""

    def profile(self, table: Table) -> Profile:
        """The profile of a table of this format."""
        ...
