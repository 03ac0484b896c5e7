"""Addresses taken apart, and new ones that reach beyond what the host knows."""

from collections.abc import Sequence

import numpy as np
import pytest

from canary.mint.addresses import split
from canary.mint.claims import within_one_edit
from canary.mint.estates import AddressPool
from canary.mint.levels import Levels


@pytest.mark.parametrize(
    ("text", "area", "place", "number", "unit"),
    [
        ("广东省深圳市光明区公明街道公明桃源苑6号楼3002室", "光明区公明街道", "公明桃源苑", "6", "号楼"),
        ("深圳市光明区马田街道石家社区龙泉豪庭16座A601", "光明区马田街道", "龙泉豪庭", "16", "座"),
        ("光明区马田街道石家社区南村16巷28号404", "光明区马田街道", "石家社区南村", "16", "巷"),
        ("深圳市福田区福田保税区碧海雅居20栋2403", "福田区", "福田保税区碧海雅居", "20", "栋"),
        ("光明区马田街道石家社区", "光明区马田街道", "石家社区", "", ""),
        ("12 Baker Street, London NW1 6XE", "london", "baker street", "12", ""),
        ("Flat 3, 12A Baker Street, London", "london", "baker street", "12", ""),
        ("12 Baker Street Apt 4, London", "london", "baker street", "12", ""),
        ("Rose Cottage, York", "rose cottage york", "Rose Cottage, York", "", ""),
    ],
)
def test_split(text: str, area: str, place: str, number: str, unit: str) -> None:
    address = split(text)
    assert (address.area, address.place, address.number) == (area, place, number)
    assert not number or address.unit == unit


def drawn_like(host: Sequence[str | None], row: int, seed: int, count: int = 1) -> list[str | None]:
    """Addresses like one row's, each drawn as if none had been before it."""
    pool, rng = AddressPool(Levels(host)), np.random.default_rng(seed)
    return [pool.draw(rng, np.array([row]), np.zeros(pool.estates, dtype=bool))[0] for _ in range(count)]


def buildings(texts: list[str | None]) -> list[int]:
    return [split(str(text)).height[0] for text in texts]


def test_a_building_beyond_the_estates_last() -> None:
    host = [f"宝安区西乡街道碧海花园{n}栋{n}01" for n in range(1, 6)] + ["宝安区西乡街道星海城20栋301"]
    drawn = drawn_like(host, 0, seed=1, count=200)
    assert all(number > 5 for number in buildings(drawn))
    assert drawn.count("宝安区西乡街道碧海花园20栋301") > 100


def test_the_last_resort_is_a_building_further_on() -> None:
    host = ["宝安区西乡街道碧海花园3栋201", "宝安区西乡街道碧海花园3栋301"]
    drawn = [text for seed in range(50) for text in drawn_like(host, 0, seed)]
    assert all(number > 3 for number in buildings(drawn))
    assert not any(within_one_edit(str(text), known) for text in drawn for known in host)


def test_no_door_that_is_somebodys_but_for_one_character() -> None:
    host = ["宝安区西乡街道新村3巷2号101", "宝安区西乡街道北村26巷14号305", "宝安区西乡街道北村9巷1号201"]
    for seed in range(100):
        (text,) = drawn_like(host, 0, seed)
        assert not any(within_one_edit(str(text), known) for known in host)


def test_coarse_and_missing_addresses_stay_so() -> None:
    host = ["宝安区西乡街道麻布社区", None, "宝安区西乡街道麻布"]
    assert drawn_like(host, 1, seed=1) == [None]
    assert set(drawn_like(host, 0, seed=1, count=20)) == {"宝安区西乡街道麻布社区", "宝安区西乡街道麻布"}


def test_english_house_numbers_go_beyond_the_street() -> None:
    host = [f"{n} Mill Lane, Leeds" for n in (2, 4, 9)] + [f"{n} High Street, Leeds" for n in (3, 30)]
    for seed in range(50):
        (text,) = drawn_like(host, 0, seed)
        assert text is not None and text not in host
        number, street = text.split(" ", 1)
        assert int(number) > {"Mill Lane, Leeds": 9, "High Street, Leeds": 30}[street]
