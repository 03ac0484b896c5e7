"""Recognises personas of tables without phones by their rows alone, though columns are dropped or a few cells edited.

The columns compared are parted into bands of equal information: a row with few edits agrees in one band at least, so
that only those who share a band with it are looked at closely.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log

import numpy as np

from canary.scan.align import Alignment, align
from canary.scan.blocks import Block, Syntax, fields, records
from canary.scan.needles import Kind
from canary.scan.record import Match
from canary.scan.roster import UNKNOWN, Floats, Ints, Roster, spelling

BANDS, CROWD = 4, 200  # a band that so many personas share tells nothing
EDIT = 0.02  # of a canary's cells somebody may have changed
LEARNT = 200  # rows from which untitled columns are told
KEPT = 100  # rows kept for one persona: whoever matches more matches by chance
REMEMBERED = 10_000  # spellings of one column
UNLIKELY = 0.1  # real rows expected to match as well, over all personas


@dataclass(frozen=True)
class Likeness:
    """A row that agrees with a persona: `surprise` is ln of how much likelier it is hers, a few cells edited, than a
    real row (nats), `edits` of them differing; `whole` if it agrees in every column compared, which no row of her
    host does (the mint lets none)."""

    row: int
    id: int
    surprise: float
    edits: int
    whole: bool


@dataclass
class CellMatcher:
    """Searches the blocks of one text for the rows of one roster; `rows` counts its records."""

    roster: Roster
    syntax: Syntax
    rows: int = 0
    _close: "_Closeness | None" = None
    _kept: Counter[int] = field(default_factory=Counter)

    def search(self, block: Block) -> list[Likeness]:
        """The rows of a block that agree with somebody."""
        texts = records(block, self.syntax, begun=self.rows > 0)
        if self._close is None and texts:
            rows = [fields(record, self.syntax) for record in texts[: LEARNT + 1]]
            titled = self.syntax.titles or tuple(rows[0])
            self._close = _Closeness(self.roster, align(self.roster, titled, rows[1:] or rows))
        found: list[Likeness] = []
        for record in texts:
            self.rows += 1
            if self._close is not None and self._close.able:
                row = self.rows - 1 + self.syntax.first
                found += [like for like in self._close.to(fields(record, self.syntax), row) if self._keep(like)]
        if block.last and self.rows:
            self.rows += self.syntax.first - 1
        return found

    def _keep(self, like: Likeness) -> bool:
        self._kept[like.id] += not like.whole
        return like.whole or self._kept[like.id] <= KEPT


class _Closeness:
    """Looks up who agrees with a row in the columns that a file shows."""

    def __init__(self, roster: Roster, alignment: Alignment) -> None:
        self._roster = roster
        self._files, self._columns = list(alignment), list(alignment.values())
        self.able = bool(self._columns)
        self._whole = set(self._columns) == roster.compared
        self._codes: Ints = roster.codes[:, self._columns]
        self._bands = self._parted()
        self._holders = [self._index(band) for band in self._bands]
        self._levels = [_Levels(roster.levels[at]) for at in self._columns]
        if self.able:
            rare = roster.surprise(self._columns)
            self._agrees: Floats = rare + log(1 - EDIT)
            self._differs: Floats = log(EDIT) - np.log(np.maximum(1 - np.exp(-rare), EDIT))

    def to(self, fields: Sequence[str], row: int) -> list[Likeness]:
        """Everybody who agrees with a row in all but a few of its cells."""
        if len(fields) <= max(self._files):
            return []
        levels = np.array(
            [level[fields[at]] for at, level in zip(self._files, self._levels, strict=True)], dtype=np.intp
        )
        near: set[int] = set()
        for band, holders in zip(self._bands, self._holders, strict=True):
            near.update(holders.get(levels[band].tobytes(), ()))
        found = (self._likeness(who, levels, row) for who in sorted(near))
        return [like for like in found if like.surprise > 0]

    def _likeness(self, who: int, levels: Ints, row: int) -> Likeness:
        same = self._codes[who] == levels
        surprise = float(np.where(same, self._agrees[who], self._differs[who]).sum())
        edits = len(same) - int(same.sum())
        return Likeness(row, int(self._roster.ids[who]), surprise, edits, self._whole and not edits)

    def _parted(self) -> list[list[int]]:
        order = sorted(range(len(self._columns)), key=lambda at: -self._roster.information[self._columns[at]])
        return [band for band in (sorted(order[start::BANDS]) for start in range(BANDS)) if band] + [sorted(order)]

    def _index(self, band: list[int]) -> dict[bytes, list[int]]:
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for who, codes in enumerate(np.ascontiguousarray(self._codes[:, band])):
            found[codes.tobytes()].append(who)
        whole = len(band) == len(self._columns)
        return {key: whose for key, whose in found.items() if whole or len(whose) <= CROWD}


class _Levels(dict[str, int]):
    """Levels by cells as they stand in a file, each spelled out once."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        super().__init__()
        self._spelled = levels

    def __missing__(self, cell: str) -> int:
        level = self._spelled.get(spelling(cell), UNKNOWN)
        if len(self) < REMEMBERED:
            self[cell] = level
        return level


def recognised(found: Sequence[Likeness], rows: int, people: int) -> list[Match]:
    """Those likenesses that chance does not explain: by Markov's inequality a real row is so much likelier a persona's
    than its own with probability exp(-surprise) at most.

    A persona may be very like one real woman of her host. So edited rows are believed only where nobody of the lots,
    planted or not, stands in the file unedited: a rule that is blind to the draw, as the verdict's proof requires.
    """
    bar = log(max(1, rows)) + log(max(1, people) / UNLIKELY)
    sure = [like for like in found if like.whole or like.surprise >= bar]
    unedited = [like for like in sure if not like.edits]
    return [
        Match(frozenset(), frozenset(), {like.id: (Kind.VALUES,)}, like.row, rows * float(np.exp(-like.surprise)))
        for like in unedited or sure
    ]
