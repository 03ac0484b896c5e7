"""Papadimitriou and Garcia-Molina 2011 again: their figures, and their ranking beside our verdict.

    python benchmarks/papadimitriou.py [--runs N]

The formulas are in guilt.py, the comparison on noisy objects in noisy_objects.py. "Theirs" are figures of an earlier
reproduction from memory of the paper (200 scenes, or 24 for a sample request), not readings from its plots. Delta(i, j)
is Pr{G_i | R_i} - Pr{G_j | R_i}: "mean" and "least" are taken over all pairs of agents, then averaged over scenes.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from guilt import SELECTORS, Bools, Floats, e_optimal, explicit, gaps, sample, wishes, with_fakes
from noisy_objects import compare

WITHIN = 0.01


@dataclass(frozen=True)
class Row:
    """A figure: what it is, the range to reproduce and its own standard error, ours and its standard error."""

    name: str
    theirs: tuple[float, float]
    their_error: float
    ours: float
    error: float

    @property
    def off(self) -> float:
        """How far ours lies outside the range to reproduce, with its sign."""
        low, high = self.theirs
        return min(0.0, self.ours - low) + max(0.0, self.ours - high)


def row(name: str, theirs: float | tuple[float, float], values: Iterable[float], scenes: int) -> Row:
    """`scenes` stood behind their figure: its standard error is estimated from the spread of ours."""
    found = np.array(list(values))
    spread = float(found.std())
    both = theirs if isinstance(theirs, tuple) else (theirs, theirs)
    return Row(name, both, spread / scenes**0.5, float(found.mean()), spread / len(found) ** 0.5)


def explicit_rows(rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """|T| = 10, 10 agents that ask for 8 objects each; fakes as a share of the 80 objects handed out."""
    scenes = [explicit(rng) for _ in range(runs)]
    mean, least = np.array([gaps(holds) for holds in scenes]).T
    yield row("no fakes: mean", 0.073, mean, 200)
    yield row("no fakes: least", 0.011, least, 200)
    batches = [float(np.percentile(batch, 95)) for batch in np.array_split(least, max(1, runs // 100))]
    yield row("no fakes: least, 95th percentile", 0.035, batches, 2)

    def by_lot(holds: Bools) -> int:
        return int(rng.integers(len(holds)))

    fakes = {share: round(80 * share / 100) for share in (10, 12.5, 15, 25)}
    lot = {s: np.array([gaps(with_fakes(h, n, by_lot)) for h in scenes for _ in range(10)]) for s, n in fakes.items()}
    best = {s: np.array([gaps(with_fakes(h, n, e_optimal)) for h in scenes]) for s, n in fakes.items()}
    for share, theirs in ((10, 0.274), (12.5, 0.314), (15, 0.347)):
        yield row(f"e-random, {share} % fakes: mean", theirs, lot[share][:, 0], 200)
    yield row("e-random, 25 % fakes: least", 0.092, lot[25][:, 1], 200)
    for share, theirs in ((10, 0.040), (12.5, 0.311), (25, 0.461)):
        yield row(f"e-optimal, {share} % fakes: least", theirs, best[share][:, 1], 200)
    yield row("e-optimal, 25 % fakes: mean", 0.521, best[25][:, 0], 200)


LEAST = {
    "s-max": {4.25: 0.342, 4.55: 0.296, 6.6: 0.226},
    "s-random": {4.55: 0.123},
    "s-overlap": {4.55: 0.143},
    "s-sum": {4.55: 0.170},
}


def sample_rows(rng: np.random.Generator, runs: int) -> Iterator[Row]:
    """|T| = 50, agents that ask for 6 to 15 objects each."""

    def measured(load: float, name: str) -> Floats:
        scenes = (sample(rng, wishes(rng, load), 50, SELECTORS[name]) for _ in range(runs))
        return np.array([gaps(holds) for holds in scenes])

    for name in SELECTORS:
        yield row(f"{name}, load 4.5: mean", (0.506, 0.513), measured(4.5, name)[:, 0], 24)
    for name, loads in LEAST.items():
        for load, theirs in loads.items():
            yield row(f"{name}, load {load}: least", theirs, measured(load, name)[:, 1], 24)


def show(rows: Iterable[Row]) -> int:
    """Print the table; returns how many figures are off by more than the tolerance."""
    print(f"{'':36}{'theirs':>11}    +-   ours    +-     off  verdict")
    missed = 0
    for r in rows:
        theirs = "-".join(f"{bound:.3f}" for bound in sorted(set(r.theirs)))
        good = abs(r.off) <= WITHIN
        missed += not good
        verdict = "within" if good else f"OFF ({abs(r.off) / r.their_error:.1f} of their standard errors)"
        print(f"{r.name:36}{theirs:>11} {r.their_error:5.3f}  {r.ours:.3f} {r.error:5.3f}  {r.off:+.3f}  {verdict}")
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="scenes behind each figure (default 200)")
    given = parser.parse_args()
    rng = np.random.default_rng(2011)
    missed = show([*explicit_rows(rng, given.runs), *sample_rows(rng, given.runs)])
    print(f"{missed} figures off by more than {WITHIN}; +- are standard errors\n", flush=True)
    compare(rng, given.runs)


if __name__ == "__main__":
    main()
