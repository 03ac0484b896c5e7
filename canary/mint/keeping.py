"""Binds a profile's rules to one host, learns how the host keeps each, and mends rows that break them."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from statistics import median
from typing import Protocol

from canary.errors import CanaryError
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Row, Table
from canary.mint.rules import Rule

KEPT = 0.9  # an order is the host's own when so many of its rows keep it
DERIVED = 0.6  # likewise a derived value: due dates are corrected by ultrasound, weeks written by hand
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WEEKS = re.compile(r"\d+(?:\.\d+)?(?:(\s*(?:\+|周\+?)\s*)[0-6](?!\d))?")
_TALLEST = 3  # metres: larger heights are in centimetres

Read = Callable[[Cell], float | None]


class Bound(Protocol):
    """One rule on one host's columns."""

    rule: Rule
    share: float

    def kept(self, row: Row) -> bool | None:
        """Whether a row keeps the rule; None where a cell it needs is empty."""
        ...

    def mended(self, rng: Random, row: Row) -> Row | None:
        """The row made to keep the rule, or None where only another row would."""
        ...


def bind(rules: Iterable[Rule], places: Mapping[str, int], table: Table) -> list[Bound]:
    """The rules whose columns the table has and which its own rows keep; `places` says which column is which.

    Raises CanaryError on a column that holds neither dates nor numbers though a rule compares it.
    """
    able = [rule for rule in rules if rule.kind in _KINDS and all(name in places for name in rule.columns)]
    bound = [_KINDS[rule.kind](rule, [places[name] for name in rule.columns], table) for rule in able]
    return [b for b in bound if b.share >= (KEPT if b.rule.kind in ("order", "needs") else DERIVED)]


def naegele(last_period: date) -> date:
    """The due date by the form's rule: nine months on, then seven days."""
    month = last_period.month + 9
    first = date(last_period.year + (month > 12), (month - 1) % 12 + 1, 1)
    return date.fromordinal(first.toordinal() + last_period.day - 1 + 7)


def _share(bound: Bound, table: Table) -> float:
    told = [kept for row in table.rows if (kept := bound.kept(row)) is not None]
    return sum(told) / len(told) if told else 0.0


def _replaced(row: Row, column: int, cell: Cell) -> Row:
    return (*row[:column], cell, *row[column + 1 :])


class _Order:
    """One date or number before another."""

    def __init__(self, rule: Rule, columns: Sequence[int], table: Table) -> None:
        self.rule, (self._low, self._high) = rule, columns
        readers = [_reader(rule, table, column) for column in columns]
        self._read_low, self._read_high = readers
        self.share = _share(self, table)

    def kept(self, row: Row) -> bool | None:
        low, high = self._read_low(row[self._low]), self._read_high(row[self._high])
        if low is None or high is None:
            return None
        return low + self.rule.shift < high if self.rule.strict else low + self.rule.shift <= high

    def mended(self, rng: Random, row: Row) -> Row | None:
        return None


class _Needs:
    """One cell that is filled only where another is."""

    def __init__(self, rule: Rule, columns: Sequence[int], table: Table) -> None:
        self.rule, (self._cell, self._needed) = rule, columns
        self.share = _share(self, table)

    def kept(self, row: Row) -> bool | None:
        return True if row[self._cell] is None else row[self._needed] is not None

    def mended(self, rng: Random, row: Row) -> Row | None:
        return _replaced(row, self._cell, None)


class _Derived:
    """A number that follows from two others by whichever formula most of the host's rows keep."""

    def __init__(self, rule: Rule, columns: Sequence[int], table: Table) -> None:
        self.rule, (self._target, *self._operands) = rule, columns
        self._readers = [_reader(rule, table, column) for column in self._operands]
        self._decimals, self._unit = 0, 1.0
        if rule.kind == "bmi":
            self._decimals = max(_decimals(row[self._target]) for row in table.rows)
            self._unit = _metres(row[self._operands[1]] for row in table.rows)
        shares = {}
        for self._formula in _FORMULAS[rule.kind]:
            shares[self._formula] = _share(self, table)
        self._formula = max(shares, key=lambda formula: shares[formula])
        self.share = shares[self._formula]

    def kept(self, row: Row) -> bool | None:
        found, expected = _number(row[self._target]), self._expected(row)
        if found is None or expected is None:
            return None
        return abs(found - expected) < 0.5 * 10**-self._decimals and self._days_agree(row)

    def mended(self, rng: Random, row: Row) -> Row | None:
        expected = self._expected(row)
        if expected is None or expected < 0:
            return None
        return _replaced(row, self._target, self._written(row, expected))

    def _values(self, row: Row) -> tuple[float, float] | None:
        first, second = (read(row[column]) for read, column in zip(self._readers, self._operands, strict=True))
        return None if first is None or not second else (first, second * self._unit)

    def _expected(self, row: Row) -> float | None:
        values = self._values(row)
        return None if values is None else self._formula(*values, self._decimals)

    def _days_agree(self, row: Row) -> bool:
        """Whether the days of a week written 12+3 are right, too."""
        match, values = self._weeks(row), self._values(row)
        return not (match and match[1]) or values is None or int(match[0][-1]) == (values[0] - values[1]) % 7

    def _weeks(self, row: Row) -> re.Match[str] | None:
        cell = row[self._target]
        return _WEEKS.search(cell) if isinstance(cell, str) and self.rule.kind == "weeks" else None

    def _written(self, row: Row, number: float) -> Cell:
        """The number in the type and format of the cell that it replaces."""
        like, match, values = row[self._target], self._weeks(row), self._values(row)
        if not isinstance(like, str):
            return int(number) if isinstance(like, int) and float(number).is_integer() else float(number)
        if match and match[1] and values:
            return (
                f"{like[: match.start()]}{int(number)}{match[1]}{int((values[0] - values[1]) % 7)}{like[match.end() :]}"
            )
        return _NUMBER.sub(f"{number:.{self._decimals}f}", like, count=1)


