"""Draws the columns that no fact explains, one after another, each from rows alike in the columns before it.

Sequential synthesis by trees (Reiter 2005; Nowok, Raab & Dibben 2016): a regression tree parts the host's rows by the
columns already drawn, and a new row takes this column's cell from a random host row of its leaf. So types, formats,
missing values, heaping and rounding are the host's own. Arithmetic between columns is kept, not imitated.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row
from canary.mint.levels import Bools, Ints
from canary.mint.relations import find_relation
from canary.mint.variables import Drawn, Floats, Variable

_LEAF = 5
_MOST_ROWS, _MOST_PREDICTORS = 50_000, 80
_ROUNDS = 25
_COARSE = 5  # a cell that so many rows share points at nobody


class Step(Protocol):
    """How one column comes about."""

    def draw(self, rng: np.random.Generator, before: Sequence[Drawn], count: int) -> Drawn:
        """The column for `count` rows whose earlier columns are `before`."""


class Sequential:
    """The joint distribution of some columns of one table, given others of it.

    `columns` are p sequences of n cells; `given` are variables of the same n rows, which the caller draws itself.
    `whole` says that these columns are all that is told of a person: then no real row may come out.
    """

    def __init__(
        self, columns: Sequence[Sequence[Cell]], given: Sequence[Variable] = (), *, whole: bool = True
    ) -> None:
        self._whole = whole
        self._given = len(given)
        self._variables = [*given, *map(Variable, columns)]
        rows = len(columns[0])
        self._sample: Ints = np.unique(np.linspace(0, rows - 1, min(rows, _MOST_ROWS)).astype(np.intp))
        self._host = Counter(zip(*columns, strict=True))

    def draw(self, rng: np.random.Generator, given: Sequence[Drawn], count: int) -> list[Row]:
        """`count` new rows of p cells. Raises CanaryError where only rows of the host itself come out and may not."""
        rows: list[Row] = [()] * count
        waiting: Ints = np.arange(count)
        for _ in range(_ROUNDS):
            if not len(waiting):
                break
            drawn = self._once(rng, [_part(column, waiting) for column in given], len(waiting))
            fresh = list(zip(*(column.cells for column in drawn[self._given :]), strict=True))
            again = self._impossible(drawn) | np.array([self._host[row] == 1 for row in fresh])
            for place, row in zip(waiting, fresh, strict=True):
                rows[place] = row
            waiting = waiting[again]
        if self._whole:
            self._check([rows[place] for place in waiting])
        return rows

    def _once(self, rng: np.random.Generator, given: Sequence[Drawn], count: int) -> list[Drawn]:
        drawn = list(given)
        for step in self._steps:
            drawn.append(step.draw(rng, drawn, count))
        return drawn

    def _check(self, stubborn: Sequence[Row]) -> None:
        """A row that came out of the host's own again and again may stand only if every cell of it is common."""
        for row in stubborn:
            if self._host[row] != 1:
                continue
            variables = self._variables[self._given :]
            shares = (
                variable.counts[variable.distinct.index(cell)] for variable, cell in zip(variables, row, strict=True)
            )
            if min(shares) < _COARSE:
                raise CanaryError("the table has no room for another persona", "every row tried is a real one's")

    @cached_property
    def _steps(self) -> list[Step]:
        return [
            _step(self._variables[i], self._variables[:i], self._sample)
            for i in range(self._given, len(self._variables))
        ]

    @cached_property
    def _orders(self) -> list[tuple[int, int]]:
        """Pairs (a, b) of like columns where the host never has b above a, though by chance it would."""
        found = []
        numeric = [i for i, variable in enumerate(self._variables) if variable.numeric and len(variable.distinct) > 2]
        for i, j in combinations(numeric, 2):
            if max(i, j) < self._given:
                continue
            x, y = self._variables[i], self._variables[j]
            if x.is_date != y.is_date or min(x.high, y.high) <= max(x.low, y.low):
                continue
            for (a, above), (b, below) in (((i, x), (j, y)), ((j, y), (i, x))):
                if _above(above, below):
                    found.append((a, b))
        return found

    def _impossible(self, drawn: Sequence[Drawn]) -> Bools:
        """Rows with a number that the host's range or order does not allow."""
        wrong = np.zeros(len(drawn[-1].cells), dtype=bool)
        for variable, column in zip(self._variables[self._given :], drawn[self._given :], strict=True):
            if variable.numeric:
                wrong |= (column.numbers < variable.low) | (column.numbers > variable.high)
        for above, below in self._orders:
            wrong |= drawn[below].numbers > drawn[above].numbers
        return wrong


@dataclass(frozen=True)
class _Mapped:
    """A column that another one settles: every level of `source` comes with one level of this one."""

    variable: Variable
    source: int
    table: Ints

    def draw(self, rng: np.random.Generator, before: Sequence[Drawn], count: int) -> Drawn:
        levels = before[self.source].levels
        spare = self.variable.levels[rng.integers(len(self.variable), size=count)]
        return self.variable.at_levels(np.where(levels < 0, spare, self.table[levels]))


