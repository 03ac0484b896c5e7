"""Two leakers who merged their files: how many numbers the pair decoder needs, and how often it names an innocent.

Usage: pair.py [--runs N] [--copies N] [--merge union|interleaved]

Shared law, noise 0.02, alpha = 1e-3, callers who name nobody; the least numbers for 95 % power. "Single": a leaker is
accused by its own score. "Either": the product of the two scores says that one of them leaked (no assumption). "One":
the posterior that a certain copy leaked, alone or with another, reaches 0.999 for a leaker; "both": that of the very
pair does. These two assume at most two leakers and the channel: "known" takes hit rate and noise as known, as the
goals of attribution.md do; "unknown" averages over the grids that `canary trace` uses, as the scores always do.
"""

import argparse
import math
from collections import Counter
from collections.abc import Callable

import numpy as np

from canary.trace.design import Design, best_density, deal
from canary.trace.evidence import Channel, Merge
from canary.trace.field import Heard, paths
from canary.trace.judge import PAIR_SURE
from canary.trace.law import Law
from canary.trace.leak import Leak, calls
from canary.trace.pairs import NOISES, Exposed, believe

NOISE, ALPHA, DAYS = 0.02, 1e-3, 180
PAIR_DENSITY = 0.38  # denser than what serves a single decoder best
GOALS = {(Merge.UNION, 1.0): 30, (Merge.UNION, 0.5): 125, (Merge.UNION, 0.3): 250}
MOST = 1200


def run(rng, plan, leak):
    """One leak: the draw, who leaked, and the day each number first rang."""
    drawn = deal(rng, plan)
    leakers = sorted(rng.choice(plan.copies, leak.leakers, replace=False).tolist()) if leak.leakers else []
    first = np.where(rng.random(plan.numbers) < NOISE, rng.uniform(0, DAYS, plan.numbers), np.inf)
    if leakers:
        found = calls(rng, drawn, leakers, leak, DAYS)
        np.minimum.at(first, drawn.numbers[found.copies], found.day)
    return drawn, leakers, first


def by_scores(drawn, leakers, first):
    """What the exact scores say: of one copy, of one of two."""
    copies = len(drawn.planted)
    at = np.minimum(first, DAYS)[drawn.numbers]
    rang = np.isfinite(first)[drawn.numbers]
    log_e = paths(
        drawn.planted, Heard(at, rang, np.full(at.shape, np.inf), np.zeros(at.shape, dtype=np.intp)), Channel()
    ).log_e
    bar = math.log(math.comb(copies, 2) / ALPHA)
    innocent = np.sort(np.delete(log_e.max(axis=1), leakers))
    mine = log_e[leakers]
    return {
        "single": bool(leakers) and bool((mine.max(axis=1) >= math.log(copies / ALPHA)).any()),
        "either": len(leakers) == 2 and bool(mine.sum(axis=0).max() >= bar),
        "false single": bool(innocent[-1] >= math.log(copies / ALPHA)),
        "false either": bool(innocent[-2:].sum() >= bar),  # at most as high as the sum of the two highest
    }


def by_pairs(drawn, leakers, first, channel, noises):
    """What the pair decoder says."""
    rang = np.isfinite(first)
    row, column = np.nonzero(drawn.planted)
    seen = Exposed(len(drawn.planted), row, drawn.numbers[row, column], rang[column] * 1, np.ones(len(row)), rang)
    beliefs = believe(seen, channel, noises)
    i, j, _, share = beliefs.best()
    named = set(np.flatnonzero(beliefs.each() >= PAIR_SURE).tolist())
    return {
        "one": bool(named & set(leakers)),
        "both": share >= PAIR_SURE and [i, j] == leakers,
        "false one": bool(named - set(leakers)),
        "false two": beliefs.two >= PAIR_SURE and len(leakers) < 2,
    }


def tally(plan, leak, say: Callable, runs, seed=1) -> Counter:
    """How often each statement was made in `runs` leaks."""
    found: Counter = Counter()
    for child in np.random.SeedSequence(seed).spawn(runs):
        found.update({key: int(said) for key, said in say(*run(np.random.default_rng(child), plan, leak)).items()})
    return found


def least(copies, leak, say, runs, key, density):
    """The smallest shared design with 95 % power for `key`, to about 2 %, or None."""

    def plan(numbers):
        return Design(Law.SHARED, copies, numbers, max(1, round(density * numbers)))

    low, high = 10, 20
    while tally(plan(high), leak, say, runs)[key] < 0.95 * runs:
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if tally(plan(middle), leak, say, runs)[key] >= 0.95 * runs else (middle, high)
    return plan(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--merge", type=Merge, choices=list(Merge), action="append", dest="merges")
    given = parser.parse_args()
    runs = given.runs
    print("| merge | q | statement | channel | numbers | canaries | goal | of so many runs, false |")
    print("|---|---|---|---|---|---|---|---|")
    for merge in given.merges or list(Merge):
        for q in (1.0, 0.5, 0.3):
            leak = Leak(2, q, merge=merge)
            known = (Channel(background=NOISE, hit_rates=(q,), named_share=0.0), (NOISE,))
            ways = [("single", "scores", by_scores), ("either", "scores", by_scores)]
            for name, way in (("known", known), ("unknown", (Channel(background=NOISE), NOISES))):
                ways += [(key, name, lambda *seen, way=way: by_pairs(*seen, *way)) for key in ("one", "both")]
            for key, channel, say in ways:
                density = best_density(q, NOISE, 2) if say is by_scores else PAIR_DENSITY
                found = least(given.copies, leak, say, max(100, runs // 4), key, density)
                false = (
                    tally(found, leak, say, runs, seed=2)[f"false {'one' if key == 'both' else key}"] if found else "–"
                )
                goal = GOALS.get((merge, q), "") if key in ("one", "both") and channel == "known" else ""
                size = f"{found.numbers} | {found.canaries}" if found else f"> {MOST} | –"
                print(
                    f"| {merge.value} | {q:g} | {key} | {channel} | {size} | {goal} | {false} of {runs} |", flush=True
                )
    for name, leak in (("one leaker", Leak(1, 0.5)), ("no leaker", Leak(0, 0.5))):
        plan = Design(Law.SHARED, given.copies, 120, 50)
        found = tally(plan, leak, lambda *seen: by_pairs(*seen, Channel(background=NOISE), NOISES), runs, seed=3)
        print(f"{name}, 120 numbers, channel unknown: {dict(found)}", flush=True)


if __name__ == "__main__":
    main()
