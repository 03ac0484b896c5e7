"""The score is a martingale under our own draw, whatever was heard and whoever else leaked."""

import math
from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.trace.evidence import Channel, Hit, Outcome
from canary.trace.score import fresh, score, steps
from tests.trace.worlds import WINDOW, day, release

NUMBERS = "abcdef"
NOBODY = dict.fromkeys(NUMBERS, frozenset[str]())  # these callers use no persona of the innocent copy
moments = st.integers(0, 9) | st.integers(WINDOW.days, WINDOW.days + 9)
heard = st.dictionaries(
    st.sampled_from(NUMBERS),
    st.tuples(st.integers(0, 200), st.sampled_from([Outcome.MATERNAL, Outcome.NAMED])),
)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(moments, st.sets(st.integers(0, 3), max_size=2))),
    st.integers(1, 3),
    moments,
)
def test_mean_is_one_over_every_draw_of_numbers_and_personas_when_names_are_used(calls, planted, look):
    """A caller uses fixed personas 0..3; which number carries which persona is part of the draw."""
    scores = []
    for subset in combinations("abcd", planted):
        for order in permutations("abcd"):
            names = {n: frozenset(order[i] for i in used) for n, (_, used) in calls.items()}
            rang = {n: (at, Outcome.NAMED if used else Outcome.MATERNAL) for n, (at, used) in calls.items()}
            drawn = release("j", subset, set("abcd") - set(subset), rang, names=names)
            scores.append(score(drawn, Channel(), day(look)).log_e)
    assert sum(map(math.exp, scores)) / len(scores) == pytest.approx(1, rel=1e-9)


@given(heard, st.integers(1, 5), st.integers(0, 200))
def test_mean_over_every_possible_draw_is_exactly_one_at_every_look(calls, planted, look):
    """Ville's bound rests on this: enumerate all draws of an innocent copy against fixed calls."""
    scores = [
        score(release("j", s, set(NUMBERS) - set(s), calls, names=NOBODY), Channel(), day(look)).log_e
        for s in combinations(NUMBERS, planted)
    ]
    assert sum(map(math.exp, scores)) / len(scores) == pytest.approx(1, rel=1e-9)


@given(st.sets(st.sampled_from(NUMBERS), min_size=1, max_size=3), st.integers(0, 50))
def test_mean_is_one_although_another_copy_leaked_and_marks_exclude_each_other(leaked, first_day):
    """Given the leaked copy's numbers, the innocent copy's are a uniform subset of the others."""
    calls = dict.fromkeys(leaked, (first_day, Outcome.NAMED))
    others = sorted(set(NUMBERS) - leaked)
    draws = list(combinations(others, 2))
    drawn = [release("j", s, set(others) - set(s), calls, names=NOBODY) for s in draws]
    scores = [score(r, Channel(), day(60)).log_e for r in drawn]
    assert sum(map(math.exp, scores)) / len(scores) == pytest.approx(1, rel=1e-9)


@given(heard, st.integers(1, 5))
def test_innocent_copy_crosses_its_threshold_no_oftener_than_alpha_allows(calls, planted):
    """Ville by enumeration: the share of draws whose running maximum ever reaches t is at most 1/t."""
    sups = [
        score(release("j", s, set(NUMBERS) - set(s), calls, names=NOBODY), Channel(), day(400)).log_sup
        for s in combinations(NUMBERS, planted)
    ]
    for threshold in (2, 3, 5, 10, 15):
        assert sum(sup >= math.log(threshold) for sup in sups) / len(sups) <= 1 / threshold + 1e-9


def test_each_number_gives_one_factor_however_often_it_rings():
    once = release("j", "ab", "cdef", {"a": (3, Outcome.MATERNAL)})
    rang = once.marks[0]
    again = replace(rang, hits=(*rang.hits, Hit(day(9), Outcome.NAMED, 7)))
    many = replace(once, marks=(again, *once.marks[1:]))
    assert score(once, Channel(), day(100)) == score(many, Channel(), day(100))


def test_silence_counts_only_when_the_window_has_closed():
    silent = release("j", "ab", "cdef")
    assert score(silent, Channel(), day(100)).log_e == 0
    assert score(silent, Channel(), day(WINDOW.days)).log_e < 0


