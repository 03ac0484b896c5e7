"""Fresh values for columns in which no two rows agree, such as keys: from the gaps that the host itself leaves."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from uuid import UUID

from canary.errors import CanaryError
from canary.mint.facts import Cell

Shape = tuple[str, int]  # what stands before the digits, and how many digits; ("", 0) for a plain number

_CODE = re.compile(r"(.*?)(\d{1,18})", re.DOTALL)
_WITHOUT = "leave the column out of what is handed out (--without)"
_MANY_SERIES = 20  # so many series of codes, as one a day: each may have gone on by one


class Keys:
    """The values of one column, and unused ones like them. Raises CanaryError if they follow no rule we know."""

    def __init__(self, header: str, cells: Iterable[Cell]) -> None:
        self._header = header
        known = [cell for cell in cells if cell is not None]
        if not known:
            raise CanaryError(f"column {header!r} must not be empty, and nothing can be invented for it", _WITHOUT)
        self._uuids = all(isinstance(cell, str) and _random_uuid(cell) for cell in known)
        self._like = str(known[0])
        self._series: dict[Shape, _Series] = {} if self._uuids else self._by_shape(known)

    def draw(self, rng: Random, neighbours: Sequence[Cell]) -> list[Cell]:
        """An unused value near each neighbour's; raises CanaryError where the host leaves too few gaps."""
        if self._uuids:
            return [self._uuid(rng) for _ in neighbours]
        found: list[Cell] = []
        for neighbour in neighbours:
            shape, number = _parsed(neighbour)
            series = self._series.get(shape)
            free = series.take(rng, number or 0) if series else None
            if free is None:
                shape, free = self._anywhere(rng)
            found.append(_written(shape, free))
        return found

    def _by_shape(self, known: Sequence[Cell]) -> "dict[Shape, _Series]":
        numbers: defaultdict[Shape, list[int]] = defaultdict(list)
        for cell in known:
            shape, number = _parsed(cell)
            if number is None:
                raise CanaryError(
                    f"column {self._header!r} needs a value of its own in every row, and {type(cell).__name__} values"
                    " like its own cannot be invented",
                    _WITHOUT,
                )
            numbers[shape].append(number)
        last = max(numbers, default=None)
        grows = len(numbers) >= _MANY_SERIES
        return {s: _Series.of(n, goes_on=grows and s != last) for s, n in sorted(numbers.items())}

    def _anywhere(self, rng: Random) -> tuple[Shape, int]:
        open_series = [shape for shape, series in self._series.items() if series.left]
        if not open_series:
            raise CanaryError(
                f"column {self._header!r} numbers the rows and leaves too few gaps: new rows would leave a mark there",
                _WITHOUT,
            )
        shape = rng.choices(open_series, [self._series[s].left for s in open_series])[0]
        free = self._series[shape].take(rng, 0)
        assert free is not None
        return shape, free

    def _uuid(self, rng: Random) -> str:
        made, like = str(UUID(int=rng.getrandbits(128), version=4)), self._like
        made = made if "-" in like else made.replace("-", "")
        return made.upper() if like.upper() == like else made


@dataclass
class _Series:
    """The numbers of one shape; `runs` are (first, length) of the gaps between them that are no longer than usual."""

    runs: list[tuple[int, int]]
    used: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, numbers: Sequence[int], goes_on: bool) -> "_Series":
        taken = sorted(set(numbers))
        steps = sorted(b - a for a, b in pairwise(taken))
        # A jump, as between two years' numbers, is no gap: nothing of the host stands there.
        usual = steps[int(0.95 * (len(steps) - 1))] if steps else 1
        runs = [(a + 1, b - a - 1) for a, b in pairwise(taken) if 1 < b - a <= usual]
        return cls(runs + ([(taken[-1] + 1, 1)] if goes_on else []))

    @property
    def left(self) -> int:
        """How many values are still free."""
        return sum(length for _, length in self.runs) - len(self.used)

    def take(self, rng: Random, near: int) -> int | None:
        """A free number in the run nearest to `near`, or None."""
        at = bisect_left(self.runs, (near, 0))
        for step in range(len(self.runs) + 1):
            for i in [i for i in {at + step, at - step} if 0 <= i < len(self.runs)]:
                first, length = self.runs[i]
                free = [n for n in rng.sample(range(first, first + length), min(length, 100)) if n not in self.used]
                if free:
                    self.used.add(free[0])
                    return free[0]
        return None


def _parsed(cell: Cell) -> tuple[Shape, int | None]:
    """A value's shape and number; None where it has none."""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return ("", 0), cell
    match = _CODE.fullmatch(cell) if isinstance(cell, str) else None
    return ((match[1], len(match[2])), int(match[2])) if match else (("", 0), None)


def _written(shape: Shape, number: int) -> Cell:
    prefix, width = shape
    return f"{prefix}{number:0{width}}" if width else number


def _random_uuid(text: str) -> bool:
    try:
        return UUID(text).version == 4
    except ValueError:
        return False
