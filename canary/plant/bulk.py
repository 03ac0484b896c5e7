"""Personas for a table too big to fit as a whole: minted from a sample of its rows, kept apart from all of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import repeat
from random import Random
from typing import Protocol

from canary.errors import CanaryError
from canary.mint.addresses import split
from canary.mint.claims import within_one_edit
from canary.mint.columns import Profile, places
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.mint.identifiers import RunningNumbers, codes_of, identifies
from canary.mint.people import Names
from canary.plant.spool import Spool

SAMPLE = 20_000  # rows the model is fitted to, evenly spread: more would take most of the memory
_ROUNDS, _TRIES, _MOST_TRIES = 30, 6, 96

_Claim = tuple[Cell, Fact | int, Cell]


class Minting(Protocol):
    """What mints personas for a host's rows."""

    def personas(self, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """One persona a phone, all different."""
        ...

    def anonymous_personas(self, rng: Random, count: int) -> list[Persona]:
        """As many personas for a table without phones."""
        ...


class SampledHost:
    """A host fitted to a `sample` of the rows in `spool`; its personas are checked against every row."""

    def __init__(
        self, host: Minting, sample: Table, spool: Spool, columns: Mapping[Fact, int], profile: Profile
    ) -> None:
        self._host, self._sample, self._spool, self._columns = host, sample, spool, columns
        named = places(sample, profile)
        self._unique = sorted(
            {named[r.columns[0]] for r in profile.rules if r.kind == "unique" and r.columns[0] in named}
        )
        free = set(range(len(sample.header))) - set(columns.values())
        self._codes = [at for at in sorted(free) if identifies([row[at] for row in sample.rows])]

    def personas(self, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """As `RuledHost.personas`; raises CanaryError also when every persona tried is, or nearly is, a real row."""
        made: list[Persona | None] = [None] * len(phones)
        held: set[_Claim] = set()
        for trial in range(_ROUNDS):
            waiting = [at for at, persona in enumerate(made) if persona is None]
            if not waiting:
                return self._numbered(rng, [persona for persona in made if persona])
            # To go through a million rows costs more than some personas too many; in a crowded table few are free.
            count = min(_TRIES * 2**trial, _MOST_TRIES)
            tries = [self._host.personas(rng, [phones[at] for at in waiting]) for _ in range(count)]
            taken = self._taken([persona for each in tries for persona in each])
            for tried, personas in enumerate(tries):
                for i, (at, persona) in enumerate(zip(waiting, personas, strict=True)):
                    claims = self._claims(persona)
                    if made[at] is None and tried * len(waiting) + i not in taken and not claims & held:
                        made[at] = persona
                        held |= claims
        raise CanaryError("the table has no room for another persona", "every one tried is too close to a real row's")

    def anonymous_personas(self, rng: Random, count: int) -> list[Persona]:
        """As `RuledHost.anonymous_personas`; codes are not yet free in all rows (see `plant.lot.settled`)."""
        made: list[Persona] = []
        for _ in range(_ROUNDS):
            tried = self._host.anonymous_personas(rng, count - len(made))
            real = self._real({self._told(persona.cells) for persona in tried})
            made += [persona for persona in tried if self._told(persona.cells) not in real]
            if len(made) == count:
                return made
        raise CanaryError("the table has no room for another persona", "every one tried is a real row's")

    def _real(self, told: set[Row]) -> set[Row]:
        return {shown for row in self._spool if (shown := self._told(row)) in told}

    def _told(self, row: Row) -> Row:
        """What a row tells besides the codes that are all different."""
        return tuple(cell for at, cell in enumerate(row) if at not in self._codes)

    def _claims(self, persona: Persona) -> set[_Claim]:
        """What no other persona may have: her name with her due date or address, and what is unique."""
        name = persona.facts.get(Fact.NAME)
        told: list[_Claim] = [(None, column, persona.cells[column]) for column in self._unique]
        if name is not None:
            told += [(name, fact, persona.facts.get(fact)) for fact in (Fact.DUE_DATE, Fact.ADDRESS)]
        return {claim for claim in told if claim[2] is not None}

    def _numbered(self, rng: Random, made: Sequence[Persona]) -> list[Persona]:
        """The personas with running numbers and codes that no row has: what is free, a sample cannot tell."""
        rows, facts = [list(persona.cells) for persona in made], [dict(persona.facts) for persona in made]
        if (number := self._columns.get(Fact.RUNNING_NUMBER)) is not None:
            drawn = RunningNumbers(list(self._spool.column(number))).draw(rng, len(rows))
            for row, told, cell in zip(rows, facts, drawn, strict=True):
                row[number] = told[Fact.RUNNING_NUMBER] = cell
        for at in self._codes:
            codes = codes_of(list(self._spool.column(at)), anonymous=Fact.PHONE not in self._columns)
            for row, cell in zip(rows, codes.draw(rng, len(rows)) if codes else repeat(None, len(rows)), strict=True):
                row[at] = cell
        return [
            replace(persona, cells=tuple(row), facts=told) for persona, row, told in zip(made, rows, facts, strict=True)
        ]

    def _taken(self, made: Sequence[Persona]) -> set[int]:
        """Which personas are too close to a row."""
        found = self._people(made)
        for column in self._unique:
            cells: defaultdict[Cell, set[int]] = defaultdict(set)
            for at, persona in enumerate(made):
                cells[persona.cells[column]].add(at)
            for cell in self._spool.column(column):
                if cell is not None and cell in cells:
                    found |= cells[cell]
        return found

    def _people(self, made: Sequence[Persona]) -> set[int]:
        """Which personas are within one edit of some row's (name, due date), (name, address) or door."""
        near = _Near(made, self._known_addresses())
        names, addresses = self._texts(Fact.NAME), self._texts(Fact.ADDRESS)
        for name, due, address in zip(names, self._dues(), addresses, strict=False):
            near.meet(name, due, address)
        return near.found

    def _known_addresses(self) -> frozenset[str]:
        at = self._columns.get(Fact.ADDRESS)
        return frozenset() if at is None else frozenset(str(row[at]) for row in self._sample.rows)

    def _texts(self, fact: Fact) -> Iterator[str | None]:
        at = self._columns.get(fact)
        if at is None:
            return repeat(None, len(self._spool))
        return (None if cell is None else str(cell) for cell in self._spool.column(at))

    def _dues(self) -> Iterator[str | None]:
        at = self._columns.get(Fact.DUE_DATE)
        if at is None:
            return repeat(None, len(self._spool))
        style = DateColumn.fit(self._sample.header[at], [row[at] for row in self._sample.rows])
        read: dict[Cell, str | None] = {}

        def day(cell: Cell) -> str | None:
            if cell not in read:
                read[cell] = _iso(style.read(cell))
            return read[cell]

        return map(day, self._spool.column(at))


_NOBODY = Names()


class _Near:
    """Some personas, to be met by all rows one after another; `found` are those that somebody is too close to."""

    def __init__(self, made: Sequence[Persona], shared: frozenset[str]) -> None:
        self.found: set[int] = set()
        self._names: defaultdict[str | None, list[int]] = defaultdict(list)
        self._dues: defaultdict[str | None, list[int]] = defaultdict(list)
        self._addresses: defaultdict[str | None, list[int]] = defaultdict(list)
        self._people: list[tuple[str, str | None, str | None]] = []
        self._heads: dict[str, list[int]] = defaultdict(list)
        self._tails: dict[str, list[int]] = defaultdict(list)
        self._doors: list[str | None] = []
        self._cuts: dict[int, tuple[list[int], list[int]]] = {}
        for persona in made:
            who = len(self._people)
            name, address = (str(persona.facts.get(fact) or "") for fact in (Fact.NAME, Fact.ADDRESS))
            due = _iso(persona.facts.get(Fact.DUE_DATE))
            self._people.append((name, due, address or None))
            for people, key in ((self._names, name), (self._dues, due), (self._addresses, address)):
                if key:
                    people[key].append(who)
            # An address that the sample has too is coarse: it names nobody's door and may be shared.
            self._doors.append(address if address and address not in shared else None)
            if self._doors[-1] and split(address).unit:
                half = len(address) // 2
                self._heads[address[:half]].append(who)
                self._tails[address[half:]].append(who)
        self._due_names = {due: Names(self._people[who][0] for who in some) for due, some in self._dues.items()}
        self._lengths = {len(door) for door in self._doors if door}

    def meet(self, name: str | None, due: str | None, address: str | None) -> None:
        """Take one row into account."""
        if name is not None:
            for who in self._names.get(name, ()):
                _, its_due, its_address = self._people[who]
                if _close(due, its_due) or _close(address, its_address):
                    self.found.add(who)
            if self._due_names.get(due, _NOBODY).near(name):
                self.found.update(who for who in self._dues[due] if within_one_edit(name, self._people[who][0]))
        if address is None:
            return
        if here := self._addresses.get(address):
            close = (who for who in here if self._doors[who] or _close(name, self._people[who][0]))
            self.found.update(close)
        self._meet_door(address)

    def _meet_door(self, address: str) -> None:
        # One edit leaves the first or the second half of a text as it is, and changes its length by one at most.
        if len(address) not in self._cuts:
            near = sorted(self._lengths & set(range(len(address) - 1, len(address) + 2)))
            self._cuts[len(address)] = sorted({n // 2 for n in near}), sorted({n - n // 2 for n in near})
        heads, tails = self._cuts[len(address)]
        close = [self._heads[head] for cut in heads if (head := address[:cut]) in self._heads]
        close += [self._tails[tail] for cut in tails if (tail := address[-cut:]) in self._tails]
        for whose in close:
            self.found.update(who for who in whose if within_one_edit(address, self._doors[who] or ""))


def _close(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and within_one_edit(one, other)


def _iso(day: Cell) -> str | None:
    return day.isoformat() if isinstance(day, date) else None
