"""What FHIR and HL7 share: fresh ids, moved times, habits, names, addresses, places."""

import random
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.plant.formats.clinical import model
from canary.plant.formats.clinical.fresh import FreshIds, Habits, is_time, moved, week_shift
from canary.plant.formats.clinical.people import Addresses, Names, joined_address, joined_name
from canary.plant.formats.clinical.places import Layout
from canary.plant.formats.clinical.splice import spliced


def rng() -> random.Random:
    return random.Random(5)


@pytest.mark.parametrize(
    ("taken", "like", "near", "shape"),
    [
        (["4f3c2d10-9a8b-4c7d-8e6f-0123456789ab"], "4f3c2d10-9a8b-4c7d-8e6f-0123456789ab", None, r"[0-9a-f-]{36}"),
        (["P-001", "P-005", "P-009"], "P-001", "P-009", "P-00[678]|P-013"),
        (["10", "12", "14", "20"], "10", "20", "1[68]"),
        (["10", "11", "12"], "10", None, "13"),
        (["0a1b", "9z8y"], "0a1b", None, "[0-9][a-z][0-9][a-z]"),
        (["X" * 30 + "1" * 30], "X" * 30 + "1" * 30, None, "[A-Z]{30}[0-9]{30}"),
    ],
)
def test_a_fresh_id_has_the_shape_and_the_step_of_the_others(taken, like, near, shape):
    new = FreshIds(rng(), taken).draw(like, near)
    assert new not in taken and (re.fullmatch(shape, new) or (taken[0] == "P-001" and re.fullmatch(r"P-0\d\d", new)))


@given(st.sets(st.integers(0, 300), min_size=1, max_size=60), st.integers(1, 40), st.randoms(use_true_random=False))
def test_fresh_numbers_never_meet(numbers, count, chance):
    taken = [f"n{number:04}" for number in numbers]
    ids = FreshIds(chance, taken)
    new = [ids.draw(taken[0]) for _ in range(count)]
    assert len({*taken, *new}) == len(taken) + count
    assert all(re.fullmatch(r"n\d{4,}", one) for one in new)


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("2026-03-01", "2026-03-08"),
        ("2026-03-01T10:00:05.123+08:00", "2026-03-08T10:01:05.123+08:00"),
        ("2026-03-01T23:59Z", "2026-03-09T00:00Z"),
        ("20260301", "20260308"),
        ("202603011000", "202603081001"),
        ("20260301100005.5-0500", "20260308100105.5-0500"),
        ("13800138000", "13800138000"),
    ],
)
def test_a_time_moves_in_its_own_precision(text, new):
    assert is_time(text) == (text != "13800138000")
    assert moved(text, timedelta(days=7, minutes=1)) == new


@given(st.integers(-300, 300), st.randoms(use_true_random=False))
def test_visits_move_by_whole_weeks_and_never_by_none(days, chance):
    shift = week_shift(chance, days)
    assert shift.days % 7 == 0 and shift.days and abs(shift.days - days) < 18


def test_times_move_no_further_than_the_file_knows():
    habits = Habits(rng())
    habits.note([("seen", "2026-03-01"), ("seen", "2026-03-20")], None)
    shift = habits.fitted([("seen", "2026-03-01"), ("other", "2026-03-01")], timedelta(days=35))
    assert moved("2026-03-01", shift) <= "2026-03-20"
    assert habits.fitted([("seen", "2026-03-20")], timedelta(days=7)).days == -7, "never where it was"


def test_what_few_women_share_is_not_copied():
    habits = Habits(rng())
    for number in range(30):
        habits.note([("lang", "en"), ("id", f"K{number:05}"), ("maiden", f"A{'x' * number} B{'y' * number}")], None)
    habits.note([("phone", "13800138000"), ("text", "her secret"), ("id2", "44030519900101123X")], None)
    assert habits.other("lang", "en") == "en"
    assert re.fullmatch(r"K\d{5}", habits.other("id", "K00003") or "")
    mixed = habits.other("maiden", "A B") or ""
    assert re.fullmatch("Ax* By*", mixed) and mixed.count("x") != mixed.count("y")
    for place, text in (("phone", "13800138000"), ("text", "her secret"), ("id2", "44030519900101123X")):
        assert habits.other(place, text) is None