def _metres(heights: Iterable[Cell]) -> float:
    """What a height is multiplied by to be in metres."""
    known = [height for cell in heights if (height := _number(cell)) is not None]
    return 1.0 if known and median(known) < _TALLEST else 0.01


def _completed_years(day: float, born: float, decimals: int) -> float:
    end, start = date.fromordinal(int(day)), date.fromordinal(int(born))
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def _calendar_years(day: float, born: float, decimals: int) -> float:
    return date.fromordinal(int(day)).year - date.fromordinal(int(born)).year


def _mass_index(weight: float, height: float, decimals: int) -> float:
    return round(weight / (height * height) + 1e-9, decimals)


def _mass_index_cut(weight: float, height: float, decimals: int) -> float:
    scale = float(10**decimals)
    return math.floor(weight / (height * height) * scale + 1e-9) / scale


class _Due:
    """The due date by Naegele's rule or so many days after the last period, whichever the host uses.

    The due date stands; the last period is moved. Rows of the host that do not keep the rule lend their distance.
    """

    def __init__(self, rule: Rule, columns: Sequence[int], table: Table) -> None:
        self.rule, (self._due, self._period) = rule, columns
        self._styles = [_dates(rule, table, column) for column in columns]
        pairs = [pair for row in table.rows if (pair := self._pair(row))]
        gaps = Counter((due - period).days for due, period in pairs)
        self._days = gaps.most_common(1)[0][0] if gaps else 280
        by_form = sum(naegele(period) == due for due, period in pairs)
        self._by_form = by_form >= gaps[self._days]
        self.share = _share(self, table)

    def kept(self, row: Row) -> bool | None:
        pair = self._pair(row)
        return self._follows(*pair) if pair else None

    def mended(self, rng: Random, row: Row) -> Row | None:
        pair = self._pair(row)
        if pair is None:
            return row
        due, period = pair
        near = [due - timedelta(days) for days in range(self._days - 5, self._days + 6)]
        fitting = [day for day in near if self._follows(due, day)]
        if not fitting:
            return None
        cell = self._styles[1].write(min(fitting, key=lambda day: abs(day - period)), row[self._period])
        return _replaced(row, self._period, cell)

    def _follows(self, due: date, period: date) -> bool:
        return naegele(period) == due if self._by_form else (due - period).days == self._days

    def _pair(self, row: Row) -> tuple[date, date] | None:
        due, period = self._styles[0].read(row[self._due]), self._styles[1].read(row[self._period])
        return (due, period) if due and period else None


_KINDS: Mapping[str, Callable[[Rule, Sequence[int], Table], Bound]] = {
    "needs": _Needs,
    "due": _Due,
    "years": _Derived,
    "weeks": _Derived,
    "bmi": _Derived,
    "order": _Order,
}
_FORMULAS: Mapping[str, Sequence[Callable[[float, float, int], float]]] = {
    "years": (_completed_years, _calendar_years),
    "weeks": (
        lambda day, start, decimals: (day - start) // 7,
        lambda day, start, decimals: (day - start) // 7 + 1,  # "in her 13th week"
        lambda day, start, decimals: round((day - start) / 7),
    ),
    "bmi": (_mass_index, _mass_index_cut),
}


def _number(cell: Cell) -> float | None:
    if isinstance(cell, str):
        match = _NUMBER.search(cell)
        return float(match[0]) if match else None
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def _decimals(cell: Cell) -> int:
    match = _NUMBER.search(str(cell)) if isinstance(cell, str | float) else None
    text = match[0].partition(".")[2] if match else ""
    return len(text.rstrip("0") if isinstance(cell, float) else text)


def _reader(rule: Rule, table: Table, column: int) -> Read:
    """Dates as days, else numbers as they are."""
    cells = [row[column] for row in table.rows if row[column] is not None]
    style = DateColumn()
    if cells and sum(style.read(cell) is not None for cell in cells) >= KEPT * len(cells):
        return _day_reader(DateColumn.fit(table.header[column], cells))
    if sum(_number(cell) is not None for cell in cells) < KEPT * len(cells):
        raise CanaryError(
            f"column '{table.header[column]}' holds neither dates nor numbers, as the rule '{rule.text}' needs",
            "name the right column in the profile, or leave the rule out",
        )
    return _number


def _day_reader(style: DateColumn) -> Read:
    def read(cell: Cell) -> float | None:
        day = style.read(cell)
        return None if day is None else day.toordinal()

    return read


def _dates(rule: Rule, table: Table, column: int) -> DateColumn:
    return DateColumn.fit(table.header[column], [row[column] for row in table.rows])
