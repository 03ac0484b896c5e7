"""A fitted host on its profile's terms: personas that keep its rules and show nothing it never issues."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from random import Random
from typing import TypeVar

import numpy as np

from canary.errors import CanaryError
from canary.mint.births import BirthDates
from canary.mint.columns import Profile, blank, places
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.mint.host import Host, fit
from canary.mint.identifiers import MaskedIds, RunningNumbers, identifies, with_birth_date
from canary.mint.keeping import Bound, bind
from canary.mint.levels import Levels
from canary.mint.names import NamePool

T = TypeVar("T")
_ROUNDS = 30
_LATER = frozenset({Fact.BIRTH_DATE, Fact.ENQUIRY_TOPIC})  # facts that are settled here, not by the host's model


class RuledHost:
    """What `Host` mints, mended or minted again until every persona keeps the rules its host keeps."""

    def __init__(self, table: Table, columns: Mapping[Fact, int], profile: Profile) -> None:
        """Raises CanaryError as `fit` does, and on a column that does not hold what a rule compares."""
        model = {fact: column for fact, column in columns.items() if fact not in _LATER}
        self._table, self._columns, self._profile = table, dict(columns), profile
        self._births = self._birth_dates()
        self._host: Host = fit(self._learnt(), model, profile.country, profile.never_issue)
        named = places(table, profile)
        stated = [rule for rule in profile.rules if all(name in named for name in rule.columns)]
        self._rules = bind(stated, named, _filled(table)) if stated else []
        listed = {(rule.kind, rule.columns[0]) for rule in profile.rules}
        self._unique = [column for name, column in named.items() if ("unique", name) in listed]
        others = [column for name, column in named.items() if ("names", name) in listed]
        self._others = {
            column: NamePool(Levels([None if c is None else str(c) for c in self._column(column)])) for column in others
        }
        self._never = {
            # One empty cell more: a column shown in full throughout stays empty in personas, but is no error.
            named[name]: MaskedIds(name, [*self._column(named[name]), None])
            for name in sorted(profile.never_columns & named.keys())
        }

    def personas(self, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """As `Host.personas`; raises CanaryError also without a phone column, and when no persona keeps all rules."""
        if Fact.PHONE not in self._columns:
            raise CanaryError("a table without phones cannot be seeded yet", "its canaries could not be rung")
        return self._kept(rng, phones, self._host.personas)

    def anonymous_personas(self, rng: Random, count: int) -> list[Persona]:
        """As `Host.anonymous_personas`; raises CanaryError also when no persona keeps all rules."""
        return self._kept(rng, [None] * count, lambda rng, some: self._host.anonymous_personas(rng, len(some)))

    def _kept(
        self, rng: Random, wanted: Sequence[T], mint: Callable[[Random, Sequence[T]], list[Persona]]
    ) -> list[Persona]:
        first = mint(rng, wanted)
        made, todo = list(first), list(range(len(first)))
        for _ in range(_ROUNDS):
            for at, persona in zip(todo, self._mended(rng, [made[at] for at in todo]), strict=True):
                made[at] = persona
            todo = self._broken(rng, made, todo)
            if not todo:
                return self._distinct(rng, made)
            broken = [bound.rule.text for bound in self._rules if bound.kept(made[todo[0]].cells) is False]
            for at, persona in zip(todo, mint(rng, [wanted[at] for at in todo]), strict=True):
                made[at] = self._carried(first[at], persona)
        raise CanaryError(
            f"no persona keeps the rule {' and '.join(broken)}" if broken else "the table has no room left",
            "leave the rule out of the profile, or see whether it names the right columns",
        )

    def _mended(self, rng: Random, personas: Sequence[Persona]) -> list[Persona]:
        shown = self._shown(rng, personas)
        if not self._rules:
            return shown
        rows = [persona.cells for persona in shown]
        for bound in self._rules:
            for at in _surplus(rng, bound, rows):
                rows[at] = bound.mended(rng, rows[at]) or rows[at]
        return [Persona(row, persona.facts) for persona, row in zip(shown, rows, strict=True)]

    def _shown(self, rng: Random, personas: Sequence[Persona]) -> list[Persona]:
        """Personas with birth dates of their own, without what is never issued, and the facts these settle."""
        columns = {i: [persona.cells[i] for persona in personas] for i in self._remade}
        facts: dict[Fact, Sequence[Cell]] = {}
        for column, masks in self._never.items():
            columns[column] = [masks.draw(rng, rng.randrange(len(self._table.rows))) for _ in personas]
        for column, names in self._others.items():
            if column not in self._never and names:
                columns[column] = _renamed(rng, names, columns[column])
        for fact in _LATER & self._columns.keys():
            facts[fact] = columns[self._columns[fact]]
            if fact in self._profile.never_issue:
                facts[fact] = columns[self._columns[fact]] = [None] * len(personas)
            elif fact is Fact.BIRTH_DATE and self._births:
                names_of = (persona.facts.get(Fact.NAME) for persona in personas)
                drawn = [self._births.draw(rng, *each) for each in zip(facts[fact], names_of, strict=True)]
                facts[fact], columns[self._columns[fact]] = [day for day, _ in drawn], [cell for _, cell in drawn]
        if Fact.RESIDENT_ID in self._columns:
            births = facts.get(Fact.BIRTH_DATE, [None] * len(personas))
            ids = map(with_birth_date, columns[self._columns[Fact.RESIDENT_ID]], births)
            facts[Fact.RESIDENT_ID] = columns[self._columns[Fact.RESIDENT_ID]] = list(ids)
        return _with(personas, columns, facts)

    @cached_property
    def _remade(self) -> list[int]:
        """The columns settled here, not by the host's model."""
        facts = (_LATER | {Fact.RESIDENT_ID}) & self._columns.keys()
        return sorted({*self._never, *self._others, *(self._columns[fact] for fact in facts)})

    def _broken(self, rng: Random, made: Sequence[Persona], fresh: Sequence[int]) -> list[int]:
        """Which of the `fresh` personas break a rule that cannot be mended, or repeat another one's pairs."""
        if not self._rules and len(fresh) == len(made):
            return []  # the host gives no pair twice
        others = Counter(pair for persona in made for pair in _pairs(persona))
        return [
            at
            for at in fresh
            if any(b.kept(made[at].cells) is False and b.mended(rng, made[at].cells) is None for b in self._rules)
            or any(others[pair] > 1 for pair in _pairs(made[at]))
        ]

    def _carried(self, first: Persona, again: Persona) -> Persona:
        """A persona minted again keeps the numbers the first was given: a second draw would give them twice."""
        cells, facts = list(again.cells), dict(again.facts)
        for column in self._numbered:
            cells[column] = first.cells[column]
        if Fact.RUNNING_NUMBER in facts:
            facts[Fact.RUNNING_NUMBER] = first.facts[Fact.RUNNING_NUMBER]
        return replace(again, cells=tuple(cells), facts=facts)

    @property
    def _numbered(self) -> list[int]:
        free = set(range(len(self._table.header))) - set(self._columns.values())
        own = [column for column in sorted(free) if identifies(self._column(column))]
        return own + [column for fact, column in self._columns.items() if fact is Fact.RUNNING_NUMBER]

    def _distinct(self, rng: Random, personas: Sequence[Persona]) -> list[Persona]:
        """Unique columns: a value that stands twice becomes the next free number, or nothing."""
        if not self._unique:
            return list(personas)
        rows = [list(persona.cells) for persona in personas]
        for column in self._unique:
            host = self._column(column)
            taken: set[Cell] = {cell for cell in host if cell is not None}
            again = [row for row in rows if _taken(taken, row[column])]
            fresh = RunningNumbers(host).draw(rng, len(again)) if all(map(_whole, taken)) else [None] * len(again)
            for row, cell in zip(again, fresh, strict=True):
                row[column] = cell
        return [replace(persona, cells=tuple(row)) for persona, row in zip(personas, rows, strict=True)]

    def _birth_dates(self) -> BirthDates | None:
        if Fact.BIRTH_DATE not in self._columns:
            return None
        column, nobody = self._columns[Fact.BIRTH_DATE], [None] * len(self._table.rows)
        names = self._column(self._columns[Fact.NAME]) if Fact.NAME in self._columns else nobody
        return BirthDates(self._table.header[column], self._column(column), names)

    def _learnt(self) -> Table:
        """The table as the host's model sees it: brackets of birth dates, never their days."""
        if self._births is None:
            return self._table
        at, brackets = self._columns[Fact.BIRTH_DATE], self._births.brackets
        rows = zip(self._table.rows, brackets, strict=True)
        return Table(self._table.header, tuple((*row[:at], bracket, *row[at + 1 :]) for row, bracket in rows))

    def _column(self, column: int) -> list[Cell]:
        return [None if blank(row[column]) else row[column] for row in self._table.rows]


