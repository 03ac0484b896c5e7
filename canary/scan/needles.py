"""What is looked for: every spelling of every persona's number and facts, ready for look-ups."""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from canary.mint.facts import Fact
from canary.scan import no_collection, spellings
from canary.scan.anchors import SIDES, anchors, longest
from canary.scan.digests import PIECES, beginnings
from canary.scan.keys import Keys
from canary.scan.person import Person, fold
from canary.scan.roster import Roster, rosters
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


_AT_ONCE = 10_000  # numbers whose spellings are held together
NUMBER_ITSELF = frozenset({Kind.PHONE, Kind.MD5, Kind.SHA1, Kind.SHA256})


@dataclass(frozen=True)
class Hashes:
    """The hashes of numbers: key i, 8 bytes of `keys`, is what hashes of `numbers[owners[i]]` begin with."""

    keys: bytes = b""
    owners: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    numbers: Sequence[tuple[str, str]] = ()

    @classmethod
    def of(cls, codes: Sequence[str], phones: Sequence[Written]) -> "Hashes":
        """Those of numbers and their codes: all usual spellings."""
        counts: list[int] = []
        keys: list[bytes] = []
        for start in range(0, len(phones), _AT_ONCE):
            words = [spellings.hashed_spellings(phone) for phone in phones[start : start + _AT_ONCE]]
            counts += map(len, words)
            keys.append(beginnings([word.encode() for own in words for word in own]))
        owners = np.repeat(np.arange(len(phones), dtype=np.uint32), PIECES * np.array(counts, np.intp))
        return cls(b"".join(keys), owners, [(code, phone.e164) for code, phone in zip(codes, phones, strict=True)])

    def owner(self, key: int, word: bytes) -> tuple[Kind, frozenset[str]] | None:
        """The kind and number (code) of a hash found by a key; None if not the whole of it agrees."""
        number, phone = self.numbers[self.owners[key]]
        token = word.decode().lower()
        kind = next((kind for kind, hashed in spellings.digests(phone) if hashed == token), None)
        return (Kind(kind), frozenset({number})) if kind else None


@dataclass(frozen=True)
class Needles:
    """Look-up tables from what may stand in a file to people and numbers (by code).

    `digits`: runs of digits; `masks`: what is left of a masked number, as 138*1234; both owned by numbers of `codes`.
    `anchors`: byte tokens of names, in every encoding, owned by `holders`: the people of one name, written or by its
    sound. `rosters` hold those of tables without phones, known by their rows alone.
    """

    people: Mapping[int, Person]
    on_number: Mapping[str, tuple[int, ...]]
    codes: Sequence[str] = ()
    digits: Keys = field(default_factory=Keys)
    hashes: Hashes = field(default_factory=Hashes)
    masks: Keys = field(default_factory=Keys)
    anchors: Keys = field(default_factory=Keys)
    holders: Sequence[tuple[int, ...]] = ()
    rosters: tuple[Roster, ...] = ()

    # The next are made when first asked for, as few files need them.

    @cached_property
    def names(self) -> Mapping[str, Sequence[int]]:
        """The longest word of each name to people."""
        return _index((longest(person.name), person.id) for person in self._folded if person.name)

    @cached_property
    def addresses(self) -> Mapping[str, Sequence[int]]:
        """Addresses, whole, to people."""
        return _index((person.address, person.id) for person in self._folded if person.address)

    @cached_property
    def _folded(self) -> Collection[Person]:
        people = self.people.values()
        fold(people)
        return people

    @cached_property
    def values(self) -> Mapping[str, tuple[tuple[int, Fact], ...]]:
        """Plain spelling of a fact to (person, fact)."""
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


def needles(sought: "Iterable[Sought]", phones_only: bool = False) -> Needles:
    """The needles of all personas, planted and shadows alike; with `phones_only` the plain numbers alone."""
    with no_collection():
        made = _needles(sought, phones_only)
    gc.freeze()  # they stay to the end: the collector need not walk them, nor a child so copy them
    return made


def _needles(sought: "Iterable[Sought]", phones_only: bool) -> Needles:
    everyone, unphoned = _by_phone(sought)
    people = {s.id: Person(s.id, s.number, written(s.phone), s.facts) for s in everyone}
    on_number: defaultdict[str, list[int]] = defaultdict(list)
    for s in everyone:
        on_number[s.number].append(s.id)
    held = {number: tuple(ids) for number, ids in on_number.items()}
    by_code = {person.number: person.phone for person in people.values()}
    codes, phones = list(by_code), list(by_code.values())
    digits = _keys([phone.digit_forms() for phone in phones])
    if phones_only:
        return Needles(people, held, codes, digits)
    fold(people.values())
    named = _index((person.planted_name, i) for i, person in people.items() if person.planted_name)
    return Needles(
        people,
        held,
        codes,
        digits,
        Hashes.of(codes, phones),
        _keys([spellings.masks(phone) for phone in phones]),
        anchors(named),
        [tuple(ids) for ids in named.values() for _ in SIDES],
        rosters(unphoned),
    )


def _keys(words: Sequence[Collection[str]]) -> Keys:
    """Of several words for each owner."""
    owners = np.repeat(np.arange(len(words), dtype=np.uint32), list(map(len, words)))
    return Keys.of("\n".join(chain.from_iterable(words)).encode().split(b"\n") if words else (), owners)


def _by_phone(sought: "Iterable[Sought]") -> "tuple[list[Sought], list[Sought]]":
    """Those with a number, and those without."""
    sides: tuple[list[Sought], list[Sought]] = [], []
    for who in sought:
        sides[who.in_lot].append(who)
    return sides


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
