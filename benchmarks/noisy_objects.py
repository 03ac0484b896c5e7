"""Guilt ranking beside our verdict where objects are numbers that ring by noise too; run by papadimitriou.py.

Both methods get the same number of objects, the same size of every copy, and the same noise. Theirs hands them out by
s-max, their best; ours by lot (the shared law). A leaked object rings with probability q, any other with b; in a
storm, one run in ten, somebody calls 60 % of all numbers besides. Ours accuses at sup E >= n/alpha, assuming b = 0.02
throughout; "right first" ranks by that score, and in the line below by the posterior, which the report ranks rivals
by. Theirs, p = 0.5, with each of three cuts:

  first    accuse whoever ranks first, as soon as anything rings: what a ranking says by itself
  as many  the cut that gives as many accusations as ours over the world's leaks and quiet runs: known in hindsight
  fitted   accuse whoever ranks first above a cut, so set that a share alpha of quiet runs at b = 0.02 accuse
           anybody: noise measured beforehand, and the same ever after
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from guilt import Bools, Floats, guilt, s_max, sample, wishes
from numpy.typing import NDArray

from canary.trace.evidence import Channel
from canary.trace.field import Heard, paths
from canary.trace.posterior import PRIOR_WEIGHT

ALPHA, AGENTS, ASSUMED, DAYS = 0.001, 21, 0.02, 180.0
World = tuple[float, float, bool]
"""Hit rate, background, and whether there are storms."""
WORLDS: list[World] = [(q, b, False) for q, b in ((0.9, 0.02), (0.5, 0.02), (0.3, 0.02), (0.5, 0.1), (0.5, 0.3))]
WORLDS.append((0.5, 0.02, True))
DEALT, AT_ONCE, FITTING = 20, 100, 40_000
CHANNEL = Channel(background=ASSUMED)


@dataclass(frozen=True)
class Setting:
    """So many objects, and so many of them in each copy."""

    name: str
    objects: int
    wants: NDArray[np.int_]


def settings(rng: np.random.Generator) -> list[Setting]:
    """Theirs, with copies of 6 to 15 objects, and one with four times the objects in larger shares."""
    return [Setting("their sizes", 50, wishes(rng, 4.4)), Setting("larger", 200, np.full(AGENTS, 60))]


def by_lot(rng: np.random.Generator, setting: Setting, scenes: int) -> Bools:
    """Our draw: every copy a uniform subset of its size (scenes, agents, objects)."""
    ranks = rng.random((scenes, AGENTS, setting.objects)).argsort(axis=2).argsort(axis=2)
    return ranks < setting.wants[:, None]


def noise(rng: np.random.Generator, shape: tuple[int, int], b: float, storms: bool) -> Bools:
    """Which objects ring without a leak (runs, objects)."""
    rang = rng.random(shape) < b
    if storms:
        rang |= (rng.random((shape[0], 1)) < 0.1) & (rng.random(shape) < 0.6)
    return rang


def our_scores(rng: np.random.Generator, holds: Bools, rang: Bools) -> Floats:
    """sup ln E of every agent, less the bar: accused from 0 on (runs, agents)."""
    runs, agents, objects = holds.shape
    at = np.where(rang, rng.random(rang.shape) * DAYS, DAYS)
    at, heard = (np.repeat(each, agents, axis=0) for each in (at, rang))
    never, nobody = np.full(at.shape, np.inf), np.zeros(at.shape, dtype=int)
    found = paths(holds.reshape(-1, objects), Heard(at, heard, never, nobody), CHANNEL).sup()
    return found.reshape(runs, agents) - np.log(agents / ALPHA)


def beliefs(holds: Bools, rang: Bools) -> Floats:
    """ln P(heard | this copy leaked) / P(heard | none did), as canary.trace.posterior has it (runs, agents)."""
    heard = rang[:, None, :]
    spared = (~holds).sum(axis=2)
    b = (PRIOR_WEIGHT * ASSUMED + (heard & ~holds).sum(axis=2)) / (PRIOR_WEIGHT + spared)
    q = np.array(CHANNEL.hit_rates)[:, None, None]
    rings, silent = (heard & holds).sum(axis=2), (~heard & holds).sum(axis=2)
    inside = q + (1 - q) * b
    return np.logaddexp.reduce(rings * np.log(inside / b) + silent * np.log((1 - inside) / (1 - b)))


def their_scores(dealt: Bools, rang: Bools) -> Floats:
    """Guilt of every agent; the runs use the allocations in turn (runs, agents)."""
    found = np.empty((len(rang), dealt.shape[1]))
    for i, holds in enumerate(dealt):
        found[i :: len(dealt)] = guilt(holds, rang[i :: len(dealt)])
    return found


@dataclass(frozen=True)
class Outcomes:
    """Scores of both methods over runs with a leak at `leakers`, and over quiet ones; each (runs, agents)."""

    leakers: NDArray[np.int_]
    ours: Floats
    beliefs: Floats
    theirs: Floats
    ours_quiet: Floats
    theirs_quiet: Floats


def play(rng: np.random.Generator, setting: Setting, dealt: Bools, runs: int, world: World) -> Outcomes:
    """Many runs of one world: with a leak, and quiet."""
    q, b, storms = world
    parts = []
    for start in range(0, runs, AT_ONCE):
        count = min(AT_ONCE, runs - start)
        turn, shape = np.arange(count), (count, setting.objects)
        leakers, spread = rng.integers(AGENTS, size=count), rng.random(shape) < q
        rang, quiet = noise(rng, shape, b, storms), noise(rng, shape, b, storms)
        holds = by_lot(rng, setting, count)
        ring = rang | (spread & holds[turn, leakers])
        ours = our_scores(rng, holds, ring), beliefs(holds, ring)
        theirs = their_scores(dealt, rang | (spread & dealt[turn % len(dealt), leakers]))
        parts.append((leakers, *ours, theirs, our_scores(rng, holds, quiet), their_scores(dealt, quiet)))
    return Outcomes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def first(scores: Floats, leakers: NDArray[np.int_]) -> float:
    """How often the leaker ranks first; a tie of k counts 1/k."""
    best = scores >= scores.max(axis=1, keepdims=True) - 1e-12
    return float((best[np.arange(len(scores)), leakers] / best.sum(axis=1)).mean())


def tally(accused: Bools, quiet: Bools, leakers: NDArray[np.int_]) -> tuple[float, float, float]:
    """Power, and runs with an innocent accused: beside a leak, and where nothing leaked."""
    right = accused[np.arange(len(leakers)), leakers]
    return float(right.mean()), float((accused.sum(axis=1) > right).mean()), float(quiet.any(axis=1).mean())


def ranked_first(scores: Floats) -> Bools:
    return scores >= np.maximum(scores.max(axis=1, keepdims=True), 1e-12)


def verdicts(seen: Outcomes, fitted: float) -> Iterator[tuple[str, float, float, float, float]]:
    """For each method and cut: name, right copy first, power, false beside a leak, false in quiet."""
    accused, quiet = seen.ours >= 0, seen.ours_quiet >= 0
    right = first(seen.theirs, seen.leakers)
    yield "ours", first(seen.ours, seen.leakers), *tally(accused, quiet, seen.leakers)
    yield "  by posterior", first(seen.beliefs, seen.leakers), np.nan, np.nan, np.nan
    every = np.sort(np.concatenate([seen.theirs.ravel(), seen.theirs_quiet.ravel()]))
    many = every[-1 - int(accused.sum() + quiet.sum())]
    ahead, ahead_quiet = ranked_first(seen.theirs), ranked_first(seen.theirs_quiet)
    yield "guilt, first", right, *tally(ahead, ahead_quiet, seen.leakers)
    yield "guilt, as many", right, *tally(seen.theirs > many, seen.theirs_quiet > many, seen.leakers)
    above = tally(ahead & (seen.theirs > fitted), ahead_quiet & (seen.theirs_quiet > fitted), seen.leakers)
    yield "guilt, fitted", right, *above


def compare(rng: np.random.Generator, runs: int) -> None:
    """Print the comparison; ten times `runs` runs with a leak, and as many quiet ones, in every world."""
    runs *= 10
    print(f"Noisy objects: {AGENTS} copies, {runs} leaks and {runs} quiet runs a world, alpha {ALPHA}; % of runs.")
    print(f"0.00 means below {300 / runs:.2f} with 95 % confidence; s: with storms.")
    for setting in settings(rng):
        dealt = np.array([sample(rng, setting.wants, setting.objects, s_max) for _ in range(DEALT)])
        calm = noise(rng, (FITTING, setting.objects), ASSUMED, False)
        fitted = float(np.quantile(their_scores(dealt, calm).max(axis=1), 1 - ALPHA, method="higher"))
        print(f"\n{setting.name}: {setting.objects} objects, {setting.wants.min()}-{setting.wants.max()} a copy")
        print(f"{'q':>4} {'b':>5}  {'':15} {'right first':>11} {'power':>6} {'false|leak':>10} {'false|quiet':>11}")
        for world in WORLDS:
            q, b, storms = world
            for name, *shares in verdicts(play(rng, setting, dealt, runs, world), fitted):
                cells = "{:11.1f} {:6.1f} {:10.2f} {:11.2f}".format(*(100 * s for s in shares)).replace("nan", "  -")
                print(f"{q:4} {b:4}{'s' if storms else ' '}  {name:15} {cells}", flush=True)
