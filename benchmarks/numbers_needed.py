"""How many numbers 95 % power takes under the shared law, and how far above the information floor it stops.

Usage: numbers_needed.py [--runs N] [--copies N]...

One leaker, q = 1, 0.5, 0.3, noise 0.02, alpha = 1e-3, channel known, callers who name nobody. "Stop": numbers are
looked at one by one, in the order of their release, until the leaker is accused; fresh numbers as long as it takes
(attribution.md §2). The floor is ln(n / alpha) over the information of one number at the best density. "Grid": the
same number for 95 % where the hit rate is not known and averaged over, as `canary trace` does.
"""

import argparse
import math
from dataclasses import replace

import numpy as np

from canary.trace.design import Design, best_density, information, subsets
from canary.trace.evidence import Channel
from canary.trace.field import Heard, paths
from canary.trace.law import Law
from canary.trace.planner import Task, power, smallest

NOISE, ALPHA = 0.02, 1e-3
GOALS = {1.0: 25, 0.5: 115, 0.3: 230}
FRESH = 8  # numbers a release of the sequential run holds, in multiples of the floor


def task(copies: int, hit_rate: float) -> Task:
    return Task(copies, ALPHA, hit_rate, NOISE, channel=Channel(background=NOISE, hit_rates=(hit_rate,)))


def needed(wanted: Task, runs: int) -> Design:
    found = smallest(wanted, Law.SHARED, 0.95, runs)
    assert found is not None
    return found


def stops(wanted: Task, runs: int) -> np.ndarray:
    """After how many numbers the leaker is accused, one number at a time (runs,); inf where never."""
    rng = np.random.default_rng(7)
    density = best_density(wanted.hit_rate, wanted.noise)
    width = math.ceil(FRESH * floor(wanted))
    found = []
    for _ in range(0, runs, 500):
        planted = subsets(rng, 500, width, round(density * width))
        chance = np.where(planted, wanted.hit_rate + (1 - wanted.hit_rate) * wanted.noise, wanted.noise)
        in_turn = np.broadcast_to(np.arange(width, dtype=float), planted.shape)
        never = np.full(planted.shape, np.inf)
        heard = Heard(in_turn, rng.random(planted.shape) < chance, never, np.zeros(planted.shape, dtype=np.intp))
        crossed = paths(planted, heard, wanted.channel).log_e >= wanted.threshold
        found.append(np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf))
    return np.concatenate(found)


def floor(wanted: Task) -> float:
    best = best_density(wanted.hit_rate, wanted.noise)
    return wanted.threshold / float(information(best, wanted.hit_rate, wanted.noise))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--copies", type=int, action="append")
    given = parser.parse_args()
    print("| n | q | numbers | canaries | power | goal | grid | floor | stop mean (p95) | mean / floor |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for copies in given.copies or [100, 1000]:
        for hit_rate, goal in GOALS.items():
            wanted = task(copies, hit_rate)
            found = needed(wanted, given.runs)
            grid = needed(replace(wanted, channel=Channel(background=NOISE)), given.runs)
            stop = stops(wanted, given.runs)
            most = goal if copies == 100 else goal * 1.25
            print(
                f"| {copies} | {hit_rate:g} | {found.numbers} | {found.canaries} "
                f"| {power(found, wanted, given.runs).accused:.3f} | {most:g} | {grid.numbers} | {floor(wanted):.1f} "
                f"| {stop.mean():.1f} ({np.quantile(stop, 0.95):.0f}) | {stop.mean() / floor(wanted):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
