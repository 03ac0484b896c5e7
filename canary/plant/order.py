"""Finds how a host table is sorted and where new rows belong, so that none stands out by its position."""

import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice, pairwise
from math import lgamma, log
from typing import Any

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row, Table
from canary.plant.formats.base import Insertion
from canary.plant.spool import Bulk, Rows, Spool

_BY_LUCK = log(1e-6)  # a column in order with less probability than this was sorted on purpose
_DIGITS = re.compile("([0-9]+)")
_FEWEST_NUMBERED = 3

Key = tuple[int, Any]  # the kind of value, then something comparable within the kind
Path = tuple[tuple[float, int], ...]


def _plain(cell: Cell) -> Key:
    if isinstance(cell, date):
        return 1, cell.isoformat()
    return (2, cell) if isinstance(cell, str) else (0, cell)


def _pinyin(cell: Cell) -> Key:
    # The common characters stand in GBK by their sound, which is how Chinese programs sort names.
    return (2, cell.encode("gb18030", "replace")) if isinstance(cell, str) else _plain(cell)


def _natural(cell: Cell) -> Key:
    if not isinstance(cell, str):
        return _plain(cell)
    return 2, [int(part) if at % 2 else part for at, part in enumerate(_DIGITS.split(cell))]


@dataclass(frozen=True)
class _Level:
    """One sort key: `column` rises (+1), falls (-1) or comes in blocks of equal values (0)."""

    column: int
    direction: int
    collate: Callable[[Cell], Key]
    starts: list[int]
    cells: list[Cell]
    luck: float

    def key(self, row: Row) -> Key | None:
        cell = row[self.column]
        return None if cell is None else self.collate(cell)


def insertion_points(
    table: Table | Bulk, new_rows: Sequence[Row], rng: random.Random, wanted: Sequence[int | None] = ()
) -> list[Insertion]:
    """A place for each new row that keeps the host's order: among tied places the `wanted` one of that row if it
    is one of them, else a uniformly random one.

    Sorted by place; raises CanaryError when a column numbers the rows or a new row has another width.
    """
    _refuse_running_numbers(table)
    for row in new_rows:
        if len(row) != len(table.header):
            raise CanaryError(f"a new row has {len(row)} cells, the table {len(table.header)} columns")
    finder = _Finder(table.rows, new_rows, rng)
    wishes = wanted or [None] * len(new_rows)
    found = ((*finder.place(row, wish), at) for at, (row, wish) in enumerate(zip(new_rows, wishes, strict=True)))
    places = sorted(found, key=lambda p: p[:2])
    return [Insertion(before, new_rows[at]) for before, _, at in places]


def _refuse_running_numbers(table: Table | Bulk) -> None:
    if len(table.rows) < _FEWEST_NUMBERED:
        return
    for column, name in enumerate(table.header):
        numbers = (_number(row[column]) for row in table.rows)
        if all(a is not None and b is not None and b == a + 1 for a, b in pairwise(numbers)):
            raise CanaryError(
                f"column {name!r} numbers the rows one by one: a new row would leave a mark there",
                "plant before the rows are numbered, or leave the column out",
            )


def _number(cell: Cell) -> int | None:
    if isinstance(cell, str) and cell.isascii() and cell.isdigit():
        return int(cell)
    return cell if isinstance(cell, int) else None


class _Finder:
    """Walks new rows down the host's sort keys."""

    def __init__(self, rows: Rows, new_rows: Sequence[Row], rng: random.Random) -> None:
        self._size = len(rows)
        self._rng = rng
        self._levels = _levels(rows)
        self._ranks = [_ranks(level, new_rows) for level in self._levels]
        self._opened: dict[tuple[int, int, Any], int] = {}

    def place(self, row: Row, wanted: int | None = None) -> tuple[int, Path]:
        """The place, and the path by which new rows that share it are put in order."""
        low, high = 0, self._size
        path: list[tuple[float, int]] = []
        for depth, level in enumerate(self._levels):
            first, last = bisect_left(level.starts, low), bisect_left(level.starts, high)
            block = self._block(level, row[level.column], first, last)
            if block is None:
                before = self._gap(depth, row, range(first, last), high)
                rest = zip(self._levels[depth:], self._ranks[depth:], strict=True)
                ranks = [rank[str(level.key(row))] for level, rank in rest]
                return before, (*path, (before - 0.5, ranks[0]), *((0, rank) for rank in ranks[1:]))
            low = level.starts[block]
            high = level.starts[block + 1] if block + 1 < last else high
            path.append((low, 0))
        return wanted if wanted is not None and low <= wanted <= high else self._rng.randint(low, high), tuple(path)

    def _block(self, level: _Level, cell: Cell, first: int, last: int) -> int | None:
        """The block of rows with this value; an empty cell goes to the empty ones, else anywhere."""
        if cell is not None:
            return next((i for i in range(first, last) if level.cells[i] == cell), None)
        if level.cells[last - 1] is None:
            return last - 1
        if level.cells[first] is None:
            return first
        end = level.starts[last] if last < len(level.starts) else self._size
        return bisect_right(level.starts, self._rng.randrange(level.starts[first], end)) - 1

    def _gap(self, depth: int, row: Row, blocks: range, high: int) -> int:
        """Where a value the host does not have belongs among the blocks."""
        level = self._levels[depth]
        places = [*level.starts[blocks.start : blocks.stop], high]
        if not level.direction:
            group = (depth, places[0], row[level.column])
            return self._opened.setdefault(group, self._rng.choice(places))
        new = level.collate(row[level.column])
        kept = [(i, level.collate(level.cells[i])) for i in blocks if level.cells[i] is not None]
        earlier = [i for i, key in kept if (key < new if level.direction > 0 else key > new)]
        return places[earlier[-1] - blocks.start + 1] if earlier else places[0]


