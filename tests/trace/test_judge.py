"""Verdict words: who is accused, what an accused descendant explains, what silence says."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from canary.trace.evidence import Channel, Evidence, Outcome
from canary.trace.judge import Terms, judge
from canary.trace.posterior import posterior
from canary.trace.score import fresh
from canary.trace.verdict import Word
from tests.trace.worlds import day, release

CONTROLS = [f"control{i}" for i in range(60)]
ALPHA = 0.001


def numbers(copy: str, count: int = 10) -> list[str]:
    return [f"{copy}-{i}" for i in range(count)]


def rang(named: list[str]) -> dict[str, tuple[int, Outcome]]:
    return {number: (10 + i, Outcome.MATERNAL) for i, number in enumerate(named)}


def chain(heard: dict[str, tuple[int, Outcome]]) -> Evidence:
    """hospital → registry → bureau; the bureau's file holds half of each source's canaries."""
    hospital, registry, bureau = numbers("hospital"), numbers("registry"), numbers("bureau")
    return Evidence(
        day(120),
        (
            release("hospital", hospital, CONTROLS, heard),
            release("registry", registry, CONTROLS, heard, ("hospital",), hospital),
            release("bureau", bureau, CONTROLS, heard, ("registry",), hospital[:5] + registry[:5]),
            release("other-bureau", numbers("other"), CONTROLS, heard, ("registry",), hospital[5:] + registry[5:]),
        ),
    )


def words(evidence: Evidence) -> dict[str, Word]:
    return {v.copy: v.word for v in judge(evidence, Channel(), Terms(ALPHA)).verdicts}


def test_nothing_heard_accuses_nobody_and_none_is_the_best_explanation():
    findings = judge(chain({}), Channel(), Terms(ALPHA))
    assert {v.word for v in findings.verdicts} == {Word.CANNOT_TELL}
    assert findings.none_posterior > 0.5


def test_a_leaf_that_leaked_is_accused_and_its_sources_are_not():
    heard = rang(numbers("bureau")[:8] + numbers("registry")[:4] + numbers("hospital")[:4])
    found = words(chain(heard))
    assert found["bureau"] is Word.LEAKED
    assert {found[c] for c in ("hospital", "registry", "other-bureau")} == {Word.CANNOT_TELL}


def test_sources_of_an_accused_copy_say_who_explains_them():
    heard = rang(numbers("bureau")[:8] + numbers("registry", 10)[:5] + numbers("hospital")[:5])
    registry = next(v for v in judge(chain(heard), Channel(), Terms(0.5)).verdicts if v.copy == "registry")
    assert registry.log_e >= registry.threshold
    assert (registry.word, registry.explained_by) == (Word.CANNOT_TELL, "bureau")


def test_sources_are_not_accused_for_what_a_likely_copy_made_from_them_explains():
    """The bureau's own marks fall short of proof; its sources' marks, which it holds, ring all the same."""
    heard = rang(numbers("bureau")[:5] + numbers("registry")[:5] + numbers("hospital")[:5])
    held = chain(heard)
    short = Terms(ALPHA, planned=20_000)
    found = {v.copy: v for v in judge(held, Channel(), short).verdicts}
    assert found["bureau"].log_e < found["bureau"].threshold
    assert Word.LEAKED not in {v.word for v in found.values()}


def test_a_source_that_leaked_whole_is_accused_beside_nothing_made_from_it():
    heard = rang(numbers("registry")[:8] + numbers("hospital")[:8])
    found = words(chain(heard))
    assert found["registry"] is Word.LEAKED
    assert {found[c] for c in ("bureau", "other-bureau")} == {Word.CANNOT_TELL}


def test_a_source_stays_accused_when_its_own_marks_outside_the_descendant_rang_too():
    heard = rang(numbers("bureau")[:8] + numbers("registry"))
    found = judge(chain(heard), Channel(), Terms(0.05))
    assert {v.copy for v in found.verdicts if v.word is Word.LEAKED} >= {"bureau"}
    registry = next(v for v in found.verdicts if v.copy == "registry")
    assert registry.word is Word.LEAKED


def test_a_storm_that_rings_every_number_accuses_nobody():
    everyone = [*CONTROLS, *numbers("hospital"), *numbers("registry"), *numbers("bureau"), *numbers("other")]
    assert set(words(chain(rang(everyone))).values()) == {Word.CANNOT_TELL}


def test_without_controls_nobody_is_ever_accused():
    alone = Evidence(day(120), (release("j", numbers("j"), [], rang(numbers("j"))),))
    assert words(alone) == {"j": Word.CANNOT_TELL}


def test_threshold_is_ln_of_copies_over_alpha():
    findings = judge(chain({}), Channel(), Terms(ALPHA))
    assert {v.threshold for v in findings.verdicts} == {math.log(4 / ALPHA)}


def test_window_ends_with_the_first_caller_who_knew_a_persona_not_with_a_nuisance_call():
    heard = rang(numbers("bureau")[:8]) | {"bureau-3": (30, Outcome.NAMED), "bureau-9": (2, Outcome.MATERNAL)}
    window = judge(chain(heard), Channel(), Terms(ALPHA)).verdicts[0].window
    assert (window.start, window.end) == (day(0).date(), day(30).date())


def test_window_without_named_callers_ends_when_the_score_peaked():
    window = judge(chain(rang(numbers("bureau")[:8])), Channel(), Terms(ALPHA)).verdicts[0].window
    assert window.end == day(17).date()


def test_posterior_adds_up_and_prefers_the_copy_that_holds_all_that_rang():
    heard = rang(numbers("bureau")[:8] + numbers("registry")[:5] + numbers("hospital")[:5])
    found = posterior(chain(heard), Channel())
    assert sum(found.copies.values()) + found.none == pytest.approx(1)
    assert max(found.copies, key=found.copies.__getitem__) == "bureau"


def test_smallest_visible_leak_shrinks_with_more_canaries_and_is_none_with_two():
    def visible(count: int) -> float | None:
        evidence = Evidence(day(180) - timedelta(days=1), (release("j", numbers("j", count), CONTROLS),))
        return judge(evidence, Channel(), Terms(ALPHA)).smallest_visible_leak

    assert visible(2) is None
    assert visible(60) < visible(30) <= 1


def test_a_months_leak_is_also_seen_by_the_canaries_that_live_on_in_it():
    june, new = numbers("june", 40), numbers("july", 3)

    def visible(recipient: str) -> float | None:
        july = replace(release("july", new, CONTROLS, carried=june[:34]), recipient="bureau")
        months = (replace(release("june", june, CONTROLS), recipient=recipient), july, replace(july, copy="other"))
        return judge(Evidence(day(179), months), Channel(), Terms(ALPHA)).smallest_visible_leak

    assert visible("another") is None
    assert (visible("bureau") or 1.0) < 0.8


def test_planned_copies_fix_the_threshold_before_they_exist():
    verdicts = judge(chain({}), Channel(), Terms(ALPHA, planned=100)).verdicts
    assert {v.threshold for v in verdicts} == {math.log(100 / ALPHA)}


def test_an_accusation_does_not_outlive_the_contacts_it_rested_on():
    """The clinic's own line is allowed after it was counted: kept factors alone no longer accuse."""
    heard = rang(numbers("bureau")[:8])
    before = chain(heard)
    counted = {r.copy: tuple(fresh(r, day(120))) for r in before.releases}
    after = chain({})
    after = replace(after, releases=tuple(replace(r, counted=counted[r.copy]) for r in after.releases))
    assert words(before)["bureau"] is Word.LEAKED
    assert set(words(after).values()) == {Word.CANNOT_TELL}


def test_background_of_the_posterior_is_learnt_from_the_controls():
    noisy = release("j", numbers("j"), CONTROLS, rang([*CONTROLS[:30], *numbers("j")[:5]]))
    assert posterior(Evidence(day(120), (noisy,)), Channel()).none > 0.5


@pytest.mark.parametrize("moment", [0.001, 1, 120])
def test_a_posterior_exists_at_every_moment_from_the_first_second_on(moment):
    heard = dict.fromkeys(numbers("bureau")[:3], (0, Outcome.MATERNAL))
    found = posterior(Evidence(day(0) + timedelta(days=moment), chain(heard).releases), Channel())
    assert sum(found.copies.values()) + found.none == pytest.approx(1)


def test_an_empty_registry_has_no_verdicts():
    findings = judge(Evidence(day(1), ()), Channel(), Terms(ALPHA))
    assert (findings.verdicts, findings.none_posterior, findings.smallest_visible_leak) == ((), 1.0, None)
