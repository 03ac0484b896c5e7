"""The invented registry: its shape, its months, and that its numbers are nobody's."""

from collections import Counter
from datetime import date
from random import Random

import pytest

from canary.demo.city import HEADER, city_rows, district_of, district_of_hospital, next_month
from canary.mint.facts import Row, Table
from canary.mint.locales import zh_CN

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


@pytest.fixture(scope="module")
def june() -> Table:
    return city_rows(Random(1), 6000, JUNE, date(2026, 5, 31))


@pytest.fixture(scope="module")
def july(june: Table) -> Table:
    return next_month(Random(2), june, JULY, date(2026, 6, 30))


def share(rows: tuple[Row, ...], column: int) -> float:
    return sum(row[column] is None for row in rows) / len(rows)


def window(table: Table) -> tuple[date, date]:
    dues = [row[6] for row in table.rows if isinstance(row[6], date)]
    return min(dues), max(dues)


def check(table: Table, born_until: date) -> None:
    assert table.header == HEADER
    assert list(table.rows) == sorted(table.rows, key=lambda row: (str(row[5]), str(row[6])))
    phones = [str(row[4]) for row in table.rows if row[4]]
    assert all(len(phone) == 11 and phone.startswith("12") for phone in phones)
    assert len(set(phones)) == len(phones)
    for row in table.rows:
        birth, due = row[1], row[6]
        assert isinstance(due, date)
        assert birth is not None or (born_until - due).days < 7
        assert birth is None or (isinstance(birth, date) and birth <= born_until and (birth - due).days <= 7)


def test_june(june: Table) -> None:
    check(june, date(2026, 5, 31))
    assert len(june.rows) == 6000
    assert window(june) == (date(2026, 3, 1), date(2026, 8, 31))
    assert 0.008 < share(june.rows, 3) < 0.022
    assert 0.002 < share(june.rows, 4) < 0.009
    hospitals = Counter(row[5] for row in june.rows)
    assert set(hospitals) == set(zh_CN.HOSPITALS) and len(hospitals) == 26
    assert hospitals.most_common(1)[0][1] > 10 * hospitals["南澳医院"]


def test_july(june: Table, july: Table) -> None:
    check(july, date(2026, 6, 30))
    assert window(july) == (date(2026, 4, 1), date(2026, 9, 30))
    assert abs(len(july.rows) - len(june.rows)) < 60
    before = {row[4]: row for row in june.rows if row[4]}
    both = [(before[row[4]], row) for row in july.rows if row[4] in before]
    assert 0.7 < len(both) / len(july.rows) < 0.9
    for old, new in both:
        assert (old[0], *old[2:]) == (new[0], *new[2:])
        assert old[1] in (None, new[1])
        assert old[1] or not new[1] or new[1] > date(2026, 5, 31)  # type: ignore[operator]


def test_same_seed_same_city() -> None:
    assert city_rows(Random(5), 50, JUNE, JUNE) == city_rows(Random(5), 50, JUNE, JUNE)


def test_districts(june: Table) -> None:
    at_home = 0
    for row in june.rows:
        if row[3]:
            assert district_of(str(row[3])) in zh_CN.STREETS
            at_home += district_of(str(row[3])) == district_of_hospital(str(row[5]))
    assert 0.7 < at_home / len(june.rows) < 0.9


@pytest.mark.parametrize(
    ("address", "district"),
    [
        ("广东省深圳市南山区蛇口街道海湾社区", "南山区"),
        ("深圳市宝安区西乡街道", "宝安区"),
        ("光明区马田街道", "光明区"),
        ("上海市浦东新区", None),
        ("", None),
    ],
)
def test_district_of(address: str, district: str | None) -> None:
    assert district_of(address) == district


def test_every_hospital_has_a_district_with_streets() -> None:
    assert {hospital.district for hospital in zh_CN.HOSPITALS.values()} <= set(zh_CN.STREETS)
    assert district_of_hospital("某医院") is None
