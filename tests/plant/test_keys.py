"""Fresh keys: unused, of the host's own form, and only where the host leaves gaps."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.facts import Cell
from canary.plant.keys import Keys

NUMBERS = st.lists(st.integers(0, 400), min_size=20, max_size=120, unique=True)


@given(numbers=NUMBERS, seed=st.integers(0, 9), width=st.sampled_from([0, 6]))
def test_fresh_numbers_are_unused_and_stand_between_those_of_the_host(
    numbers: list[int], seed: int, width: int
) -> None:
    cells: list[Cell] = [f"M-{n:06}" if width else n for n in numbers]
    rng = Random(seed)
    try:
        fresh = Keys("id", cells).draw(rng, rng.choices(cells, k=5))
    except CanaryError:
        return
    assert len({*fresh, *cells}) == len(cells) + 5
    assert all(min(numbers) < int(str(cell).removeprefix("M-")) < max(numbers) for cell in fresh)
    assert {len(str(cell)) for cell in fresh} == {8} if width else all(isinstance(cell, int) for cell in fresh)


def test_a_jump_in_the_numbers_is_no_gap() -> None:
    cells = [*range(1, 200, 2), *range(5001, 5200, 2)]
    fresh = Keys("id", cells).draw(Random(1), [1] * 40)
    assert all(isinstance(n, int) and (n < 200 or n > 5000) for n in fresh)


def test_a_fresh_number_stands_near_its_neighbour() -> None:
    cells = sorted(Random(1).sample(range(10_000), 5_000))
    for neighbour, fresh in zip(cells[::500], Keys("id", cells).draw(Random(2), cells[::500]), strict=True):
        assert isinstance(fresh, int) and abs(fresh - neighbour) < 50


def test_a_series_a_day_goes_on_by_one_but_not_the_open_one() -> None:
    cells = [f"202606{day:02}-{n:03}" for day in range(1, 29) for n in range(1, day + 1)]
    next_ones = {f"202606{day:02}-{day + 1:03}" for day in range(1, 28)}
    assert set(Keys("id", cells).draw(Random(1), [*cells[:3], cells[-1]])) <= next_ones


@pytest.mark.parametrize("cells", [range(1, 100), [f"A{n:04}" for n in range(1, 100)]], ids=["numbers", "codes"])
def test_running_numbers_are_refused(cells: list[Cell]) -> None:
    with pytest.raises(CanaryError, match="too few gaps"):
        Keys("id", cells).draw(Random(1), [5])


@pytest.mark.parametrize("cells", [[None, None], ["one", "two"], [1.5, 2.5], [True, False]])
def test_what_follows_no_rule_is_refused(cells: list[Cell]) -> None:
    with pytest.raises(CanaryError, match=r"nothing can be invented|cannot be invented"):
        Keys("id", cells)


def test_no_more_are_given_than_there_are_gaps() -> None:
    cells = [n for n in range(1, 60) if n % 10]
    keys = Keys("id", cells)
    with pytest.raises(CanaryError, match="too few gaps"):
        keys.draw(Random(1), [5] * 6)
