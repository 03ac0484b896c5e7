"""Gives names to places in the host so that none stands where a real woman, or nearly her, stands."""

from collections.abc import Callable, Sequence

import numpy as np

from canary.mint.claims import Bools, Claims, Ints
from canary.mint.timeline import NO_DAY

_SWAPS, _RENAMINGS = 100, 8


def pair(rng: np.random.Generator, claims: Claims, names: list[str], due: Ints, another: Callable[[], str]) -> Bools:
    """Exchanges `names` in place, so that each may stand on its due day (ordinals, -1 none); says which of them now do.

    Exchanging keeps how often each name and each day comes up, where dropping what collides would thin out common
    names. Only a name that hardly any day can take is given up, for `another` of any kind: one of its own kind would
    make the rest of that kind stand out.
    """
    days = np.where(due == NO_DAY, len(claims.days), np.searchsorted(claims.days, due))
    code: dict[str, int] = {}
    who = np.array([code.setdefault(name, len(code)) for name in names], dtype=np.intp)
    taken = _taken(claims, list(code))
    for renaming in range(_RENAMINGS + 1):
        _exchange(rng, taken, who, days)
        lost = np.flatnonzero(taken[who, days])
        if not len(lost) or renaming == _RENAMINGS:
            break
        known = len(code)
        who[lost] = [code.setdefault(another(), len(code)) for _ in lost]
        taken = np.concatenate([taken, _taken(claims, list(code)[known:])])
    texts = list(code)
    names[:] = [texts[i] for i in who]
    return ~taken[who, days] & _first_of_its_kind(names, days)


def _taken(claims: Claims, names: Sequence[str]) -> Bools:
    """Where each name may not stand, with a last column for no day at all."""
    return np.column_stack([claims.forbidden(names), np.zeros(len(names), dtype=bool)])


def _exchange(rng: np.random.Generator, taken: Bools, who: Ints, days: Ints) -> None:
    """Names that stand where they may not change places with names picked at random, where that suits both."""
    for _ in range(_SWAPS):
        wrong = taken[who, days]
        lost, well = np.flatnonzero(wrong), np.flatnonzero(~wrong)
        if not len(lost) or not len(well):
            break
        size = min(len(lost), len(well))
        a, b = rng.permutation(lost)[:size], rng.choice(well, size, replace=False)
        better = ~taken[who[a], days[b]] & ~taken[who[b], days[a]]
        a, b = a[better], b[better]
        who[a], who[b] = who[b], who[a]


def _first_of_its_kind(names: Sequence[str], days: Ints) -> Bools:
    seen: set[tuple[str, int]] = set()
    first = np.ones(len(names), dtype=bool)
    for place, key in enumerate(zip(names, days.tolist(), strict=True)):
        first[place] = key not in seen
        seen.add(key)
    return first
