"""A classifier cannot tell personas from rows that the fit never saw: the benchmark at a small size, fixed seeds."""

import runpy
from datetime import date
from pathlib import Path
from random import Random

import pytest

from canary.demo.city import city_rows
from canary.mint.facts import Table
from tests.mint.tables import clinic

realism = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "realism.py"))


def city_of_thousands() -> Table:
    return city_rows(Random(3), 2400, date(2026, 6, 1), date(2026, 5, 31))


@pytest.mark.parametrize(
    ("table", "rows"), [(city_of_thousands, 500), (lambda: clinic(2400), 500)], ids=["city", "clinic"]
)
def test_personas_pass_where_independent_marginals_are_found_out(table, rows) -> None:
    found = dict(realism["measured"](table(), rows, 1, ("mint", "marginals")))
    assert found["mint"]["joint"] < 0.6 < 0.7 < found["marginals"]["joint"]
