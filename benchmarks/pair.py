"""Two leakers who merged their files: how many numbers the pair decoder needs, and how often it names an innocent.

Usage: pair.py [--runs N] [--copies N] [--unknown]

Shared law, noise 0.02, alpha = 1e-3, callers who name nobody. "Single": a leaker is accused by its own score.
"Either": the product of the two scores says that one of them leaked (no assumption). "One": the posterior
that a leaker is one of a pair reaches 0.999; "both": the pair's does (assuming at most two leakers and the channel:
"known" takes hit rate and noise as known, as the goals do; "unknown" averages over the grids of `canary trace`).
"""

import argparse
import math
from dataclasses import replace

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


def play(rng, plan, leak, channel, noises):
    """One run: was a leaker accused alone, one of the pair surely, the pair named, and was an innocent in it?"""
    drawn = deal(rng, plan)
    leakers = sorted(rng.choice(plan.copies, leak.leakers, replace=False).tolist()) if leak.leakers else []
    first = np.where(rng.random(plan.numbers) < NOISE, rng.uniform(0, DAYS, plan.numbers), np.inf)
    if leakers:
        found = calls(rng, drawn, leakers, leak, DAYS)
        np.minimum.at(first, drawn.numbers[found.copies], found.day)
    rang = np.isfinite(first)
    row, column = np.nonzero(drawn.planted)
    seen = Exposed(plan.copies, row, column, rang[column] * 1, np.ones(len(row)), rang)
    beliefs = believe(seen, channel, noises)
    i, j, merge, share = beliefs.best()
    named = set(np.flatnonzero(beliefs.each() >= PAIR_SURE).tolist())
    at = np.minimum(first, DAYS)[drawn.numbers]
    heard = Heard(at, rang[drawn.numbers], np.full(at.shape, np.inf), np.zeros(at.shape, dtype=np.intp))
    log_e = paths(drawn.planted, heard, channel).log_e
    single = log_e.max(axis=1) >= math.log(plan.copies / ALPHA)
    bar = math.log(math.comb(plan.copies, 2) / ALPHA)
    innocent = [copy for copy in range(plan.copies) if copy not in leakers]
    return {
        "single": bool(leakers) and bool(single[leakers].any()),
        "either": bool(leakers) and bool((log_e[leakers[0]] + log_e[leakers[-1]]).max() >= bar),
        "one": bool(named & set(leakers)),
        "innocent named": bool(named - set(leakers)),
        "both": share >= PAIR_SURE and [i, j] == leakers,
        "merge": share >= PAIR_SURE and merge is leak.merge,
        "innocent in pair": share >= PAIR_SURE and not {i, j} <= set(leakers),
        "innocent alone": bool(single[innocent].any()),
        "neither true": bool((np.sort(log_e.max(axis=1)[innocent])[-2:]).sum() >= bar),
    }


def share_of(plan, leak, channel, noises, runs, seed=1):
    tally: dict[str, int] = {}
    for child in np.random.SeedSequence(seed).spawn(runs):
        for key, holds in play(np.random.default_rng(child), plan, leak, channel, noises).items():
            tally[key] = tally.get(key, 0) + holds
    return tally


def least(copies, leak, channel, noises, runs, key):
    """The smallest shared design with 95 % power for `key`, to about 2 %."""
    density = best_density(leak.hit_rate, NOISE, leak.leakers) if key in ("single", "either") else PAIR_DENSITY

    def power(numbers):
        plan = Design(Law.SHARED, copies, numbers, max(1, round(density * numbers)))
        return share_of(plan, leak, channel, noises, runs)[key] / runs

    low, high = 10, 20
    while power(high) < 0.95:
        low, high = high, high * 2
        if high > 1500:
            return None
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= 0.95 else (middle, high)
    return Design(Law.SHARED, copies, high, max(1, round(density * high)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--unknown", action="store_true")
    given = parser.parse_args()
    print("| merge | q | channel | single | either | one | both | goal | innocent named | false either |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for merge in Merge:
        for q in (1.0, 0.5, 0.3):
            leak = Leak(2, q, merge=merge)
            channel = Channel(background=NOISE) if given.unknown else Channel(background=NOISE, hit_rates=(q,))
            noises = NOISES if given.unknown else (NOISE,)
            search = max(100, given.runs // 5)
            sizes = {
                key: least(given.copies, leak, channel, noises, search, key) for key in ("single", "either", "both")
            }
            plan = sizes["both"]
            false = share_of(plan, leak, channel, noises, given.runs, seed=2) if plan else {}
            shown = [str(size.numbers) if size else "> 1500" for size in sizes.values()]
            print(
                f"| {merge.value} | {q:g} | {'unknown' if given.unknown else 'known'} | {' | '.join(shown)} "
                f"| {GOALS.get((merge, q), '')} | {false.get('innocent named')} of {given.runs} "
                f"| {false.get('neither true')} of {given.runs} |",
                flush=True,
            )
    one, none = Leak(1, 0.5), Leak(0, 0.5)
    for name, leak in (("one leaker", one), ("none", none)):
        plan = Design(Law.SHARED, given.copies, 120, 50)
        false = share_of(plan, replace(leak, merge=Merge.UNION), Channel(background=NOISE), NOISES, given.runs, seed=3)
        print(f"{name}, 120 numbers, channel unknown: {false}", flush=True)


if __name__ == "__main__":
    main()
