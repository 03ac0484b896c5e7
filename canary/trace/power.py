"""How small a leak would have been seen: the power of the score, by simulation with its own generator."""

from collections.abc import Sequence

import numpy as np

from canary.trace import season
from canary.trace.evidence import Channel, Evidence, Release
from canary.trace.field import Floats, Heard, paths

POWER = 0.95
RUNS = 300


def smallest_visible_leak(evidence: Evidence, channel: Channel, threshold: float, expected: float) -> float | None:
    """The smallest fraction of a typical copy (of median age, the older of two) whose leak is accused with 95 %
    probability, or None.

    A leak of a month's copy may be told by the canaries that live on in it from its recipient's earlier ones. Uses
    the placement as drawn, the share of the women's seasons that has passed, and the `expected` hit rate of a whole
    season.
    """
    by_age = sorted((r for r in evidence.releases if r.marks), key=lambda r: r.start)
    if not by_age:
        return None
    release = by_age[(len(by_age) - 1) // 2]
    family = _family(release, evidence)
    hit_rate = 1 - (1 - min(expected, 0.99)) ** _elapsed(release, evidence)
    if _power(family, channel, hit_rate, threshold) < POWER:
        return None
    low, high = 0.0, 1.0
    while high - low > 0.02:
        middle = (low + high) / 2
        if _power(family, channel, hit_rate * middle, threshold) >= POWER:
            high = middle
        else:
            low = middle
    return round(high, 2)


def _elapsed(release: Release, evidence: Evidence) -> float:
    shares = [season.elapsed(m.due, release.start, evidence.as_of, release.end) for m in release.marks if m.planted]
    return float(np.mean(shares)) if shares else 0.0


def _family(release: Release, evidence: Evidence) -> list[tuple[Release, frozenset[str]]]:
    """The copies of one recipient that a leak of this one would accuse: itself with its own canaries, and the
    earlier ones with those of theirs that it carries."""
    carried = {m.number for m in release.carried}
    own = [r for r in evidence.releases if r.recipient == release.recipient and r.start <= release.start]
    found = [(r, frozenset(m.number for m in r.marks if m.planted)) for r in own]
    found = [(r, numbers if r.copy == release.copy else numbers & carried) for r, numbers in found]
    return [(each, exposed) for each, exposed in found if exposed]


def _power(
    family: Sequence[tuple[Release, frozenset[str]]], channel: Channel, hit_rate: float, threshold: float
) -> float:
    # One fixed generator for every fraction: common random numbers keep the bisection monotone.
    rng = np.random.default_rng(20080610)
    reached = [_highest(rng, leaked, channel, hit_rate) for leaked in family]
    return float(np.mean(np.max(reached, axis=0) >= threshold))


def _highest(
    rng: np.random.Generator, leaked: tuple[Release, frozenset[str]], channel: Channel, hit_rate: float
) -> Floats:
    """The highest score in each of `RUNS` simulated leaks of the numbers given, its blocks taken as one (RUNS,)."""
    release, exposed = leaked
    shape = (RUNS, len(release.marks))
    called = rng.random(shape) < np.array([hit_rate * (m.number in exposed) for m in release.marks])
    rang = called | (rng.random(shape) < channel.background)
    at = np.where(rang, rng.random(shape), np.inf)
    named = np.where(called & (rng.random(shape) < channel.named_share), at, np.inf)
    planted = np.broadcast_to(np.array([m.planted for m in release.marks]), shape)
    own = np.broadcast_to(np.arange(shape[1]), shape)
    return paths(planted, Heard(at, rang, named, own), channel).sup()
