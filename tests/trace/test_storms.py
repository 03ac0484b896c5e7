"""Block dialling is told from a dialled file by how close the numbers lie, whoever they belong to."""

from datetime import date, timedelta

import pytest

from canary.trace.storms import Dialled, block_dialled

DAY = date(2026, 7, 20)


def rung(places: list[int], sender: str = "s", day: date = DAY) -> list[Dialled]:
    return [Dialled(100 + place, sender, day, place) for place in places]


@pytest.mark.parametrize(
    ("places", "storm"),
    [
        (list(range(40, 100)), True),
        (list(range(40, 60, 2)), True),
        (list(range(40, 45)), False),
        ([3, 90, 170, 222, 404, 517, 640, 800], False),
        ([40] * 20, False),
    ],
    ids=["a block", "every second one", "too few", "a leaked file", "one number again and again"],
)
def test_numbers_in_a_row_on_one_day_are_a_storm(places, storm):
    assert bool(block_dialled(rung(places))) is storm


def test_all_contacts_of_the_storm_are_named_and_no_other_callers():
    heard = rung(list(range(10))) + rung([5], sender="another")
    assert block_dialled(heard) == {d.contact for d in rung(list(range(10)))}


def test_the_same_numbers_spread_over_days_are_no_storm():
    heard = [one for i in range(10) for one in rung([i], day=DAY + timedelta(days=i))]
    assert block_dialled(heard) == set()
