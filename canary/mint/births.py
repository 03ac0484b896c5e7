"""Gives personas birth dates out of the host's own, so that no name stands beside a real woman's birthday."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import chain
from random import Random

from canary.errors import CanaryError
from canary.mint.claims import within_one_edit
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell

_TRIES = 50
_LARGE = 2_000  # rows from which on single years are common enough to be learnt


class BirthDates:
    """The birth dates of one host's women, beside their names (None: no such column).

    The host's model learns `brackets` in their place, the beginning of a year or of five: never a day.
    """

    def __init__(self, header: str, cells: Sequence[Cell], names: Sequence[Cell]) -> None:
        """Raises CanaryError when the column does not hold dates."""
        style, years = DateColumn.fit(header, cells), 1 if len(cells) >= _LARGE else 5
        days = [style.read(cell) for cell in cells]
        self.brackets: list[Cell] = [day and day.year // years * years for day in days]
        self._within: dict[Cell, list[tuple[date, Cell]]] = defaultdict(list)
        self._names: dict[date, set[str]] = defaultdict(set)
        self._held: dict[str, set[date]] = defaultdict(set)
        for day, cell, bracket, name in zip(days, cells, self.brackets, names, strict=True):
            if day is None:
                continue
            self._within[bracket].append((day, cell))
            if name is not None:
                self._names[day].add(str(name))
                self._held[str(name)].add(day)

    def draw(self, rng: Random, bracket: Cell, name: Cell) -> tuple[date | None, Cell]:
        """A day of the host's in a bracket on which nobody by such a name was born, and its cell.

        Raises CanaryError when there is none in any bracket.
        """
        if bracket is None:
            return None, None
        near = self._within[bracket]
        for day, cell in chain((rng.choice(near) for _ in range(_TRIES)), near, *self._within.values()):
            if name is None or self._free(str(name), day):
                return day, cell
        raise CanaryError("the table has no room for another birth date", "all are too close to a real row's")

    def _free(self, name: str, day: date) -> bool:
        if any(within_one_edit(name, other) for other in self._names[day]):
            return False
        return not any(within_one_edit(day.isoformat(), other.isoformat()) for other in self._held.get(name, ()))
