"""The vocabulary of rules: what is understood, what is refused, and how a host's own habit is learnt."""

from collections.abc import Mapping, Sequence
from datetime import date
from random import Random

import pytest

from canary.errors import CanaryError
from canary.mint.columns import Profile
from canary.mint.facts import Cell, Table
from canary.mint.keeping import Bound, bind, naegele

A, B, C = {"a": ["A"]}, {"a": ["A"], "b": ["B"]}, {"a": ["A"], "b": ["B"], "c": ["C"]}


def one(kind: str, text: str, rows: Sequence[tuple[Cell, ...]]) -> list[Bound]:
    rules = Profile.from_mapping({"columns": C, "rules": {kind: [text]}}).rules
    return bind(rules, {"a": 0, "b": 1, "c": 2}, Table(("A", "B", "C"), tuple(rows)))


def mended(bound: Bound, *row: Cell) -> Cell:
    assert bound.kept(row) is False
    after = bound.mended(Random(1), row)
    assert after is not None and bound.kept(after)
    return after[0]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"columns": A, "rules": {"sums": ["a"]}}, "unknown kind of rule 'sums'.*known: needs, due"),
        ({"columns": A, "rules": {"order": "a < b"}}, "'order' of the profile must be a list.*parity"),
        ({"columns": B, "rules": {"order": ["a before b"]}}, "cannot read the rule 'a before b' of kind 'order'"),
        ({"columns": B, "rules": {"bmi": ["a = b"]}}, "cannot read the rule.*bmi = weight / height"),
        (
            {"columns": A, "rules": {"order": ["a < shoe"]}},
            r"unknown column 'shoe'.*\[columns\]",
        ),
        ({"rules": ["a < b"]}, "'rules' must be a table"),
        ({"columns": {"name": ["x"]}}, "column 'name' is the name of a fact"),
        ({"columns": A, "never_issue": ["b"]}, "unknown fact 'b'"),
        ({"phones": "no"}, "'phones' must be true or false"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused(mapping: Mapping[str, object], message: str) -> None:
    with pytest.raises(CanaryError, match=message):
        Profile.from_mapping(mapping)


@pytest.mark.parametrize("text", ["a + 1 <= b", "b >= a + 1", "a<b+0", " a < b "])
def test_orders_read_either_way(text: str) -> None:
    (bound,) = one("order", text, [(1, 2, None)] * 5)
    assert bound.kept((1, 2, None)) and bound.kept((2, 2, None)) is False and bound.kept((None, 2, None)) is None
    assert bound.mended(Random(1), (2, 2, None)) is None


def test_a_rule_that_the_host_does_not_keep_is_left_out() -> None:
    assert one("order", "a + 1 <= b", [(1, 1, None)] * 5 + [(0, 1, None)] * 5) == []
    assert one("weeks", "a = b - c", [(3, date(2026, 3, 1), date(2026, 1, 1))] * 5) == []


def test_a_rule_about_a_column_of_words_is_refused_by_name() -> None:
    with pytest.raises(CanaryError, match="column 'B' holds neither dates nor numbers, as the rule 'a < b' needs"):
        one("order", "a < b", [(1, "soon", None)] * 5)


@pytest.mark.parametrize(
    ("cell", "wrong", "right"),
    [
        (8, 3, 8),
        ("8", "3", "8"),
        ("8周", "3周", "8周"),
        ("8+3", "8+4", "8+3"),
        ("孕8周+3天", "孕2周+1天", "孕8周+3天"),
        (9, 3, 9),
    ],
)
def test_weeks_are_written_as_the_host_writes_them(cell: Cell, wrong: Cell, right: Cell) -> None:
    days = date(2026, 3, 1), date(2026, 1, 1)  # 59 days: 8 weeks and 3 days, or the ninth week
    (bound,) = one("weeks", "a = b - c", [(cell, *days)] * 5)
    assert mended(bound, wrong, *days) == right


def test_ages_are_completed_or_calendar_years_as_the_host_counts() -> None:
    days = date(2026, 3, 1), date(1996, 8, 1)
    (completed,) = one("years", "a = b - c", [(29, *days)] * 5)
    (calendar,) = one("years", "a = b - c", [("30岁", *days)] * 5)
    assert mended(completed, 40, *days) == 29
    assert mended(calendar, "40岁", *days) == "30岁"


@pytest.mark.parametrize(
    ("host", "right"),
    [((21.5, 55, 160), 21.5), ((21.48, 55.0, 1.6), 21.48), (("21.4", "55kg", "160cm"), "21.4"), ((21, 55, 160), 21)],
)
def test_bmi_in_the_hosts_unit_and_rounding(host: tuple[Cell, ...], right: Cell) -> None:
    (bound,) = one("bmi", "a = b / c", [host] * 5)
    wrong = "30.0" if isinstance(right, str) else type(right)(30)  # type: ignore[call-arg, arg-type]
    assert mended(bound, wrong, *host[1:]) == right


@pytest.mark.parametrize("due", [naegele, lambda day: date.fromordinal(day.toordinal() + 280)])
def test_the_last_period_follows_the_due_date_by_the_hosts_rule(due) -> None:  # type: ignore[no-untyped-def]
    days = [date(2025, month, 28) for month in range(1, 13)]
    (bound,) = one("due", "a = b", [(due(day), day, None) for day in days])
    row = bound.mended(Random(1), (due(days[4]), date(2025, 6, 3), None))
    assert row is not None and due(row[1]) == due(days[4])


def test_a_due_date_that_the_form_cannot_give_is_no_personas() -> None:
    days = [date(2025, month, 28) for month in range(1, 13)]
    (bound,) = one("due", "a = b", [(naegele(day), day, None) for day in days])
    assert bound.mended(Random(1), (date(2025, 12, 7), date(2025, 3, 1), None)) is None  # 30 February + 9 months
