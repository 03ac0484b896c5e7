"""Outlier search: does anybody who knows nothing but the file find canaries among its oddest rows?"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import log

import numpy as np
from sklearn.ensemble import IsolationForest

from canary.mint.facts import Cell, Table
from canary.plant.check.features import Floats, numbers
from canary.plant.check.lights import Line, excess_light
from canary.plant.check.subject import Subject

_FEW = 200  # a column with no more different values than this is one of categories
_DEEPER = 10
_DIGITS, _LETTERS = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_ADVICE = "look at these rows beside their neighbours: the model may not fit this table (`canary mint` shows more)"


def lines(subject: Subject, seed: int) -> list[Line]:
    """Canaries among the top k of an isolation forest and of empirical tails, k their number and ten times it."""
    rows, canaries = len(subject.table.rows), len(subject.codes)
    oddness = rarity(subject.table)
    found = []
    for name, scores in (("isolation forest", _forest(oddness, seed)), ("empirical tails", _tails(oddness))):
        # Rows that score alike are looked through in any order.
        order = np.lexsort((np.random.default_rng(seed).random(rows), -scores))
        for k in (canaries, min(_DEEPER * canaries, rows)):
            top = [int(i) for i in order[:k] if i in subject.codes]
            chance = k * canaries / rows
            bound = chance + 2 * np.sqrt(chance * (1 - canaries / rows) * (rows - k) / max(rows - 1, 1))
            light = excess_light(len(top), k, canaries / rows)
            figures = {"k": k, "hits": len(top), "chance": chance, "bound": float(bound)}
            codes = tuple(subject.codes[i] for i in top)
            text = f"{chance:.1f} by chance, up to {bound:.1f} with 2 standard errors"
            found.append(
                Line("outliers", f"{name}, top {k}", light, f"{len(top)} canaries", text, _ADVICE, figures, codes)
            )
    return found


def rarity(table: Table) -> Floats:
    """Each row (n) by how rare its values, their parts and their combinations are in this table (n × m)."""
    columns = [[row[i] for row in table.rows] for i in range(len(table.header))]
    features: list[Floats] = []
    dates, categories = [], []
    for cells in columns:
        days = numbers(cells)
        if days is not None:
            dates.append(days)
            features += [np.nan_to_num(days, nan=float(np.nanmedian(days))), np.isnan(days).astype(float)]
            continue
        if len(set(cells)) <= _FEW:
            categories.append(cells)
        features += _texts([_plain(cell) for cell in cells])
    features += [np.nan_to_num(a - b, nan=float(np.nanmedian(a - b))) for a, b in combinations(dates, 2) if _meet(a, b)]
    features += [_rareness(list(zip(a, b, strict=True))) for a, b in combinations(categories, 2)]
    return np.column_stack(features)


def _texts(texts: Sequence[str]) -> list[Floats]:
    times = Counter(texts)
    counts: Counter[tuple[str, str]] = Counter()
    for text, many in times.items():
        for pair in pairwise(f"\x02{text}\x03"):
            counts[pair] += many
    logs = {pair: -log(count / len(texts)) for pair, count in counts.items()}
    costs = {text: [logs[pair] for pair in pairwise(f"\x02{text}\x03")] for text in times}
    mean = {text: sum(cost) / len(cost) for text, cost in costs.items()}
    highest = {text: max(cost) for text, cost in costs.items()}
    shapes = {text: _shape(text) for text in times}
    return [
        np.array([*map(len, texts)], float),
        _rareness(texts),
        _rareness([shapes[text] for text in texts]),
        _rareness([text[:3] for text in texts]),
        np.array([mean[text] for text in texts]),
        np.array([highest[text] for text in texts]),
    ]


def _shape(text: str) -> str:
    return _LETTERS.sub("a", _DIGITS.sub("9", text))


def _rareness(values: Sequence[object]) -> Floats:
    rare = {value: -log(count / len(values)) for value, count in Counter(values).items()}
    return np.array([rare[value] for value in values])


def _meet(a: Floats, b: Floats) -> bool:
    return not np.isnan(a - b).all()


def _plain(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _forest(oddness: Floats, seed: int) -> Floats:
    forest = IsolationForest(n_estimators=100, max_samples=min(512, len(oddness)), random_state=seed)
    scores: Floats = -forest.fit(oddness).score_samples(oddness)
    return scores


def _tails(oddness: Floats) -> Floats:
    """How far out in the empirical distribution of each feature, summed (the idea of ECOD, Li et al. 2022)."""
    rows = len(oddness)
    total = np.zeros(rows)
    for column in oddness.T:
        ordered = np.sort(column)
        below = np.searchsorted(ordered, column, "right") / rows
        above = 1 - np.searchsorted(ordered, column, "left") / rows
        total += -np.log(np.minimum(below, above))
    return total