def _texts(cells: Sequence[Cell]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]


def _renamed(rng: Random, names: NamePool, cells: Sequence[Cell]) -> list[Cell]:
    """Other names in place of those in the cells."""
    draws = np.random.default_rng(rng.getrandbits(128))
    texts = names.texts(names.draw(draws, len(cells)))
    return [None if cell is None else text for cell, text in zip(cells, texts, strict=True)]


def _with(
    personas: Sequence[Persona], columns: Mapping[int, Sequence[Cell]], facts: Mapping[Fact, Sequence[Cell]]
) -> list[Persona]:
    """The personas with these cells and facts in place of theirs."""
    if not columns:
        return list(personas)
    made = []
    for at, persona in enumerate(personas):
        cells = list(persona.cells)
        for column, values in columns.items():
            cells[column] = values[at]
        made.append(Persona(tuple(cells), {**persona.facts, **{fact: values[at] for fact, values in facts.items()}}))
    return made


def _filled(table: Table) -> Table:
    """The table with None for whatever is blank."""
    return Table(table.header, tuple(tuple(None if blank(c) else c for c in row) for row in table.rows))


def _pairs(persona: Persona) -> list[tuple[Cell, Fact, Cell]]:
    """What no two personas may share: a name with a due date, a name with an address."""
    name, facts = persona.facts.get(Fact.NAME), persona.facts
    told = [(fact, facts.get(fact)) for fact in (Fact.DUE_DATE, Fact.ADDRESS)]
    return [(name, fact, value) for fact, value in told if name is not None and value is not None]


def _surplus(rng: Random, bound: Bound, rows: Sequence[Row]) -> list[int]:
    """Rows that break a rule beyond the host's own rate; a derived value may be wrong as often as the host's is."""
    broken = [at for at, row in enumerate(rows) if bound.kept(row) is False]
    if bound.rule.kind in ("order", "needs") or not broken:
        return broken
    spared = sum(rng.random() >= bound.share for _ in rows)
    return sorted(rng.sample(broken, max(0, len(broken) - spared)))


def _taken(taken: set[Cell], cell: Cell) -> bool:
    """Whether a cell is taken; from now on it is."""
    if cell is None or cell not in taken:
        taken |= {cell} if cell is not None else set()
        return False
    return True


def _whole(cell: Cell) -> bool:
    return (isinstance(cell, int) and not isinstance(cell, bool)) or (isinstance(cell, str) and cell.isdecimal())
