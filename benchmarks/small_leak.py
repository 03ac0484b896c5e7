"""500 of 40,000 rows leak: how many named calls settle it, and power against canary rows in each copy.

Usage: small_leak.py [--runs N] [--copies N]

Shared law, half of the numbers in each copy, alpha = 1e-3. "Now" scores as `canary trace` does; "small" adds a hit
rate of 0.001 to the rates averaged over, so that unnamed calls and silence weigh still less where few rows leaked.
"""

import argparse
from dataclasses import replace

import numpy as np

from canary.trace.design import Design, subsets
from canary.trace.evidence import Channel
from canary.trace.field import Heard, paths
from canary.trace.law import Law
from canary.trace.planner import Task, power

FRACTION = 500 / 40_000
ROWS = (12, 50, 100, 239, 478, 1000)
NOW = Channel()
SMALL = replace(NOW, hit_rates=(0.001, *NOW.hit_rates))


def hits_needed(rows: int, noise: float, task: Task, runs: int = 500) -> int | None:
    """Named calls after which half of the leaks are accused, while other numbers ring with probability `noise`."""
    rng = np.random.default_rng(3)
    width = 2 * rows
    planted = subsets(rng, runs, width, rows)
    stray = np.where(rng.random((runs, width)) < noise, rng.uniform(0, 180, (runs, width)), np.inf)
    for hits in range(1, min(rows, 10)):
        called = np.argsort(np.where(planted, rng.random((runs, width)), 2), axis=1)[:, :hits]
        calls = np.full((runs, width), np.inf)
        np.put_along_axis(calls, called, rng.uniform(0, 180, (runs, hits)), axis=1)
        first = np.minimum(calls, stray)
        own = np.broadcast_to(np.arange(width), (runs, width))
        heard = Heard(np.minimum(first, 180), np.isfinite(first), calls, own)
        if np.mean(paths(planted, heard, task.channel).sup() >= task.threshold) >= 0.5:
            return hits
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=100)
    given = parser.parse_args()
    task = Task(given.copies)
    print(
        "named calls needed (half of the runs)\n\n| canary rows | no noise, now | noise 0.02, now | noise 0.02, small |"
    )
    print("|---|---|---|---|")
    for rows in ROWS:
        counts = [hits_needed(rows, *way) for way in _ways(task)]
        print(f"| {rows} | {' | '.join(map(str, counts))} |", flush=True)
    print("\npower\n\n| canary rows | q | callers who name | expected calls | now | small |\n|---|---|---|---|---|---|")
    for named in (1.0, 0.3):
        for hit_rate in (1.0, 0.5):
            for rows in ROWS:
                wanted = replace(task, hit_rate=FRACTION * hit_rate, named=named)
                plan = Design(Law.SHARED, given.copies, 2 * rows, rows)
                reached = [power(plan, replace(wanted, channel=c), given.runs).accused for c in (NOW, SMALL)]
                calls = rows * FRACTION * hit_rate
                print(f"| {rows} | {hit_rate:g} | {named:g} | {calls:.1f} | {reached[0]:.3f} | {reached[1]:.3f} |")


def _ways(task: Task) -> list[tuple[float, Task]]:
    return [(0.0, task), (0.02, task), (0.02, replace(task, channel=SMALL))]


if __name__ == "__main__":
    main()
