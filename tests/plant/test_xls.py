import struct
from datetime import date, datetime
from pathlib import Path

import pytest
import xlrd
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from canary.errors import CanaryError
from canary.plant.formats import xls
from canary.plant.formats.base import Insertion
from canary.plant.formats.biff import losses
from canary.plant.formats.xls import XlsFormat
from tests.plant import workbooks as wb

HEADER = ("姓名", "预产期", "地址", "次数", "好")
ROWS = [(*row, at % 2 == 0) for at, row in enumerate(wb.rows(60))]
NEW = [
    Insertion(0, ("甲", date(2026, 4, 1), "新地址", 1, True)),
    Insertion(30, ("乙", date(2026, 4, 2), None, 2, False)),
    Insertion(30, ("丙", date(2026, 4, 3), "路1号", 3, True)),
    Insertion(60, ("丁", date(2026, 4, 4), "末", 4, True)),
]


def write(path: Path, rows=ROWS, more=None, date1904: bool = False) -> Path:
    book = xlwt.Workbook(encoding="utf-8", style_compression=2)
    book.dates_1904 = date1904
    sheet = book.add_sheet("表 1")
    day = xlwt.easyxf("font: name 宋体, bold on, colour red; pattern: pattern solid, fore_colour yellow", "yyyy-mm-dd")
    for column, name in enumerate(HEADER):
        sheet.write(0, column, name, xlwt.easyxf("font: bold on"))
    for at, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, column, cell, day) if isinstance(cell, date) else sheet.write(at, column, cell)
    sheet.col(2).width = 7777
    sheet.row(31).height, sheet.row(31).height_mismatch = 777, True
    sheet.panes_frozen, sheet.horz_split_pos = True, 1
    other = book.add_sheet("说明")
    other.write_merge(1, 3, 0, 1, "合并")
    other.write_rich_text(5, 0, [("red", xlwt.easyfont("colour red")), " and plain"])
    if more:
        more(book, sheet)
    book.save(str(path))
    return path


def insert(source: Path, new=NEW) -> Path:
    target = source.with_name("out.xls")
    XlsFormat().insert(source, target, new)
    return target


@pytest.mark.parametrize("date1904", [False, True])
def test_every_original_row_stays_and_every_new_row_stands_in_its_place(date1904, tmp_path):
    source = write(tmp_path / "in.xls", date1904=date1904)
    table = XlsFormat().read(source)
    assert table.header == HEADER and list(table.rows) == ROWS
    target = insert(source)
    assert list(XlsFormat().read(target).rows) == wb.spliced(table, NEW)
    with CalamineWorkbook.from_path(target) as book:
        seen = book.get_sheet_by_index(0).to_python()[1:]
    assert [row[0] for row in seen] == [row[0] for row in wb.spliced(table, NEW)]
    if not date1904:
        assert [row[1] for row in seen] == [row[1] for row in wb.spliced(table, NEW)]


def test_cells_keep_their_formats_and_new_ones_have_their_columns(tmp_path):
    def looks(path: Path, row: int, column: int) -> tuple:
        book = xlrd.open_workbook(path, formatting_info=True)
        found = book.xf_list[book.sheet_by_index(0).cell_xf_index(row, column)]
        font = book.font_list[found.font_index]
        return (
            book.format_map[found.format_key].format_str,
            font.name,
            font.weight,
            font.colour_index,
            found.background.pattern_colour_index,
        )

    source = write(tmp_path / "in.xls")
    target = insert(source)
    day = looks(source, 1, 1)
    assert day[:3] == ("yyyy-mm-dd", "宋体", 700)
    assert looks(target, 0, 0) == looks(source, 0, 0)
    assert looks(target, 1, 1) == looks(target, 2, 1) == looks(target, 32, 1) == day
    assert looks(target, 1, 0) == looks(source, 1, 0)


def test_sizes_panes_and_other_sheets_stay_and_rows_move_with_their_heights(tmp_path):
    source = xlrd.open_workbook(write(tmp_path / "in.xls"), formatting_info=True)
    target = xlrd.open_workbook(insert(tmp_path / "in.xls"), formatting_info=True)
    old, new = source.sheet_by_index(0), target.sheet_by_index(0)
    assert target.sheet_names() == source.sheet_names()
    assert new.colinfo_map[2].width == old.colinfo_map[2].width == 7777
    assert (new.panes_are_frozen, new.horz_split_pos) == (old.panes_are_frozen, old.horz_split_pos) == (1, 1)
    assert old.rowinfo_map[31].height == new.rowinfo_map[34].height == 777
    old, new = source.sheet_by_index(1), target.sheet_by_index(1)
    assert new.merged_cells == old.merged_cells == [(1, 4, 0, 2)]
    assert [new.row_values(row) for row in range(6)] == [old.row_values(row) for row in range(6)]
    assert len(new.rich_text_runlist_map[5, 0]) == 2


def test_new_texts_do_not_stand_at_the_end_of_the_shared_strings(tmp_path):
    data = insert(write(tmp_path / "in.xls")).read_bytes()
    assert 0 < data.find("新地址".encode("utf-16-le")) < data.find("路1号".encode("utf-16-le"))
    assert data.find("路1号".encode("utf-16-le")) < data.find("合并".encode("utf-16-le")), "another sheet's text"


