"""Knows who is already in the table, so that no persona is, or nearly is, somebody."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
T = TypeVar("T")
_Hashes = NDArray[np.uint64]

# A multiplier and a place-holder for 64-bit polynomial hashes; a chance collision only forbids one pair too many.
_BASE, _OPEN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_WHOLE, _GAP = np.uint64(0x2545F4914F6CDD1D), np.uint64(0x94D049BB133111EB)


def within_one_edit(a: str, b: str) -> bool:
    """Whether one inserted, deleted or replaced character, or none, turns `a` into `b`."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    return a[same:] == b[same + 1 :] or a[same + 1 :] == b[same + 1 :]


class NearNames:
    """Some different texts, ready to say which of them are within one edit of others without comparing them all."""

    def __init__(self, known: Sequence[str]) -> None:
        marks, owners = _marks(known, asking=False)
        order = np.argsort(marks)
        self._marks, self._owners = marks[order], owners[order]

    def pairs(self, asked: Sequence[str]) -> tuple[Ints, Ints]:
        """Every (i, j), some of them repeatedly, with `asked[i]` within one edit of the j-th text known."""
        marks, owners = _marks(asked, asking=True)
        first, last = np.searchsorted(self._marks, marks, "left"), np.searchsorted(self._marks, marks, "right")
        return _spread(owners, first, last, self._owners)


def near_days(days: Ints) -> tuple[Ints, Ints]:
    """Every (i, j) of these different ordinals whose dates, written 2026-05-01, are within one edit."""
    written = _digits(days)
    order = np.argsort(written)
    i, j = [np.arange(len(days))], [np.arange(len(days))]
    for place in 10 ** np.arange(8):
        own = written // place % 10
        for digit in range(10):
            other = written + (digit - own) * place
            at = np.minimum(np.searchsorted(written[order], other), len(days) - 1)
            found = np.flatnonzero((written[order][at] == other) & (own != digit))
            i.append(found)
            j.append(order[at[found]])
    return np.concatenate(i), np.concatenate(j)


class Claims:
    """Which (name, due day) and (name, address) pairs are taken, or too close to one that is.

    `names`, `days` (ordinals, -1 for none) and `addresses` are those of n real rows, None where missing.
    """

    def __init__(self, names: Sequence[str | None], days: Ints, addresses: Sequence[str | None]) -> None:
        self._names, self._addresses = names, addresses
        place: dict[str, int] = {}
        codes = np.fromiter((-1 if n is None else place.setdefault(n, len(place)) for n in names), np.intp, len(names))
        self._place = place
        held = (codes >= 0) & (days >= 0)
        self.days: Ints = np.unique(days[held])
        # Held pairs by name: the days of name k are _held[_starts[k]:_starts[k + 1]].
        order = np.argsort(codes[held], kind="stable")
        self._held: Ints = np.searchsorted(self.days, days[held])[order]
        self._starts = np.searchsorted(codes[held][order], np.arange(len(place) + 1))
        day, close = near_days(self.days)
        order = np.argsort(day, kind="stable")
        self._close, self._close_starts = close[order], np.searchsorted(day[order], np.arange(len(self.days) + 1))
        self._near = NearNames(list(place))
        self._rows_of: tuple[Rows[str], Rows[str]] | None = None

    def forbidden(self, asked: Sequence[str]) -> Bools:
        """For each name whether it may not stand on each of `days` (names, days)."""
        table = np.zeros((len(asked), len(self.days)), dtype=bool)
        i, known = self._near.pairs(asked)
        table[_spread(i, self._starts[known], self._starts[known + 1], self._held)] = True
        exact = np.array([self._place.get(name, -1) for name in asked], dtype=np.intp)
        mine = np.flatnonzero(exact >= 0)
        who, when = _spread(mine, self._starts[exact[mine]], self._starts[exact[mine] + 1], self._held)
        table[_spread(who, self._close_starts[when], self._close_starts[when + 1], self._close)] = True
        return table

    def address_is_free(self, name: str, address: str) -> bool:
        """Whether (name, address) is more than one edit from every real row's."""
        if self._rows_of is None:
            self._rows_of = Rows(self._names), Rows(self._addresses)
        by_name, by_address = self._rows_of
        for row in by_address.of(address):
            if (other := self._names[row]) is not None and within_one_edit(name, other):
                return False
        mine = (self._addresses[row] for row in by_name.of(name))
        return not any(other is not None and within_one_edit(address, other) for other in mine)


def _spread(owners: Ints, starts: Ints, ends: Ints, items: Ints) -> tuple[Ints, Ints]:
    """Each owner beside each of `items[start:end]` of its own."""
    counts = ends - starts
    at = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return np.repeat(owners, counts), items[at]


def _digits(days: Ints) -> NDArray[np.int64]:
    """Ordinals as numbers like 20260501."""
    whole = (days.astype(np.int64) - date(1970, 1, 1).toordinal()).astype("M8[D]")
    months = whole.astype("M8[M]")
    years = months.astype("M8[Y]")
    parts = years.astype(np.int64) + 1970, (months - years).astype(np.int64) + 1, (whole - months).astype(np.int64) + 1
    written: NDArray[np.int64] = parts[0] * 10_000 + parts[1] * 100 + parts[2]
    return written


class Rows(Generic[T]):
    """In which rows each thing stands: a chain back from its last row, which is lighter than a list for each."""

    def __init__(self, things: Sequence[T | None]) -> None:
        self._last: dict[T, int] = {}
        self._previous = [-1] * len(things)
        for row, thing in enumerate(things):
            if thing is not None:
                self._previous[row] = self._last.get(thing, -1)
                self._last[thing] = row

    def of(self, thing: T) -> Iterator[int]:
        """The rows of one thing, last first."""
        row = self._last.get(thing, -1)
        while row >= 0:
            yield row
            row = self._previous[row]


# Two texts are within one edit exactly when they agree with one place left open, or one is the other with a gap.
def _marks(texts: Sequence[str], asking: bool) -> tuple[_Hashes, Ints]:
    """Hashes of the texts whole, with each place open, and with each place left out; and whose they are."""
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    width = max(1, int(lengths.max(initial=0)))
    flat = np.array(texts, dtype=f"U{width}").view(np.uint32).reshape(len(texts), width)
    letters = np.where(np.arange(width) < lengths[:, None], flat.astype(np.uint64) + np.uint64(1), np.uint64(0))
    powers = np.cumprod(np.full(width + 1, _BASE))
    size, everyone = lengths.astype(np.uint64), np.arange(len(texts))
    before = np.cumsum(letters * powers[1:], axis=1)
    after = np.cumsum((letters * powers[:-1])[:, ::-1], axis=1)[:, ::-1]  # each letter one place further down
    whole = before[:, -1] + size
    marks, owners = [whole * _WHOLE], [everyone]
    if asking:
        marks, owners = [*marks, whole * _GAP], [*owners, everyone]
    for i in range(width):
        has = np.flatnonzero(lengths > i)
        marks.append(whole[has] + (_OPEN - letters[has, i]) * powers[i + 1])
        rest = after[has, i + 1] if i + 1 < width else np.uint64(0)
        gap = (before[has, i] - letters[has, i] * powers[i + 1]) + rest + size[has] - np.uint64(1)
        marks.append(gap * (_WHOLE if asking else _GAP))
        owners += [has, has]
    return np.concatenate(marks), np.concatenate(owners)
