"""Whole leaks played many times in a background world: how often an innocent is accused, a leaker found."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betaincinv, gammainc

from canary.errors import CanaryError
from canary.trace.design import Design, Draw, deal
from canary.trace.evidence import Channel
from canary.trace.field import Bools, Floats, Heard, Ints, Paths, paths
from canary.trace.leak import Calls, Leak, calls
from canary.trace.worlds import MATERNAL, NAMED, Contact, World, checked

YEAR = 364  # 52 weekly looks


@dataclass(frozen=True)
class Setup:
    """What is played: a design, a world of background contacts, a leak (`leakers` 0 for none), `runs` times, for
    `days` from hand-over to the close of the window. `channel` is what the score assumes, right or wrong."""

    design: Design
    world: World
    leak: Leak = field(default_factory=Leak)
    channel: Channel = field(default_factory=Channel)
    alpha: float = 1e-3
    runs: int = 1000
    seed: int = 1
    days: int = YEAR


@dataclass(frozen=True)
class Outcome:
    """One run: was any innocent copy accused, a leaker, did a leaker score highest, how many numbers had spoken,
    and what the Poisson test would have done."""

    innocent: bool
    leaker: bool
    first: bool
    used: int
    poisson: bool


@dataclass(frozen=True)
class Result:
    """Counts and shares over all runs.

    `upper95` bounds the probability of a false accusation (Clopper–Pearson, one-sided 95 %). `mean_numbers_used`:
    how many of a release's numbers had spoken at the first accusation, all of them if none fell.
    """

    runs: int
    false_accusations: int
    upper95: float
    power: float
    right_first: float
    mean_numbers_used: float
    poisson_false_accusations: int


def simulate(setup: Setup) -> Result:
    """Play all runs. Verdicts rest on the running maximum, so weekly looks, or any others, are covered."""
    return summary(outcomes(setup))


def outcomes(setup: Setup) -> Iterator[Outcome]:
    """The runs one by one, for whoever shows progress. Raises CanaryError where the world misbehaves."""
    if setup.leak.leakers > setup.design.copies:
        raise CanaryError(f"{setup.leak.leakers} leakers among {setup.design.copies} copies", "take fewer leakers")
    for seed in np.random.SeedSequence(setup.seed).spawn(setup.runs):
        yield _run(np.random.default_rng(seed), setup)


def summary(found: Iterable[Outcome]) -> Result:
    """Add up runs."""
    runs = list(found)
    false = sum(r.innocent for r in runs)
    return Result(
        runs=len(runs),
        false_accusations=false,
        upper95=upper95(false, len(runs)),
        power=_share(r.leaker for r in runs),
        right_first=_share(r.first for r in runs),
        mean_numbers_used=float(np.mean([r.used for r in runs])),
        poisson_false_accusations=sum(r.poisson for r in runs),
    )


def upper95(events: int, runs: int) -> float:
    """The probability that `runs` tries with so few `events` leave plausible at 95 %, one-sided (Clopper–Pearson)."""
    return 1.0 if events >= runs else float(betaincinv(events + 1, runs - events, 0.95))


def _share(flags: Iterable[bool]) -> float:
    return float(np.mean(list(flags)))


def _run(rng: np.random.Generator, setup: Setup) -> Outcome:
    plan = setup.design
    drawn = deal(rng, plan)
    background = _Background.of(setup.world(rng, plan.numbers, setup.days), plan.numbers, setup.days)
    leakers = rng.choice(plan.copies, setup.leak.leakers, replace=False).tolist()
    leaked = calls(rng, drawn, leakers, setup.leak, setup.days)
    found = paths(drawn.planted, _heard(rng, setup, drawn, background, leaked), setup.channel)
    return _judge(setup, drawn, found, leakers, _test_by_poisson(setup, drawn, background, leaked))


@dataclass(frozen=True)
class _Background:
    """Per number: the day of the first recognised contact, of the first that used a name (inf: none), how many."""

    first: Floats
    named: Floats
    count: Ints

    @classmethod
    def of(cls, contacts: Iterable[Contact], numbers: int, days: int) -> "_Background":
        heard = [(n, d, k) for n, d, k in (checked(c, numbers, days) for c in contacts) if k in (MATERNAL, NAMED)]
        index = np.array([n for n, _, _ in heard], dtype=np.intp)
        day = np.array([d for _, d, _ in heard])
        first, named = np.full(numbers, np.inf), np.full(numbers, np.inf)
        np.minimum.at(first, index, day)
        by_name = np.array([k == NAMED for _, _, k in heard], dtype=bool)
        np.minimum.at(named, index[by_name], day[by_name])
        return cls(first, named, np.bincount(index, minlength=numbers).astype(np.intp))


def _heard(rng: np.random.Generator, setup: Setup, drawn: Draw, background: _Background, leaked: Calls) -> Heard:
    """Everything on the numbers of every release. Background callers use one name that every release holds, on a
    number drawn by lot: the commonest name there is."""
    first = background.first.copy()
    np.minimum.at(first, drawn.numbers[leaked.copies], leaked.day)
    at = np.minimum(first, setup.days)[drawn.numbers]
    shape = drawn.planted.shape
    named = background.named[drawn.numbers]
    said = np.broadcast_to(rng.integers(shape[1], size=(shape[0], 1)), shape).copy()
    for copy, day, by_name in zip(leaked.copies, leaked.day, leaked.named, strict=True):
        sooner = by_name & (day < named[copy])
        slip = rng.random(shape[1]) >= setup.channel.right_name
        named[copy] = np.where(sooner, day, named[copy])
        uses = np.where(slip, rng.integers(shape[1], size=shape[1]), np.arange(shape[1]))
        said[copy] = np.where(sooner, uses, said[copy])
    return Heard(at, np.isfinite(first)[drawn.numbers], named, said)


def _judge(setup: Setup, drawn: Draw, found: Paths, leakers: list[int], poisson: Bools) -> Outcome:
    accused = found.sup() >= threshold(setup.design.copies, setup.alpha)
    holders = np.zeros(setup.design.copies, dtype=bool)
    # "At v or in something made from v": an ancestor's accusation is true, though it is not the leaker.
    holders[[held for copy in leakers for held in setup.leak.lineage(copy)]] = True
    first = bool(leakers) and int(np.argmax(found.now())) in leakers
    used = _used(found, accused, threshold(setup.design.copies, setup.alpha))
    return Outcome(
        innocent=bool((accused & ~holders).any()),
        leaker=bool(accused[leakers].any()),
        first=first,
        used=used,
        poisson=bool((poisson & ~holders).any()),
    )


def threshold(copies: int, alpha: float) -> float:
    """ln(n / alpha), in nats: by Ville no innocent copy of n reaches it with more than probability alpha."""
    return math.log(copies / alpha)


def _used(found: Paths, accused: Bools, bar: float) -> int:
    if not accused.any():
        return int(found.counted[:, -1].max())
    at, counted = found.at[accused], found.counted[accused]
    crossing = np.argmax(found.log_e[accused] >= bar, axis=1)[:, None]
    earliest = int(np.argmin(np.take_along_axis(at, crossing, axis=1)))
    return int(counted[earliest, crossing[earliest, 0]])


def _test_by_poisson(setup: Setup, drawn: Draw, background: _Background, leaked: Calls) -> Bools:
    """The usual test: does a copy get more recognised calls on its numbers than a Poisson law with this run's mean
    rate allows, at alpha / n for each copy?"""
    count = background.count.copy()
    np.add.at(count, drawn.numbers[leaked.copies], np.isfinite(leaked.day))
    heard = (count[drawn.numbers] * drawn.planted).sum(axis=1)
    expected = count.mean() * setup.design.canaries
    tail = np.where(heard > 0, gammainc(np.maximum(heard, 1), expected), 1.0)
    found: Bools = tail <= setup.alpha / setup.design.copies
    return found
