"""All needles as one numbered list of keys, and the two ways to look for them: compiled kernel or pure Python."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canary.scan.blocks import Block, Syntax
from canary.scan.needles import Kind, Needles
from canary.scan.record import Clues

LONGEST_KEY = 64  # bytes; longer words are not looked for (as in kernel.c)
LONG = 1 << 16  # a record longer than this
WINDOW = 1000  # is its surroundings: so many bytes to either side
HEX_LENGTHS = (16, 32, 40, 64)

# Start and end of a word in the block, number of its key; start and end of its record, records from `fresh` to there.
Hit = tuple[int, int, int, int, int, int]


@dataclass(frozen=True)
class Index:
    """The keys, in this order: `names` as bytes, `numbers` as digits, `hashes` (the first 8 bytes of each), `masks` as
    138*1234. Signs belong to names: a name counts where its record shows all whole numbers of one sign."""

    needles: Needles
    names: list[bytes]
    numbers: list[bytes]
    hashes: bytes
    masks: list[bytes]

    @classmethod
    def of(cls, needles: Needles) -> "Index":
        """The index of some needles."""
        names = [key for key in needles.anchors if len(key) <= LONGEST_KEY]
        return cls(needles, names, list(needles.digits), needles.hashes.keys, list(needles.masks))

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
    def ascii(self) -> bool:
        """Whether some name is in ASCII letters."""
        return any(name.isalpha() and name.isascii() for name in self.names)

    def signs(self) -> Iterator[list[frozenset[int]]]:
        """Of each name, the signs of all who have it; names of the same people share a list."""
        known: dict[tuple[int, ...], list[frozenset[int]]] = {}
        for name in self.names:
            whose = self.needles.anchors[name]
            if whose not in known:
                known[whose] = list(chain.from_iterable(self.needles.people[i].signs for i in whose))
            yield known[whose]

    def name_rows(self, counts: NDArray[np.uint32]) -> Counter[int]:
        """How many records show the name of each persona, from how many show each name."""
        found: Counter[int] = Counter()
        for name, count in zip(self.names, counts.tolist(), strict=False):
            if count:
                found.update(dict.fromkeys(self.needles.anchors[name], count))
        return found

    def clues(self, key: int, word: bytes) -> Clues | None:
        """What a word says whose key was found; None where only the beginning of a hash agrees."""
        names, numbers, hashes, _ = self.until
        if key < names:
            return Clues(people=set(self.needles.anchors[self.names[key]]))
        if key < numbers:
            return Clues.of_numbers(Kind.PHONE, self.needles.digits[self.numbers[key - names]])
        if key < hashes:
            found = self.needles.hashes.owner(key - numbers, word)
            return found and Clues.of_numbers(*found)
        return Clues(masked=set(self.needles.masks[self.masks[key - hashes]]))


@dataclass
class Places:
    """What one block holds: hits in no order, its line ends from `fresh` on."""

    hits: Sequence[Hit]
    lines: int


class Finder(Protocol):
    """Finds the places of keys, block after block, and counts in `name_rows` the records that show each name."""

    index: Index

    def begin(self) -> None:
        """Forget what was counted."""

    def twin(self) -> "Finder":
        """Another over the same tables, for another thread."""

    def search(self, block: Block, syntax: Syntax, breaks: NDArray[np.uint64] | None) -> Places:
        """The places in a block; `breaks`: where its records begin, if not after line ends."""

    @property
    def name_rows(self) -> NDArray[np.uint32]:
        """How many records showed each name since `begin`."""


def bounds(data: bytes, at: int, end: int, breaks: list[int] | None) -> tuple[int, int]:
    """The record around a place, or its surroundings where the record is longer than any record."""
    if breaks is None:
        start, stop = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", end)
        stop = len(data) if stop < 0 else stop
    else:
        i = bisect_right(breaks, at)
        start, stop = breaks[i - 1] if i else 0, breaks[i] if i < len(breaks) else len(data)
    return (start, stop) if stop - start <= LONG else (max(start, at - WINDOW), min(stop, end + WINDOW))
