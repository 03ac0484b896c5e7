import re
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from canary.errors import CanaryError
from canary.plant.formats.base import Insertion
from canary.plant.formats.xlsx import XlsxFormat
from tests.plant import workbooks as wb

ROWS = wb.rows(120)
NEW = [
    Insertion(0, ("甲", date(2026, 4, 1), "新地址", 1)),
    Insertion(60, ("乙 & <b>", date(2026, 4, 2), None, 2)),
    Insertion(60, (" 丙", date(2026, 4, 3), "路1 <&> 号", 3)),
    Insertion(120, ("名1", date(2026, 4, 4), "末", 4)),
]
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def insert(source: Path, new=NEW) -> Path:
    target = source.with_name("out.xlsx")
    XlsxFormat().insert(source, target, new)
    return target


def build(style: str, path: Path) -> Path:
    if style == "openpyxl":
        return wb.by_openpyxl(path, ROWS)
    if style == "inline":
        return wb.by_rows(path, ROWS, constant_memory=True)
    options = {"default_date_format": "yyyy-mm-dd"}
    if style == "date1904":
        options["date_1904"] = True
    return (wb.by_columns if style == "columns" else wb.by_rows)(path, ROWS, **options)


STYLES = ["rows", "columns", "inline", "openpyxl", "date1904"]


@pytest.mark.parametrize("style", STYLES)
def test_every_original_row_stays_and_every_new_row_stands_in_its_place(style, tmp_path):
    source = build(style, tmp_path / "in.xlsx")
    table = XlsxFormat().read(source)
    assert list(table.rows) == ROWS
    target = insert(source)
    assert XlsxFormat().read(target).header == wb.HEADER
    assert list(XlsxFormat().read(target).rows) == wb.spliced(table, NEW)
    assert wb.openpyxl_rows(target) == wb.spliced(table, NEW)


@pytest.mark.parametrize("style", STYLES)
def test_only_the_sheet_and_its_strings_change(style, tmp_path):
    source = build(style, tmp_path / "in.xlsx")
    assert wb.changed_parts(source, insert(source)) <= {SHEET, STRINGS}


@pytest.mark.parametrize("style", STYLES)
def test_new_cells_have_the_style_and_type_of_their_column(style, tmp_path):
    target = insert(build(style, tmp_path / "in.xlsx"))
    xml = wb.part(target, SHEET).decode()
    old, new = (re.search(f'<c r="B{row}"([^>]*)>', xml)[1] for row in (3, 2))
    assert new == old
    old, new = (re.search(f'<c r="A{row}"([^>]*)>', xml)[1] for row in (3, 2))
    assert new == old
    assert re.search('<row r="63"([^>]*)>', xml)[1] == re.search('<row r="62"([^>]*)>', xml)[1]
    assert '"C63"' not in xml, "an empty cell is not written where the others are not"


def test_an_empty_cell_is_written_where_the_column_writes_its_empty_cells(tmp_path):
    def blanks(book, sheet):
        shade = book.add_format({"bg_color": "red"})
        for at, row in enumerate(ROWS, 1):
            if row[2] is None:
                sheet.write_blank(at, 2, None, shade)

    target = insert(wb.by_rows(tmp_path / "in.xlsx", ROWS, blanks))
    assert re.search(r'<c r="C63" s="\d+"/>', wb.part(target, SHEET).decode())


@pytest.mark.parametrize("style", ["rows", "columns"])
def test_the_shared_strings_stay_in_the_order_of_their_first_appearance(style, tmp_path):
    source = build(style, tmp_path / "in.xlsx")

    def in_order(path: Path) -> bool:
        cells = wb.references(path)
        if style == "columns":
            head = [cell for cell in cells if cell[1] == 1]
            cells = head + sorted(cell for cell in cells if cell[1] > 1)
        return wb.first_met(index for _, _, index in cells) == list(range(len(wb.strings(path))))

    assert in_order(source)
    target = insert(source)
    assert in_order(target)
    assert set(wb.strings(source)) < set(wb.strings(target))
    assert wb.strings(target)[-2:] != ["甲", "末"]


def test_the_counts_of_the_shared_strings_are_right(tmp_path):
    target = insert(build("rows", tmp_path / "in.xlsx"))
    head = wb.part(target, STRINGS).decode()[:300]
    assert int(re.search(' count="(\\d+)"', head)[1]) == len(wb.references(target))
    assert int(re.search('uniqueCount="(\\d+)"', head)[1]) == len(wb.strings(target))


