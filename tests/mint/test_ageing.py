"""How rows of earlier canaries get into the next month: forward only, within the window, nobody at 45 weeks."""

from collections import Counter
from datetime import date, timedelta
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.demo.city import city_rows, next_month
from canary.errors import CanaryError
from canary.mint.ageing import Ageing, OneMonth, TwoMonths, in_columns
from canary.mint.cohort import OVERDUE, Calendar, Cohort, link
from canary.mint.columns import recognise
from canary.mint.facts import Cell, Fact, Row, Table
from canary.mint.host import Host, fit

NAME, BIRTH, HUKOU, ADDRESS, PHONE, HOSPITAL, DUE = range(7)
JUNE_END, JULY_END = date(2026, 5, 31), date(2026, 6, 30)
KINDS = ["two months", "one month"]


@cache
def june() -> Table:
    return city_rows(Random(1), 3_000, date(2026, 6, 1), JUNE_END)


@cache
def july() -> Table:
    return next_month(Random(2), june(), date(2026, 7, 1), JULY_END)


@cache
def host(table: str) -> Host:
    found = june() if table == "june" else july()
    return fit(found, recognise(found), "CN")


@cache
def ageing(kind: str) -> Ageing:
    columns = recognise(july())
    if kind == "two months":
        return TwoMonths(june(), july(), columns)
    return OneMonth(july(), columns, timedelta(30))


def day(cell: Cell) -> date | None:
    return cell if isinstance(cell, date) else None


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(seed=st.integers(0, 2**32))
def test_states_only_move_forward_and_dates_hold_together(kind: str, seed: int) -> None:
    rng = Random(seed)
    row = host("june").personas(rng, ["+8612000000001"])[0].cells
    aged = ageing(kind).age(rng, row)
    first, last = date(2026, 4, 1), date(2026, 9, 30)
    was_due, was_born = day(row[DUE]), day(row[BIRTH])
    if aged is None:
        return
    due, born = day(aged[DUE]), day(aged[BIRTH])
    assert [aged[c] for c in (NAME, ADDRESS, PHONE)] == [row[c] for c in (NAME, ADDRESS, PHONE)]
    assert due == was_due and due is not None and first <= due <= last
    if was_born is not None:
        assert born == was_born
    elif born is not None:
        assert JUNE_END - timedelta(31) < born <= JULY_END
        assert due - timedelta(60) <= born <= due + timedelta(45)
    else:
        assert due + OVERDUE > JULY_END


@pytest.mark.parametrize("kind", KINDS)
def test_births_and_leaving_come_as_often_as_among_the_hosts_rows(kind: str) -> None:
    rng = Random(3)
    rows = [p.cells for p in host("june").personas(rng, [f"+8612{i:09}" for i in range(400)])]
    ours = [(row, ageing(kind).age(rng, row)) for row in rows]
    links = link(june(), july(), recognise(june()))
    real = [(row, None if to is None else july().rows[to]) for row, to in zip(june().rows, links, strict=True)]
    for share in (_gone, _born):
        assert share(ours) == pytest.approx(share(real), abs=0.07)


def _gone(pairs: list[tuple[Row, Row | None]]) -> float:
    return sum(aged is None for _, aged in pairs) / len(pairs)


