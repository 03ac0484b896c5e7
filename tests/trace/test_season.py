"""A woman's season: when her silence tells something, and how long a copy is listened for."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from canary.trace.evidence import Channel, Evidence, Mark, Release
from canary.trace.posterior import posterior
from canary.trace.season import CLOSES, OPENS, elapsed, window
from tests.trace.worlds import START, WINDOW, day

dues = st.integers(-400, 400).map(lambda days: START.date() + timedelta(days=days))


def test_silence_before_her_season_tells_nothing():
    far = START.date() + OPENS + timedelta(days=60)
    assert elapsed(far, START, day(50), day(180)) == 0
    assert elapsed(far, START, day(150), day(180)) > 0.2


def test_whoever_is_past_her_season_at_the_hand_over_is_never_expected_to_ring():
    past = START.date() - CLOSES - timedelta(days=1)
    assert elapsed(past, START, day(400), day(180)) == 0


def test_all_her_calls_are_to_be_expected_by_the_end_of_her_season():
    due = START.date() + timedelta(days=90)
    assert elapsed(due, START, day(90) + CLOSES + timedelta(days=1), day(180)) == 1


def test_without_a_due_date_the_window_stands_for_the_season():
    assert elapsed(None, START, day(45), day(180)) == 0.25


@given(dues, st.integers(0, 500), st.integers(0, 500))
def test_the_share_never_falls_as_time_goes_by(due, one, other):
    early, late = sorted((one, other))
    assert 0 <= elapsed(due, START, day(early), day(180)) <= elapsed(due, START, day(late), day(180)) <= 1


def test_a_copy_is_listened_for_until_the_last_season_is_over():
    last = START.date() + timedelta(days=200)
    assert window([START.date(), last], START, WINDOW) == timedelta(days=320)
    assert window([date(2020, 1, 1)], START, WINDOW) == WINDOW
    assert window([], START, WINDOW) == WINDOW


def test_silence_of_women_not_yet_in_season_does_not_speak_against_a_leak():
    def none_leaked(due: date) -> float:
        marks = [Mark(f"N{i}", "block", i < 10, (), due) for i in range(40)]
        release = Release("copy", "holder", START, day(320), tuple(marks))
        return posterior(Evidence(day(110), (release,)), Channel()).none

    in_season, later = START.date() + timedelta(days=10), START.date() + OPENS + timedelta(days=120)
    assert none_leaked(in_season) > 0.75
    assert none_leaked(later) < 0.55
