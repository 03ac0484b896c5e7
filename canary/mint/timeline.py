"""Draws due dates and births that keep the host's window, hospital loads and rule of who is born."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from canary.mint.facts import Cell

_TRIES = 50


@dataclass(frozen=True)
class Moment:
    """A due date and a birth, and the host rows whose cells show how to write them."""

    due: date | None
    birth: date | None
    due_like: int
    birth_like: int


class Timeline:
    """The dates of one host, row by row; `groups` names each row's hospital (None: no such column)."""

    def __init__(self, dues: Sequence[date | None], births: Sequence[date | None], groups: Sequence[Cell]) -> None:
        self._dues, self._births, self._groups = dues, births, groups
        order = sorted(range(len(dues)), key=lambda row: (dues[row] is not None, dues[row] or date.min, row))
        self._order = order
        self._days = [dues[row] or date.min for row in order]
        self._by_group: dict[Cell, list[int]] = defaultdict(list)
        self._rank: dict[int, int] = {}
        for row in order:
            self._rank[row] = len(self._by_group[groups[row]])
            self._by_group[groups[row]].append(row)
        self._last_birth = max((birth for birth in births if birth), default=None)
        unborn = [due for due, birth in zip(dues, births, strict=True) if due and not birth]
        self._first_unborn = min(unborn, default=date.max)

    def near(self, rng: Random, donor: int) -> int:
        """A row of the donor's hospital due about when the donor is; the donor only if it is alone."""
        rows, rank = self._by_group[self._groups[donor]], self._rank[donor]
        reach = max(3, min(10, len(rows) // 10))
        around = [row for row in rows[max(0, rank - reach) : rank + reach + 1] if row != donor]
        return rng.choice(around) if around else donor

    def draw(self, rng: Random, donor: int) -> Moment:
        """A due date from near the donor's, and the birth that a woman due then would have in this host."""
        row = self.near(rng, donor)
        due = self._dues[row]
        if due is None:
            return Moment(None, self._births[row], row, row)
        around = self._due_about(due)
        for _ in range(_TRIES):
            other = self._order[rng.choice(around)]
            birth = self._birth(due, other)
            if birth is not None or (self._births[other] is None and due >= self._first_unborn):
                return Moment(due, birth, row, other)
        return Moment(due, self._births[row], row, row)

    def _due_about(self, due: date) -> range:
        """Ranks of the rows due closest to `due`, over all hospitals."""
        reach = max(8, len(self._days) // 400)
        rank = bisect_left(self._days, due)
        first_dated = bisect_left(self._days, date.min.replace(day=2))
        return range(max(first_dated, rank - reach), min(len(self._days), rank + reach + 1))

    def _birth(self, due: date, other: int) -> date | None:
        """A birth as early or late as the other row's, unless this extract would not know of it yet."""
        other_due, other_birth = self._dues[other], self._births[other]
        if other_due is None or other_birth is None or self._last_birth is None:
            return None
        birth = due + (other_birth - other_due)
        return birth if birth <= self._last_birth else None
