import pytest

from canary.errors import CanaryError, OutsideError
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.detect import format_of
from canary.plant.formats.fhir import FhirFormat
from canary.plant.formats.hl7 import Hl7Format
from canary.plant.formats.xls import XlsFormat
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
    ("content", "known"),
    [
        (b"\xd0\xcf\x11\xe0", XlsFormat),
        (b'{"resourceType": "Bundle"}', FhirFormat),
        (b'\xef\xbb\xbf\r\n{ "id": "a",\n "resourceType": "Patient"}', FhirFormat),
        (b"MSH|^~\\&|", Hl7Format),
        (b"\x0bMSH|^~\\&|", Hl7Format),
        (b"FHS|^~\\&|\r", Hl7Format),
        (b"BHS#^~\\&#\r", Hl7Format),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_records_and_old_workbooks_are_known_by_their_content(name, content, known, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert isinstance(format_of(tmp_path / name), known)


def test_json_that_hides_what_it_is_is_taken_for_fhir_by_its_name(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"meta": {"profile": []}, "resourceType": "Bundle"}')
    assert isinstance(format_of(tmp_path / "a.json"), FhirFormat)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b"a,b\n"),
        ("a.csv", b"\0\1\2"),
        ("a.pdf", b"%PDF"),
        ("a.csv", b"PK\3\4junk"),
        ("a.json", b"[1]"),
        ("a.hl7", b"PID|1"),
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
