"""Tells who is new in a month's table, and mints personas as new women are."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random

from canary.errors import CanaryError
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.mint.people import People

Mint = Callable[[Random, Sequence[str]], list[Persona]]

OVERDUE = timedelta(weeks=5)  # 45 weeks of pregnancy: nobody stays undelivered so long
_SAME_DAY, _REACH = 5, 8
_ROUNDS = 400
_KEYS = (
    (Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.DUE_DATE),
    (Fact.NAME, Fact.PHONE),
    (Fact.NAME, Fact.ADDRESS),
    (Fact.PHONE,),
    (Fact.NAME, Fact.DUE_DATE, Fact.HOSPITAL),
)


def link(before: Table, after: Table, columns: Mapping[Fact, int]) -> list[int | None]:
    """For each row of `before` the same woman's row in `after`, or None; both tables have `columns`.

    Strict keys first (name, phone, address, due date), then looser ones; a key that two rows of a table share
    links nobody.
    """
    found: list[int | None] = [None] * len(before.rows)
    taken: set[int] = set()
    for facts in _KEYS:
        if not all(fact in columns for fact in facts):
            continue
        at = [columns[fact] for fact in facts]
        old = _unique(before.rows, at, {i for i, linked in enumerate(found) if linked is not None})
        new = _unique(after.rows, at, taken)
        for key in old.keys() & new.keys():
            found[old[key]] = new[key]
            taken.add(new[key])
    return found


def _unique(rows: Sequence[Row], at: Sequence[int], done: set[int]) -> dict[tuple[Cell, ...], int]:
    keys = {i: tuple(row[column] for column in at) for i, row in enumerate(rows) if i not in done}
    keys = {i: key for i, key in keys.items() if None not in key}
    seen = Counter(keys.values())
    return {key: i for i, key in keys.items() if seen[key] == 1}


class Calendar:
    """The due dates and births of one table: who stands near whom, and on which day it was extracted."""

    def __init__(self, table: Table, columns: Mapping[Fact, int]) -> None:
        """Raises CanaryError when the due-date or birth column holds no dates."""
        self._columns, self._styles = columns, dict[Fact, DateColumn]()
        for fact in (Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE):
            if fact in columns:
                column = columns[fact]
                self._styles[fact] = DateColumn.fit(table.header[column], [row[column] for row in table.rows])
        self.dues = [self.due(row) for row in table.rows]
        self.births = [self.birth(row) for row in table.rows]
        known = [due for due in self.dues if due]
        self.window = (min(known), max(known)) if known else None
        self.extracted = max((birth for birth in self.births if birth), default=None)
        self._groups: dict[tuple[bool, bool | None], list[tuple[date, int]]] = defaultdict(list)
        for row, (due, birth) in enumerate(zip(self.dues, self.births, strict=True)):
            for born in (birth is not None, None):
                self._groups[due is not None, born].append((due or date.min, row))
        for group in self._groups.values():
            group.sort()

    def due(self, row: Row) -> date | None:
        """The due date a row tells."""
        return self._day(Fact.DUE_DATE, row)

    def birth(self, row: Row) -> date | None:
        """The infant's birth a row tells."""
        return self._day(Fact.INFANT_BIRTH_DATE, row)

    def written(self, fact: Fact, day: date, like: Cell) -> Cell:
        """A day as the table writes it in the column of `fact`."""
        return self._styles[fact].write(day, like)

    def overdue(self, due: date | None, birth: date | None) -> bool:
        """Whether a woman would stand in this extract undelivered at 45 weeks."""
        if due is None or birth is not None or self.extracted is None or Fact.INFANT_BIRTH_DATE not in self._columns:
            return False
        return due + OVERDUE <= self.extracted

    def near(self, due: date | None, born: bool | None) -> list[int]:
        """The rows due on that day, delivered or not (None: either); where there are few, those due about then."""
        group = self._groups.get((due is not None, born), [])
        if due is None:
            return [row for _, row in group]
        first, last = bisect_left(group, (due, -1)), bisect_left(group, (due, len(self.dues)))
        if last - first < _SAME_DAY:
            first, last = max(0, first - _REACH), last + _REACH
        return [row for _, row in group[first:last]]

    def _day(self, fact: Fact, row: Row) -> date | None:
        return self._styles[fact].read(row[self._columns[fact]]) if fact in self._styles else None


class Cohort:
    """The women who entered a table since the extract before; `entered` says of each row whether she did."""

    def __init__(self, calendar: Calendar, entered: Sequence[bool]) -> None:
        self._calendar, self._entered = calendar, entered
        self.share = sum(entered) / len(entered) if entered else 0.0
        states = {(due, birth is not None) for due, birth in zip(calendar.dues, calendar.births, strict=True)}
        self._chances = {state: self._chance(*state) for state in states}
        self._top = max(self._chances.values(), default=0.0)

    def mint(self, mint: Mint, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """One persona a phone, due and delivered as the women who entered are.

        `mint` draws from the whole table, and its personas are kept with the probability that a row like them is
        new. Raises CanaryError when hardly any would be kept.
        """
        found: dict[str, Persona] = {}
        claims = People()
        left = list(phones)
        for _ in range(_ROUNDS):
            for phone, persona in zip(left, mint(rng, left), strict=True):
                if self._enters(rng, persona) and _free(claims, persona):
                    found[phone] = persona
                    _claim(claims, persona)
            left = [phone for phone in left if phone not in found]
            if not left:
                return [found[phone] for phone in phones]
        raise CanaryError("the month's new rows are like none of the table's", "seed this copy without --last")

    def _enters(self, rng: Random, persona: Persona) -> bool:
        due, birth = _as_date(persona.facts.get(Fact.DUE_DATE)), _as_date(persona.facts.get(Fact.INFANT_BIRTH_DATE))
        if self._calendar.overdue(due, birth):
            return False
        state = due, birth is not None
        chance = self._chances[state] if state in self._chances else self._chance(*state)
        return rng.random() * self._top < chance

    def _chance(self, due: date | None, born: bool) -> float:
        near = self._calendar.near(due, born)
        return sum(self._entered[row] for row in near) / len(near) if near else 0.0


def _as_date(cell: Cell) -> date | None:
    return cell if isinstance(cell, date) else None


def _who(persona: Persona) -> tuple[str, date | None, str | None] | None:
    name, address = persona.facts.get(Fact.NAME), persona.facts.get(Fact.ADDRESS)
    if name is None:
        return None
    return str(name), _as_date(persona.facts.get(Fact.DUE_DATE)), None if address is None else str(address)


def _free(claims: People, persona: Persona) -> bool:
    """Whether no persona of an earlier round is nearly this one: `mint` knows only those of its own."""
    who = _who(persona)
    return who is None or (claims.due_is_free(who[0], who[1]) and claims.address_is_free(who[0], who[2]))


def _claim(claims: People, persona: Persona) -> None:
    if who := _who(persona):
        claims.add(*who)
