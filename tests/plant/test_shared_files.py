import random
from pathlib import Path

import pytest

from canary.plant.formats.detect import format_of
from canary.plant.order import insertion_points
from tests.plant import workbooks as wb

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the shared data folder is not beside this checkout")


@pytest.mark.parametrize("name", ["city_registry_2026-06.xlsx", "checkin_vendor_2026-06_gbk.csv"])
def test_every_row_of_the_sample_stays_cell_for_cell(name, tmp_path):
    source, target = DATA / name, tmp_path / name
    file_format = format_of(source)
    table = file_format.read(source)
    rng = random.Random(4)
    donors = rng.sample(table.rows, 41)
    new = [(f"{row[0]}{chr(0x4E00 + at)}", *row[1:]) for at, row in enumerate(donors)]
    insertions = insertion_points(table, new, rng)
    file_format.insert(source, target, insertions)
    after = format_of(target).read(target)
    assert after.header == table.header
    assert list(after.rows) == wb.spliced(table, insertions)
    assert [row for row in after.rows if row not in set(new)] == list(table.rows)
    hospital, due = (table.header.index(title) for title in ("就诊医院", "预产期"))
    keys = [(row[hospital], row[due]) for row in after.rows if row[due] is not None]
    assert keys == sorted(keys)
    if source.suffix == ".xlsx":
        assert wb.changed_parts(source, target) == {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"}
        cells = wb.references(target)
        cells = [c for c in cells if c[1] == 1] + sorted(c for c in cells if c[1] > 1)
        assert wb.first_met(index for *_, index in cells) == list(range(len(wb.strings(target))))
    else:
        old, new_lines = source.read_bytes().split(b"\r\n"), target.read_bytes().split(b"\r\n")
        assert len(new_lines) == len(old) + 41
        planted = {line for line in new_lines if line not in set(old)}
        assert [line for line in new_lines if line not in planted] == old
