"""The personas of tables without phones as levels of columns, and how surprising it is that a real row shows them.

P(row) is taken from the personas themselves, who were fitted to such rows: each column given the one it depends on
most (the tree of Chow & Liu 1968), which counts a weight in grams and the same in kilograms once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from canary.mint.dates import parse_text
from canary.mint.facts import Cell
from canary.scan import spellings
from canary.scan.text import plain

if TYPE_CHECKING:  # it brings the database, which a worker of a scan does without
    from canary.store.finds import Sought

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
_SAMPLE, _MOST = 5_000, 80  # personas whose columns are compared with one another, and columns at most
UNKNOWN = -1


@dataclass(frozen=True)
class Roster:
    """P personas in the C columns of one header: `codes` (P, C) are levels of `levels`, which map a spelling to one.

    `compared` are the columns by which a persona may be recognised: the most telling, without those all share.
    """

    titles: tuple[str, ...]
    ids: Ints
    codes: Ints
    levels: tuple[dict[str, int], ...]
    compared: frozenset[int]

    @classmethod
    def of(cls, header: Sequence[str], people: "Sequence[Sought]") -> "Roster":
        """The roster of everybody minted for tables of one header."""
        levels: list[dict[str, int]] = []
        columns = []
        for cells in zip(*(who.cells for who in people), strict=True):
            seen: dict[str, int] = {}
            texts = {cell: _text(cell) for cell in set(cells)}
            columns.append([seen.setdefault(texts[cell], len(seen)) for cell in cells])
            levels.append({spelled: level for text, level in seen.items() for spelled in _spellings(text)})
        codes: Ints = np.array(columns, dtype=np.intp).T
        # Over everybody, planted or not: who is recognised must not depend on the draw.
        told = [at for at in range(len(header)) if len(levels[at]) and codes[:, at].max() > 0]
        told = sorted(sorted(told, key=lambda at: -_entropy(codes[:, at]))[:_MOST])
        ids = np.array([who.id for who in people], dtype=np.intp)
        return cls(tuple(map(plain, header)), ids, codes, tuple(levels), frozenset(told))

    def surprise(self, columns: Sequence[int]) -> Floats:
        """-ln P(cell | cell of the column it hangs on) of each persona in `columns` (P, len(columns)), in nats."""
        parents = self._tree(columns)
        return np.column_stack([self._hanging(at, parents.get(at)) for at in columns])

    def share(self, column: int) -> Floats:
        """ln of the share of personas on each level of a column; the last is for a level nobody has."""
        counts = np.bincount(self.codes[:, column], minlength=1).astype(np.float64)
        return np.log(np.append(counts, 0.5) / len(self.ids))

    @cached_property
    def information(self) -> Floats:
        """The entropy of every column, in nats (C,)."""
        return np.array([_entropy(self.codes[:, at]) for at in range(len(self.titles))])

    def _hanging(self, column: int, parent: int | None) -> Floats:
        mine = self.codes[:, column]
        own = np.bincount(mine)[mine] / len(mine)
        if parent is None:
            return -np.log(own)
        theirs = self.codes[:, parent]
        pair = _paired(mine, theirs)
        # A pinch of the column's own share: a pair seen once is not certain for that.
        given = (np.bincount(pair)[pair] + own) / (np.bincount(theirs)[theirs] + 1)
        return -np.log(given)

    def _tree(self, columns: Sequence[int]) -> dict[int, int]:
        """For each column but the first of each tree, the one it hangs on."""
        # Imported here: it takes a while, which a scan for numbers need not wait.
        from scipy.sparse.csgraph import minimum_spanning_tree

        weights = self._mutual[np.ix_(columns, columns)]
        edges = minimum_spanning_tree(-weights).tocoo()
        near: defaultdict[int, list[int]] = defaultdict(list)
        for a, b in zip(edges.row.tolist(), edges.col.tolist(), strict=True):
            near[a].append(b)
            near[b].append(a)
        parents: dict[int, int] = {}
        seen: set[int] = set()
        for root in range(len(columns)):
            waiting = [root] if root not in seen else []
            seen.update(waiting)
            while waiting:
                at = waiting.pop()
                fresh = [other for other in near[at] if other not in seen]
                parents.update({columns[other]: columns[at] for other in fresh})
                seen.update(fresh)
                waiting += fresh
        return parents

    @cached_property
    def _mutual(self) -> Floats:
        """Mutual information of every two columns compared (C, C), in nats."""
        some = self.codes[np.linspace(0, len(self.ids) - 1, min(len(self.ids), _SAMPLE)).astype(np.intp)]
        entropy = {at: _entropy(some[:, at]) for at in self.compared}
        found = np.zeros((len(self.titles), len(self.titles)))
        order = sorted(self.compared)
        for i, a in enumerate(order):
            for b in order[i + 1 :]:
                both = entropy[a] + entropy[b] - _entropy(_paired(some[:, a], some[:, b]))
                found[a, b] = found[b, a] = max(both, 1e-9)
        return found


def rosters(people: "Iterable[Sought]") -> tuple[Roster, ...]:
    """The rosters of all who have cells of their own, one for each header."""
    by_header: defaultdict[tuple[str, ...], list[Sought]] = defaultdict(list)
    for who in people:
        if who.in_lot:
            by_header[who.header].append(who)
    return tuple(Roster.of(header, whose) for header, whose in by_header.items())


def spelling(text: str) -> str:
    """A cell's text without differences of case and width; numbers as their shortest spelling."""
    text = plain(text)
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{number:.12g}" if "_" not in text else text


def _text(cell: Cell) -> str:
    return "" if cell is None else spelling(str(cell))


def _spellings(text: str) -> Iterator[str]:
    yield text
    if (day := parse_text(text, day_first=False)) is not None:
        yield from map(plain, spellings.dates(day))


def _paired(a: Ints, b: Ints) -> Ints:
    found: Ints = np.unique(a * (int(b.max(initial=0)) + 1) + b, return_inverse=True)[1]
    return found


def _entropy(levels: Ints) -> float:
    shares = np.bincount(levels) / max(1, len(levels))
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
