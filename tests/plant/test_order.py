import random
from collections import Counter
from datetime import date, timedelta
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.facts import Row, Table
from canary.plant.order import insertion_points
from tests.plant import workbooks as wb


def table(rows: list[Row], *header: str) -> Table:
    return Table(header or tuple("abcdefg"[: len(rows[0])]), tuple(rows))


def planted(rows: list[Row], new: list[Row], seed: int = 0) -> list[Row]:
    host = table(rows)
    insertions = insertion_points(host, new, random.Random(seed))
    assert Counter(i.cells for i in insertions) == Counter(new)
    return wb.spliced(host, insertions)


KEYS = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(KEYS, st.lists(st.integers(-1, 10), max_size=8), st.booleans(), st.integers(0, 99))
def test_a_sorted_column_stays_sorted(host, new, down, seed):
    # The second column goes up and down, so that the first is the only order there is.
    rows = [(key, at % 2) for at, key in enumerate(sorted([*host, 3, 3, 4, 5, 5], reverse=down))]
    keys = [key for key, _ in planted(rows, [(key, 1) for key in new], seed)]
    assert keys == sorted(keys, reverse=down)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_blocks_sorted_inside_stay_blocks_sorted_inside(seed, other):
    rng = random.Random(seed)
    names = rng.sample(["乙", "甲", "丁", "丙", "戊"], 5)
    rows = [
        (name, day, rng.random())
        for name in names
        for day in sorted(date(2026, 1, 1) + timedelta(rng.randrange(40)) for _ in range(30))
    ]
    new = [(rng.choice([*names, "新", "又"]), date(2026, 1, 1) + timedelta(rng.randrange(50)), 0.5) for _ in range(9)]
    result = planted(rows, new, other)
    blocks = [(name, [row[1] for row in block]) for name, block in groupby(result, key=lambda row: row[0])]
    assert [name for name, _ in blocks if name in names] == names
    assert len(blocks) == len({row[0] for row in result})
    assert all(days == sorted(days) for _, days in blocks)


def test_empty_cells_do_not_hide_an_order():
    rng = random.Random(3)
    rows = [(None if rng.random() < 0.2 else at // 5, rng.random()) for at in range(500)]
    result = planted(rows, [(k, 0.5) for k in range(5, 95, 7)] + [(None, 0.5)])
    keys = [key for key, _ in result if key is not None]
    assert keys == sorted(keys)


def test_empty_cells_that_all_stand_at_the_end_are_joined_there():
    rows = [(at // 5 if at < 100 else None, at % 3) for at in range(110)]
    result = planted(rows, [(None, 1), (3, 2)])
    assert [row[0] for row in result[-11:]] == [None] * 11


def test_names_sorted_by_sound_stay_so():
    names = sorted((chr(c) * 2 for c in range(0x5000, 0x5200) if _common(c)), key=lambda n: n.encode("gb18030"))
    rows = [(name, 1.5) for name in names]
    result = [name for name, _ in planted(rows, [("安安", 1.5), ("张张", 1.5), ("林林", 1.5)])]
    assert result == sorted(result, key=lambda name: name.encode("gb18030"))


def _common(code: int) -> bool:
    encoded = chr(code).encode("gbk", "ignore")
    return len(encoded) == 2 and 0xB0 <= encoded[0] <= 0xD7 and encoded[1] >= 0xA1


def test_text_numbers_sorted_by_value_stay_so():
    rows = [(str(at * 3), 0.5) for at in range(1, 200)]
    result = [int(text) for text, _ in planted(rows, [("100", 0.5), ("7", 0.5)])]
    assert result == sorted(result)


def test_tied_places_are_all_used_alike():
    rows = [(at // 10, at * 37 % 101 / 3) for at in range(30)]
    rng = random.Random(5)
    places = Counter(insertion_points(table(rows), [(1, 0.0)], rng)[0].before for _ in range(2200))
    assert set(places) == set(range(10, 21))
    assert all(140 < count < 260 for count in places.values())


def test_without_an_order_every_place_is_used_alike():
    rng = random.Random(6)
    rows = [(rng.random(), rng.choice("xyz")) for _ in range(20)]
    places = Counter(insertion_points(table(rows), [(0.1, "x")], rng)[0].before for _ in range(4200))
    assert set(places) == set(range(21))
    assert all(130 < count < 270 for count in places.values())


def test_new_rows_do_not_form_a_block():
    rng = random.Random(7)
    rows = [("一" if at < 2000 else "二", rng.random()) for at in range(4000)]
    insertions = insertion_points(table(rows), [("一", 0.5)] * 40, rng)
    places = [new.before for new in insertions]
    assert len(set(places)) > 35 and max(places) <= 2000


@pytest.mark.parametrize("numbers", [range(1, 9), ["007", "008", "009"], range(40, 90)])
def test_a_running_number_is_refused(numbers):
    rows = [(number, 0.5) for number in numbers]
    with pytest.raises(CanaryError, match="'a' numbers the rows") as caught:
        insertion_points(table(rows), [(1, 0.5)], random.Random(0))
    assert caught.value.hint


def test_an_empty_table_takes_rows_at_its_start():
    assert insertion_points(Table(("a",), ()), [("x",)], random.Random(0))[0].before == 0
