"""Draws due dates and births that keep the host's window, hospital loads and rule of who is born."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canary.mint.levels import Bools, Ints

NO_DAY = -1
_ROUNDS = 50


@dataclass(frozen=True)
class Moments:
    """Due dates and births as ordinals (-1: none), and the host rows whose cells show how to write them."""

    due: Ints
    birth: Ints
    due_like: Ints
    birth_like: Ints

    def at(self, places: Ints) -> "Moments":
        """Some of them."""
        return Moments(self.due[places], self.birth[places], self.due_like[places], self.birth_like[places])


def joined(some: Sequence[Moments]) -> Moments:
    """All of them, one after another."""
    due, birth = np.concatenate([m.due for m in some]), np.concatenate([m.birth for m in some])
    likes = np.concatenate([m.due_like for m in some]), np.concatenate([m.birth_like for m in some])
    return Moments(due, birth, *likes)


class Timeline:
    """The dates of one host, row by row; `groups` numbers each row's hospital (all 0: no such column)."""

    def __init__(self, dues: Ints, births: Ints, groups: Ints) -> None:
        self._dues, self._births = dues, births
        self._order: Ints = np.argsort(dues, kind="stable")
        self._days = dues[self._order]
        self._by_group = self._order[np.argsort(groups[self._order], kind="stable")]
        self._rank: Ints = np.empty(len(dues), dtype=np.intp)
        self._rank[self._by_group] = np.arange(len(dues))
        sizes = np.bincount(groups)
        ends = np.cumsum(sizes)
        self._first, self._last = (ends - sizes)[groups], ends[groups] - 1
        self._reach = np.clip(sizes // 10, 3, 10)[groups]
        self._last_birth = int(births.max(initial=NO_DAY))
        self._first_unborn = int(dues[(dues != NO_DAY) & (births == NO_DAY)].min(initial=np.iinfo(np.intp).max))

    def near(self, rng: np.random.Generator, donors: Ints) -> Ints:
        """For each donor a row of its hospital due about when it is; the donor itself only if it is alone."""
        rank = self._rank[donors]
        low = np.maximum(self._first[donors], rank - self._reach[donors])
        high = np.minimum(self._last[donors], rank + self._reach[donors])
        alone = high == low
        at = rng.integers(low, np.where(alone, high + 1, high))
        return self._by_group[np.where(alone, rank, at + (at >= rank))]

    def draw(self, rng: np.random.Generator, donors: Ints) -> Moments:
        """Due dates from near the donors', and the births that women due then would have in this host."""
        rows = self.near(rng, donors)
        due, birth, like = self._dues[rows], self._births[rows].copy(), rows.copy()
        waiting = np.flatnonzero(due != NO_DAY)
        for _ in range(_ROUNDS):
            if not len(waiting):
                break
            others = self._due_about(rng, due[waiting])
            born, known = self._birth(due[waiting], others)
            birth[waiting[known]], like[waiting[known]] = born[known], others[known]
            waiting = waiting[~known]
        return Moments(due, birth, rows, like)

    def _due_about(self, rng: np.random.Generator, due: Ints) -> Ints:
        """A row due close to each of these days, over all hospitals."""
        reach = max(8, len(self._days) // 400)
        rank = np.searchsorted(self._days, due)
        first_dated = np.searchsorted(self._days, NO_DAY, "right")
        low, high = np.maximum(first_dated, rank - reach), np.minimum(len(self._days), rank + reach + 1)
        return self._order[rng.integers(low, high)]

    def _birth(self, due: Ints, others: Ints) -> tuple[Ints, Bools]:
        """Births as early or late as the others', and which of them this extract could know of, or not know yet."""
        has = (self._births[others] != NO_DAY) & (self._dues[others] != NO_DAY)
        birth = np.where(has, due + self._births[others] - self._dues[others], NO_DAY)
        return birth, np.where(has, birth <= self._last_birth, due >= self._first_unborn)
