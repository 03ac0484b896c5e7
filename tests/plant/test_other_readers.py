"""Seeded workbooks in other people's programs: all of them read the rows that we say stand in the file."""

import csv
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from canary.demo.city import city_rows
from canary.demo.world import write_xlsx
from canary.mint.facts import Cell, Row
from canary.plant.formats.base import Insertion
from canary.plant.formats.xlsx import XlsxFormat
from tests.plant import workbooks as wb

Rows = list[tuple[Cell, ...]]
SOFFICE = shutil.which("soffice")


def seeded(folder: Path) -> tuple[Path, list[Row]]:
    """300 invented women in the registry's columns with nine more among them, and the rows that there should be."""
    path, target = folder / "in.xlsx", folder / "out.xlsx"
    write_xlsx(path, city_rows(random.Random(1), 300, date(2026, 6, 1), date(2026, 5, 31)))
    table = XlsxFormat().read(path)
    new = [Insertion(at, ("新 <&> 名", *table.rows[at][1:])) for at in range(10, 300, 33)]
    XlsxFormat().insert(path, target, new)
    return target, wb.spliced(table, new)


def _days(rows: Rows) -> Rows:
    return [tuple(cell.date() if isinstance(cell, datetime) else cell for cell in row) for row in rows]


def by_openpyxl(path: Path) -> Rows:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return _days(list(sheet.iter_rows(min_row=2, values_only=True)))


def by_calamine(path: Path) -> Rows:
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]
    return [tuple(None if cell == "" else cell for cell in row) for row in rows]


def by_polars(path: Path) -> Rows:
    polars = pytest.importorskip("polars", reason="polars is no dependency: `make acceptance` brings it")
    pytest.importorskip("fastexcel", reason="polars reads workbooks by fastexcel")
    return _days(polars.read_excel(path, infer_schema_length=None).rows())


@pytest.mark.parametrize("reader", [by_openpyxl, by_calamine, by_polars])
def test_a_seeded_workbook_reads_the_same_everywhere(reader: Callable[[Path], Rows], tmp_path: Path) -> None:
    path, rows = seeded(tmp_path)
    assert reader(path) == rows


@pytest.mark.peer
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is missing")
def test_a_seeded_workbook_opens_in_libreoffice(tmp_path: Path) -> None:
    path, rows = seeded(tmp_path)
    command = [str(SOFFICE), f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "--outdir", str(tmp_path), str(path)]
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))[1:]
    assert found == [["" if cell is None else str(cell) for cell in row] for row in rows]


def test_only_the_sheet_and_its_strings_differ(tmp_path: Path) -> None:
    path, _ = seeded(tmp_path)
    # The rows, and the strings they need; that the rest agrees to the byte is what changed_parts asserts.
    assert wb.changed_parts(tmp_path / "in.xlsx", path) == {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"}
