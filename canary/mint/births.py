"""Moves birth dates of personas within the host's own, so that no name stands beside a real woman's birthday."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from random import Random

from canary.errors import CanaryError
from canary.mint.claims import within_one_edit
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell


class BirthDates:
    """The birth dates of one host's women, beside their names (None: no such column)."""

    def __init__(self, header: str, cells: Sequence[Cell], names: Sequence[Cell]) -> None:
        """Raises CanaryError when the column does not hold dates."""
        self._style = DateColumn.fit(header, cells)
        self._days = sorted(day for cell in cells if (day := self._style.read(cell)))
        self._names: dict[date, set[str]] = defaultdict(set)
        self._held: dict[str, set[date]] = defaultdict(set)
        for cell, name in zip(cells, names, strict=True):
            if name is not None and (day := self._style.read(cell)):
                self._names[day].add(str(name))
                self._held[str(name)].add(day)

    def draw(self, rng: Random, cell: Cell, name: Cell) -> tuple[date | None, Cell]:
        """Another day of the host's near the one in `cell`, on which nobody by such a name was born, and its cell.

        Raises CanaryError when there is none.
        """
        day = self._style.read(cell)
        if day is None:
            return None, None
        rank, reach = bisect_left(self._days, day), max(3, len(self._days) // 200)
        while True:
            near = self._days[max(0, rank - reach) : rank + reach + 1]
            for other in rng.sample(near, len(near)):
                if other != day and (name is None or self._free(str(name), other)):
                    return other, self._style.write(other, cell)
            if len(near) == len(self._days):
                raise CanaryError("the table has no room for another birth date", "all are too close to a real row's")
            reach *= 4

    def _free(self, name: str, day: date) -> bool:
        if any(within_one_edit(name, other) for other in self._names[day]):
            return False
        return not any(within_one_edit(day.isoformat(), other.isoformat()) for other in self._held.get(name, ()))