def test_without_an_order_each_new_string_stands_beside_that_of_the_row_above(tmp_path):
    source = build("rows", tmp_path / "in.xlsx")
    count = len(wb.strings(source))
    turned = [count - 1 - at for at in range(count)]
    wb.rewrite_part(source, STRINGS, lambda xml: _reorder(xml, turned))
    wb.rewrite_part(
        source,
        SHEET,
        lambda xml: re.sub(rb't="s"><v>(\d+)', lambda m: b't="s"><v>%d' % turned[int(m[1])], xml),
    )
    table = XlsxFormat().read(source)
    assert list(table.rows) == ROWS
    target = insert(source)
    assert list(XlsxFormat().read(target).rows) == wb.spliced(table, NEW)
    entries = wb.strings(target)
    above = entries.index(f"<t>{ROWS[59][0]}</t>")
    assert entries[above + 1 : above + 3] == ["<t>乙 &amp; &lt;b&gt;</t>", '<t xml:space="preserve"> 丙</t>']


def _reorder(xml: bytes, turned: list[int]) -> bytes:
    entries = re.findall(rb"<si>.*?</si>", xml)
    return xml.replace(b"".join(entries), b"".join(entries[at] for at in turned))


def test_rich_text_and_phonetic_marks_of_other_strings_stay(tmp_path):
    def rich(book, sheet):
        sheet.write_rich_string(200, 0, "a", book.add_format({"bold": True}), "b", " c")

    source = wb.by_rows(tmp_path / "in.xlsx", ROWS, rich)
    mark = b'<phoneticPr fontId="1" type="noConversion"/></si>'
    wb.rewrite_part(source, STRINGS, lambda xml: xml.replace(b"</t></si>", b"</t>" + mark))
    target = insert(source)
    assert set(wb.strings(source)) < set(wb.strings(target))
    new = [entry for entry in wb.strings(target) if entry not in wb.strings(source)]
    assert new and all(entry.endswith(mark[:-5].decode()) for entry in new)


def test_a_second_sheet_that_shares_the_strings_reads_as_before(tmp_path):
    def second(book, sheet):
        other = book.add_worksheet("二")
        for at in range(30):
            other.write_row(at, 0, [ROWS[at][0], f"x{at}"])

    source = wb.by_rows(tmp_path / "in.xlsx", ROWS, second)
    target = insert(source)
    before, after = (
        list(openpyxl.load_workbook(p).worksheets[1].iter_rows(values_only=True)) for p in (source, target)
    )
    assert after == before
    assert wb.changed_parts(source, target) == {SHEET, STRINGS, "xl/worksheets/sheet2.xml"}
    met = wb.first_met(i for name in ("sheet1", "sheet2") for _, _, i in wb.references(target, name))
    assert met == list(range(len(wb.strings(target))))


def test_ranges_that_cover_the_table_cover_the_new_rows_too(tmp_path):
    def ranges(book, sheet):
        sheet.autofilter(0, 0, 120, 3)
        sheet.data_validation(1, 3, 120, 3, {"validate": "list", "source": "=$D$2:$D$121"})
        sheet.conditional_format("A2:A121", {"type": "duplicate", "format": book.add_format({"bold": True})})
        sheet.conditional_format("D70", {"type": "cell", "criteria": ">", "value": 3})
        sheet.write_url("F70", "https://example.org/")
        sheet.merge_range("H70:I71", "合")
        sheet.print_area(0, 0, 120, 3)
        sheet.repeat_rows(0)

    source = wb.by_rows(tmp_path / "in.xlsx", ROWS, ranges)
    target = insert(source)
    assert wb.changed_parts(source, target) == {SHEET, STRINGS, "xl/workbook.xml"}
    sheet = openpyxl.load_workbook(target).worksheets[0]
    assert sheet.auto_filter.ref == "A1:D125"
    assert sheet.dimensions == "A1:I125"
    validation = sheet.data_validations.dataValidation[0]
    assert str(validation.sqref) == "D2:D125" and validation.formula1 == "$D$2:$D$125"
    assert {str(found.sqref) for found in sheet.conditional_formatting} == {"A2:A125", "D73"}
    assert [str(found) for found in sheet.merged_cells.ranges] == ["H73:I74"]
    assert sheet["F73"].hyperlink.target == "https://example.org/"
    assert sheet.print_area == "'表 1'!$A$1:$D$125"
    assert sheet.print_title_rows == "$1:$1"
    assert "_FilterDatabase" in wb.part(target, "xl/workbook.xml").decode()
    assert "$A$1:$D$125</definedName>" in wb.part(target, "xl/workbook.xml").decode()


def test_a_table_object_grows_with_its_rows(tmp_path):
    def table(book, sheet):
        sheet.add_table(0, 0, 120, 3, {"columns": [{"header": h} for h in wb.HEADER]})

    source = wb.by_rows(tmp_path / "in.xlsx", ROWS, table)
    target = insert(source)
    assert wb.changed_parts(source, target) == {SHEET, STRINGS, "xl/tables/table1.xml"}
    found = next(iter(openpyxl.load_workbook(target).worksheets[0].tables.values()))
    assert found.ref == "A1:D125" and found.autoFilter.ref == "A1:D125"


