"""The invented 40,000-row registry that lies beside the checkout, where it does."""

import csv
from pathlib import Path
from random import Random

import pytest
from python_calamine import load_workbook

from canary.mint.columns import recognise
from canary.mint.facts import Table
from canary.mint.host import fit

DATA = Path(__file__).parents[3] / "shared" / "data"
PHONES = [f"+861200000{i:04}" for i in range(60)]

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data folder is not beside this checkout")


@pytest.fixture(scope="module")
def registry() -> Table:
    header, *rows = load_workbook(DATA / "city_registry_2026-06.xlsx").get_sheet_by_index(0).to_python()
    cells = tuple(tuple(None if cell == "" else cell for cell in row) for row in rows)
    return Table(tuple(map(str, header)), cells)  # type: ignore[arg-type]


def test_no_persona_is_a_row_of_the_registry(registry: Table) -> None:
    personas = fit(registry, recognise(registry), "CN").personas(Random(1), PHONES)
    assert not set(registry.rows) & {p.cells for p in personas}


def test_common_names_come_up_and_addresses_are_new(registry: Table) -> None:
    host = fit(registry, recognise(registry), "CN")
    personas = [p for seed in range(5) for p in host.personas(Random(seed), PHONES)]
    names, addresses = {row[0] for row in registry.rows}, {row[3] for row in registry.rows}
    assert 0.3 < sum(p.cells[0] in names for p in personas) / len(personas) < 0.8
    # The host has 20 in 100; most such names are one letter from some woman due that day, and are given up.
    assert 0.05 < sum(len(str(p.cells[0])) == 2 for p in personas) / len(personas) < 0.3
    doors = [p.cells[3] for p in personas if any(c.isdigit() for c in str(p.cells[3]))]
    assert len(doors) > 200
    assert not addresses & set(doors)


def test_vendor_csv(registry: Table) -> None:
    with (DATA / "checkin_vendor_2026-06_gbk.csv").open(encoding="gb18030", newline="") as file:
        header, *rows = csv.reader(file)
    table = Table(tuple(header), tuple(tuple(cell or None for cell in row) for row in rows))
    personas = fit(table, recognise(table), "CN").personas(Random(1), PHONES)
    assert all(isinstance(cell, str | None) for p in personas for cell in p.cells)
    assert all(len(str(p.cells[6])) == 10 for p in personas)