class _Grown:
    """A column whose cells, or whose differences from a relation, come from the leaves of a tree."""

    def __init__(self, variable: Variable, before: Sequence[Variable], sample: Ints) -> None:
        self._variable, self._before, self._sample = variable, before, sample
        self._relation = find_relation(variable, before)
        self._rest = variable.numbers - self._relation(self._sources(before)) if self._relation else None
        target = variable.target() if self._rest is None else _rest_target(variable, self._rest)
        self._score = _score(target)
        self._used = self._chosen()
        self._tree, self._order, self._starts = None, sample, {0: (0, len(sample))}
        if self._used:
            self._grow(target[sample])

    def draw(self, rng: np.random.Generator, before: Sequence[Drawn], count: int) -> Drawn:
        ends = self._leaves([before[i] for i in self._used], count)
        donors = self._order[rng.integers(ends[:, 0], ends[:, 1])]
        if self._relation is None or self._rest is None:
            if not self._variable.continuous:
                return self._variable.take(donors)
            return self._variable.written(self._variable.neighbours(self._variable.numbers[donors], rng), donors)
        numbers = self._relation([before[i].numbers for i in self._relation.sources]) + self._rest[donors]
        return self._variable.written(numbers, donors)

    def _sources(self, before: Sequence[Variable]) -> list[Floats]:
        return [before[i].numbers for i in self._relation.sources] if self._relation else []

    def _chosen(self) -> list[int]:
        """The columns the tree may ask about: those that vary, and of very many the most telling."""
        able = [i for i, other in enumerate(self._before) if not other.constant]
        if len(able) <= _MOST_PREDICTORS:
            return able
        score = _ranked(self._score[self._sample])
        told = [abs(np.corrcoef(_ranked(self._predictor(i)[self._sample]), score)[0, 1]) for i in able]
        return sorted(able[k] for k in np.argsort(-np.array(told), kind="stable")[:_MOST_PREDICTORS])

    def _predictor(self, i: int) -> Floats:
        other = self._before[i]
        return other.predictor(Drawn(other.numbers, other.levels, ()), self._score)

    def _grow(self, target: Floats) -> None:
        # Imported here: it takes a second, which a table whose columns are all facts need not wait.
        from sklearn.tree import DecisionTreeRegressor

        features = np.column_stack([self._predictor(i)[self._sample] for i in self._used]).astype(np.float32)
        tree: Any = DecisionTreeRegressor(min_samples_leaf=_LEAF, random_state=0).fit(features, target)
        leaves = tree.apply(features)
        order = np.argsort(leaves, kind="stable")
        self._tree, self._order = tree, self._sample[order]
        names, starts, counts = np.unique(leaves[order], return_index=True, return_counts=True)
        self._starts = {int(n): (int(s), int(s + c)) for n, s, c in zip(names, starts, counts, strict=True)}

    def _leaves(self, before: Sequence[Drawn], count: int) -> Ints:
        """For each new row where its leaf begins and ends among the ordered host rows (count, 2)."""
        if self._tree is None:
            return np.tile(np.array(self._starts[0]), (count, 1))
        columns = [self._before[i].predictor(drawn, self._score) for i, drawn in zip(self._used, before, strict=True)]
        leaves = self._tree.apply(np.column_stack(columns).astype(np.float32))
        return np.array([self._starts[int(leaf)] for leaf in leaves])


def _step(variable: Variable, before: Sequence[Variable], sample: Ints) -> Step:
    for i, source in enumerate(before):
        if (table := _settled(variable, source)) is not None:
            return _Mapped(variable, i, table)
    return _Grown(variable, before, sample)


def _above(above: Variable, below: Variable) -> bool:
    """Whether no row has `below` above `above`, where one row in fifty would if they were drawn apart."""
    known = np.isfinite(above.numbers) & np.isfinite(below.numbers)
    high, low = above.numbers[known], below.numbers[known]
    if len(high) < 50 or (low > high).any():
        return False
    return bool(np.mean(np.roll(low, len(low) // 2) > high) > 0.02)


def _settled(variable: Variable, source: Variable) -> Ints | None:
    """The level of `variable` for each level of `source`, where there is one and it is seen often enough to say."""
    levels = len(source.distinct)
    if variable.constant or levels < len(variable.distinct) or levels > len(source) / 3:
        return None
    table: Ints = np.zeros(levels, dtype=np.intp)
    table[source.levels] = variable.levels
    return table if np.array_equal(table[source.levels], variable.levels) else None


def _rest_target(variable: Variable, rest: Floats) -> Floats:
    """What is left to learn beside a relation: by how much it fails, and where it does not apply."""
    known = np.isfinite(rest)
    size = np.where(known, np.clip(rest, *np.nanquantile(rest, [0.01, 0.99])), 0.0)
    scale = size.std() or 1.0
    return np.column_stack([size / scale, known & (rest == 0), known, variable.levels == 0])


def _score(target: Floats) -> Floats:
    """The one direction in which the target differs most between rows (n)."""
    middle = target - target.mean(axis=0)
    return np.asarray(middle @ np.linalg.eigh(middle.T @ middle)[1][:, -1])


def _ranked(values: Floats) -> Floats:
    return np.unique(values, return_inverse=True)[1].astype(float)


def _part(drawn: Drawn, rows: Ints) -> Drawn:
    return Drawn(drawn.numbers[rows], drawn.levels[rows], [drawn.cells[row] for row in rows] if drawn.cells else ())