def test_a_date_at_a_fixed_distance_from_the_due_date_is_known_as_such():
    habits = Habits(rng())
    for number in range(10):
        due = date(2026, 3, 1) + timedelta(number)
        values = [("period", str(due - timedelta(280))), ("visit", str(due - timedelta(100 + number % 7)))]
        habits.note(values, str(due))
    assert habits.follows_due("period") and not habits.follows_due("visit")


PARTS = st.lists(st.sampled_from(["Anna", "Maria", "Smith", "van", "Berg"]), min_size=1, max_size=4)
TEXTS = PARTS.map(" ".join) | st.text("王李欧阳小红", min_size=1, max_size=4)


@given(TEXTS, st.sets(st.sampled_from(["van Berg", "Smith", "欧阳", "王"])))
def test_a_name_split_and_joined_is_the_name(name, families):
    assert joined_name(*Names(families).split(name)) == name


def test_a_family_name_of_two_words_or_characters_is_kept_together():
    names = Names(["van Berg", "欧阳"])
    assert names.split("Anna van Berg") == ("van Berg", ["Anna"])
    assert names.split("欧阳小红") == ("欧阳", ["小红"])


@pytest.mark.parametrize(
    ("text", "like", "parts"),
    [
        ("5 Hill Rd, Flat 2, York", ["1 Mill Lane", "", "Leeds", ""], ["5 Hill Rd, Flat 2", "", "York", ""]),
        ("5 Hill Rd", ["1 Mill Lane", "", "Leeds", ""], None),
        ("广东省深圳市福田区路5号", ["路1号", "南山区", "深圳市", "广东省"], ["路5号", "福田区", "深圳市", "广东省"]),
        ("广州市路5号", ["路1号", "南山区", "深圳市", ""], None),
    ],
)
def test_an_address_is_split_into_the_slots_the_host_fills(text, like, parts):
    addresses = Addresses([["路1号", "南山区", "深圳市", "广东省"], ["路2号", "福田区", "深圳市", "广东省"]])
    assert addresses.split(text, like) == parts
    assert parts is None or joined_address(parts) == text


@pytest.mark.parametrize(
    ("women", "heads", "kinds", "expected"),
    [
        ([[0, 1], [2, 3], [4, 5]], [0, 2, 4], "PCPCPC", {0: [0, 0], 1: [2, 2], 3: [6, 6]}),
        ([[0, 3], [1, 4], [2, 5]], [0, 1, 2], "PPPCCC", {0: [0, 3], 1: [1, 4], 3: [3, 6]}),
    ],
)
def test_records_go_where_the_layout_puts_their_kind(women, heads, kinds, expected):
    layout = Layout(women, heads, kinds)
    assert {before: layout.places(before, 0) for before in expected} == expected


def test_what_parts_two_batches_does_not_part_two_records():
    text, spans = "a;b;END;BEGIN;c;d", [(0, 1), (2, 3), (14, 15), (16, 17)]
    assert spliced(text, spans, [(2, "X"), (4, "Y")]) == "a;b;END;BEGIN;X;c;d;Y"


def test_the_model_is_near_of_the_same_hospital_and_due_about_then():
    def row(hospital: str, due: str, address: str | None = "a") -> tuple:
        return ("n", "1", address, hospital, due, "1990-01-01")

    rows = [row("h", "20260301"), row("g", "20260601"), row("h", "2026-06-05"), row("h", "20260601", None)]
    choose = model.choose
    assert choose(rows, row("h", "20260601"), 0, lambda at: True, lambda at: True) == 2
    assert choose(rows, row("h", "20260601"), 0, lambda at: at != 2, lambda at: True) == 0
    assert choose(rows, row("h", "20260601", None), 0, lambda at: True, lambda at: True) == 3
    assert choose(rows[3:], row("h", "20260601"), 0, lambda at: True, lambda at: True) is None
