"""All needles as one numbered list of keys, and the two ways to look for them: compiled kernel or pure Python."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canary.scan.blocks import Block, Syntax
from canary.scan.keys import Keys, Numbers
from canary.scan.needles import Kind, Needles
from canary.scan.person import Sign
from canary.scan.record import Clues

LONG = 1 << 16  # a record longer than this
WINDOW = 1000  # is its surroundings: so many bytes to either side
HEX_LENGTHS = (16, 32, 40, 64)

# Start and end of a word in the block, number of its key; start and end of its record, records from `fresh` to there.
Hit = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Index:
    """The keys, in this order: `names` as bytes, `numbers` as digits, `hashes` (the first 8 bytes of each), `masks` as
    138*1234. Names are of `groups`, each of the same people. Signs belong to groups: a name counts where its record
    shows all numbers of one sign."""

    needles: Needles

    @property
    def names(self) -> Sequence[bytes]:
        """As bytes."""
        return self.needles.anchors.words

    @property
    def numbers(self) -> Sequence[bytes]:
        """As digits."""
        return self.needles.digits.words

    @property
    def hashes(self) -> bytes:
        """The first 8 bytes of each."""
        return self.needles.hashes.keys

    @property
    def masks(self) -> Sequence[bytes]:
        """As 138*1234."""
        return self.needles.masks.words

    @property
    def everything(self) -> bool:
        """Whether more is looked for than plain numbers."""
        return bool(self.hashes)

    @cached_property
    def until(self) -> list[int]:
        """For each kind of key, the number after its last."""
        sizes = (len(self.names), len(self.numbers), len(self.hashes) // 8, len(self.masks))
        return list(accumulate(sizes))

    @cached_property
    def latin(self) -> bool:
        """Whether some name is in ASCII letters."""
        return any(name.isalpha() and name.isascii() for name in self.names)

    @cached_property
    def _grouped(self) -> tuple[Numbers, list[tuple[int, ...]]]:
        keys, holders = self.needles.anchors, self.needles.holders
        of_key = keys.owners[keys.starts[:-1]]
        several: dict[tuple[int, ...], int] = {}
        for key in np.flatnonzero(np.diff(keys.starts) > 1).tolist():
            people = tuple(sorted({i for owner in keys.whose(key) for i in holders[owner]}))
            of_key[key] = len(holders) + several.setdefault(people, len(several))
        return of_key, [*holders, *several]

    @property
    def groups(self) -> Numbers:
        """The group of each name."""
        return self._grouped[0]

    @property
    def people(self) -> Sequence[tuple[int, ...]]:
        """All who may be meant by the names of each group."""
        return self._grouped[1]

    def signs(self) -> tuple[list[list[Sign]], list[int]]:
        """The signs of people, and in which place each group has its own."""
        known = {i: list(person.signs()) for i, person in self.needles.people.items()} if self.names else {}
        places: dict[tuple[int, ...], int] = {}
        of_group = [places.setdefault(people, len(places)) for people in self.people]
        return [[sign for i in people for sign in known[i]] for people in places], of_group

    def name_rows(self, counts: NDArray[np.uint32]) -> Counter[int]:
        """How many records show the name of each persona, from how many show a name of each group."""
        found: Counter[int] = Counter()
        for group in np.flatnonzero(counts).tolist():
            found.update(dict.fromkeys(self.people[group], int(counts[group])))
        return found

    def clues(self, key: int, word: bytes) -> Clues | None:
        """What a word says whose key was found; None where only the beginning of a hash agrees."""
        names, numbers, hashes, _ = self.until
        if key < names:
            return Clues(people=set(self.people[self.groups[key]]))
        if key < numbers:
            return Clues.of_numbers(Kind.PHONE, self._codes(self.needles.digits, key - names))
        if key < hashes:
            found = self.needles.hashes.owner(key - numbers, word)
            return found and Clues.of_numbers(*found)
        return Clues(masked=set(self._codes(self.needles.masks, key - hashes)))

    def _codes(self, keys: Keys, key: int) -> list[str]:
        return [self.needles.codes[owner] for owner in keys.whose(key)]


@dataclass
class Places:
    """What one block holds: hits in no order, its line ends from `fresh` on."""

    hits: Sequence[Hit]
    lines: int


class Finder(Protocol):
    """Finds the places of keys, block after block; `name_rows` counts the records that show a name of each group."""

    index: Index

    def begin(self) -> None:
        """Forget what was counted."""

    def twin(self) -> "Finder":
        """Another over the same tables, for another thread."""

    def search(self, block: Block, syntax: Syntax, breaks: NDArray[np.uint64] | None) -> Places:
        """The places in a block; `breaks`: where its records begin, if not after line ends."""

    @property
    def name_rows(self) -> NDArray[np.uint32]:
        """How many records showed a name of each group since `begin`."""


def bounds(data: bytes, at: int, end: int, breaks: list[int] | None) -> tuple[int, int]:
    """The record around a place, or its surroundings where the record is longer than any record."""
    if breaks is None:
        start, stop = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", end)
        stop = len(data) if stop < 0 else stop
    else:
        i = bisect_right(breaks, at)
        start, stop = breaks[i - 1] if i else 0, breaks[i] if i < len(breaks) else len(data)
    return (start, stop) if stop - start <= LONG else (max(start, at - WINDOW), min(stop, end + WINDOW))