def test_contacts_before_the_hand_over_say_nothing():
    early = release("j", "ab", "cdef", {"a": (-3, Outcome.NAMED)})
    assert score(early, Channel(), day(100)).log_e == 0


def test_after_the_window_a_call_says_nothing_unless_it_uses_a_name():
    unnamed = release("j", "ab", "cdef", {"a": (WINDOW.days + 5, Outcome.MATERNAL)})
    assert {s.outcome for s in steps(unnamed, day(400))} == {Outcome.SILENT}
    late = release("j", "ab", "cdef", {"a": (WINDOW.days + 5, Outcome.NAMED)})
    assert score(late, Channel(), day(400)).log_e > score(unnamed, Channel(), day(400)).log_e + 1


def test_score_rises_with_planted_numbers_that_ring_and_falls_with_controls():
    planted = release("j", "abc", "defghij", dict.fromkeys("ab", (5, Outcome.MATERNAL)))
    mixed = release("j", "abc", "defghij", dict.fromkeys("abdefg", (5, Outcome.MATERNAL)))
    assert score(planted, Channel(), day(50)).log_sup > 1.5
    assert score(mixed, Channel(), day(50)).log_e < score(planted, Channel(), day(50)).log_e


def test_score_never_exceeds_the_number_of_possible_draws():
    """No evidence can weigh more than 1 / P(the draw was as it was by luck)."""
    everything = release("j", "ab", "cdef", dict.fromkeys("ab", (5, Outcome.MATERNAL)))
    assert score(everything, Channel(), day(400)).log_sup <= math.log(math.comb(6, 2))


def test_running_maximum_stays_when_the_score_falls_back():
    fading = release("j", "ab", "cdef", {"a": (5, Outcome.MATERNAL)})
    now = score(fading, Channel(), day(WINDOW.days))
    assert now.log_sup > now.log_e
    assert now.sup_at == day(5)


def test_naming_the_right_persona_weighs_ln_of_the_personas_and_the_wrong_one_counts_against():
    controls = [f"c{i}" for i in range(98)]
    unnamed = release("j", "ab", controls, {"a": (5, Outcome.MATERNAL)})
    right = release("j", "ab", controls, {"a": (5, Outcome.NAMED)})
    wrong = release("j", "ab", controls, {"a": (5, Outcome.NAMED)}, names={"a": frozenset({"c7"})})
    scores = [score(r, Channel(), day(50)).log_e for r in (wrong, unnamed, right)]
    assert scores == sorted(scores)
    assert scores[2] - scores[1] >= math.log(100) - 0.1


def test_two_named_calls_out_of_a_hundred_personas_pass_one_in_a_thousand_for_a_hundred_copies():
    """The small leak: 500 of 40,000 rows reach two canaries, and their names settle it."""
    controls = [f"c{i}" for i in range(88)]
    heard = dict.fromkeys("ab", (5, Outcome.NAMED))
    small = release("j", "abcdefghijkl", controls, heard)
    assert score(small, Channel(), day(50)).log_sup >= math.log(100 / 0.001)


def test_a_factor_once_counted_stays_though_its_contact_reads_differently_later():
    first = release("j", "ab", "cdef", {"a": (5, Outcome.MATERNAL)})
    counted = tuple(fresh(first, day(10)))
    changed = replace(
        release("j", "ab", "cdef", {"a": (5, Outcome.NAMED), "b": (7, Outcome.MATERNAL)}), counted=counted
    )
    assert steps(changed, day(20))[0] == counted[0]
    assert [(s.number, s.event.value) for s in fresh(changed, day(20))] == [("a", "name"), ("b", "presence")]


def test_a_late_contact_is_counted_after_what_earlier_looks_counted():
    first = release("j", "ab", "cdef", {"b": (9, Outcome.MATERNAL)})
    counted = tuple(fresh(first, day(10)))
    late = replace(
        release("j", "ab", "cdef", {"a": (5, Outcome.MATERNAL), "b": (9, Outcome.MATERNAL)}), counted=counted
    )
    assert [s.number for s in steps(late, day(20))] == ["b", "a"]
