"""One column of a table as trees see it: its numbers or days, its levels, and how a new value is written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from canary.mint.claims import Ints
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell

Floats = NDArray[np.float64]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_MOSTLY = 0.8  # such a share of numbers makes a column numeric: the rest are words like 不详 or <5
_FEW = 10  # so many different values or fewer are told apart one by one
_OUTPUTS = 8


@dataclass(frozen=True)
class Drawn:
    """One column of m new rows: numbers (NaN for words and blanks), levels (-1 for a value the host lacks), cells."""

    numbers: Floats
    levels: Ints
    cells: Sequence[Cell]


class Variable:
    """A column of n cells, None where missing. `levels` number its distinct cells, `numbers` are days for dates."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self.distinct: list[Cell] = sorted(set(cells), key=lambda cell: (cell is not None, str(cell)))
        place = {cell: i for i, cell in enumerate(self.distinct)}
        self.levels: Ints = np.fromiter((place[cell] for cell in cells), np.intp, len(cells))
        self.counts: Ints = np.bincount(self.levels, minlength=len(self.distinct))
        self._dates = _as_dates(self.distinct)
        self._values = self._read()
        self.numbers = self._values[self.levels]
        shown = self._values[np.isfinite(self._values)]
        self.numeric = shown.size > 0
        self.decimals = max((_decimals(cell) for cell in self.distinct), default=0) if self.numeric else 0
        self.low, self.high = (float(shown.min()), float(shown.max())) if self.numeric else (0.0, 0.0)
        self.is_date = self._dates is not None
        # What trees compare: a number, and below all numbers a place of its own for each word and for missing.
        words = np.flatnonzero(~np.isfinite(self._values))
        self._places = self._values.copy()
        self._places[words] = self.low - (1 + self.high - self.low) * (1 + np.arange(len(words)))

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def constant(self) -> bool:
        """Whether every cell is the same."""
        return len(self.distinct) < 2

    @property
    def continuous(self) -> bool:
        """Whether hardly any number or day comes twice, so that a copied one would point at its row."""
        many = self.counts[np.isfinite(self._values)]
        return self.numeric and (self.is_date or self.decimals > 0) and len(many) > 0.5 * many.sum()

    def take(self, rows: Ints) -> Drawn:
        """The cells of these rows."""
        return Drawn(self.numbers[rows], self.levels[rows], [self.cells[row] for row in rows])

    def at_levels(self, levels: Ints) -> Drawn:
        """The cells that these levels stand for."""
        return Drawn(self._values[levels], levels, [self.distinct[level] for level in levels])

    def written(self, numbers: Floats, likes: Ints) -> Drawn:
        """New numbers in the type and format of the host rows `likes`; NaN takes that row's cell as it is."""
        cells = [
            self.cells[like] if np.isnan(number) else self._write(float(number), self.cells[like])
            for number, like in zip(numbers, likes, strict=True)
        ]
        levels = np.where(np.isnan(numbers), self.levels[likes], -1)
        return Drawn(np.where(np.isnan(numbers), self.numbers[likes], numbers), levels, cells)

    def neighbours(self, numbers: Floats, rng: np.random.Generator) -> Floats:
        """Each number moved at random within the gap to the host's next lower or higher value; NaN stays NaN."""
        values = np.unique(self._values[np.isfinite(self._values)])
        at = np.searchsorted(values, numbers)
        below, above = values[np.maximum(at - 1, 0)], values[np.minimum(at + 1, len(values) - 1)]
        moved = np.round(below + (above - below) * rng.random(len(numbers)), self.decimals)
        return np.where(np.isnan(numbers), numbers, moved)

    def predictor(self, drawn: Drawn, score: Floats) -> Floats:
        """What a tree may split on; levels of a category stand in order of their mean `score` in the host (n)."""
        if self.numeric:
            return np.where(np.isnan(drawn.numbers), self._places[drawn.levels], drawn.numbers)
        if len(self.distinct) < 3:
            return drawn.levels.astype(float)
        sums = np.bincount(self.levels, weights=score, minlength=len(self.distinct))
        means: Floats = (sums + score.mean()) / (self.counts + 1)
        return means[drawn.levels]

    def target(self) -> Floats:
        """What a tree is to tell apart (n, k): the share of rows below a number, and the commonest levels."""
        common = np.argsort(-self.counts, kind="stable")
        if not self.numeric or len(self.distinct) <= _FEW:
            return np.asarray(self.levels[:, None] == common[:_OUTPUTS], dtype=float)
        words = [level for level in common if np.isnan(self._values[level])][:3]
        return np.column_stack([_ranks(self.numbers), *(self.levels == word for word in words)])

    def _read(self) -> Floats:
        if self._dates is not None:
            days = [self._dates.read(cell) for cell in self.distinct]
            return np.array([np.nan if day is None else day.toordinal() for day in days], dtype=float)
        values = np.array([_number(cell) for cell in self.distinct], dtype=float)
        present = self.counts[[cell is not None for cell in self.distinct]].sum()
        mostly = self.counts[np.isfinite(values)].sum() >= _MOSTLY * present
        return values if mostly else np.full(len(values), np.nan)

    def _write(self, number: float, like: Cell) -> Cell:
        if self._dates is not None:
            return self._dates.write(date.fromordinal(int(number)), like)
        if isinstance(like, str | Decimal):
            return type(like)(f"{number:.{_decimals(like)}f}")
        return int(number) if isinstance(like, int) else round(number, self.decimals)


def _ranks(numbers: Floats) -> Floats:
    """Mid-ranks between 0 and 1, ties alike; a word or a blank stands in the middle."""
    shown = np.sort(numbers[np.isfinite(numbers)])
    both = np.searchsorted(shown, numbers, "left") + np.searchsorted(shown, numbers, "right")
    return np.where(np.isnan(numbers), 0.5, both / (2 * max(1, len(shown))))


def _as_dates(cells: Sequence[Cell]) -> DateColumn | None:
    """The column's date format, where its cells are dates."""
    shown = [cell for cell in cells if cell is not None]
    if not shown or any(isinstance(cell, bool) for cell in shown):
        return None
    texts = {cell for cell in shown if isinstance(cell, str)}
    style = DateColumn.of_texts(texts)
    if sum(style.read(cell) is not None for cell in shown) < 0.9 * len(shown):
        return None
    return style


def _number(cell: Cell) -> float:
    if isinstance(cell, str):
        return float(cell) if _NUMBER.fullmatch(cell) else np.nan
    # A database may also hold times, UUIDs or bytes: words, as far as trees are concerned.
    return float(cell) if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) else np.nan


def _decimals(cell: Cell) -> int:
    text = repr(round(cell, 6)) if isinstance(cell, float) else str(cell) if isinstance(cell, Decimal) else cell
    if not isinstance(text, str) or not _NUMBER.fullmatch(text) or (text.endswith(".0") and isinstance(cell, float)):
        return 0
    return len(text.partition(".")[2])
