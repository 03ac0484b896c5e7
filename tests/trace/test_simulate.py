"""Simulated worlds accuse no innocent oftener than alpha, find leakers, and repeat themselves."""

from dataclasses import replace

import numpy as np
import pytest

from canary.errors import CanaryError
from canary.trace.design import deal, design
from canary.trace.evidence import Merge
from canary.trace.law import Law
from canary.trace.leak import Leak, calls
from canary.trace.simulate import Setup, simulate, upper95
from canary.trace.worlds import KINDS, WORLDS, bernoulli, checked

SHARED = design(Law.SHARED, 20, 80, 0.5, 0.02)
EXCLUSIVE = design(Law.EXCLUSIVE, 10, 200, 0.5, 0.02)
NOBODY = Leak(leakers=0)


@pytest.mark.parametrize("plan", [SHARED, EXCLUSIVE], ids=lambda plan: plan.law.value)
@pytest.mark.parametrize("world", WORLDS)
def test_null_runs_of_every_world_accuse_no_oftener_than_alpha(world, plan):
    """At alpha = 0.1, 60 runs: more than 14 accusations have probability 1e-3 at the bound itself."""
    found = simulate(Setup(plan, WORLDS[world], NOBODY, alpha=0.1, runs=60))
    assert found.false_accusations <= 14
    assert found.power == found.right_first == 0


@pytest.mark.parametrize("branching", [0, 3])
def test_innocents_are_safe_also_while_another_copy_leaks(branching):
    found = simulate(Setup(EXCLUSIVE, bernoulli(0.1), Leak(1, 0.9, branching=branching), alpha=0.1, runs=100))
    assert found.false_accusations <= 21
    assert found.power > 0.5


def test_the_poisson_test_accuses_innocents_where_numbers_of_the_last_owner_ring():
    found = simulate(Setup(EXCLUSIVE, WORLDS["recycled"], NOBODY, runs=30))
    assert found.poisson_false_accusations > 20
    assert found.false_accusations == 0


def test_a_whole_leaked_copy_is_accused_ranks_first_and_uses_few_numbers():
    found = simulate(Setup(SHARED, bernoulli(0.02), Leak(1, 0.7), runs=60))
    assert found.power > 0.9 and found.right_first > 0.9
    assert found.mean_numbers_used < 40


def test_silence_all_round_uses_every_number():
    found = simulate(Setup(SHARED, bernoulli(0.0), NOBODY, runs=3))
    assert found.mean_numbers_used == 80


def test_power_falls_with_the_fraction_of_rows_that_leaked():
    whole, part = (
        simulate(Setup(SHARED, bernoulli(0.02), Leak(1, 0.5, fraction, named_share=0), runs=60)).power
        for fraction in (1.0, 0.3)
    )
    assert whole > part


def test_the_same_seed_repeats_a_simulation_and_another_does_not():
    usual = Setup(SHARED, WORLDS["storms"], Leak(2), runs=20)
    assert simulate(usual) == simulate(usual)
    assert simulate(usual) != simulate(replace(usual, seed=2))


def test_a_union_holds_the_rows_of_both_files_an_interleaved_merge_about_half():
    rng, plan = np.random.default_rng(4), SHARED
    drawn = deal(rng, plan)
    rows = {m: np.isfinite(calls(rng, drawn, [0, 1], Leak(2, 1.0, merge=m), 364).day) for m in Merge}
    assert (rows[Merge.UNION] == drawn.planted[:2]).all()
    kept = rows[Merge.INTERLEAVED].sum() / rows[Merge.UNION].sum()
    assert 0.3 < kept < 0.7


def test_a_file_brings_along_the_canaries_of_every_copy_it_was_made_from():
    assert Leak(branching=3).lineage(7) == [7, 2, 0]
    assert Leak().lineage(7) == [7]


def test_staged_calls_fall_inside_the_window():
    rng = np.random.default_rng(5)
    day = calls(rng, deal(rng, SHARED), [3], Leak(1, 1.0, staged=True), 364).day
    assert (day[np.isfinite(day)] <= 364).all() and day.min() >= 0


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_gives_contacts_as_the_contract_has_them(world):
    given = list(WORLDS[world](np.random.default_rng(6), 50, 364))
    assert given and all(checked(contact, 50, 364) == contact for contact in given)


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        ((50, 1.0, "maternal"), "number 50"),
        ((-1, 1.0, "maternal"), "number -1"),
        ((True, 1.0, "maternal"), "number True"),
        ((0, 400.0, "maternal"), "day 400"),
        ((0, float("nan"), "maternal"), "day nan"),
        ((0, 1.0, "ring"), "kind 'ring'"),
        ((0, 1.0), "not three values"),
        (None, "not three values"),
    ],
)
def test_a_contact_that_is_none_is_refused_by_name(contact, said):
    with pytest.raises(CanaryError, match=said):
        checked(contact, 50, 364)


def test_kinds_that_are_not_recognised_change_nothing():
    def idle(rng, numbers, days):
        yield from ((n, 1.0, kind) for n in range(numbers) for kind in KINDS[2:])

    quiet, busy = (simulate(Setup(SHARED, world, NOBODY, runs=5)) for world in (bernoulli(0.0), idle))
    assert quiet == busy


@pytest.mark.parametrize(("events", "runs", "bound"), [(0, 10_000, 3.0e-4), (1, 1800, 2.63e-3), (5, 5, 1.0)])
def test_the_upper_bound_is_that_of_clopper_and_pearson(events, runs, bound):
    assert upper95(events, runs) == pytest.approx(bound, rel=0.01)


def test_more_leakers_than_copies_and_pools_too_small_are_refused():
    with pytest.raises(CanaryError, match="21 leakers"):
        simulate(Setup(SHARED, bernoulli(0.02), Leak(21), runs=1))
    with pytest.raises(CanaryError, match="do not reach"):
        design(Law.EXCLUSIVE, 100, 90, 0.3, 0.02)
    with pytest.raises(CanaryError, match="cannot be shared"):
        design(Law.SHARED, 100, 1, 0.3, 0.02)
