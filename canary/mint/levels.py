"""A column as its distinct values and, row by row, which of them stands there; rows by what they have in common."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
T = TypeVar("T", bound=Hashable)


class Levels(Generic[T]):
    """`distinct` values in order of appearance and their `codes` (n), -1 for None."""

    def __init__(self, cells: Sequence[T | None]) -> None:
        place: dict[T | None, int] = dict.fromkeys(cells, -1)
        place.pop(None, None)
        self.distinct: list[T] = list(place)  # type: ignore[arg-type]
        place.update(zip(self.distinct, range(len(self.distinct)), strict=True))
        place[None] = -1
        self._place = place
        self.codes: Ints = np.fromiter(map(place.__getitem__, cells), np.intp, len(cells))

    def find(self, cells: Iterable[T | None]) -> Ints:
        """The codes of any values, -1 for those the column lacks."""
        place = self._place
        return np.array([place.get(cell, -1) for cell in cells], dtype=np.intp)

    def __contains__(self, value: T) -> bool:
        return value in self._place


class Groups:
    """Rows by their codes, which number the groups from 0; a row of code -1 is in none."""

    def __init__(self, codes: Ints, count: int) -> None:
        order = np.argsort(codes, kind="stable")
        self.starts: Ints = np.searchsorted(codes[order], np.arange(count + 1))
        self.rows = order

    def sizes(self, codes: Ints) -> Ints:
        """How many rows each of these groups has (-1: none)."""
        sizes: Ints = np.where(codes < 0, 0, self.starts[codes + 1] - self.starts[codes])
        return sizes

    def of(self, codes: Ints) -> tuple[Ints, Ints]:
        """Every (i, row) with the row in the group `codes[i]`."""
        return spread(np.arange(len(codes)), self.starts[codes], self.starts[codes] + self.sizes(codes), self.rows)

    def one(self, rng: np.random.Generator, codes: Ints) -> Ints:
        """One row at random of each of these groups, none of which may be empty."""
        rows: Ints = self.rows[self.starts[codes] + rng.integers(0, self.sizes(codes))]
        return rows


def spread(owners: Ints, starts: Ints, ends: Ints, items: Ints) -> tuple[Ints, Ints]:
    """Each owner beside each of `items[start:end]` of its own."""
    counts = ends - starts
    at = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return np.repeat(owners, counts), items[at]


def firsts(codes: Ints) -> Bools:
    """Whether nothing before it has the same code."""
    rows = np.arange(len(codes))
    if not len(codes) or codes.max() > 16 * len(codes):
        codes = np.unique(codes, return_inverse=True)[1]
    last = np.empty(codes.max(initial=-1) + 1, dtype=np.intp)
    last[codes[::-1]] = rows[::-1]  # of several rows the last one written stays, which is the first
    first: Bools = last[codes] == rows
    return first
