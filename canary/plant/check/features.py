"""What a classifier sees of a row: numbers made from each column alone, and from columns side by side."""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from canary.mint.dates import parse_text
from canary.mint.facts import Cell, Table

Floats = NDArray[np.float64]
_FEW = 200
_GRAMS = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=256, alternate_sign=False, norm=None)
_ACROSS = "columns side by side"


def features(table: Table) -> dict[int, tuple[str, Floats]]:
    """By column: its header and the features of its cells (n × m); column -1 holds what columns say together."""
    columns = [[row[i] for row in table.rows] for i in range(len(table.header))]
    found = {i: (name, _column(cells)) for i, (name, cells) in enumerate(zip(table.header, columns, strict=True))}
    across = _across(columns)
    return {**found, -1: (_ACROSS, np.column_stack(across))} if across else found


def numbers(cells: Sequence[Cell]) -> Floats | None:
    """A column of dates or quantities as numbers, empty as nan; None for a column of texts."""
    found = np.full(len(cells), np.nan)
    for at, cell in enumerate(cells):
        if isinstance(cell, str):
            day = parse_text(cell, True)
            if day is None and cell.strip():
                return None
            cell = day
        if cell is not None:
            found[at] = cell if isinstance(cell, int | float) else cell.toordinal()
    return None if np.isnan(found).all() else found


def _column(cells: Sequence[Cell]) -> Floats:
    values = numbers(cells)
    if values is not None:
        whole = np.floor(values)
        return np.column_stack([values, values % 7, whole % 10, whole % 100, values - whole, _widths(cells)])
    texts = ["" if cell is None else str(cell) for cell in cells]
    codes = {text: float(at) for at, text in enumerate(sorted(set(texts)))}
    plain = [_outline(text) for text in texts]
    parts = [np.array(plain), _widths(cells)[:, None], np.array([codes[text] for text in texts])[:, None]]
    if len(codes) > _FEW:
        parts.append(_GRAMS.transform(texts).toarray())
    return np.column_stack(parts)


def _widths(cells: Sequence[Cell]) -> Floats:
    return np.array([0.0 if cell is None else float(len(str(cell))) for cell in cells])


def _outline(text: str) -> list[float]:
    digits = re.findall(r"[0-9]+", text)
    bare = re.sub(r"\D", "", text)
    return [
        len(digits),
        sum(map(len, digits)),
        sum(c.isascii() and c.isalpha() for c in text),
        sum(c.isspace() for c in text),
        sum(not c.isalnum() and not c.isspace() for c in text),
        float(digits[0][:9]) if digits else -1.0,
        float(digits[-1][:9]) if digits else -1.0,
        *(float(bare[:n] or -1) for n in (2, 3, 4, 7)),
        float(ord(text[0])) if text else -1.0,
        float(ord(text[-1])) if text else -1.0,
    ]


def _across(columns: Sequence[Sequence[Cell]]) -> list[Floats]:
    """Differences of dates and quantities, and how much of one text stands in another."""
    found = [numbers(cells) for cells in columns]
    values = [numeric for numeric in found if numeric is not None]
    texts = [cells for cells, numeric in zip(columns, found, strict=True) if numeric is None]
    differences = [a - b for a, b in combinations(values, 2)]
    common = [np.array([_common(x, y) for x, y in zip(a, b, strict=True)]) for a, b in combinations(texts, 2)]
    return differences + common


def _common(a: Cell, b: Cell) -> float:
    if not isinstance(a, str) or not isinstance(b, str):
        return -1.0
    pairs = {a[i : i + 2] for i in range(len(a) - 1)}
    return float(sum(b[i : i + 2] in pairs for i in range(len(b) - 1)))
