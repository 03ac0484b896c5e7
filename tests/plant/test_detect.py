import pytest

from canary.errors import CanaryError, OutsideError
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.detect import format_of
from canary.plant.formats.xlsx import XlsxFormat
from tests.plant import workbooks as wb


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a"])
def test_a_workbook_is_known_by_its_content(name, tmp_path):
    path = wb.by_openpyxl(tmp_path / "x.xlsx", wb.rows(3)).rename(tmp_path / name)
    assert isinstance(format_of(path), XlsxFormat)


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.txt"])
def test_text_is_known_by_its_name(name, tmp_path):
    (tmp_path / name).write_bytes(b"a,b\n")
    assert isinstance(format_of(tmp_path / name), DelimitedFormat)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b"a,b\n"),
        ("a.csv", b"\0\1\2"),
        ("a.pdf", b"%PDF"),
        ("a.csv", b"PK\3\4junk"),
        ("a.xls", b"\xd0\xcf\x11\xe0"),
    ],
)
def test_anything_else_is_refused_with_a_way_out(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CanaryError, match=name) as caught:
        format_of(tmp_path / name)
    assert caught.value.hint


def test_a_missing_file_is_the_outside_world_failing(tmp_path):
    with pytest.raises(OutsideError):
        format_of(tmp_path / "none.csv")
