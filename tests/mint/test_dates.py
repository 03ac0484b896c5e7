"""Dates read and written in the host's own type and format."""

from datetime import date, datetime

import pytest

from canary.errors import CanaryError
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell

NEW = date(2026, 7, 4)


@pytest.mark.parametrize(
    ("host", "day", "written"),
    [
        (["2026-03-01"], date(2026, 3, 1), "2026-07-04"),
        (["2026/3/1"], date(2026, 3, 1), "2026/7/4"),
        (["2026/12/31", "2026/3/1"], date(2026, 12, 31), "2026/7/4"),
        (["2026.03.01"], date(2026, 3, 1), "2026.07.04"),
        (["20260301"], date(2026, 3, 1), "20260704"),
        (["2026年3月1日"], date(2026, 3, 1), "2026年7月4日"),
        (["01/03/2026"], date(2026, 3, 1), "04/07/2026"),
        (["01/03/2026", "03/25/2026"], date(2026, 1, 3), "07/04/2026"),
        (["1.3.2026"], date(2026, 3, 1), "4.7.2026"),
        (["2026-03-01 00:00:00"], date(2026, 3, 1), "2026-07-04 00:00:00"),
        ([20260301], date(2026, 3, 1), 20260704),
        ([20260301.0], date(2026, 3, 1), 20260704.0),
        ([date(2026, 3, 1)], date(2026, 3, 1), NEW),
        ([datetime(2026, 3, 1, 9)], date(2026, 3, 1), datetime(2026, 7, 4, 9)),
    ],
)
def test_read_and_write_like_the_host(host: list[Cell], day: date, written: Cell) -> None:
    column = DateColumn.fit("预产期", host)
    assert column.read(host[0]) == day
    new = column.write(NEW, host[0])
    assert new == written
    assert type(new) is type(host[0])


@pytest.mark.parametrize("cell", ["soon", "2026-13-01", "31/02/2026", 7, 1.5, True])
def test_a_column_of_something_else_is_refused(cell: Cell) -> None:
    with pytest.raises(CanaryError, match="column 'EDD' does not hold dates: row 3 is"):
        DateColumn.fit("EDD", [None, cell, cell])


def test_a_stray_word_is_forgiven() -> None:
    assert DateColumn.fit("EDD", ["unknown", *["2026-03-01"] * 30]).read("unknown") is None
