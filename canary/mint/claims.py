"""Knows who is already in the table, so that no persona is, or nearly is, somebody."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from canary.mint.levels import Bools, Groups, Ints, Levels, spread

_Hashes = NDArray[np.uint64]
_AT_ONCE = 2_000_000  # pairs
_NAME_ENDS, _ADDRESS_ENDS = (1, 1), (12, 6)

# A multiplier and a place-holder for 64-bit polynomial hashes; a chance collision only forbids one pair too many.
_BASE, _OPEN = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_WHOLE, _GAP = np.uint64(0x2545F4914F6CDD1D), np.uint64(0x94D049BB133111EB)


def within_one_edit(a: str, b: str) -> bool:
    """Whether one inserted, deleted or replaced character, or none, turns `a` into `b`."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    for same, letter in enumerate(a):
        if letter != b[same]:
            return a[same:] == b[same + 1 :] or a[same + 1 :] == b[same + 1 :]
    return True


class NearNames:
    """Some different texts, ready to say which of them are within one edit of others without comparing them all."""

    def __init__(self, known: Sequence[str]) -> None:
        marks, owners = _marks(known, asking=False)
        order = np.argsort(marks)
        self._owners = owners[order]
        self._marks, starts = np.unique(marks[order], return_index=True)
        self._starts = np.append(starts, len(marks))

    def pairs(self, asked: Sequence[str]) -> tuple[Ints, Ints]:
        """Every (i, j), some of them repeatedly, with `asked[i]` within one edit of the j-th text known."""
        marks, owners = _marks(asked, asking=True)
        if not len(self._marks):
            return owners[:0], owners[:0]
        at = np.minimum(np.searchsorted(self._marks, marks), len(self._marks) - 1)
        hit = self._marks[at] == marks
        return spread(owners[hit], self._starts[at[hit]], self._starts[at[hit] + 1], self._owners)


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

    `names`, `days` (ordinals, -1 for none) and `addresses` are those of n real rows.
    """

    def __init__(self, names: Levels[str], days: Ints, addresses: Levels[str]) -> None:
        self._names, self._addresses = names, addresses
        held = (names.codes >= 0) & (days >= 0)
        self.days: Ints = np.unique(days[held])
        # Held pairs by name: the days of name k are _held[_starts[k]:_starts[k + 1]].
        width = max(1, len(self.days))
        pairs = np.unique(names.codes[held] * width + np.searchsorted(self.days, days[held]))
        self._held: Ints = pairs % width
        self._starts = np.searchsorted(pairs // width, np.arange(len(names.distinct) + 1))
        day, close = near_days(self.days)
        order = np.argsort(day, kind="stable")
        self._close, self._close_starts = close[order], np.searchsorted(day[order], np.arange(len(self.days) + 1))

    @cached_property
    def _near(self) -> NearNames:
        return NearNames(self._names.distinct)

    def forbidden(self, asked: Sequence[str]) -> Bools:
        """For each name whether it may not stand on each of `days` (names, days)."""
        table = np.zeros((len(asked), len(self.days)), dtype=bool)
        i, known = self._near.pairs(asked)
        for some in _bounded(self._starts[known + 1] - self._starts[known]):
            who, when = spread(i[some], self._starts[known[some]], self._starts[known[some] + 1], self._held)
            table.ravel()[who * len(self.days) + when] = True
        exact = self._names.find(asked)
        mine = np.flatnonzero(exact >= 0)
        who, when = spread(mine, self._starts[exact[mine]], self._starts[exact[mine] + 1], self._held)
        table[spread(who, self._close_starts[when], self._close_starts[when + 1], self._close)] = True
        return table

    def addresses_are_free(self, names: Sequence[str], addresses: Sequence[str]) -> Bools:
        """Whether each (name, address) is more than one edit from every real row's."""
        free = np.ones(len(names), dtype=bool)
        where, who = self._addresses.find(addresses), self._names.find(names)
        free[self._clashing(where, names, self._by_address, self._name_ends, self._names.codes)] = False
        free[self._clashing(who, addresses, self._by_name, self._address_ends, self._addresses.codes)] = False
        return free

    def _clashing(self, asked: Ints, texts: Sequence[str], groups: Groups, known: "Ends", codes: Ints) -> Ints:
        """Which of `texts` are within one edit of the text, by its code, of any row in the group each asks for."""
        found = [np.empty(0, dtype=np.intp)]
        sizes = groups.sizes(asked)
        some = np.flatnonzero(sizes)
        mine = Ends([texts[i] for i in some.tolist()], known.head, known.tail)
        for part in _bounded(sizes[some]):
            i, rows = groups.of(asked[some[part]])
            told = codes[rows] >= 0
            i, rows = i[told] + part.start, rows[told]
            found.append(some[i[near(mine, i, known, codes[rows])]])
        return np.concatenate(found)

    @cached_property
    def _by_address(self) -> Groups:
        return Groups(self._addresses.codes, len(self._addresses.distinct))

    @cached_property
    def _by_name(self) -> Groups:
        return Groups(self._names.codes, len(self._names.distinct))

    @cached_property
    def _name_ends(self) -> "Ends":
        return Ends(self._names.distinct, *_NAME_ENDS)

    @cached_property
    def _address_ends(self) -> "Ends":
        return Ends(self._addresses.distinct, *_ADDRESS_ENDS)


class Ends:
    """Texts with what tells most of them apart at a glance: how long they are, how they begin and how they end."""

    def __init__(self, texts: Sequence[str], head: int, tail: int) -> None:
        self.texts, self.head, self.tail = texts, head, tail
        self.sizes = np.fromiter(map(len, texts), np.intp, len(texts))
        self.heads = np.fromiter((hash(text[:head]) for text in texts), np.int64, len(texts))
        self.tails = np.fromiter((hash(text[-tail:]) for text in texts), np.int64, len(texts))


def near(a: Ends, i: Ints, b: Ends, j: Ints) -> Bools:
    """Whether `a.texts[i]` and `b.texts[j]` are within one edit, pair by pair; both show equally much."""
    # One edit leaves either the beginning or the end as it was, where the two do not overlap.
    sizes = a.sizes[i], b.sizes[j]
    able = np.abs(sizes[0] - sizes[1]) <= 1
    able &= (np.minimum(*sizes) < a.head + a.tail) | (a.heads[i] == b.heads[j]) | (a.tails[i] == b.tails[j])
    close = np.zeros(len(i), dtype=bool)
    for k in np.flatnonzero(able).tolist():
        close[k] = within_one_edit(a.texts[i[k]], b.texts[j[k]])
    return close


def _bounded(sizes: Ints) -> Iterator[slice]:
    """Slices whose sizes add up to no more than memory should hold at once."""
    ends, start = np.cumsum(sizes), 0
    while start < len(sizes):
        before = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + _AT_ONCE, "right")))
        yield slice(start, end)
        start = end


def _digits(days: Ints) -> NDArray[np.int64]:
    """Ordinals as numbers like 20260501."""
    whole = (days.astype(np.int64) - date(1970, 1, 1).toordinal()).astype("M8[D]")
    months = whole.astype("M8[M]")
    years = months.astype("M8[Y]")
    parts = years.astype(np.int64) + 1970, (months - years).astype(np.int64) + 1, (whole - months).astype(np.int64) + 1
    written: NDArray[np.int64] = parts[0] * 10_000 + parts[1] * 100 + parts[2]
    return written


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
