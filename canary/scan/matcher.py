"""Finds canaries in blocks of bytes: first the places where a needle may stand, then by reading the few records that
hold one. Nothing of any other record is kept."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from canary.scan.blocks import Block, Syntax
from canary.scan.fallback import Fallback
from canary.scan.index import Finder, Index
from canary.scan.kernel import Kernel
from canary.scan.library import built
from canary.scan.needles import Needles
from canary.scan.record import Clues, Match, read

_HEX = frozenset(b"0123456789abcdefABCDEF")
_HASHES = (32, 40, 64)  # hex digits of md5, sha1, sha256
_LONGEST_HASH = 64


def finder(needles: Needles) -> Finder:
    """The fastest finder there is for some needles; to be made once, for all that is searched."""
    index, path = Index(needles), built()
    return Kernel(index, path) if path else Fallback(index)


@dataclass
class Matcher:
    """Searches the blocks of one text in order; `rows` counts its records."""

    finder: Finder
    syntax: Syntax
    rows: int = 0
    _begun: bool = False  # and not ended

    def __post_init__(self) -> None:
        self.finder.begin()

    @property
    def whole_rows(self) -> int:
        """The records of the blocks so far, if the text breaks off here: until its end `rows` has line ends, a header's
        too, or separators."""
        lines = self.syntax.separator is None
        return max(0, self.rows + (self.syntax.first - lines if self._begun else 0))

    def search(self, block: Block) -> list[Match]:
        """The records of the block that hold a canary, or the shadow of a control, in order."""
        data, index = block.data, self.finder.index
        breaks = None if self.syntax.separator is None else [m.start() for m in self.syntax.separator.finditer(data)]
        places = self.finder.search(block, self.syntax, None if breaks is None else np.array(breaks, np.uint64))
        found: dict[tuple[int, int, int], Clues] = {}
        for at, end, key, start, stop, before in places.hits:
            if _is_in_hash(data, at, end):
                continue
            if not (clues := index.clues(key, bytes(data[at:end]))):
                continue
            if known := found.get((start, stop, before)):
                known.add(clues)
            else:
                found[start, stop, before] = clues
        matches = []
        for start, stop, before in sorted(found):
            row = self.rows + before + self.syntax.first
            if match := read(bytes(data[start:stop]), found[start, stop, before], index.needles, row):
                matches.append(match)
        self._count(block, places.lines, breaks)
        return matches

    def _count(self, block: Block, lines: int, breaks: list[int] | None) -> None:
        self._begun = not block.last
        if breaks is not None:
            self.rows += len(breaks) - bisect_left(breaks, block.fresh)
            self.rows += self.syntax.first if block.last and (self.rows or bytes(block.data).strip()) else 0
            return
        if block.last:  # empty lines at the end are no records
            data = bytes(block.data).rstrip()
            self.rows = max(0, self.rows + data.count(b"\n", block.fresh) + bool(data) - 1 + self.syntax.first)
        else:
            self.rows += lines


def _is_in_hash(data: bytes | memoryview, at: int, end: int) -> bool:
    """Whether a word is digits inside a hash of some other number, which chance puts there."""
    start, stop = at, end
    while start and data[start - 1] in _HEX and end - start < _LONGEST_HASH:
        start -= 1
    while stop < len(data) and data[stop] in _HEX and stop - start <= _LONGEST_HASH:
        stop += 1
    return stop - start > end - at and stop - start in _HASHES
