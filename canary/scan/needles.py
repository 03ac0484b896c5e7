"""What is looked for: every spelling of every persona's number and facts, ready for look-ups."""

import gc
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache, cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from canary.mint.facts import Cell, Fact
from canary.scan import chinese, spellings
from canary.scan.digests import PIECES, beginnings
from canary.scan.roster import Roster, rosters
from canary.scan.text import plain
from canary.store.e164 import Written, written

if TYPE_CHECKING:  # it brings the database, which a worker of a scan does without
    from canary.scan.near import Near
    from canary.store.finds import Sought

K = TypeVar("K")
V = TypeVar("V")


class Kind(StrEnum):
    """By what a canary was recognised in a row."""

    PHONE = "phone"
    MD5 = "phone-md5"
    SHA1 = "phone-sha1"
    SHA256 = "phone-sha256"
    MASKED = "phone-masked"
    ROUNDED = "phone-rounded"
    NAME_DUE = "name+due"
    NAME_ADDRESS = "name+address"
    PINYIN = "pinyin"
    VALUES = "values"
    ALIKE = "alike"


NUMBER_ITSELF = frozenset({Kind.PHONE, Kind.MD5, Kind.SHA1, Kind.SHA256})


@dataclass(frozen=True)
class Person:
    """One persona as text: `facts` hold every spelling of each fact, already `plain`, `sounds` her name in Latin
    letters, `rounded` her number with its last digits lost, `own` the longest word of her name as it was planted. A
    record that shows her due date, address or rounded number shows all whole numbers of one of the `signs`."""

    id: int
    number: str
    name: str
    facts: Mapping[Fact, frozenset[str]]
    signs: tuple[frozenset[int], ...] = ()
    sounds: frozenset[str] = frozenset()
    rounded: frozenset[str] = frozenset()
    own: str = ""


@dataclass(frozen=True)
class Hashes:
    """The hashes of numbers: key i, 8 bytes of `keys`, is what hashes of `numbers[owners[i]]` begin with."""

    keys: bytes = b""
    owners: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    numbers: Sequence[tuple[str, str]] = ()

    @classmethod
    def of(cls, phones: Mapping[str, Written]) -> "Hashes":
        """Those of numbers by code: all usual spellings."""
        words = [spellings.hashed_spellings(phone) for phone in phones.values()]
        owners = np.repeat(np.arange(len(words), dtype=np.uint32), [PIECES * len(own) for own in words])
        keys = beginnings([word.encode() for own in words for word in own])
        return cls(keys, owners, [(number, phone.e164) for number, phone in phones.items()])

    def owner(self, key: int, word: bytes) -> tuple[Kind, frozenset[str]] | None:
        """The kind and number (code) of a hash found by a key; None if not the whole of it agrees."""
        number, phone = self.numbers[self.owners[key]]
        token = word.decode().lower()
        kind = next((kind for kind, hashed in spellings.digests(phone) if hashed == token), None)
        return (Kind(kind), frozenset({number})) if kind else None


@dataclass(frozen=True)
class Needles:
    """Look-up tables from what may stand in a file to people and numbers (by code).

    `digits`: runs of digits; `masks`: what is left of a masked number, as 138*1234; `anchors`: byte tokens of names,
    in every encoding; `names`: the longest word of each; `addresses` whole. `rosters` hold those of tables without
    phones, known by their rows alone.
    """

    people: Mapping[int, Person]
    on_number: Mapping[str, tuple[int, ...]]
    digits: Mapping[bytes, Sequence[str]] = field(default_factory=dict)
    hashes: Hashes = field(default_factory=Hashes)
    masks: Mapping[bytes, Sequence[str]] = field(default_factory=dict)
    anchors: Mapping[bytes, tuple[int, ...]] = field(default_factory=dict)
    names: Mapping[str, Sequence[int]] = field(default_factory=dict)
    addresses: Mapping[str, Sequence[int]] = field(default_factory=dict)
    rosters: tuple[Roster, ...] = ()

    @cached_property
    def values(self) -> Mapping[str, tuple[tuple[int, Fact], ...]]:
        """Plain spelling of a fact to (person, fact): made when first asked for, as few files need it."""
        return _values(self.people.values())

    @cached_property
    def coincidence(self) -> float:
        """How often two personas share an address."""
        size = len(self.people)
        shared = sum(len(ids) * (len(ids) - 1) for ids in self.addresses.values())
        return min(1.0, (shared + 2) / max(1, size * (size - 1)))

    @cached_property
    def near(self) -> "Near":
        """What misspelled names and cut numbers are looked up in: made when first asked for, too."""
        from canary.scan.near import Near

        return Near.of(self)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many small objects are made, none of them garbage: the collector would walk them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # they stay to the end: the collector need not walk them, nor a child so copy them
        if enabled:
            gc.enable()


