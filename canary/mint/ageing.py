"""Ages the rows of earlier canaries into a new extract as the host's own rows age: births, moves, leaving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Protocol

from canary.errors import CanaryError
from canary.mint.cohort import Calendar, link
from canary.mint.columns import blank
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Row, Table
from canary.mint.identifiers import identifies

_TRIES = 60
_NUMBER = int | float
_IN_ORDER = 0.01  # of the rows that stay, at most so many may change places for the order to count as kept
# Who she is and where she is reached and lives: never taken from a real row.
_KEPT = frozenset(
    {Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.RESIDENT_ID, Fact.RUNNING_NUMBER, Fact.BIRTH_DATE, Fact.ENQUIRY_TOPIC}
)


class Ageing(Protocol):
    """How a host's rows get from one extract to the next; `calendar` is that of the new one."""

    calendar: Calendar

    def age(self, rng: Random, row: Row) -> Row | None:
        """The row as the new extract would hold it, in the new table's columns; None once it has left."""
        ...

    def entered(self) -> list[bool]:
        """Of each row of the new extract, whether it is new."""
        ...

    def place(self, row: int) -> int | None:
        """Where in the new table a row in front of `row` of the old one now belongs among its equals, if known."""
        ...


@dataclass(frozen=True)
class _Day:
    due: date | None
    birth: date | None


class TwoMonths:
    """Ageing seen in two consecutive extracts: each row follows what a real row like it went through."""

    def __init__(self, before: Table, after: Table, columns: Mapping[Fact, int]) -> None:
        """`before` is brought to the columns of `after` by header; raises CanaryError on date columns without dates."""
        before = Table(after.header, tuple(in_columns(row, before.header, after.header) for row in before.rows))
        after = Table(after.header, tuple(in_columns(row, after.header, after.header) for row in after.rows))
        self._before, self._after = before, after
        self.links = link(before, after, columns)
        self.calendar = Calendar(after, columns)
        self._then = Calendar(before, columns)
        self._change = _Change(after, columns, self.calendar)
        kept = [linked for linked in self.links if linked is not None]
        turned = sum(a > b for a, b in pairwise(kept))
        self._in_order = bool(kept) and turned <= _IN_ORDER * len(kept)

    def age(self, rng: Random, row: Row) -> Row | None:
        """As `Ageing.age`. A woman whose every possible fate would leave her at 45 weeks is gone."""
        due, birth = self._then.due(row), self._then.birth(row)
        donors = self._then.near(due, birth is not None)
        for _ in range(_TRIES if donors else 0):
            donor = rng.choice(donors)
            to = self.links[donor]
            if to is None:
                if self._cut_off(self._then.dues[donor]) == self._cut_off(due):
                    return None
                continue
            old = _Day(self._then.dues[donor], self._then.births[donor])
            new = _Day(self.calendar.dues[to], self.calendar.births[to])
            aged = self._change.follow(row, (self._before.rows[donor], old), (self._after.rows[to], new))
            if self._change.possible(row, aged):
                return aged
        return None

    def entered(self) -> list[bool]:
        """As `Ageing.entered`: the rows that no row of the old extract became."""
        stayed = {linked for linked in self.links if linked is not None}
        return [row not in stayed for row in range(len(self._after.rows))]

    def place(self, row: int) -> int | None:
        """As `Ageing.place`: behind the last row before it that is still there, if the host keeps its order."""
        if not self._in_order:
            return None
        return next((at + 1 for at in reversed(self.links[:row]) if at is not None), 0)

    def _cut_off(self, due: date | None) -> bool:
        """Whether the new extract's window has no place for that due date."""
        window = self.calendar.window
        return due is not None and window is not None and not window[0] <= due <= window[1]


class OneMonth:
    """Ageing guessed from the new extract alone, `elapsed` after the one before: births as its rows show them,
    leaving when the window has passed."""

    def __init__(self, after: Table, columns: Mapping[Fact, int], elapsed: timedelta) -> None:
        """Raises CanaryError on date columns without dates, and on a table without due dates."""
        self._after = Table(after.header, tuple(in_columns(row, after.header, after.header) for row in after.rows))
        self.calendar = Calendar(self._after, columns)
        self._change = _Change(self._after, columns, self.calendar)
        self._elapsed = elapsed
        if self.calendar.window is None:
            raise CanaryError("without due dates nobody can tell who is new", "give the month before (--last)")

    def age(self, rng: Random, row: Row) -> Row | None:
        """As `Ageing.age`. A birth is taken from a row due about then, if it fell after the last extract."""
        donors = [] if self.calendar.birth(row) else self.calendar.near(self.calendar.due(row), None)
        for _ in range(_TRIES):
            donor = rng.choice(donors) if donors else None
            aged = row
            if donor is not None and self.calendar.births[donor] is not None:
                like = _Day(self.calendar.dues[donor], self.calendar.births[donor])
                cells = self._after.rows[donor]
                aged = self._change.follow(row, (_undelivered(cells), _Day(like.due, None)), (cells, like))
            if self._change.possible(row, aged) and not self._known_before(row, aged):
                return aged
        return None

    def entered(self) -> list[bool]:
        """As `Ageing.entered`, guessed: the due dates that the window has gained since."""
        known = [due for due in self.calendar.dues if due]
        since = max(known) - self._elapsed
        return [due is not None and due > since for due in self.calendar.dues]

    def place(self, row: int) -> int | None:
        """Nothing is known of the order before."""
        return None

    def _known_before(self, row: Row, aged: Row) -> bool:
        """Whether a birth told only now would have been told last time already."""
        birth, until = self.calendar.birth(aged), self.calendar.extracted
        return birth is not None and until is not None and aged != row and birth <= until - self._elapsed


