"""The strict question: can a classifier that is told which rows are canaries learn to tell them from the rest?"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from canary.errors import CanaryError
from canary.mint.facts import Fact, Row, Table
from canary.mint.ruled import RuledHost
from canary.plant.check.features import Floats, features
from canary.plant.check.lights import NULL_RANGE, PLANTED_RANGE, Light, Line, auc_light, null_error
from canary.plant.check.subject import Subject

FitHost = Callable[[Table], RuledHost]
FEWEST = 30  # fewer rows a side say nothing
_FOLDS = 3
_JOINT = "all columns together"
_OTHERS = 1_500  # real rows the planted canaries are told from
_MINTED = "the model does not fit this table in this column: seed a table with more rows, or correct the profile"
_PLANTED = "these very canaries stand out here; for a telephone column, use numbers that look like the host's"


def minted_lines(subject: Subject, fit_host: FitHost, count: int, seed: int) -> list[Line]:
    """Personas of the same model, fitted to one half of the real rows, against the half it never saw."""
    rows = list(subject.genuine.rows)
    Random(seed).shuffle(rows)
    seen, unseen = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    count = min(count, len(unseen))
    if count < FEWEST:
        return [_too_few("minted personas", len(unseen))]
    phones = [f"+8612{n:09d}" for n in Random(seed).sample(range(10**9), count)]
    try:
        host = fit_host(Table(subject.table.header, tuple(seen)))
        phoned = Fact.PHONE in subject.columns
        minted = host.personas(Random(seed), phones) if phoned else host.anonymous_personas(Random(seed), count)
        personas = [persona.cells for persona in minted]
    except CanaryError as error:
        return [Line("classifier", "minted personas", Light.GREY, "not minted", error.message)]
    # Their telephone numbers are made up here; which numbers you own is seen on the planted canaries.
    skipped = subject.columns.get(Fact.PHONE)
    ours, theirs = ([_without(row, skipped) for row in rows] for rows in (personas, unseen[:count]))
    return _lines(subject.table.header, ours, theirs, "minted", seed)


def planted_lines(subject: Subject, seed: int) -> list[Line]:
    """The planted canaries themselves against real rows: few, but the very ones."""
    if len(subject.codes) < 5:
        return [_too_few("planted canaries", len(subject.codes))]
    others = list(subject.genuine.rows)
    Random(seed).shuffle(others)
    return _lines(subject.table.header, subject.planted, others[:_OTHERS], "planted", seed)


def _without(row: Row, column: int | None) -> Row:
    return row if column is None else (*row[:column], None, *row[column + 1 :])


def _lines(header: Sequence[str], ours: Sequence[Row], theirs: Sequence[Row], what: str, seed: int) -> list[Line]:
    parts = dict(features(Table(tuple(header), (*ours, *theirs))).values())
    joint = np.column_stack(list(parts.values()))
    labels = np.arange(len(joint)) < len(ours)
    reach = (NULL_RANGE if what == "minted" else PLANTED_RANGE) * null_error(len(ours), len(theirs))
    sizes = {"ours": len(ours), "theirs": len(theirs)}
    told = {name: x for name, x in parts.items() if np.ptp(x, axis=0).any()}  # a column all alike tells nothing
    # Boosting's threads wait for one another when the processor is shared, and cost more than they save.
    with threadpool_limits(1):
        aucs = {name: _auc(x, labels, seed) for name, x in {_JOINT: joint, **told}.items()}
    return [_line(f"{what}: {name}", auc, reach, sizes) for name, auc in aucs.items()]


def _line(name: str, auc: float, reach: float, sizes: Mapping[str, int]) -> Line:
    figures = {"auc": auc, "null_low": 0.5 - reach, "null_high": 0.5 + reach, **sizes}
    text = f"{0.5 - reach:.3f} to {0.5 + reach:.3f} if indistinguishable"
    if name.endswith(_JOINT):
        text += f" ({sizes['ours']:,} against {sizes['theirs']:,} rows)"
    advice = _MINTED if name.startswith("minted") else _PLANTED
    return Line("classifier", name, auc_light(auc, reach), f"AUC {auc:.3f}", text, advice, figures)


def _auc(x: Floats, labels: np.ndarray, seed: int) -> float:
    """The AUC of out-of-fold predictions of gradient boosting."""
    folds = StratifiedKFold(min(_FOLDS, int(labels.sum())), shuffle=True, random_state=seed)
    # The planted are few among many: leaves must be able to hold a handful of them.
    leaf = max(3, min(20, int(labels.sum()) // 4))
    model = HistGradientBoostingClassifier(
        max_iter=60, max_bins=63, max_leaf_nodes=15, min_samples_leaf=leaf, early_stopping=False, random_state=seed
    )
    scores = cross_val_predict(model, x, labels, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(labels, scores))


def _too_few(name: str, rows: int) -> Line:
    return Line("classifier", name, Light.GREY, "not asked", f"{rows} are too few to tell anything")
