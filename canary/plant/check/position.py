"""Where the canaries stand: scattered like other rows, and without breaking the order the host is sorted in."""

import numpy as np
from scipy.stats import kstest, norm

from canary.mint.facts import Table
from canary.plant.check.lights import Light, Line, chance_light
from canary.plant.check.subject import Subject
from canary.plant.order import sort_keys

_ADVICE = "put each canary where the host's order wants it, at a random one of equal places (`canary seed` does)"
_SMALL = 1e-12


def lines(subject: Subject) -> list[Line]:
    """Clumps, ends of the file, and broken sort orders."""
    return [_runs(subject), _spread(subject), _order(subject)]


def _runs(subject: Subject) -> Line:
    """The runs test of Wald and Wolfowitz: canaries that stand together make too few runs."""
    canary = subject.canary
    ours, rows = int(canary.sum()), len(canary)
    runs = 1 + int(np.sum(canary[1:] != canary[:-1]))
    mean = 1 + 2 * ours * (rows - ours) / rows
    spread = np.sqrt(max((mean - 1) * (mean - 2) / max(rows - 1, 1), _SMALL))
    chance = float(norm.cdf((runs + 0.5 - mean) / spread))
    text = f"{mean:.1f} if scattered (so few by chance {chance:.1%})"
    figures = {"runs": runs, "expected": mean, "chance": chance}
    return Line("position", "runs of canaries and others", chance_light(chance), f"{runs} runs", text, _ADVICE, figures)


def _spread(subject: Subject) -> Line:
    """Kolmogorov and Smirnov on the places: canaries at an end of the file, or only in a part of it."""
    places = (np.flatnonzero(subject.canary) + 0.5) / len(subject.canary)
    chance = float(kstest(places, "uniform").pvalue)
    low, high = int(places.min() * 100), int(np.ceil(places.max() * 100))
    found = f"from {low} % to {high} % of the file"
    text = f"so uneven by chance {chance:.1%}"
    return Line("position", "spread over the file", chance_light(chance), found, text, _ADVICE, {"chance": chance})


def _order(subject: Subject) -> Line:
    """The columns the host is sorted by, found without the canaries, must still sort the file with them."""
    host = sort_keys(subject.genuine.rows)
    names = [_named(subject.table, column, direction) for column, direction in host]
    kept = sort_keys(subject.table.rows)[: len(host)] == host
    light = Light.GREEN if kept else Light.RED
    found = "kept" if kept else "broken by the canaries"
    expected = ", then ".join(names) or "the host is not sorted"
    return Line("position", "sort order", light, found, expected, _ADVICE, {"keys": len(host)})


def _named(table: Table, column: int, direction: int) -> str:
    return f"{table.header[column]} {({1: 'rising', -1: 'falling'}).get(direction, 'in blocks')}"
