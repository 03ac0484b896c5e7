"""Reads one record in which something was found: whose it is, and by what she is recognised."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from canary.mint.facts import Fact
from canary.scan.needles import Kind, Needles, Person
from canary.scan.text import holds_value, holds_word, readings

DUE_DATES = 180  # due dates in a register spread over half a year: a namesake shares one by this chance


@dataclass
class Clues:
    """What look-ups found in one record: numbers (codes) by kind, masked numbers, people whose name may be there."""

    numbers: dict[str, set[Kind]] = field(default_factory=dict)
    masked: set[str] = field(default_factory=set)
    people: set[int] = field(default_factory=set)

    @classmethod
    def of_numbers(cls, kind: Kind, numbers: Iterable[str]) -> "Clues":
        """Clues of numbers read in one way."""
        return cls({number: {kind} for number in numbers})

    def add(self, other: "Clues") -> None:
        """Take in what else was found in the same record."""
        for number, kinds in other.numbers.items():
            self.numbers.setdefault(number, set()).update(kinds)
        self.masked |= other.masked
        self.people |= other.people


@dataclass(frozen=True)
class Match:
    """One record of a file that shows personas, planted or shadow, by id: `by` says how each was recognised.

    `numbers` are those read plain or hashed, `named` the personas whose name or address stands there. `row` counts
    data records from 1. `chance`: how many real rows of the file are expected to match as well (see values).
    """

    numbers: frozenset[str]
    named: frozenset[int]
    by: Mapping[int, tuple[Kind, ...]]
    row: int = 0
    chance: float = 0.0

    def at(self, row: int) -> "Match":
        """The same match in its place."""
        return replace(self, row=row)


def read(record: bytes, clues: Clues, needles: Needles, name_rows: Counter[int]) -> Match | None:
    """Whom a record shows, or None if what was found is nothing: a mask or a name alone.

    A number alone tells its canary; where it stands in several copies, the name tells which.
    """
    texts = readings(record)
    on_numbers = {i for number in clues.numbers for i in needles.on_number[number]}
    masked = {i for number in clues.masked for i in needles.on_number[number]} - on_numbers
    # Which persona stands on a number is part of the draw: beside a number, all names are looked for alike.
    asked = set(needles.people) if clues.numbers else on_numbers | masked | clues.people
    named = {i for i in asked if _named(texts, needles.people[i])}
    name_rows.update(i for i in named & clues.people)
    by: defaultdict[int, set[Kind]] = defaultdict(set)
    for number, kinds in clues.numbers.items():
        holders = set(needles.on_number[number])
        for i in holders & named or holders:
            by[i] |= kinds
    for i in (on_numbers & named) | masked | (clues.people & named):
        by[i] |= _person(texts, needles.people[i], masked=i in masked)
    kept = {i: tuple(sorted(kinds, key=list(Kind).index)) for i, kinds in by.items() if kinds}
    return Match(frozenset(clues.numbers), frozenset(named), kept) if kept else None


def _person(texts: list[str], person: Person, masked: bool) -> set[Kind]:
    shown = {fact for fact, spelled in person.facts.items() if _shown(texts, spelled)}
    by_name = bool(person.name) and any(holds_word(text, person.name) for text in texts)
    found = set()
    if by_name and Fact.DUE_DATE in shown:
        found.add(Kind.NAME_DUE)
    if by_name and Fact.ADDRESS in shown:
        found.add(Kind.NAME_ADDRESS)
    if masked and (by_name or Fact.ADDRESS in shown or {Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE} <= shown):
        found.add(Kind.MASKED)
    return found


def _named(texts: list[str], person: Person) -> bool:
    if person.name and any(holds_word(text, person.name) for text in texts):
        return True
    return Fact.ADDRESS in person.facts and _shown(texts, person.facts[Fact.ADDRESS])


def _shown(texts: list[str], spelled: Iterable[str]) -> bool:
    return any(holds_value(text, value) for text in texts for value in spelled)
