"""Finds the arithmetic that ties a column to others (BMI to height and weight, a due date to the last period)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np

from canary.mint.levels import Bools
from canary.mint.variables import Floats, Variable

_Candidate = tuple[str, tuple[int, ...]]
_EPOCH = 719163  # date(1970, 1, 1).toordinal()
_FEWEST, _GLANCE, _SAMPLE = 50, 80, 2000
_SOURCES = 24  # pairs are tried among so many numeric columns at most


@dataclass(frozen=True)
class Relation:
    """target = round(form(sources), decimals), plus `constant` or times it; it holds in a `share` of rows."""

    form: str
    sources: tuple[int, ...]
    constant: float
    decimals: int
    share: float

    def __call__(self, sources: Sequence[Floats]) -> Floats:
        """The value for each row; NaN where a source is."""
        add, times = _ADD.get(self.form), _TIMES.get(self.form)
        with np.errstate(all="ignore"):
            value = add(*sources) + self.constant if add else times(*sources) * self.constant  # type: ignore[misc]
            result: Floats = np.round(np.where(np.isfinite(value), value, np.nan) + 1e-9, self.decimals)
        return result


def find_relation(target: Variable, sources: Sequence[Variable]) -> Relation | None:
    """The relation that explains most rows of a numeric column; None where none beats its commonest value by far."""
    if not target.numeric or len(target.distinct) < 5:
        return None
    usual = target.counts.max() / len(target)
    known = np.flatnonzero(np.isfinite(target.numbers))[:_SAMPLE]
    values = target.numbers[known]
    best: Relation | None = None
    for form, places in _candidates(target, sources):
        relation = _fitted(form, places, target.decimals, values, [sources[i].numbers[known] for i in places])
        if relation and 1 - relation.share < 0.25 * (1 - usual) and relation.share > (best.share if best else 0.5):
            best = relation
    return best


def _candidates(target: Variable, sources: Sequence[Variable]) -> list[_Candidate]:
    usable = [i for i, source in enumerate(sources) if source.numeric and len(source.distinct) >= 5]
    days = [i for i in usable if sources[i].is_date]
    plain = [i for i in usable if not sources[i].is_date][-_SOURCES:]
    if target.is_date:
        found: list[_Candidate] = [(form, (i,)) for i in days for form in ("a", "naegele", "naegele back")]
        return found + [(form, (i, j)) for i in days for j in plain for form in ("a+b", "a-b", "a+7b", "a-7b")]
    singles: list[_Candidate] = [(form, (i,)) for i in plain for form in ("a", "-a", "ka")]
    spans: list[_Candidate] = [(form, pair) for pair in permutations(days, 2) for form in _SPANS]
    sums: list[_Candidate] = [(form, pair) for pair in combinations(plain, 2) for form in ("a+b", "a-b", "-a+b", "kab")]
    ratios: list[_Candidate] = [(form, pair) for pair in permutations(plain, 2) for form in _RATIOS]
    return singles + spans + sums + ratios


def _fitted(
    form: str, places: tuple[int, ...], decimals: int, values: Floats, sources: Sequence[Floats]
) -> Relation | None:
    """The relation with its constant settled, first at a glance and then on all rows that have every source."""
    whole = np.isfinite(values) & np.all([np.isfinite(source) for source in sources], axis=0)
    if whole.sum() < _FEWEST:
        return None
    values, sources = values[whole], [source[whole] for source in sources]
    best = None
    for constant in _constants(form, decimals, values[:_GLANCE], [source[:_GLANCE] for source in sources]):
        trial = Relation(form, places, constant, decimals, 0.0)
        if np.mean(_agree(trial, values[:_GLANCE], [source[:_GLANCE] for source in sources])) < 0.4:
            continue
        share = float(np.mean(_agree(trial, values, sources)))
        if best is None or share > best.share:
            best = Relation(form, places, constant, decimals, share)
    return best


def _agree(relation: Relation, values: Floats, sources: Sequence[Floats]) -> Bools:
    return np.abs(relation(sources) - values) < 0.01 * 10.0**-relation.decimals


def _constants(form: str, decimals: int, values: Floats, sources: Sequence[Floats]) -> list[float]:
    with np.errstate(all="ignore"):
        if form in _ADD:
            gaps, counts = np.unique(np.round(values - _ADD[form](*sources), decimals), return_counts=True)
            return [float(gaps[counts.argmax()])]
        middle = float(np.nanmedian(values / _TIMES[form](*sources)))
    if not np.isfinite(middle) or middle == 0:
        return []
    tens = 10.0 ** np.round(np.log10(abs(middle)))
    return sorted({middle, *(float(f"{middle:.{digits}g}") for digits in (3, 4, 5)), float(np.sign(middle) * tens)})


def _naegele(last_period: Floats) -> Floats:
    """Nine months and seven days on; a day that the month lacks runs over into the next."""
    return _months_on(last_period, 9) + 7


def _naegele_back(due: Floats) -> Floats:
    return _months_on(due - 7, -9)


def _months_on(days: Floats, months: int) -> Floats:
    known = np.isfinite(days)
    whole = (np.where(known, days, _EPOCH).astype(np.int64) - _EPOCH).astype("M8[D]")
    start = whole.astype("M8[M]")
    moved = (start + months).astype("M8[D]") + (whole - start.astype("M8[D]"))
    return np.where(known, moved.astype(np.int64) + float(_EPOCH), np.nan)


_ADD: dict[str, Callable[..., Floats]] = {
    "a": lambda a: a,
    "-a": lambda a: -a,
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "-a+b": lambda a, b: b - a,
    "a+7b": lambda a, b: a + 7 * b,
    "a-7b": lambda a, b: a - 7 * b,
    "weeks": lambda a, b: np.floor((a - b) / 7),
    "years": lambda a, b: np.floor((a - b + 0.3) / 365.25),
    "naegele": _naegele,
    "naegele back": _naegele_back,
}
_TIMES: dict[str, Callable[..., Floats]] = {
    "ka": lambda a: a,
    "kab": lambda a, b: a * b,
    "ka/b": lambda a, b: a / b,
    "ka/b2": lambda a, b: a / b**2,
}
_SPANS, _RATIOS = ("a-b", "weeks", "years"), ("ka/b", "ka/b2")
