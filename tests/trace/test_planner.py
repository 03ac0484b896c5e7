"""The planner: enough numbers and hardly more, the shared law cheaper, and the reference's figures."""

import math
from dataclasses import replace

import pytest

from canary.trace.design import Design
from canary.trace.evidence import Channel
from canary.trace.law import Law
from canary.trace.planner import Task, curve, options, power, releases_needed, smallest

RUNS = 300
TASK = Task(100, hit_rate=0.5)


@pytest.mark.parametrize("law", Law)
def test_what_is_planned_reaches_its_power_and_a_third_less_does_not(law):
    found = smallest(TASK, law, 0.95, RUNS)
    assert power(found, TASK, 2000).accused > 0.92
    canaries = found.canaries * 2 // 3
    pool = found.numbers * 2 // 3 if law is Law.SHARED else canaries * 100 + found.controls
    assert power(replace(found, canaries=canaries, numbers=pool), TASK, 2000).accused < 0.9


@pytest.mark.parametrize(("hit_rate", "most"), [(0.5, 115), (0.3, 230)])
def test_shared_numbers_for_95_percent_with_a_known_channel_are_no_more_than_the_goal(hit_rate, most):
    known = replace(TASK, hit_rate=hit_rate, channel=Channel(hit_rates=(hit_rate,)))
    assert smallest(known, Law.SHARED, 0.95, RUNS).numbers <= most


def test_the_shared_law_takes_at_least_ten_times_fewer_numbers_than_the_exclusive_one():
    shared, exclusive = (smallest(TASK, law, 0.8, RUNS).numbers for law in (Law.SHARED, Law.EXCLUSIVE))
    assert exclusive >= 10 * shared


def test_numbers_rise_with_the_power_asked_for():
    numbers = [option.design.numbers for option in options(TASK, Law.SHARED, RUNS)]
    assert len(numbers) == 3 and numbers == sorted(set(numbers))


def test_callers_who_name_save_numbers_and_colluders_cost_some():
    usual = smallest(TASK, Law.SHARED, 0.8, RUNS).numbers
    assert smallest(replace(TASK, named=0.3), Law.SHARED, 0.8, RUNS).numbers < usual
    assert smallest(replace(TASK, colluders=2), Law.SHARED, 0.8, RUNS).numbers > usual


def test_few_controls_cap_the_score_below_the_threshold():
    capped = Design(Law.EXCLUSIVE, 100, 820, 8, 8)
    assert capped.cap == pytest.approx(math.log(math.comb(16, 8)))
    assert power(capped, replace(TASK, hit_rate=1.0), RUNS).accused == 0


def test_a_hit_rate_out_of_reach_gives_no_option():
    assert list(options(replace(TASK, hit_rate=0.002, noise=0.4), Law.EXCLUSIVE, 20)) == []


def test_the_curve_rises_from_nothing_to_the_power_planned():
    option = list(options(TASK, Law.SHARED, RUNS))[-1]
    points = curve(TASK, option, RUNS)
    assert points[0][1] < 0.2 and points[-1][1] > 0.95
    assert [numbers for numbers, _ in points] == sorted(numbers for numbers, _ in points)


@pytest.mark.parametrize(("accused", "releases"), [(0.97, 1), (0.5, 5), (0.0, None)])
def test_releases_needed_where_each_is_judged_alone(accused, releases):
    assert releases_needed(accused) == releases
