"""Finds canaries in blocks of bytes: first the places where a needle may stand, then by reading the few records that
hold one. Nothing of any other record is kept."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from canary.scan.blocks import Block, Syntax
from canary.scan.fallback import Fallback
from canary.scan.index import Finder, Index, bounds
from canary.scan.kernel import Kernel, built
from canary.scan.needles import Needles
from canary.scan.record import Clues, Match, read


def finder(needles: Needles) -> Finder:
    """The fastest finder there is for some needles; to be made once, for all that is searched."""
    index, path = Index.of(needles), built()
    return Kernel(index, path) if path else Fallback(index)


@dataclass
class Matcher:
    """Searches the blocks of one text in order; `rows` counts its records."""

    finder: Finder
    syntax: Syntax
    rows: int = 0

    def __post_init__(self) -> None:
        self.finder.begin()

    @property
    def name_rows(self) -> Counter[int]:
        """How many records so far showed the name of each persona that is shown at all."""
        index, counts = self.finder.index, self.finder.name_rows
        found: Counter[int] = Counter()
        for name in np.flatnonzero(counts):
            found.update(dict.fromkeys(index.needles.anchors[index.names[name]], int(counts[name])))
        return found

    def search(self, block: Block) -> list[Match]:
        """The records of the block that hold a canary, or the shadow of a control, in order."""
        data, index = block.data, self.finder.index
        breaks = None if self.syntax.separator is None else [m.start() for m in self.syntax.separator.finditer(data)]
        places = self.finder.search(block, self.syntax, None if breaks is None else np.array(breaks, np.uint64))
        found: defaultdict[tuple[int, int], Clues] = defaultdict(Clues)
        for at, end, key in places.hits:
            if clues := index.clues(key, data[at:end]):
                found[bounds(data, at, end, breaks)].add(clues)
        matches, counted, before = [], block.fresh, self.rows
        for (start, stop), clues in sorted(found.items(), key=lambda item: item[0]):
            match = read(data[start:stop], clues, index.needles)
            if match is None:
                continue
            if breaks is None:  # counted on from the match before
                before, counted = before + data.count(b"\n", counted, start), max(counted, start)
            else:
                before = self.rows + bisect_right(breaks, start) - bisect_left(breaks, block.fresh)
            matches.append(match.at(before + self.syntax.first))
        self._count(block, places.lines, breaks)
        return matches

    def _count(self, block: Block, lines: int, breaks: list[int] | None) -> None:
        if breaks is not None:
            self.rows += len(breaks) - bisect_left(breaks, block.fresh)
            self.rows += self.syntax.first if block.last and (self.rows or block.data.strip()) else 0
            return
        if block.last:  # empty lines at the end are no records
            data = block.data.rstrip()
            self.rows = max(0, self.rows + data.count(b"\n", block.fresh) + bool(data) - 1 + self.syntax.first)
        else:
            self.rows += lines
