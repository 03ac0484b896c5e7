"""Round trips of workbooks and text: what was there is there, what was added is found, undo restores.

The other formats' are in their own files (test_xls, test_fhir, test_hl7, test_omop, test_sql).
"""

import random
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from canary.plant.formats.base import Insertion
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.xlsx import XlsxFormat
from tests.plant import workbooks as wb

WRITERS = {
    "by rows": wb.by_rows,
    "by columns": wb.by_columns,
    "inline": lambda path, rows: wb.by_rows(path, rows, constant_memory=True),
    "openpyxl": wb.by_openpyxl,
}
SHEET = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"}


@settings(max_examples=80, deadline=None)
@given(
    writer=st.sampled_from(sorted(WRITERS)),
    shape=st.tuples(st.integers(2, 40), st.integers(0, 99)),
    new=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 39), st.text("新<&>'\" r=1", max_size=7)), max_size=6),
)
def test_a_workbook_keeps_its_rows_and_gives_them_back_without_the_new_ones(tmp_path_factory, writer, shape, new):
    path = tmp_path_factory.getbasetemp() / "round.xlsx"
    rows = wb.rows(*shape)
    rows[0] = ("名 r=1", wb.FIRST_DUE, 'r="2" <路>', 1)  # every column shows how to write its kind
    WRITERS[writer](path, rows)
    table, target = XlsxFormat().read(path), path.with_name("round-out.xlsx")
    made = [
        Insertion(min(at, len(rows)), (text.strip() or None, rows[like % len(rows)][1], "路", like))
        for at, like, text in new
    ]
    XlsxFormat().insert(path, target, made)
    after = XlsxFormat().read(target)
    assert list(after.rows) == wb.spliced(table, made) == list(XlsxFormat().stream(target)[1])
    assert wb.changed_parts(path, target) <= SHEET
    added = {insertion.before + shift for shift, insertion in enumerate(sorted(made, key=lambda each: each.before))}
    assert [row for at, row in enumerate(after.rows) if at not in added] == list(table.rows)


@settings(max_examples=80, deadline=None)
@given(
    size=st.integers(1, 500),
    places=st.lists(st.integers(0, 500), max_size=6),
    dialect=st.tuples(st.sampled_from(["utf-8", "gb18030", "utf-16-le"]), st.sampled_from(["\r\n", "\n"])),
    final=st.booleans(),
)
def test_text_without_the_new_records_is_the_old_text_to_the_byte(tmp_path_factory, size, places, dialect, final):
    (encoding, ending), rng = dialect, random.Random(size)
    path = tmp_path_factory.getbasetemp() / "round.csv"
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    lines = ["姓名,日期,地址"]
    lines += [
        f'名{rng.randrange(99)},{wb.FIRST_DUE + timedelta(at)},"路, {at}"' if at % 3 else f"名{at},,路{at}"
        for at in range(size)
    ]
    text = ending.join(lines) + (ending if final else "")
    path.write_bytes(mark + text.encode(encoding))
    target = path.with_name("round-out.csv")
    made = [Insertion(min(at, size), ("新名", "2026-05-01", f"新, {at}")) for at in places]
    DelimitedFormat().insert(path, target, made)
    out = target.read_bytes().removeprefix(mark).decode(encoding)
    kept = [line for line in out.splitlines(keepends=True) if not line.startswith("新名")]
    assert len(out.splitlines()) == len(lines) + len(made)
    assert "".join(kept).removesuffix(ending) == text.removesuffix(ending)
    assert out.endswith(ending) == final
