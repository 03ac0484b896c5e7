"""Background worlds: who rings our numbers although no copy leaked. None of them ever sees the placement.

A world is `contacts(rng, numbers, days)` giving (number index, day, kind). Rates are those of attribution.md §3:
3.6 calls a number and month (Prasad et al. 2020), 20 as stress (Phoneypot 2015), Gamma-mixed with k = 0.3; 62 %
silent; one speaking caller in a hundred passes for one who sells to mothers. Only recognised contacts are drawn:
thinning a Poisson process by kind gives the same as drawing all calls and dropping the rest.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError

Contact = tuple[int, float, str]
World = Callable[[np.random.Generator, int, int], Iterable[Contact]]

NAMED, MATERNAL = "named", "maternal"
KINDS = (NAMED, MATERNAL, "marketing", "service", "silent", "authorised", "other")

MONTH = 30.0
CALLS, STRESS_CALLS, SHAPE = 3.6, 20.0, 0.3
RECOGNISED = (1 - 0.62) * 0.01


def bernoulli(noise: float) -> World:
    """Each number rings once with probability `noise`, on any day."""

    def contacts(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
        yield from _at_random_times(rng, rng.random(numbers) < noise, days)

    return contacts


def poisson(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """Every number is called at the same rate."""
    yield from _at_rates(rng, np.full(numbers, CALLS), days)


def negative_binomial(calls: float) -> World:
    """A few numbers get most of the calls: rates from a Gamma law with k = 0.3 and mean `calls` a month."""

    def contacts(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
        yield from _at_rates(rng, rng.gamma(SHAPE, calls / SHAPE, numbers), days)

    return contacts


def storms(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """Beside the usual calls, storms of a hundred calls to one number within three days, all taken for real: a
    baby shop shows our number as its own. As many as Prasad et al. saw: two a day on 66,606 lines."""
    yield from negative_binomial(CALLS)(rng, numbers, days)
    struck = rng.integers(numbers, size=rng.poisson(2 / 66_606 * numbers * days))
    counts, starts = rng.poisson(100, len(struck)), rng.uniform(0, days - 3, len(struck))
    yield from _all(np.repeat(struck, counts), np.repeat(starts, counts) + rng.uniform(0, 3, counts.sum()))


def block_dialling(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """Twice a month a machine that sells to mothers dials a run of 5 to 60 neighbouring numbers in one hour."""
    yield from negative_binomial(CALLS)(rng, numbers, days)
    for _ in range(rng.poisson(2 * days / MONTH)):
        first, length = int(rng.integers(numbers)), int(rng.integers(5, 61))
        run = range(first, min(numbers, first + length))
        day = float(rng.uniform(0, days - 1))
        yield from ((number, day + place / (24 * length), MATERNAL) for place, number in enumerate(run))


def recycled(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """One number in ten belonged to a young mother: weekly calls for her, one in ten by a common name."""
    yield from negative_binomial(CALLS)(rng, numbers, days)
    hers = np.flatnonzero(rng.random(numbers) < 0.1)
    calls = np.repeat(hers, rng.poisson(days / 7, len(hers)))
    by_name = rng.random(len(calls)) < 0.1
    yield from _all(calls[by_name], rng.uniform(0, days, by_name.sum()), NAMED)
    yield from _all(calls[~by_name], rng.uniform(0, days, (~by_name).sum()))


def checking(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """Once a quarter a buyer of lists tries one number in twenty, at random, asking for a common name."""
    yield from negative_binomial(CALLS)(rng, numbers, days)
    for start in np.arange(0, days, 91):
        tried = np.flatnonzero(rng.random(numbers) < 0.05)
        yield from _all(tried, np.minimum(start + rng.uniform(0, 2, len(tried)), days), NAMED)


def city(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """A marketer calls every number in the city, twice a year, within two weeks."""
    yield from negative_binomial(CALLS)(rng, numbers, days)
    for start in (0.2 * days, 0.7 * days):
        yield from _all(np.arange(numbers), start + rng.uniform(0, 14, numbers))


def known_controls(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
    """Somebody spares the three numbers in ten he takes for controls and has all others rung every month.

    He guesses: whoever truly knows controls knows part of the draw, and no bound survives that.
    """
    yield from negative_binomial(CALLS)(rng, numbers, days)
    targets = np.flatnonzero(rng.random(numbers) < 0.7)
    for month in range(int(days // MONTH)):
        yield from _all(targets, month * MONTH + rng.uniform(0, MONTH, len(targets)))


WORLDS: dict[str, World] = {
    "poisson": poisson,
    "negative-binomial": negative_binomial(CALLS),
    "negative-binomial-20": negative_binomial(STRESS_CALLS),
    "storms": storms,
    "block-dialling": block_dialling,
    "recycled": recycled,
    "checking": checking,
    "city": city,
    "known-controls": known_controls,
}


def checked(contact: object, numbers: int, days: int) -> Contact:
    """The contact as a world must give it. Raises CanaryError naming what is wrong with it."""
    hint = "a world yields (number index, day, kind)"
    if not (isinstance(contact, tuple) and len(contact) == 3):
        raise CanaryError(f"the world gave {contact!r}, not three values", hint)
    number, day, kind = contact
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or not 0 <= number < numbers:
        raise CanaryError(f"the world gave number {number!r}, not 0 to {numbers - 1}", hint)
    if not isinstance(day, int | float | np.integer | np.floating) or not 0 <= day <= days:
        raise CanaryError(f"the world gave day {day!r}, not 0 to {days}", hint)
    if kind not in KINDS:
        raise CanaryError(f"the world gave kind {kind!r}", f"kinds are {', '.join(KINDS)}")
    return int(number), float(day), kind


def _at_rates(rng: np.random.Generator, calls: NDArray[np.float64], days: int) -> Iterator[Contact]:
    yield from _at_random_times(rng, rng.poisson(calls * RECOGNISED * days / MONTH), days)


def _at_random_times(rng: np.random.Generator, counts: NDArray[np.integer | np.bool_], days: int) -> Iterator[Contact]:
    ringing = np.repeat(np.arange(len(counts)), counts.astype(int))
    yield from _all(ringing, rng.uniform(0, days, len(ringing)))


def _all(numbers: NDArray[np.integer], days: NDArray[np.float64], kind: str = MATERNAL) -> Iterator[Contact]:
    return zip(numbers.tolist(), days.tolist(), repeat(kind), strict=False)
