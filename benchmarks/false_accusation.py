"""How often an innocent copy is accused, in every world, under both laws: null runs, looked at all the time.

Usage: false_accusation.py [--runs N] [--law exclusive|shared] [--world NAME]... [--seed N]

A year of contacts a run, 100 copies, alpha = 1e-3. The verdict rests on the running maximum over every step, so
weekly looks are covered. "one leaks" and "tree" play a leak too: innocent are the copies that neither leaked nor
were the source of the one that did. "Poisson" is the usual test of each copy's number of calls on the same runs.
"""

import argparse
import time
from dataclasses import replace

from canary.trace.design import design
from canary.trace.law import Law
from canary.trace.leak import Leak
from canary.trace.simulate import Setup, simulate
from canary.trace.worlds import WORLDS, bernoulli, negative_binomial

NUMBERS = {Law.EXCLUSIVE: 1000, Law.SHARED: 200}
NOBODY = Leak(leakers=0)


def setups(law: Law, runs: int, seed: int) -> dict[str, Setup]:
    plan = design(law, 100, NUMBERS[law], hit_rate=0.3, noise=0.02)
    usual = Setup(plan, bernoulli(0.02), NOBODY, runs=runs, seed=seed)
    found = {name: replace(usual, world=world) for name, world in {"bernoulli": bernoulli(0.02), **WORLDS}.items()}
    leaky = replace(usual, world=negative_binomial(3.6))
    found["one leaks"] = replace(leaky, leak=Leak(1))
    found["tree, one leaks"] = replace(leaky, leak=Leak(1, branching=4))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--law", choices=[law.value for law in Law], action="append", dest="laws")
    parser.add_argument("--world", action="append", dest="worlds")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| law | world | runs | accused | upper 95 % | Poisson | power | s |\n|---|---|---|---|---|---|---|---|")
    for law in map(Law, given.laws or list(Law)):
        for name, setup in setups(law, given.runs, given.seed).items():
            if given.worlds and name not in given.worlds:
                continue
            begun = time.monotonic()
            found = simulate(setup)
            power = f"{found.power:.3f}" if setup.leak.leakers else "–"
            print(
                f"| {law.value} | {name} | {found.runs} | {found.false_accusations} | {found.upper95:.1e} "
                f"| {found.poisson_false_accusations} | {power} | {time.monotonic() - begun:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