def in_columns(row: Row, header: Sequence[str], wanted: Sequence[str]) -> Row:
    """A row's cells under another header; a column it does not have is empty, and so is blank text."""
    if header != wanted:
        cells = dict(reversed(list(zip(header, row, strict=True))))  # of two columns of one name, the first
        row = tuple(cells.get(name) for name in wanted)
    return tuple(None if blank(cell) else cell for cell in row)


def _undelivered(cells: Row) -> Row:
    return (None,) * len(cells)


class _Change:
    """Carries over to a canary's row what changed in a real one."""

    def __init__(self, table: Table, columns: Mapping[Fact, int], calendar: Calendar) -> None:
        self._columns, self._calendar = columns, calendar
        by_column = list(zip(*table.rows, strict=True)) if table.rows else []
        self._values = [frozenset(cells) if len(set(cells)) < len(cells) / 2 else None for cells in by_column]
        special = {Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE}
        named = {columns[fact] for fact in (_KEPT | special) & columns.keys()}
        others = [i for i in range(len(table.header)) if i not in named]
        self._free = [i for i in others if not by_column or not identifies(by_column[i])]
        self._dated = {i: style for i in self._free if by_column and (style := _dates(table.header[i], by_column[i]))}

    def follow(self, row: Row, old: tuple[Row, _Day], new: tuple[Row, _Day]) -> Row:
        """`row` after the change from `old` to `new`: dates by as many days, counts by as much, the rest as it is
        now. What a row knows it does not forget."""
        cells = list(row)
        (was, then), (now, today) = old, new
        due = self._calendar.due(row)
        shift = due - then.due if due and then.due else timedelta(0)
        for column in self._free:
            if was[column] != now[column] and now[column] is not None:
                cells[column] = self._moved(column, row[column], (was[column], now[column]), shift)
        if due and then.due and today.due and today.due != then.due:
            due += today.due - then.due
            cells[self._columns[Fact.DUE_DATE]] = self._write(Fact.DUE_DATE, due, now)
        if self._calendar.birth(row) is None and then.birth is None and today.birth:
            birth = due + (today.birth - today.due) if due and today.due else today.birth
            cells[self._columns[Fact.INFANT_BIRTH_DATE]] = self._write(Fact.INFANT_BIRTH_DATE, birth, now)
        return tuple(cells)

    def possible(self, row: Row, aged: Row) -> bool:
        """Whether the new extract could hold the row: in its window, no birth it cannot know, nobody at 45 weeks."""
        due, birth = self._calendar.due(aged), self._calendar.birth(aged)
        window, known = self._calendar.window, self._calendar.extracted
        if due and window and not window[0] <= due <= window[1]:
            return False
        if birth and self._calendar.birth(row) is None and known is not None and birth > known:
            return False
        return not self._calendar.overdue(due, birth)

    def _write(self, fact: Fact, day: date, like: Row) -> Cell:
        return self._calendar.written(fact, day, like[self._columns[fact]])

    def _moved(self, column: int, cell: Cell, change: tuple[Cell, Cell], shift: timedelta) -> Cell:
        was, now = change
        if was is None and cell is not None:
            return cell
        if style := self._dated.get(column):
            day, then, mine = style.read(now), style.read(was), style.read(cell)
            if day is None:
                return cell
            return style.write(mine + (day - then) if mine and then else day + shift, now)
        if isinstance(was, _NUMBER) and isinstance(now, _NUMBER) and isinstance(cell, _NUMBER):
            moved = cell + (now - was)
            values = self._values[column]
            if values is None or moved in values:
                return moved
            return max(cell, now) if now > was else min(cell, now)
        return now


def _dates(header: str, cells: Sequence[Cell]) -> DateColumn | None:
    known = [cell for cell in cells if cell is not None]
    style = DateColumn()
    if not known or any(style.read(cell) is None for cell in known[:200]):
        return None
    return DateColumn.fit(header, known)
