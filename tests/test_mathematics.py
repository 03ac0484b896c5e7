"""docs/mathematics.md says what the program computes: its example, its lemma, and the names it points to."""

import importlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest

from canary.trace.evidence import Channel, Outcome, Release
from canary.trace.judge import Terms
from canary.trace.score import path, score, steps
from tests.trace.worlds import day, release

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/mathematics.md").read_text(encoding="utf-8")
ONE_RATE = Channel(background=0.02, hit_rates=(0.5,))
CALLS = {"1": (10, Outcome.MATERNAL), "2": (20, Outcome.NAMED)}
NUMBERS = "12345678"


def rows(section: int, columns: int) -> list[list[str]]:
    """The rows of a section's tables that have so many columns, without headings, bold type and spaces."""
    text = PAGE.split(f"\n## {section}. ")[1].split("\n## ")[0]
    found = []
    for body in re.findall(r"^\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE):
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in body.splitlines()]
        found += [[c.strip(" *`") for c in row] for row in cells if len(row) == columns]
    return found


def example(planted: str = "123", names: dict[str, frozenset[str]] | None = None) -> Release:
    return release("copy", planted, set(NUMBERS) - set(planted), CALLS, names=names)


def scores(drawn: Release, channel: Channel = ONE_RATE) -> list[float]:
    return [math.exp(log_e) for log_e in path(drawn.marks, steps(drawn, day(180)), channel)]


def test_the_table_of_the_example_is_what_the_program_computes():
    said = [row[4] for row in rows(7, 6)]
    found = scores(example())
    assert said == [f"{e:.4g}" for e in (*found[:4], found[-1])]
    assert [row[5] for row in rows(7, 6)] == [f"{math.log(e):.3f}" for e in (*found[:4], found[-1])]
    factors = [after / before for before, after in zip([1, *found], found, strict=False)]
    assert all(f"= {factor:.4f}" in row[3] for factor, row in zip(factors[:4], rows(7, 6), strict=False))


def test_the_example_is_accused_at_the_bar_it_names_and_not_at_the_stricter_one():
    bars = [Terms(alpha, planned=2).threshold(1) for alpha in (0.05, 0.001)]
    assert f"ln 40 = {bars[0]:.3f}" in PAGE and f"ln 2,000 = {bars[1]:.3f}" in PAGE
    best = score(example(), ONE_RATE, day(180)).log_sup
    assert bars[0] <= best < bars[1]
    assert f"the maximum is {max(scores(example(), Channel())):.2f}" in PAGE


def test_the_mean_over_the_56_lots_is_one_and_made_up_as_the_page_says():
    share: Counter[tuple[bool, bool]] = Counter()
    lots: Counter[tuple[bool, bool]] = Counter()
    for subset in combinations(NUMBERS, 3):
        where = ("1" in subset, "2" in subset)
        lots[where] += 1
        share[where] += scores(example("".join(subset)))[1] / 56
    order = [(True, True), (True, False), (False, True), (False, False)]
    *said, total = rows(7, 4)
    assert [row[1] for row in said] == [str(lots[where]) for where in order]
    assert [row[3] for row in said] == [f"{share[where]:.5f}" for where in order]
    assert (total[1], total[3]) == (str(lots.total()), f"{share.total():.5f}")


def test_reaching_the_examples_score_by_luck_is_rarer_than_ville_allows():
    """Over every lot, and every one of the eight numbers the caller's persona may have been given to."""
    reached = [
        max(scores(example("".join(subset), {"2": frozenset(persona)}))) >= 63.38
        for subset in combinations(NUMBERS, 3)
        for persona in NUMBERS
    ]
    chance = sum(reached) / len(reached)
    assert f"= {chance:.4f}, which is below 1/63.38 = {1 / 63.38:.4f}" in PAGE
    assert chance < 1 / 63.38


Lots = tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int]]


def histories(sticky: bool) -> Iterator[tuple[Lots, Fraction]]:
    """Every history of six numbers: two become controls, then copies i, j and k draw one, two and one.

    Number 0 has rung before i's draw and is not eligible; by j's draw it is again, unless exclusion is sticky.
    """
    everything = frozenset(range(6))
    now = everything - {0} if sticky else everything
    for controls in map(frozenset, combinations(everything, 2)):
        offered_i = everything - controls - {0}
        for i in offered_i:
            pairs = list(combinations(now - controls - {i}, 2))
            for j in map(frozenset, pairs):
                offered_k = now - controls - {i} - j
                for k in map(frozenset, combinations(offered_k, min(1, len(offered_k)))):
                    ways = Fraction(1, 15 * len(offered_i) * len(pairs) * max(1, len(offered_k)))
                    yield (frozenset({i}), j, k, controls & now), ways


def uneven(sticky: bool) -> list[object]:
    """Where, given i's and k's numbers and j's release, j's planted sets are not equally likely or not all there."""
    chances: dict[object, Counter[frozenset[int]]] = {}
    for (i, j, k, controls), ways in histories(sticky):
        chances.setdefault((i, k, j | controls), Counter())[j] += ways
    return [
        given
        for given, lots in chances.items()
        if len(set(lots.values())) > 1 or len(lots) != math.comb(len(given[2]), 2)
    ]


def test_given_all_else_every_lot_of_an_innocent_copy_is_as_likely():
    assert uneven(sticky=True) == []


def test_without_sticky_exclusion_the_lemma_fails():
    assert uneven(sticky=False) != []


def test_a_block_drawn_under_both_laws_breaks_the_lemma():
    """Number 8 went to an exclusive copy from what this shared copy had left: given that, the mean exceeds one."""
    lots = [example("".join(subset)) for subset in combinations("1234567", 3)]
    assert sum(scores(lot)[1] for lot in lots) / len(lots) > 1.1


@pytest.mark.parametrize("row", rows(8, 3), ids=lambda row: row[0])
def test_every_formula_has_its_function_and_its_test(row):
    module, _, function = row[1].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    file, _, test = row[2].partition("::")
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_sections_that_other_tests_read_are_there():
    assert [len(rows(7, 6)), len(rows(7, 4)), len(rows(8, 3))] == [5, 5, 24]