@_no_collection()
def needles(sought: "Iterable[Sought]", phones_only: bool = False) -> Needles:
    """The needles of all personas, planted and shadows alike; with `phones_only` the plain numbers alone."""
    everyone, unphoned = _by_phone(sought)
    people = {s.id: _person(s) for s in everyone}
    on_number: defaultdict[str, list[int]] = defaultdict(list)
    for s in everyone:
        on_number[s.number].append(s.id)
    phones = {s.number: written(s.phone) for s in everyone}
    held = {number: tuple(ids) for number, ids in on_number.items()}
    digits = _index((form.encode(), number) for number, phone in phones.items() for form in phone.digit_forms())
    names = _index((_longest(person.name), person.id) for person in people.values() if person.name)
    addresses = _index((text, i) for i, person in people.items() for text in person.facts.get(Fact.ADDRESS, ()))
    if phones_only:
        return Needles(people, held, digits, names=names, addresses=addresses)
    return Needles(
        people,
        held,
        digits,
        Hashes.of(phones),
        _index((mask.encode(), n) for n, phone in phones.items() for mask in spellings.masks(phone)),
        {token: tuple(sorted(set(ids))) for token, ids in _index(_anchors(people.values())).items()},
        names,
        addresses,
        rosters(unphoned),
    )


def _by_phone(sought: "Iterable[Sought]") -> "tuple[list[Sought], list[Sought]]":
    """Those with a number, and those without."""
    sides: tuple[list[Sought], list[Sought]] = [], []
    for who in sought:
        sides[who.in_lot].append(who)
    return sides


def _person(sought: "Sought") -> Person:
    facts = {fact: _spelled(value) for fact, value in sought.facts.items() if fact not in (Fact.PHONE, Fact.NAME)}
    name = plain(str(sought.facts.get(Fact.NAME) or ""))
    kept: dict[Fact, frozenset[str]] = {fact: found for fact, found in facts.items() if found}
    rounded = frozenset(spellings.rounded(written(sought.phone).bare))
    signs = tuple(_signs(sought.facts.get(Fact.DUE_DATE), sought.facts.get(Fact.ADDRESS), rounded))
    own = _longest(str(sought.facts.get(Fact.NAME) or ""))
    return Person(sought.id, sought.number, name, kept, signs, chinese.sounds(name), rounded, own)


@cache
def _dates(day: date) -> frozenset[str]:
    return frozenset(map(plain, spellings.dates(day)))


@cache
def _of_date(day: date) -> tuple[frozenset[int], ...]:
    compact = (frozenset({int(text)}) for text in _dates(day) if text.isdecimal())
    return frozenset({day.year, day.month, day.day}), *compact


def _signs(due: Cell, address: Cell, rounded: Iterable[str]) -> Iterator[frozenset[int]]:
    if isinstance(due, date):
        yield from _of_date(due)
    if address:
        yield _numbers(plain(str(address)))
    yield from map(_numbers, rounded)


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(run) for run in re.findall(r"[0-9]+", text) if len(run) <= 10)


def _longest(name: str) -> str:
    words: list[str] = re.findall(r"[^\W\d_]+", name)
    return max(words or [name], key=len)


def _spelled(value: Cell) -> frozenset[str]:
    if isinstance(value, date):
        return _dates(value)
    text = plain(str(value)) if value is not None else ""
    return frozenset({text} if text else ())


def _anchors(people: Iterable[Person]) -> Iterator[tuple[bytes, int]]:
    """The longest word of each name as bytes: in every encoding and case, simplified and traditional, as JSON escapes
    it, by its sound."""
    for person in people:
        if not person.name:
            continue
        longest = _longest(person.name)
        for word in {person.own, *chinese.written_forms(longest), longest.upper(), longest.title()}:
            yield json.dumps(word)[1:-1].encode(), person.id
            for encoding in spellings.ENCODINGS:
                with suppress(UnicodeEncodeError):
                    yield word.encode(encoding), person.id
        for word in set(chinese.sound_words(person.name)):
            yield word.encode(), person.id


def _values(people: Iterable[Person]) -> Mapping[str, tuple[tuple[int, Fact], ...]]:
    found: defaultdict[str, list[tuple[int, Fact]]] = defaultdict(list)
    for person in people:
        for fact, spelled in person.facts.items():
            for text in spelled:
                found[text].append((person.id, fact))
    return {text: tuple(holders) for text, holders in found.items()}


def _index(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    found.default_factory = None
    return found
