"""Reads one record in which something was found: whose it is, and by what she is recognised."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from canary.mint.facts import Fact
from canary.scan.blocks import FIELDS
from canary.scan.chinese import resembles, shown_sounds
from canary.scan.needles import Kind, Needles
from canary.scan.person import Person, shown_numbers
from canary.scan.text import holds_value, holds_word, readings

_WORDS = re.compile(r"[^\W\d_]+")
_TELLING = (Fact.DUE_DATE, Fact.ADDRESS, Fact.INFANT_BIRTH_DATE)
_PLACE = {kind: at for at, kind in enumerate(Kind)}
FEW = 3  # namesakes read without more ado
_WEAK = ((Kind.NAME_DUE,), (Kind.PINYIN,))
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
        return Match(self.numbers, self.named, self.by, row, self.chance)


def read(record: bytes, clues: Clues, needles: Needles, row: int = 0) -> Match | None:
    """Whom a record, the file's `row`, shows, or None if what was found is nothing: a mask or a name alone.

    A number alone tells its canary; where it stands in several copies, the name tells which.
    """
    if len(clues.people) > FEW and not (clues.numbers or clues.masked):
        # Whoever lacks all the digits of her due date and address is not read further.
        shown = shown_numbers(record)
        clues = Clues(people={i for i in clues.people if any(map(shown.issuperset, needles.people[i].signs()))})
        if not clues.people:
            return None
    texts = readings(record)
    on_numbers = {i for number in clues.numbers for i in needles.on_number[number]}
    masked = {i for number in clues.masked for i in needles.on_number[number]} - on_numbers
    # Which persona stands on a number is part of the draw: beside a number, all personas are looked for alike.
    named = _named(texts, needles) if clues.numbers else frozenset()
    by: defaultdict[int, set[Kind]] = defaultdict(set)
    for number, kinds in clues.numbers.items():
        holders = set(needles.on_number[number])
        for i in holders & named or holders:
            by[i] |= kinds
    latin = _Latin(texts)
    for i in (on_numbers & named) | masked | clues.people:
        by[i] |= _person(texts, latin, needles.people[i], masked=i in masked)
    kept = {i: _in_order(kinds) for i, kinds in by.items() if kinds}
    return Match(frozenset(clues.numbers), named, kept, row) if kept else None


def _in_order(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    return tuple(sorted(kinds, key=_PLACE.__getitem__))


@dataclass
class _Latin:
    """The words of a record by their sound, read only where somebody's name is not written there."""

    texts: list[str]

    @cached_property
    def sounds(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(map(shown_sounds, self.texts)))


def _person(texts: list[str], latin: _Latin, person: Person, masked: bool) -> set[Kind]:
    by_name = _holds(texts, person.name)
    by_sound = not by_name and not person.sounds.isdisjoint(latin.sounds)
    found: set[Kind] = set()
    if not (by_name or by_sound or masked):
        return found
    shown = {fact for fact in _TELLING if _shown(texts, person.spelled(fact))}
    if by_name and Fact.DUE_DATE in shown:
        found.add(Kind.NAME_DUE)
    if by_name and Fact.ADDRESS in shown:
        found.add(Kind.NAME_ADDRESS)
    if by_name and any("e+" in text for text in texts) and _shown(texts, person.rounded):
        found.add(Kind.ROUNDED)
    if by_sound and shown & {Fact.DUE_DATE, Fact.ADDRESS}:
        found.add(Kind.PINYIN)
    if masked and (by_name or by_sound or Fact.ADDRESS in shown or _dated(texts, person, shown)):
        found.add(Kind.MASKED)
    return found


def _holds(texts: list[str], name: str) -> bool:
    return bool(name) and any(name in text and holds_word(text, name) for text in texts)


def _dated(texts: list[str], person: Person, shown: set[Fact]) -> bool:
    """Whether the due date is there with the birth, or with nearly her name: too many have a due date alone."""
    return Fact.DUE_DATE in shown and (Fact.INFANT_BIRTH_DATE in shown or resembles(texts, person.name))


def _named(texts: list[str], needles: Needles) -> frozenset[int]:
    """All whose name stands there, or whose address fills a field."""
    found: set[int] = set()
    for text in texts:
        words = {i for word in _WORDS.findall(text) for i in needles.names.get(word, ())}
        found |= {i for i in words if holds_word(text, needles.people[i].name)}
        found |= {i for field in FIELDS.split(text) for i in needles.addresses.get(field.strip(), ())}
    return frozenset(found)


def _shown(texts: list[str], spelled: Iterable[str]) -> bool:
    for text in texts:
        for value in spelled:
            if value in text and holds_value(text, value):
                return True
    return False


def is_doubtful(match: Match) -> bool:
    """Whether it shows people by a name and due date alone, and nobody has reckoned the chance of that."""
    return not match.chance and all(kinds in _WEAK for kinds in match.by.values())


def parted(match: Match) -> Iterator[Match]:
    """A match, those whom it shows by a name and due date alone in one of their own."""
    weak = {i: kinds for i, kinds in match.by.items() if kinds in _WEAK}
    sure = {i: kinds for i, kinds in match.by.items() if i not in weak}
    yield replace(match, by=sure or weak)
    if sure and weak:
        yield Match(frozenset(), frozenset(), weak, match.row)


def merged(matches: Sequence[Match]) -> list[Match]:
    """One match a row, though a long record may have been read in pieces; but of each persona her own where chance was
    reckoned: the same row may be surely one's and hardly another's."""
    rows: dict[tuple[int, frozenset[int]], Match] = {}
    for match in matches:
        place = match.row, frozenset(match.by if match.chance else ())
        if place in rows:
            old = rows[place]
            both = {i: {*old.by.get(i, ()), *match.by.get(i, ())} for i in old.by.keys() | match.by.keys()}
            by = {i: _in_order(kinds) for i, kinds in sorted(both.items())}
            chance = max(old.chance, match.chance)
            match = replace(
                old, numbers=old.numbers | match.numbers, named=old.named | match.named, by=by, chance=chance
            )
        rows[place] = match
    return sorted(rows.values(), key=lambda match: match.row)
