"""A table too big to hold: its rows on disk column by column, to be read again as often as somebody asks."""

import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

import numpy as np
from numpy.typing import NDArray

from canary.mint.facts import Cell, Row, Table

_CHUNK = 4_096
_MISSING = np.iinfo(np.int64).min

_ODD = np.int64(0x1E3779B97F4A7C15)  # sets equal values of different segments apart

Hashes = NDArray[np.int64]


class Spool:
    """The rows of one table in an unnamed temporary file (in $TMPDIR), which goes when the process does.

    Used like the rows of a `Table`, it has a length and can be gone through again; memory holds one chunk.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the table)
        self._places: list[list[int]] = []  # by chunk: where its columns begin, then their hashes, and the end
        self._size = 0
        source = iter(rows)
        while chunk := list(islice(source, _CHUNK)):
            self._write(chunk)

    def _write(self, chunk: Sequence[Row]) -> None:
        columns = list(zip(*chunk, strict=True))
        hashes = [np.fromiter((_MISSING if c is None else hash(c) for c in cells), np.int64) for cells in columns]
        places = [self._file.tell()]
        for part in [*map(_packed, columns), *(each.tobytes() for each in hashes)]:
            self._file.write(part)
            places.append(self._file.tell())
        self._places.append(places)
        self._size += len(chunk)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Row]:
        for places in self._places:
            width = (len(places) - 1) // 2
            yield from zip(*(pickle.loads(self._part(places, i)) for i in range(width)), strict=True)

    def column(self, at: int) -> Iterator[Cell]:
        """The cells of one column."""
        return chain.from_iterable(pickle.loads(self._part(places, at)) for places in self._places)

    def hashes(self, at: int) -> Hashes:
        """A number for each cell of a column, the same for equal ones; `missing` tells the empty ones."""
        width = (len(self._places[0]) - 1) // 2 if self._places else 0
        parts = [np.frombuffer(self._part(places, width + at), np.int64) for places in self._places]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def _part(self, places: Sequence[int], at: int) -> bytes:
        self._file.seek(places[at])
        return self._file.read(places[at + 1] - places[at])

    def runs(self, column: int, bounds: Sequence[int]) -> int | None:
        """How many runs of equal values a column has in the segments between `bounds`; None if a value comes back in
        a segment once another stood there: then it is neither sorted nor in blocks, as most columns are not."""
        hashes = self.hashes(column)
        kept = np.flatnonzero(hashes != _MISSING)
        hashes, segments = hashes[kept], np.searchsorted(np.asarray(bounds[1:]), kept, "right").astype(np.int32)
        heads = np.ones(len(kept), bool)
        heads[1:] = (hashes[1:] != hashes[:-1]) | (segments[1:] != segments[:-1])
        mixed = hashes[heads] ^ (segments[heads].astype(np.int64) * _ODD)
        mixed.sort()
        return None if (mixed[1:] == mixed[:-1]).any() else len(mixed)


@dataclass(frozen=True)
class Bulk:
    """A table whose rows are spooled: `header` and `rows` as a `Table` has them, but no row by its number."""

    header: tuple[str, ...]
    rows: Spool

    def sample(self, count: int) -> Table:
        """At most `count` rows evenly spread from the first to the last."""
        wanted = np.unique(np.linspace(0, len(self.rows) - 1, min(count, len(self.rows))).astype(np.int64)).tolist()
        rows, found = iter(self.rows), list[Row]()
        for last, at in pairwise([-1, *wanted]):
            found.append(next(islice(rows, at - last - 1, None)))
        return Table(self.header, tuple(found))


Rows = Sequence[Row] | Spool


def _packed(cells: Sequence[Cell]) -> bytes:
    # Equal cells as one object: pickle writes it once, and it takes memory once when it is read.
    same: dict[tuple[type, Cell], Cell] = {}
    return pickle.dumps([same.setdefault((type(cell), cell), cell) for cell in cells], pickle.HIGHEST_PROTOCOL)
