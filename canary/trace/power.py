"""How small a leak would have been seen: the power of the score, by simulation with its own generator."""

import math

import numpy as np

from canary.trace.evidence import Channel, Evidence, Mark, Outcome, Release
from canary.trace.score import Resolved, path

POWER = 0.95
RUNS = 300


def smallest_visible_leak(evidence: Evidence, channel: Channel, threshold: float) -> float | None:
    """The smallest fraction of the best-watched copy whose leak is accused with 95 % probability, or None.

    Uses the placement as drawn, the share of the window that has passed, and the channel's middle hit rate.
    """
    if not evidence.releases:
        return None
    release = max(evidence.releases, key=lambda r: _elapsed(r, evidence))
    hit_rate = float(np.median(channel.hit_rates)) * _elapsed(release, evidence)
    if _power(release, channel, hit_rate, threshold) < POWER:
        return None
    low, high = 0.0, 1.0
    while high - low > 0.02:
        middle = (low + high) / 2
        if _power(release, channel, hit_rate * middle, threshold) >= POWER:
            high = middle
        else:
            low = middle
    return round(high, 2)


def _elapsed(release: Release, evidence: Evidence) -> float:
    return min(1.0, max(0.0, (evidence.as_of - release.start) / (release.end - release.start)))


def _power(release: Release, channel: Channel, hit_rate: float, threshold: float) -> float:
    # One fixed generator for every fraction: common random numbers keep the bisection monotone.
    rng = np.random.default_rng(20080610)
    accused = 0
    for _ in range(RUNS):
        hits = _hits(rng, release, channel, hit_rate)
        accused += max(path(release.marks, hits, channel), default=-math.inf) >= threshold
    return accused / RUNS


def _hits(rng: np.random.Generator, release: Release, channel: Channel, hit_rate: float) -> list[Resolved]:
    planted = np.array([m.planted for m in release.marks])
    chance = np.where(planted, hit_rate + (1 - hit_rate) * channel.background, channel.background)
    rang = np.flatnonzero(rng.random(len(planted)) < chance)
    rng.shuffle(rang)
    return [Resolved(release.start, _mark(release, int(i)), Outcome.MATERNAL) for i in rang]


def _mark(release: Release, index: int) -> Mark:
    return release.marks[index]