MERGED = [lambda book, sheet: sheet.merge(10, 40, 6, 6)]


def test_a_row_inside_merged_cells_is_refused(tmp_path):
    source = write(tmp_path / "in.xls", more=MERGED[0])
    with pytest.raises(CanaryError, match=r"in\.xls: row 32 .*merged"):
        insert(source)
    assert not (tmp_path / "out.xls").exists()


def test_merged_cells_below_move_down(tmp_path):
    source = write(tmp_path / "in.xls", more=MERGED[0])
    target = xlrd.open_workbook(insert(source, NEW[:1]), formatting_info=True)
    assert target.sheet_by_index(0).merged_cells == [(11, 42, 6, 7)]


def test_more_rows_than_an_xls_holds_are_refused(tmp_path, monkeypatch):
    source = write(tmp_path / "in.xls")
    monkeypatch.setattr(xls, "MOST_ROWS", 64)
    with pytest.raises(CanaryError, match="61 rows and 4 new ones"):
        insert(source)


@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("formulas", lambda book, sheet: sheet.write(1, 8, xlwt.Formula("1+1"))),
        ("formulas", lambda book, sheet: sheet.write(1, 8, xlwt.Formula('HYPERLINK("http://x.example")'))),
        ("images", lambda book, sheet: sheet.insert_bitmap_data(_bitmap(), 1, 8)),
    ],
)
def test_what_would_be_lost_from_sight_is_refused_by_name(what, more, tmp_path):
    source = write(tmp_path / "in.xls", more=more)
    with pytest.raises(CanaryError, match=what) as caught:
        XlsFormat().read(source)
    assert "xlsx" in caught.value.hint


@pytest.mark.parametrize("code", sorted(losses._NOT_KEPT))
def test_each_kind_of_record_that_cannot_be_kept_is_found(code, tmp_path):
    data = write(tmp_path / "in.xls").read_bytes()
    dimensions = data.index(struct.pack("<HH", 0x0200, 14))
    (tmp_path / "in.xls").write_bytes(data[:dimensions] + struct.pack("<H", code) + data[dimensions + 2 :])
    with pytest.raises(CanaryError, match=r"in\.xls: the workbook (holds|is encrypted)"):
        XlsFormat().read(tmp_path / "in.xls")


def test_macros_and_passwords_are_refused(tmp_path):
    data = write(tmp_path / "in.xls").read_bytes()
    for storage, what in (("_VBA_PROJECT_CUR", "macros"), ("EncryptedPackage", "encrypted")):
        (tmp_path / "x.xls").write_bytes(data + storage.encode("utf-16-le"))
        with pytest.raises(CanaryError, match=what):
            XlsFormat().read(tmp_path / "x.xls")


@pytest.mark.parametrize("keep", [4, 100, 600, 5000])
def test_a_broken_file_is_refused_by_name(keep, tmp_path):
    path = write(tmp_path / "in.xls")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CanaryError, match=r"in\.xls"):
        XlsFormat().read(path)


def test_a_header_that_is_empty_or_doubled_is_refused(tmp_path):
    for name, words in (("", "column 6: the header is empty"), ("姓名", "column 6: .*twice")):
        source = write(tmp_path / "in.xls", more=lambda book, sheet, name=name: sheet.write(0, 5, name))
        if not name:
            source = write(tmp_path / "in.xls", more=lambda book, sheet: sheet.write(1, 5, "x"))
        with pytest.raises(CanaryError, match=words):
            XlsFormat().read(source)


CELLS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(-1e9, 1e9).filter(lambda number: not number.is_integer()),
    st.dates(date(1950, 1, 1), date(2099, 1, 1)),
    st.datetimes(datetime(1950, 1, 1), datetime(2099, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0, second=moment.second or 1)
    ),
)
ROW = st.tuples(st.text("王李张", min_size=1, max_size=3), CELLS, st.none() | st.integers(0, 9))


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.data())
def test_what_was_there_is_there_and_what_was_added_is_found(tmp_path_factory, rows, data):
    folder = tmp_path_factory.mktemp("xls")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("a")
    for column, name in enumerate("abc"):
        sheet.write(0, column, name)
    for at, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, column, cell, day) if isinstance(cell, date) else sheet.write(at, column, cell)
    book.save(str(folder / "in.xls"))
    table = XlsFormat().read(folder / "in.xls")
    assert list(table.rows) == [row[: len(table.header)] for row in rows]
    like = st.sampled_from(table.rows)
    new = data.draw(st.lists(st.builds(Insertion, st.integers(0, len(rows)), like), max_size=4))
    XlsFormat().insert(folder / "in.xls", folder / "out.xls", new)
    assert list(XlsFormat().read(folder / "out.xls").rows) == wb.spliced(table, new)


def _bitmap() -> bytes:
    """One red pixel."""
    head = struct.pack("<LLL", 58, 0, 54) + struct.pack("<LLLHHLLLLLL", 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
    return b"BM" + head + b"\x00\x00\xff\x00"