def _ranks(level: _Level, new_rows: Sequence[Row]) -> dict[str, int]:
    keys = [key for row in new_rows if (key := level.key(row)) is not None]
    if level.direction:
        keys.sort(reverse=level.direction < 0)
    names = [*dict.fromkeys(map(str, keys)), "None"]
    return {name: rank for rank, name in enumerate(names)}


def _levels(rows: Rows) -> list[_Level]:
    levels: list[_Level] = []
    bounds = [0, len(rows)]
    free = set(range(len(next(iter(rows))))) if len(rows) else set()
    while found := _next_level(rows, bounds, free):
        levels.append(found)
        free.remove(found.column)
        bounds = [*found.starts, len(rows)]
    return levels


def _next_level(rows: Rows, bounds: list[int], free: set[int]) -> _Level | None:
    """The coarsest column sorted on purpose; failing that, the one least likely sorted by luck."""
    found = [level for column in sorted(free) if (level := _level(rows, bounds, column))]
    meant = [level for level in found if level.luck < _BY_LUCK]
    if meant:
        return min(meant, key=lambda level: len(level.starts))
    return min(found, key=lambda level: level.luck, default=None)


def _level(rows: Rows, bounds: list[int], column: int) -> _Level | None:
    """The column as a sort key inside the segments between `bounds`; None if it is none."""
    if isinstance(rows, Spool) and not _may_be_key(rows, column, bounds):
        return None
    cells = list(rows.column(column)) if isinstance(rows, Spool) else [row[column] for row in rows]
    segments = [list(runs) for runs in _runs(cells, bounds)]
    values = [[cell for _, cell in runs if cell is not None] for runs in segments]
    if not all(len(set(cells)) == len(cells) for cells in values):
        return None
    direction, collate = _direction(values)
    luck = 0.0
    for runs, end in zip(segments, bounds[1:], strict=True):
        ends = [start for start, _ in runs[1:]] + [end]
        counts = [stop - at for (at, cell), stop in zip(runs, ends, strict=True) if cell is not None]
        luck += sum(lgamma(n + 1) for n in counts) - lgamma(sum(counts) + 1)
        luck += 0.0 if direction else lgamma(len(counts) + 1)
    if luck > log(0.9):
        return None
    starts = [start for runs in segments for start, _ in runs]
    return _Level(column, direction, collate, starts, [c for runs in segments for _, c in runs], luck)


def _may_be_key(rows: Spool, column: int, bounds: Sequence[int]) -> bool:
    """What can be said of a column of many without holding its values: a key comes in runs, or in order."""
    runs = rows.runs(column, bounds)
    if runs is None:
        return False
    return runs < len(rows) // 2 or any(
        all(_in_order(a, b, direction, collate) for a, b in _neighbours(rows.column(column), bounds))
        for collate in (_plain, _pinyin, _natural)
        for direction in (1, -1)
    )


def _neighbours(cells: Iterator[Cell], bounds: Sequence[int]) -> Iterator[tuple[Cell, Cell]]:
    """Each filled cell and the next one of the same segment."""
    for low, high in pairwise(bounds):
        yield from pairwise(cell for cell in islice(cells, high - low) if cell is not None)


def _in_order(a: Cell, b: Cell, direction: int, collate: Callable[[Cell], Key]) -> bool:
    return collate(a) <= collate(b) if direction > 0 else collate(a) >= collate(b)


def _runs(cells: Sequence[Cell], bounds: list[int]) -> Iterator[list[tuple[int, Cell]]]:
    """The runs of equal cells inside each segment; empty cells inside a run belong to it."""
    for low, high in pairwise(bounds):
        runs: list[tuple[int, Cell]] = []
        at = low
        for cell, same in groupby(cells[low:high]):
            if len(runs) > 1 and runs[-1][1] is None and runs[-2][1] == cell:
                runs.pop()
            else:
                runs.append((at, cell))
            at += sum(1 for _ in same)
        yield runs


def _direction(segments: Sequence[Sequence[Cell]]) -> tuple[int, Callable[[Cell], Key]]:
    for collate in (_plain, _pinyin, _natural):
        for direction in (1, -1):
            if all(_sorted(map(collate, cells), direction) for cells in segments):
                return direction, collate
    return 0, _plain


def _sorted(keys: Iterator[Key], direction: int) -> bool:
    return all(a <= b if direction > 0 else a >= b for a, b in pairwise(keys))


def sort_keys(rows: Rows) -> list[tuple[int, int]]:
    """The columns that rows are sorted by, coarsest first, and how: 1 rising, -1 falling, 0 in blocks."""
    return [(level.column, level.direction) for level in _levels(rows)]
