"""Two leakers who merged their files: what the pair decoder says, what it rests on, and what it never does."""

import math
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from canary.trace.design import Design, deal
from canary.trace.evidence import Channel, Evidence, Merge, Outcome
from canary.trace.judge import Terms, judge
from canary.trace.law import Law
from canary.trace.leak import Leak, calls
from canary.trace.pairs import Exposed, believe, either_leaked, exposed
from tests.trace.worlds import day, release

NUMBERS = [f"N{i}" for i in range(6)]
SHARED = Design(Law.SHARED, 20, 120, 45)


def seen(plan: Design, leakers: list[int], leak: Leak, seed: int, noise: float = 0.02) -> Exposed:
    """What one leak leaves to be seen of a dealt pool when every season is over."""
    rng = np.random.default_rng(seed)
    drawn = deal(rng, plan)
    rang = rng.random(plan.numbers) < noise
    if leakers:
        found = calls(rng, drawn, leakers, leak, 180)
        rang[drawn.numbers[found.copies][np.isfinite(found.day)]] = True
    row, place = np.nonzero(drawn.planted)
    column = drawn.numbers[row, place]
    return Exposed(plan.copies, row, column, rang[column] * 1, np.ones(len(row)), rang)


@pytest.mark.parametrize("merge", list(Merge))
@pytest.mark.parametrize("seed", range(3))
def test_the_two_that_merged_their_files_are_found_and_so_is_the_way_they_did_it(merge, seed):
    plan = replace(SHARED, numbers=240, canaries=90)
    beliefs = believe(seen(plan, [3, 11], Leak(2, 1.0, merge=merge), seed), Channel())
    i, j, how, share = beliefs.best()
    assert ((i, j), how) == ((3, 11), merge)
    assert share > 0.99


@pytest.mark.parametrize("seed", range(3))
def test_one_leaker_is_not_taken_for_two(seed):
    beliefs = believe(seen(SHARED, [7], Leak(1, 0.8), seed), Channel())
    assert beliefs.single[7] > 0.9
    assert beliefs.two < 0.1


def test_noise_alone_is_no_leak():
    assert believe(seen(SHARED, [], Leak(), 1, noise=0.2), Channel()).none > 0.5


def test_probabilities_add_up():
    beliefs = believe(seen(SHARED, [3, 11], Leak(2, 0.3), 1), Channel())
    assert beliefs.none + beliefs.single.sum() + beliefs.two == pytest.approx(1)


def test_a_likelihood_is_the_product_over_numbers_of_what_each_file_would_give():
    plan = Design(Law.SHARED, 3, 7, 3)
    heard = seen(plan, [0, 1], Leak(2, 0.9), 5)
    q, b = 0.6, 0.1
    held = np.zeros((3, 7))
    held[heard.row, heard.column] = 1
    expected = {}
    for (i, j), merge in product(combinations(range(3), 2), Merge):
        k = held[i] + held[j]
        miss = (1 - q) ** k if merge is Merge.UNION else np.array([1, 1 - q / 2, 1 - q])[k.astype(int)]
        chance = np.where(heard.rang, 1 - miss * (1 - b), miss * (1 - b))
        expected[i, j, merge] = float(np.log(chance).sum())
    # Unnamed calls carry the share of callers who name nobody; it is the same for every pair of a number that rang.
    channel = Channel(hit_rates=(q,), named_share=0.0, named_in_background=1e-12)
    beliefs = believe(heard, channel, (b,))
    found = {key: math.log(beliefs.pair[key[2]][key[:2]]) for key in expected}
    first = next(iter(expected))
    for key in expected:
        assert found[key] - found[first] == pytest.approx(expected[key] - expected[first], abs=1e-6)


def test_the_product_of_two_scores_has_mean_one_over_both_draws_whoever_else_leaked():
    heard = {n: (10 + i, Outcome.MATERNAL) for i, n in enumerate(NUMBERS[:3])}
    products = []
    for one, other in product(combinations(NUMBERS, 2), repeat=2):
        drawn = [
            replace(release(copy, s, [n for n in NUMBERS if n not in s], heard), law=Law.SHARED)
            for copy, s in (("a", one), ("b", other))
        ]
        highest = either_leaked(drawn[0], drawn[1], Channel(), day(60))
        assert highest is not None
        products.append(math.exp(highest))
    for bar in (2, 5, 20):
        assert np.mean(np.array(products) >= bar) <= 1 / bar


def test_under_the_exclusive_law_two_draws_hang_together_and_nothing_is_claimed_of_either():
    one, other = release("a", NUMBERS[:2], NUMBERS[4:]), release("b", NUMBERS[2:4], NUMBERS[4:])
    assert either_leaked(one, other, Channel(), day(60)) is None


def test_two_merged_copies_are_reported_together_and_a_single_leak_is_not():
    numbers = [f"N{i}" for i in range(80)]
    rng = np.random.default_rng(4)
    held = {copy: [numbers[i] for i in rng.choice(80, 30, replace=False)] for copy in "abcdefgh"}

    def findings(leaked: str):
        rang = {n for copy in leaked for n in held[copy]}
        heard = {n: (10 + i, Outcome.MATERNAL) for i, n in enumerate(sorted(rang))}
        releases = [
            replace(release(c, s, [n for n in numbers if n not in s], heard), law=Law.SHARED) for c, s in held.items()
        ]
        return judge(Evidence(day(120), tuple(releases)), Channel(), Terms(0.05))

    pair = findings("bf").pair
    assert pair is not None
    assert pair.copies == ("b", "f")
    assert pair.merge is Merge.UNION
    assert set(pair.sure) == {"b", "f"}
    assert findings("b").pair is None


def test_inherited_canaries_count_as_exposed_too():
    heard = {"up-1": (10, Outcome.MATERNAL)}
    made = release("made", ["N1", "N2"], ["C1"], heard, ("up",), ["up-1", "up-2"])
    found = exposed(Evidence(day(60), (made,)))
    assert len(found.row) == 4
    assert found.rang.sum() == 1