def _born(pairs: list[tuple[Row, Row | None]]) -> float:
    return sum(aged is not None and row[BIRTH] is None and aged[BIRTH] is not None for row, aged in pairs) / len(pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_woman_whom_the_window_has_passed_is_gone(kind: str) -> None:
    row = ("王静怡", date(2026, 3, 9), "流动", None, "12000000001", june().rows[0][HOSPITAL], date(2026, 3, 10))
    assert ageing(kind).age(Random(1), row) is None


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_carried_on_undelivered_at_45_weeks(kind: str) -> None:
    """The host itself forgets to enter births: its own women wait for ever."""
    late = date(2026, 5, 20)
    rows = [(*r[:BIRTH], None, *r[BIRTH + 1 :]) if day(r[DUE]) == late else r for r in july().rows]
    before = [(*r[:BIRTH], None, *r[BIRTH + 1 :]) if day(r[DUE]) == late else r for r in june().rows]
    after = Table(july().header, tuple(rows))
    columns = recognise(after)
    found = TwoMonths(Table(after.header, tuple(before)), after, columns)
    aging: Ageing = found if kind == "two months" else OneMonth(after, columns, timedelta(30))
    row = ("王静怡", None, "流动", None, "12000000001", june().rows[0][HOSPITAL], late)
    for seed in range(20):
        aged = aging.age(Random(seed), row)
        assert aged is None or aged[BIRTH] is not None


HEADER = ("name", "phone", "due date", "baby birth date", "weight", "mode", "visits", "last visit", "hospital")


@cache
def two_clinics() -> TwoMonths:
    return TwoMonths(clinic(1), clinic(2), recognise(clinic(2)))


@cache
def clinic(month: int) -> Table:
    """60 women; those due in the first half deliver between the months, with weight and mode; all come once more."""
    rows: list[Row] = []
    for i in range(60):
        due = date(2026, 6, 1) + timedelta(i % 20)
        born = month > 1 and i % 20 < 10
        birth, mode = (due, "CS" if i % 2 else "SVD") if born else (None, None)
        seen, hospital = date(2026, 4 + month, 1 + i % 20), "North" if i % 3 or month == 1 else "South"
        who = f"Ann Smith{chr(97 + i % 26)}{chr(97 + i // 26)}", f"+44770090{i:04}"
        rows.append((*who, due, birth, 3000 + i if born else None, mode, i % 4 + month, seen, hospital))
    last = date(2026, 6, 30) if month > 1 else date(2026, 5, 31)
    rows.append(("Zoe Reid", "+447700909999", date(2026, 6, 20), last, 3100, "SVD", 9, last, "North"))
    return Table(HEADER, tuple(rows))


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), visits=st.integers(1, 4))
def test_whatever_else_a_row_holds_follows_one_real_row(seed: int, visits: int) -> None:
    after = clinic(2)
    row = ("Eve Hill", "+447700901234", date(2026, 6, 4), None, None, None, visits, date(2026, 5, 9), "North")
    aged = two_clinics().age(Random(seed), row)
    assert aged is not None
    assert aged[3] == date(2026, 6, 4)
    donor = next(r for r in after.rows if r[4] == aged[4])
    assert (aged[5], aged[8]) == (donor[5], donor[8])
    assert aged[6] == visits + 1
    assert aged[7] == date(2026, 6, 9), "a month later, as everybody's"


def test_a_canary_changes_hospital_as_often_as_women_do() -> None:
    two = two_clinics()
    row = ("Eve Hill", "+447700901234", date(2026, 6, 14), None, None, None, 2, date(2026, 5, 9), "North")
    now = Counter(aged[8] for seed in range(200) if (aged := two.age(Random(seed), row)) is not None)
    assert now["South"] / 200 == pytest.approx(1 / 3, abs=0.15)


def test_a_table_without_due_dates_needs_the_month_before() -> None:
    tables = [Table(HEADER[:2] + HEADER[8:], tuple(r[:2] + r[8:] for r in clinic(m).rows)) for m in (1, 2)]
    columns = recognise(tables[1])
    with pytest.raises(CanaryError, match="who is new"):
        OneMonth(tables[1], columns, timedelta(30))
    two = TwoMonths(*tables, columns)
    assert two.age(Random(1), ("Eve Hill", "+447700901234", "North")) is not None
    assert two.entered() == [False] * 61


def test_rows_are_linked_though_a_cell_was_corrected_and_never_by_a_name_that_two_share() -> None:
    before = clinic(1)
    changed = list(clinic(2).rows)
    changed[5] = (changed[5][0], "+447700905555", *changed[5][2:])
    changed[6] = changed[7] = ("Ann Same", None, *changed[7][2:])
    links = link(before, Table(HEADER, tuple(changed)), recognise(before))
    assert links[:5] == [0, 1, 2, 3, 4] and links[5] == 5
    assert links[6] is None and links[7] is None


def test_a_row_finds_its_columns_again_when_the_export_has_others() -> None:
    assert in_columns((1, " ", 3), ("a", "b", "c"), ("c", "x", "b", "a")) == (3, None, None, 1)


def test_new_personas_are_due_and_delivered_as_the_women_who_entered() -> None:
    two = ageing("two months")
    entered = two.entered()
    rng = Random(5)
    personas = Cohort(two.calendar, entered).mint(host("july").personas, rng, [f"+8612{i:09}" for i in range(150)])
    new = [row for row, is_new in zip(july().rows, entered, strict=True) if is_new]
    for expected in ({9}, {4, 5, 6}):
        real = sum(d.month in expected for row in new if (d := day(row[DUE]))) / len(new)
        ours = sum(d.month in expected for p in personas if (d := day(p.facts[Fact.DUE_DATE]))) / len(personas)
        assert ours == pytest.approx(real, abs=0.1)
    assert len({p.facts[Fact.NAME] for p in personas}) > 130
    assert len({p.cells[PHONE] for p in personas}) == 150


def test_calendar_finds_few_rows_of_a_day_by_those_around_it() -> None:
    calendar = Calendar(july(), recognise(july()))
    near = calendar.near(date(2026, 9, 30), born=False)
    assert len(near) >= 5
    assert all(calendar.births[row] is None for row in near)
