"""Gives names to places in the host so that none stands where a real woman, or nearly her, stands."""

from itertools import count

import numpy as np

from canary.mint.claims import Claims
from canary.mint.levels import Bools, Ints, firsts
from canary.mint.names import NamePool, Parts
from canary.mint.timeline import NO_DAY

_SWAPS, _RENAMINGS = 40, 8


def pair(rng: np.random.Generator, seats: "Seats", due: Ints) -> tuple[list[str], Bools]:
    """A name for each due day (ordinals, -1 none), and which of them may stand there.

    Exchanging places keeps how often each name and each day comes up, where dropping what collides would thin out
    short and common names. Only a name that no day can take is given up, for another of any kind: with a share m of
    such names no choice is harder to tell from the host (AUC (1 + m) / 2), and others of their own kind stand out.
    """
    days, pool = np.where(due == NO_DAY, len(seats.days), np.searchsorted(seats.days, due)), seats.pool
    who = seats.codes(pool.draw(rng, len(due)))
    for renaming in range(_RENAMINGS + 1):
        _exchange(rng, seats.taken, who, days)
        lost = np.flatnonzero(_wrong(seats.taken, who, days))
        if not len(lost) or renaming == _RENAMINGS:
            break
        who[lost] = seats.codes(pool.draw(rng, len(lost)))
    return pool.texts(seats.parts.at(who)), ~_wrong(seats.taken, who, days)


class Seats:
    """The names tried so far: their parts, and on which days they may not stand (names, days and none at all)."""

    def __init__(self, claims: Claims, pool: NamePool) -> None:
        self._claims, self.days, self.pool = claims, claims.days, pool
        self._place: dict[int, int] = {}
        nobody = np.empty(0, dtype=np.intp)
        self.parts, self.taken = Parts(nobody, nobody, nobody), np.empty((0, len(self.days) + 1), dtype=bool)

    def codes(self, parts: Parts) -> Ints:
        """The codes of these names, new ones where they were not tried yet."""
        keys, first, each = np.unique(self.pool.keys(parts), return_index=True, return_inverse=True)
        new = np.array([key not in self._place for key in keys.tolist()], dtype=bool)
        self._place.update(zip(keys[new].tolist(), count(len(self._place)), strict=False))
        fresh = parts.at(first[new])
        self.parts = Parts(*map(np.concatenate, zip(self.parts, fresh, strict=True)))
        forbidden = self._claims.forbidden(self.pool.texts(fresh))
        self.taken = np.concatenate([self.taken, np.pad(forbidden, ((0, 0), (0, 1)))])
        return np.array([self._place[key] for key in keys.tolist()], dtype=np.intp)[each]


def _wrong(taken: Bools, who: Ints, days: Ints) -> Bools:
    """Names that stand where they may not, or where the same name stands already."""
    wrong: Bools = taken[who, days] | ~firsts(who * taken.shape[1] + days)
    return wrong


def _exchange(rng: np.random.Generator, taken: Bools, who: Ints, days: Ints) -> None:
    """Names that stand where they may not change places with ones picked where they may, if those may follow."""
    by_day = np.argsort(days, kind="stable")
    crowd = np.bincount(days, minlength=taken.shape[1])
    starts = np.cumsum(crowd) - crowd
    lost = np.flatnonzero(_wrong(taken, who, days))
    # For each of the lost, one after another, how many places are open to it up to each day.
    places = np.cumsum(np.where(taken[who[lost]], 0, crowd), axis=1)
    room, row = places[:, -1], np.arange(len(lost))
    line = (places + row[:, None] * (len(who) + 1)).ravel()
    row = row[room > 0]
    well = np.ones(len(who), dtype=bool)
    well[lost] = False
    for _ in range(_SWAPS):
        if not len(row):
            break
        wanted = (rng.random(len(row)) * room[row]).astype(np.intp)
        day = np.searchsorted(line, row * (len(who) + 1) + wanted, "right") - row * len(crowd)
        mate, name = by_day[starts[day] + (rng.random(len(row)) * crowd[day]).astype(np.intp)], lost[row]
        suits = ~taken[who[mate], days[name]] & well[mate] & firsts(mate)
        a, b = name[suits], mate[suits]
        who[a], who[b] = who[b], who[a]
        well[a] = True
        row = row[~suits]
