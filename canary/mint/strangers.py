"""The columns of a host that no fact explains: learnt given the facts, made up where they are codes, or left empty."""

from collections.abc import Sequence
from functools import cached_property
from random import Random

import numpy as np

from canary.mint.facts import Cell
from canary.mint.identifiers import Codes, codes_of, identifies
from canary.mint.levels import Ints
from canary.mint.sequential import Sequential
from canary.mint.timeline import NO_DAY, Moments
from canary.mint.variables import Drawn, Floats, Variable


class Strangers:
    """Some columns of one host, `columns` of n cells each, and what they may depend on.

    `dues` and `births` are the cells of those facts, `traits` the columns that a persona takes whole from its donor
    row (hospital, household registration, address). `anonymous` extracts name nobody and may be given new codes.
    """

    def __init__(
        self,
        columns: Sequence[Sequence[Cell]],
        dated: tuple[Sequence[Cell], Sequence[Cell], Ints, Ints],
        traits: Sequence[Sequence[Cell]],
        anonymous: bool,
    ) -> None:
        self._columns, self._dated, self._traits, self._anonymous = columns, dated, traits, anonymous
        # What identifies is never learnt: a code is made up, anything else stays empty.
        self._made: dict[int, Codes | None] = {
            i: codes_of(cells, anonymous) for i, cells in enumerate(columns) if identifies(cells)
        }

    def draw(self, rng: Random, draws: np.random.Generator, donors: Ints, moments: Moments) -> list[Sequence[Cell]]:
        """These columns for personas with these donors and moments."""
        learnt = [i for i in range(len(self._columns)) if i not in self._made]
        rows = self._model.draw(draws, self._given(donors, moments), len(donors)) if learnt else []
        cells: dict[int, Sequence[Cell]] = dict(zip(learnt, zip(*rows, strict=True), strict=True))
        for i, codes in self._made.items():
            cells[i] = codes.draw(rng, len(donors)) if codes else [None] * len(donors)
        return [cells[i] for i in range(len(self._columns))]

    @cached_property
    def _variables(self) -> list[Variable]:
        due, birth, due_days, birth_days = self._dated
        return [Variable(due), Variable(birth), Variable(_gaps(due_days, birth_days)), *map(Variable, self._traits)]

    @cached_property
    def _model(self) -> Sequential:
        learnt = [cells for i, cells in enumerate(self._columns) if i not in self._made]
        return Sequential(learnt, self._variables, whole=self._anonymous)

    def _given(self, donors: Ints, moments: Moments) -> list[Drawn]:
        due, birth, gap, *traits = self._variables
        return [
            Drawn(_days(moments.due), due.levels[moments.due_like], ()),
            Drawn(_days(moments.birth), birth.levels[moments.birth_like], ()),
            _gap_drawn(gap, moments),
            *(trait.take(donors) for trait in traits),
        ]


def _days(days: Ints) -> Floats:
    return np.where(days == NO_DAY, np.nan, days)


def _gap_drawn(gap: Variable, moments: Moments) -> Drawn:
    numbers = _days(moments.birth) - _days(moments.due)
    missing = gap.distinct.index(None) if None in gap.distinct else 0
    return Drawn(numbers, np.where(np.isnan(numbers), missing, -1), ())


def _gaps(due: Ints, birth: Ints) -> list[Cell]:
    known = (due != NO_DAY) & (birth != NO_DAY)
    return [int(b - d) if k else None for d, b, k in zip(due, birth, known, strict=True)]
