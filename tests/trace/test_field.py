"""The vectorised score is the score."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from canary.trace.design import Design, best_density, deal, design, information
from canary.trace.evidence import Channel, Event, Mark, Outcome, Step
from canary.trace.field import Heard, paths
from canary.trace.law import Law
from canary.trace.score import path

START = datetime(2026, 6, 5, tzinfo=UTC)
CHANNELS = (Channel(), Channel(background=0.1, hit_rates=(0.4,)))


def heard_by(rng, rows, width, whole_days):
    """Random contacts: ties in time when only whole days are told."""
    at = rng.uniform(0, 30, (rows, width))
    at = np.floor(at) if whole_days else at
    rang = rng.random((rows, width)) < 0.5
    named = np.where(rang & (rng.random((rows, width)) < 0.4), at + rng.integers(0, 3, (rows, width)), np.inf)
    return Heard(np.where(rang, at, 40.0), rang, named, rng.integers(0, width, (rows, width)))


def one_by_one(planted, heard, channel):
    """score.path over the steps of one release, as score.fresh would sort them."""
    names = [f"{i:03}" for i in range(len(planted))]
    steps = []
    for i, name in enumerate(names):
        outcome = Outcome.MATERNAL if heard.rang[i] else Outcome.SILENT
        steps.append(Step(START + timedelta(days=heard.at[i]), name, Event.PRESENCE, outcome))
        if np.isfinite(heard.named[i]):
            used = frozenset({names[heard.said[i]]})
            steps.append(Step(START + timedelta(days=heard.named[i]), name, Event.NAME, Outcome.NAMED, used))
    steps.sort(key=lambda s: (s.at, s.number, s.event is Event.NAME))
    return list(path([Mark(n, "block", bool(p)) for n, p in zip(names, planted, strict=True)], steps, channel))


@pytest.mark.parametrize("channel", CHANNELS, ids=["grid", "known"])
@pytest.mark.parametrize("seed", range(12))
def test_every_step_of_every_release_scores_as_score_path_does(seed, channel):
    rng = np.random.default_rng(seed)
    rows, width = 7, int(rng.integers(2, 40))
    planted = rng.random((rows, width)) < 0.4
    heard = heard_by(rng, rows, width, whole_days=seed % 2 == 0)
    found = paths(planted, heard, channel)
    for row in range(rows):
        one = Heard(heard.at[row], heard.rang[row], heard.named[row], heard.said[row])
        expected = one_by_one(planted[row], one, channel)
        np.testing.assert_allclose(found.log_e[row, : len(expected)], expected, rtol=1e-9, atol=1e-12)
        assert found.now()[row] == pytest.approx(expected[-1], rel=1e-9, abs=1e-12)


def test_numbers_whose_window_is_open_and_silent_say_nothing_yet():
    planted = np.array([[True, False, True, False]])
    quiet = np.full((1, 4), np.inf)
    said = np.zeros((1, 4), dtype=np.intp)
    assert paths(planted, Heard(quiet, np.zeros((1, 4), bool), quiet, said), Channel()).now() == 0


@pytest.mark.parametrize("law", Law)
def test_every_copy_gets_its_canaries_and_exclusive_numbers_stand_in_one_copy_alone(law):
    plan = design(law, 10, 100, 0.3, 0.02)
    drawn = deal(np.random.default_rng(1), plan)
    assert drawn.numbers.shape == drawn.planted.shape == (10, plan.marks)
    assert (drawn.planted.sum(axis=1) == plan.canaries).all()
    holders = np.bincount(drawn.numbers[drawn.planted], minlength=100)
    assert holders.max() == 1 if law is Law.EXCLUSIVE else holders.max() > 1


@pytest.mark.parametrize("law", Law)
def test_the_mean_of_an_innocent_copys_score_is_one_over_many_draws(law):
    plan = Design(law, 3, 8, 2, 2) if law is Law.EXCLUSIVE else Design(law, 3, 8, 3)
    rng, mean = np.random.default_rng(2), 0.0
    rang = np.arange(8) % 3 == 0
    for _ in range(2000):
        drawn = deal(rng, plan)
        never = np.full(drawn.planted.shape, np.inf)
        heard = Heard(np.where(rang, 1.0, 2.0)[drawn.numbers], rang[drawn.numbers], never, drawn.numbers * 0)
        mean += np.exp(paths(drawn.planted, heard, Channel()).now()).mean() / 2000
    assert mean == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("hit_rate", "nats"), [(1, 0.644), (0.5, 0.186), (0.3, 0.093), (0.1, 0.021)])
def test_a_number_tells_as_many_nats_as_the_reference_gives(hit_rate, nats):
    best = best_density(hit_rate, 0.02)
    assert float(information(best, hit_rate, 0.02)) == pytest.approx(nats, abs=0.001)
