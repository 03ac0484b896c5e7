"""Draws new addresses from the host's own streets and estates, at doors that the host does not know."""

from functools import cached_property

import numpy as np

from canary.mint.addresses import FLOORS, Apart
from canary.mint.claims import Ends, near, within_one_edit
from canary.mint.levels import Bools, Groups, Ints, Levels, firsts

_TRIES, _STEMS = 8, 4


class AddressPool:
    """The addresses of one host, row by row, ready to be recombined within a street."""

    def __init__(self, addresses: Levels[str]) -> None:
        self._known = addresses
        self._apart = apart = Apart(addresses.distinct)
        self.estates = apart.estates
        self._plain = np.array([unit == "" for unit in apart.units], dtype=bool)
        self._top = np.full(self.estates, -1, dtype=np.int64)
        np.maximum.at(self._top, apart.estate, apart.height)
        self._doors = Groups(np.where(apart.has_door, apart.unit, -1), len(apart.units))
        self._kind = apart.area * len(apart.units) + apart.unit
        self._climb()
        coarse = np.append(np.where(apart.has_door, -1, apart.area), -1)  # the last: rows without an address
        self._coarse = Groups(coarse[addresses.codes], len(apart.areas))

    def area(self, row: int) -> str | None:
        """The part of a town that a row's address lies in."""
        code = int(self._known.codes[row])
        return None if code < 0 else self._apart.areas[self._apart.area[code]]

    def draw(self, rng: np.random.Generator, likes: Ints, used: Bools) -> list[str | None]:
        """Addresses in the streets of the rows `likes` and as detailed; None where such a row has none.

        One that stops at a community names nobody's door and may be shared; any other is new to the host. Estates that
        are `used` are avoided while there are others, and those drawn are marked.
        """
        like = self._known.codes[likes]
        texts: list[str | None] = [None] * len(likes)
        told = np.flatnonzero(like >= 0)
        doors = self._apart.has_door[like[told]]
        coarse, waiting = told[~doors], told[doors]
        rows = self._coarse.one(rng, self._apart.area[like[coarse]])
        for i, code in zip(coarse.tolist(), self._known.codes[rows].tolist(), strict=True):
            texts[i] = self._known.distinct[code]
        for _ in range(_TRIES):
            if not len(waiting):
                break
            found = self._at_doors(rng, like[waiting], used)
            for i, text in zip(waiting.tolist(), found, strict=True):
                texts[i] = text
            waiting = waiting[[text is None for text in found]]
        for i in waiting.tolist():
            texts[i] = self._above(rng, int(like[i]))
        return texts

    def _climb(self) -> None:
        """The addresses by street and unit, and there by how high their estates reach."""
        self._steps = np.unique(self._top)
        top = np.searchsorted(self._steps, self._top)[self._apart.estate]
        key = np.where(self._apart.has_door, self._kind * (len(self._steps) + 1) + top, -1)
        self._ladder: Ints = np.argsort(key, kind="stable")
        self._rungs = key[self._ladder]

    def _below(self, kinds: Ints, heights: Ints) -> tuple[Ints, Ints]:
        """Where on the ladder each kind begins, and how many of its addresses reach less high."""
        base = kinds * (len(self._steps) + 1)
        first = np.searchsorted(self._rungs, base)
        return first, np.searchsorted(self._rungs, base + np.searchsorted(self._steps, heights)) - first

    def _at_doors(self, rng: np.random.Generator, donors: Ints, used: Bools) -> list[str | None]:
        """The doors of some rows at estates of the donors' streets that do not reach so high.

        A building beyond the estate's last where there is such an estate, else a floor above the roof.
        """
        before, number, door, after = self._apart.before, self._apart.number, self._apart.door, self._apart.after
        doors = self._doors.one(rng, self._apart.unit[donors])
        heights = self._apart.height[doors]
        first, below = self._below(self._kind[donors], heights // FLOORS * FLOORS)
        below = np.where(below > 0, below, self._below(self._kind[donors], heights)[1])
        texts: list[str | None] = [None] * len(donors)
        waiting = np.flatnonzero(below > 0)
        # Estates that barely fall short of the door: the low ones are kept for low doors, which fit nowhere else.
        for trial in range(_STEMS):
            if not len(waiting):
                break
            back = (rng.random(len(waiting)) * np.minimum(below[waiting], _STEMS)).astype(np.intp)
            stems = self._ladder[first[waiting] + below[waiting] - 1 - back]
            able = np.ones(len(waiting), dtype=bool)
            if trial < _STEMS - 1:
                able = ~used[self._apart.estate[stems]] & firsts(self._apart.estate[stems])
            chosen = np.flatnonzero(able)
            some, at = stems[chosen], doors[waiting[chosen]]
            new = [before[s] + number[d] + door[d] + after[s] for s, d in zip(some.tolist(), at.tolist(), strict=True)]
            free = self._free(some, at, new)
            for i, text, fits in zip(waiting[chosen].tolist(), new, free.tolist(), strict=True):
                texts[i] = text if fits else None
            used[self._apart.estate[some[free]]] = True
            able[chosen] = free
            waiting = waiting[~able]
        return texts

    def _free(self, stems: Ints, doors: Ints, texts: list[str]) -> Bools:
        """Whether these doors at these estates are nobody's, nor anybody's but for one character."""
        free = np.array([text not in self._known for text in texts], dtype=bool)
        asked = np.flatnonzero(free & ~self._plain[self._apart.unit[stems]])
        befores, ends = self._looks
        for groups, of, look, codes, mine in (
            (self._neighbours, self._apart.estate[stems], ends, self._ends.codes, doors),
            # 新村26巷14号 beside 北村26巷14号
            (self._namesakes, self._ends.codes[doors], befores, self._befores.codes, stems),
        ):
            i, other = groups.of(of[asked])
            free[asked[i[near(look, codes[mine[asked[i]]], look, codes[other])]]] = False
        return free

    def _above(self, rng: np.random.Generator, donor: int) -> str:
        """The donor's own estate, a building or more beyond its last."""
        top = int(self._top[self._apart.estate[donor]]) // FLOORS
        unit, estate = self._apart.unit[[donor]], self._apart.estate[[donor]]
        before, after = self._apart.before[donor], self._apart.after[donor]
        near_by = [self._ends.distinct[self._ends.codes[i]] for i in self._neighbours.of(estate)[1].tolist()]
        while True:
            top += int(rng.integers(1, max(2, top // 10) + 1))
            end = f"{top}{self._apart.door[int(self._doors.one(rng, unit)[0])]}"
            alike = self._namesakes.of(self._ends.find([end]))[1].tolist()
            close = any(within_one_edit(end, other) for other in near_by)
            close = close or any(within_one_edit(before, self._apart.before[i]) for i in alike)
            if (text := f"{before}{end}{after}") not in self._known and (self._plain[unit[0]] or not close):
                return text

    @cached_property
    def _ends(self) -> Levels[str]:
        """Number, door and what comes after: two addresses with one end differ in nothing but what stands before."""
        parts = zip(self._apart.number, self._apart.door, self._apart.after, strict=True)
        return Levels([number + door + after for number, door, after in parts])

    @cached_property
    def _befores(self) -> Levels[str]:
        return Levels(self._apart.before)

    @cached_property
    def _looks(self) -> tuple[Ends, Ends]:
        """The befores and the ends, ready to be compared."""
        return Ends(self._befores.distinct, 6, 5), Ends(self._ends.distinct, 1, 1)

    @cached_property
    def _namesakes(self) -> Groups:
        return Groups(np.where(self._apart.has_door, self._ends.codes, -1), len(self._ends.distinct))

    @cached_property
    def _neighbours(self) -> Groups:
        return Groups(np.where(self._apart.has_door, self._apart.estate, -1), self.estates)
