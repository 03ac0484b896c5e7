"""Names given to due days: nobody stands where she may not, nobody twice, and lengths come up as they can."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.mint.claims import Claims, within_one_edit
from canary.mint.levels import Levels
from canary.mint.names import NamePool
from canary.mint.pairing import Seats, pair

FIRST, FAR = 739_000, 555  # no day of the first month is one digit from the far one
held = st.lists(st.tuples(st.text("李王婷静敏", min_size=2, max_size=3), st.integers(0, 6)), min_size=2, max_size=30)


def seats(rows: list[tuple[str, int]]) -> Seats:
    names = Levels[str]([name for name, _ in rows])
    return Seats(Claims(names, np.array([FIRST + day for _, day in rows]), Levels([None] * len(rows))), NamePool(names))


@settings(deadline=None, max_examples=60)
@given(held, st.integers(0, 99))
def test_a_name_that_fits_is_near_nobody_of_its_day_and_stands_there_once(
    rows: list[tuple[str, int]], seed: int
) -> None:
    due = np.array([FIRST + day for _, day in rows])
    names, fits = pair(np.random.default_rng(seed), seats(rows), due)
    placed = [(name, int(day) - FIRST) for name, day, fit in zip(names, due, fits, strict=True) if fit]
    assert len(placed) == len(set(placed))
    assert not any(
        day == other_day and within_one_edit(name, other) for name, day in placed for other, other_day in rows
    )


def test_a_name_that_only_one_day_can_take_is_given_that_day() -> None:
    rng = Random(1)
    rows = [(rng.choice("王李张刘陈杨黄赵吴周") + "静", day) for day in range(29) for _ in range(5)]
    rows += [(f"{a}{b}{c}", FAR) for a in "孙胡" for b in "晓美思" for c in "婷敏娟"]
    everyday = np.array([FIRST + day for day in (*range(29), FAR) for _ in range(20)])
    names, fits = pair(np.random.default_rng(1), seats(rows), everyday)
    short = {int(day) - FIRST for name, day, fit in zip(names, everyday, fits, strict=True) if fit and len(name) == 2}
    assert short == {FAR}


def test_names_with_room_are_not_given_up() -> None:
    rows = [(name, 3 * i) for i, name in enumerate(["王静", "李婷", "张晓敏", "刘美娟", "陈思雪"] * 8)]
    due = np.array([FIRST + day for _, day in rows] * 5)
    names, fits = pair(np.random.default_rng(2), seats(rows), due)
    assert fits.mean() > 0.95
    assert np.mean([len(name) == 2 for name in names]) == pytest.approx(0.4, abs=0.12)
