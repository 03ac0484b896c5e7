"""Can a classifier tell personas from rows of the host that the fit never saw? Two-sample AUCs, joint and per field.

    python benchmarks/realism.py FILE... [--rows 5000] [--seeds 3]     any table that canary reads, or a .csv.gz of one

Of each file `rows` rows are held out, as many again are set aside for the null, and the mint is fitted to the rest.
Gradient boosting (HistGradientBoostingClassifier, fitted to 60% of the rows and judged on the others; 0.5 is perfect)
sees numbers, dates, weekdays and gaps between dates, levels of categories, and of texts the 1- to 3-grams (16
components), the numbers in them and their length. `n-grams` is a logistic regression on all 1- to 3-grams of a text.
The phone column is left out: numbers are bought, not minted. Yardsticks: `marginals` draws every column on its own from
the fitted rows; `Faker` fills the columns of five facts with Faker zh_CN's own and the others as `marginals` does;
`null` is the host against itself.
"""

import argparse
import gzip
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from faker import Faker
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from canary.errors import CanaryError
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Cell, Fact, Row, Table
from canary.mint.host import fit
from canary.mint.variables import Variable
from canary.plant.formats.detect import format_of

Floats = NDArray[np.float64]
Columns = Mapping[Fact, int]
WAYS = ("null", "mint", "marginals", "Faker")


def split(table: Table, rows: int, seed: int) -> tuple[Table, list[Row], list[Row]]:
    """The table to fit, in its own order, and two samples of `rows` rows that it lacks."""
    order = np.random.default_rng(seed).permutation(len(table.rows))
    first, second = ([table.rows[i] for i in order[k * rows : (k + 1) * rows]] for k in (0, 1))
    return Table(table.header, tuple(table.rows[i] for i in sorted(order[2 * rows :]))), first, second


def columns_of(table: Table) -> Columns:
    try:
        return recognise(table)
    except CanaryError:
        return recognise(table, Profile(phones=False))


def minted(table: Table, columns: Columns, count: int, seed: int) -> list[Row]:
    host, rng = fit(table, columns, "CN"), random.Random(seed)
    if Fact.PHONE not in columns:
        return [p.cells for p in host.anonymous_personas(rng, count)]
    return [p.cells for p in host.personas(rng, [f"+8612{i:09d}" for i in range(count)])]


def marginals(table: Table, count: int, seed: int) -> list[Row]:
    rng = np.random.default_rng(seed)
    drawn = [[cells[i] for i in rng.integers(len(cells), size=count)] for cells in zip(*table.rows, strict=True)]
    return list(zip(*drawn, strict=True))


def faked(table: Table, columns: Columns, count: int, seed: int) -> list[Row]:
    fake = Faker("zh_CN")
    fake.seed_instance(seed)
    own = {
        Fact.NAME: fake.name,
        Fact.PHONE: fake.phone_number,
        Fact.ADDRESS: fake.address,
        Fact.HOSPITAL: fake.company,
        Fact.DUE_DATE: lambda: fake.date_between("-180d", "+180d"),
    }
    rows = [list(row) for row in marginals(table, count, seed)]
    for fact, column in columns.items():
        like = next(row[column] for row in table.rows if row[column] is not None)
        for row in rows if fact in own else ():
            value = own[fact]()
            row[column] = str(value) if isinstance(like, str) else value
    return [tuple(row) for row in rows]


def features(cells: Sequence[Cell]) -> Floats:
    """What a classifier sees of one column (n, k)."""
    variable = Variable([None if cell == "" else cell for cell in cells])
    if variable.is_date:
        return np.column_stack([variable.numbers, variable.numbers % 7])
    if variable.numeric:
        return np.where(np.isnan(variable.numbers), -1.0 - variable.levels, variable.numbers)[:, None]
    if len(variable.distinct) < 200:
        return variable.levels[:, None].astype(float)
    texts = ["" if cell is None else str(cell) for cell in cells]
    numbers = [[float(n) for n in "".join(c if c.isdigit() else " " for c in text).split()[:3]] for text in texts]
    padded = [n + [-1.0] * (3 - len(n)) for n in numbers]
    grams = TruncatedSVD(16, random_state=0).fit_transform(ngrams(texts))
    return np.column_stack([grams, padded, [len(text) for text in texts]])