def test_a_hidden_first_sheet_is_passed_over(tmp_path):
    path = tmp_path / "in.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("a").write("A1", "x")
        second = book.add_worksheet("b")
        for at, row in enumerate([("h",), ("v1",), ("v2",)]):
            second.write_row(at, 0, row)
        second.activate()
        book.worksheets()[0].hide()
    assert XlsxFormat().read(path).header == ("h",)
    target = insert(path, [Insertion(1, ("new",))])
    assert XlsxFormat().read(target).rows == (("v1",), ("new",), ("v2",))


def test_prefixed_xml_and_data_descriptors_are_understood(tmp_path):
    source = wb.by_rows(tmp_path / "in.xlsx", ROWS)
    names = r"worksheet|sheetData|row|c|v|dimension|sst|si|t|sheetViews|sheetView|sheetFormatPr|pageMargins"

    def prefixed(xml: bytes) -> bytes:
        text = re.sub(rf"<(/?)({names})(?=[ >/])", r"<\1x:\2", xml.decode())
        return text.replace(" xmlns=", " xmlns:x=", 1).encode()

    wb.rewrite_part(source, SHEET, prefixed)
    wb.rewrite_part(source, STRINGS, prefixed)
    with zipfile.ZipFile(source) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    with source.open("wb") as file, zipfile.ZipFile(_Unseekable(file), "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    table = XlsxFormat().read(source)
    target = insert(source)
    assert list(XlsxFormat().read(target).rows) == wb.spliced(table, NEW)
    assert wb.openpyxl_rows(target) == wb.spliced(table, NEW)
    assert wb.changed_parts(source, target) == {SHEET, STRINGS}


class _Unseekable:
    def __init__(self, file):
        self._file = file

    def write(self, data):
        return self._file.write(data)

    def flush(self):
        self._file.flush()


def refused(path: Path, new=NEW) -> CanaryError:
    with pytest.raises(CanaryError) as caught:
        insert(path, new)
    assert caught.value.hint
    assert not path.with_name("out.xlsx").exists()
    return caught.value


def test_formulas_are_refused_with_their_row(tmp_path):
    path = wb.by_rows(tmp_path / "in.xlsx", ROWS, lambda book, sheet: sheet.write_formula("E90", "=D90*2"))
    assert "row 90 holds a formula" in refused(path).message


def test_a_sheet_that_computes_from_the_table_is_refused(tmp_path):
    def second(book, sheet):
        book.add_worksheet("二").write_formula("A1", "=COUNTA('表 1'!A2:A121)")

    assert "another sheet" in refused(wb.by_rows(tmp_path / "in.xlsx", ROWS, second)).message


def test_comments_are_refused(tmp_path):
    path = wb.by_rows(tmp_path / "in.xlsx", ROWS, lambda book, sheet: sheet.write_comment("A9", "?"))
    assert "comments" in refused(path).message


def test_a_date_for_a_column_without_dates_is_refused(tmp_path):
    path = wb.by_rows(tmp_path / "in.xlsx", ROWS)
    assert "column A" in refused(path, [Insertion(3, (date(2026, 1, 1), None, None, None))]).message


def test_a_row_below_the_table_or_of_another_width_is_refused(tmp_path):
    path = wb.by_rows(tmp_path / "in.xlsx", ROWS)
    assert "below" in refused(path, [Insertion(121, NEW[0].cells)]).message
    assert "3 cells" in refused(path, [Insertion(1, NEW[0].cells[:3])]).message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip", "not an .xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted workbook or an old .xls"),
    ],
)
def test_files_that_are_no_workbook_are_named(content, words, tmp_path):
    path = tmp_path / "in.xlsx"
    path.write_bytes(content)
    with pytest.raises(CanaryError, match=words) as caught:
        XlsxFormat().read(path)
    assert "in.xlsx" in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("a", None, "c"), "row 1, column 2: the header is empty"),
        (("a", "b", "a"), "row 1, column 3.*'a'.*1"),
    ],
)
def test_bad_headers_are_named_with_row_and_column(header, words, tmp_path):
    path = tmp_path / "in.xlsx"
    book = openpyxl.Workbook()
    book.active.append(header)
    book.active.append(("1", "2", "3"))
    book.save(path)
    with pytest.raises(CanaryError, match=words):
        XlsxFormat().read(path)


def test_an_empty_sheet_is_refused(tmp_path):
    path = tmp_path / "in.xlsx"
    openpyxl.Workbook().save(path)
    with pytest.raises(CanaryError, match="empty"):
        XlsxFormat().read(path)


def test_whole_floats_read_as_int_and_times_keep_their_time(tmp_path):
    path = tmp_path / "in.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b", "c"])
        sheet.write_row(1, 0, [13800000000.0, 1.5, True])
    assert XlsxFormat().read(path).rows == ((13800000000, 1.5, True),)
    assert type(XlsxFormat().read(path).rows[0][0]) is int
