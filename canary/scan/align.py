"""Which column of a found file is which column of ours: by its title, by its place, or by what stands in it."""

from collections.abc import Sequence

import numpy as np

from canary.scan.roster import Floats, Roster, spelling
from canary.scan.text import plain

_SURE = 3.0  # nats by which a column must fit better than any other
_WORSE = -2.0  # nats a row by which a column that fits nothing is left out rather than matched
Alignment = dict[int, int]  # the file's column -> the roster's


def align(roster: Roster, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Alignment:
    """The compared columns of a roster that a file shows, from its titles if they are ours, else from some rows."""
    named = {plain(title): at for at, title in enumerate(roster.titles)}
    by_title = {at: named[plain(title)] for at, title in enumerate(titles) if plain(title) in named}
    if len(by_title) * 2 < max(len(titles), 2):
        by_title = _by_content(roster, rows)
    return {at: column for at, column in by_title.items() if column in roster.compared}


def _by_content(roster: Roster, rows: Sequence[Sequence[str]]) -> Alignment:
    # Imported here: it takes a while, which a file with our titles need not wait.
    from scipy.optimize import linear_sum_assignment

    width = min(map(len, rows), default=0)
    if not width:
        return {}
    fit = np.array(
        [
            [_fit(roster, column, [row[at] for row in rows]) for column in range(len(roster.titles))]
            for at in range(width)
        ]
    )
    kept = _in_order(fit, len(rows))
    files, columns = linear_sum_assignment(-fit)
    best = sum(max(fit[a, b], _WORSE * len(rows)) for a, b in zip(files, columns, strict=True))
    if (
        sum(fit[a, b] for a, b in kept.items()) + _WORSE * len(rows) * (min(fit.shape) - len(kept))
        >= best - _SURE * width
    ):
        return kept
    return {
        int(a): int(b)
        for a, b in zip(files, columns, strict=True)
        if fit[a, b] > _WORSE * len(rows) and fit[a, b] >= np.partition(fit[a], -2)[-2] + _SURE
    }


def _fit(roster: Roster, column: int, cells: Sequence[str]) -> float:
    """How well cells fit a column beside how well they fit any: ln of their share there, less its entropy."""
    share, levels = roster.share(column), roster.levels[column]
    found = sum(share[levels.get(spelling(cell), -1)] for cell in cells)
    return float(found + roster.information[column] * len(cells))


def _in_order(fit: Floats, rows: int) -> Alignment:
    """The best alignment that keeps the columns' order (as dropping some does), by dynamic programming."""
    files, columns = fit.shape
    out = _WORSE * rows
    score = np.zeros((files + 1, columns + 1))
    score[1:, 0] = out * np.arange(1, files + 1)
    for a in range(1, files + 1):
        for b in range(1, columns + 1):
            score[a, b] = max(score[a - 1, b - 1] + fit[a - 1, b - 1], score[a - 1, b] + out, score[a, b - 1])
    found, a, b = {}, files, columns
    while a and b:
        if score[a, b] == score[a, b - 1]:
            b -= 1
        elif score[a, b] == score[a - 1, b] + out:
            a -= 1
        else:
            a, b = a - 1, b - 1
            found[a] = b
    return found