def ngrams(texts: Sequence[str]) -> Floats:
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=3, sublinear_tf=True).fit_transform(texts)


def auc(seen: Floats, real: int, model: Any = None) -> float:
    """How well the first `real` rows are told from the others."""
    truth = np.arange(seen.shape[0]) < real
    learn, judge = train_test_split(np.arange(len(truth)), test_size=0.4, stratify=truth, random_state=0)
    model = model or HistGradientBoostingClassifier(max_iter=60, random_state=0)
    odds = model.fit(seen[learn], truth[learn]).predict_proba(seen[judge])[:, 1]
    return float(roc_auc_score(truth[judge], odds))


def aucs(real: Sequence[Row], made: Sequence[Row], header: Sequence[str], fields: Sequence[int]) -> dict[str, float]:
    """`joint`, one AUC a field, and one of n-grams for each text."""
    both = [*real, *made]
    seen = {i: features([row[i] for row in both]) for i in fields}
    days = [block[:, 0] for block in seen.values() if block.shape[1] == 2]
    gaps = [a - b for k, a in enumerate(days) for b in days[:k]]
    found = {"joint": auc(np.column_stack([*seen.values(), *gaps]), len(real))}
    for i, block in seen.items():
        found[header[i]] = auc(block, len(real))
        if block.shape[1] > 2:
            grams = ngrams([str(row[i] or "") for row in both])
            found[f"{header[i]} n-grams"] = auc(grams, len(real), LogisticRegression(max_iter=300))
    return found


def measured(
    table: Table, rows: int, seed: int, wanted: Sequence[str] = WAYS
) -> Iterator[tuple[str, dict[str, float]]]:
    """Name and AUCs of each way to make rows."""
    columns = columns_of(table)
    fitted, held, other = split(table, rows, seed)
    fields = [i for i in range(len(table.header)) if i != columns.get(Fact.PHONE)]
    ways: dict[str, Callable[[], list[Row]]] = {
        "null": lambda: other,
        "mint": lambda: minted(fitted, columns, rows, seed),
        "marginals": lambda: marginals(fitted, rows, seed),
        "Faker": lambda: faked(fitted, columns, rows, seed),
    }
    for name in wanted:
        if name != "Faker" or Fact.NAME in columns:
            yield name, aucs(held, ways[name](), table.header, fields)


def read(path: Path) -> Table:
    if path.suffix != ".gz":
        return format_of(path).read(path)
    with tempfile.TemporaryDirectory() as folder, gzip.open(path) as packed:
        plain = Path(folder) / path.stem
        with plain.open("wb") as file:
            shutil.copyfileobj(packed, file)
        return format_of(plain).read(plain)


def main() -> None:
    parser = argparse.ArgumentParser(description="Two-sample AUCs of personas against held-out rows.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    options = parser.parse_args()
    for path in options.files:
        table = read(path)
        rows = min(options.rows, len(table.rows) // 4)
        print(f"\n{path.name}: {len(table.rows)} rows, {rows} held out, {rows} personas, {options.seeds} seeds")
        found: dict[str, list[dict[str, float]]] = {}
        for seed in range(options.seeds):
            for way, figures in measured(table, rows, seed, options.ways):
                found.setdefault(way, []).append(figures)
        for way, runs in found.items():
            print(f"{way:<10}{line(runs)}", flush=True)


def line(runs: Sequence[Mapping[str, float]]) -> str:
    """Mean and spread over the runs: joint, then the ten fields most easily told."""
    figures = {field: [run[field] for run in runs] for field in runs[0]}
    fields = sorted((field for field in figures if field != "joint"), key=lambda field: -float(np.mean(figures[field])))
    shown = ("joint", *fields[:10])
    return " · ".join(f"{f} {np.mean(figures[f]):.3f} ± {np.std(figures[f]):.3f}" for f in shown)


if __name__ == "__main__":
    main()
