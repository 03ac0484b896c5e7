"""Seeding end to end in the clinical formats and legacy workbooks, on 200 invented women each."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import xlwt

from canary.mint.columns import Profile
from canary.plant.formats.detect import format_of
from canary.plant.seed import Order, seed
from canary.store import numbers, registry
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.vault import Vault, new_key
from tests.plant import clinical

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
COUNT = 12
Writer = Callable[[Path, Sequence[clinical.Woman]], object]


def write_xls(path: Path, women: Sequence[clinical.Woman]) -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet, day = book.add_sheet("登记"), xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for column, name in enumerate(("name", "phone", "address", "hospital", "edd")):
        sheet.write(0, column, name)
    for row, woman in enumerate(women, 1):
        for column, cell in enumerate((woman.name, woman.phone, f"{woman.line}, {woman.district}", woman.hospital)):
            sheet.write(row, column, cell)
        sheet.write(row, 4, woman.due, day)
    book.save(str(path))


WRITERS: dict[str, Writer] = {
    "in.xls": write_xls,
    "in.json": lambda path, women: path.write_text(clinical.bundle_text(clinical.entries(women))),
    "in.ndjson": lambda path, women: path.write_text(clinical.lines_text(clinical.entries(women, "prefix", True))),
    "in.hl7": lambda path, women: path.write_bytes(clinical.hl7_text(clinical.messages(women)).encode()),
}


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'lite.sqlite3'}", Vault(new_key()))
    made.migrate()
    yield made
    made.close()


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("country", ["CN", "GB"])
def test_a_file_of_200_women_is_seeded_and_every_planted_number_stands_in_it(name, country, lite, tmp_path):
    prefix = "+861390000" if country == "CN" else "+447700111"
    with lite.writing() as session:
        new = [NewNumber(f"{prefix}{at:0{4 if country == 'CN' else 3}}", "p", Decimal(1)) for at in range(40)]
        numbers.import_numbers(session, NOW, new, timedelta(0))
        numbers.end_quarantine(session, NOW, 0.5)
        registry.add_recipient(session, NOW, "hospital", "一医院", "hospital", None)
        registry.add_copy(session, NOW, "june", "hospital", date(2026, 6, 5))
    source, target = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    WRITERS[name](source, clinical.women(200, han=country == "CN"))
    order = Order("june", source, target, COUNT, timedelta(days=180), profile=Profile(country=country))
    assert seed(lite, NOW, order).rows == 200 + COUNT
    table = format_of(target).read(target)
    phones = [re.sub(r"\D", "", str(row[table.header.index("phone")])) for row in table.rows]
    assert sum(prefix[3:] in phone for phone in phones) == COUNT
