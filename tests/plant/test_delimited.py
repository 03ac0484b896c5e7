import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.facts import Table
from canary.plant.formats.base import Insertion
from canary.plant.formats.delimited import DelimitedFormat
from tests.plant import workbooks as wb

CELLS = st.text(st.sampled_from('ab,;\t"\n 张㛃é'), max_size=5)
HEADER = ["姓名", "b", "c"]


def insert(source: Path, new: list[Insertion]) -> Path:
    target = source.with_name("out.csv")
    DelimitedFormat().insert(source, target, new)
    return target


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6),
    new=st.lists(st.tuples(st.integers(0, 6), st.lists(CELLS, min_size=3, max_size=3)), max_size=4),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
    delimiter=st.sampled_from(",\t;"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\r\n", "\n"]),
    final=st.booleans(),
)
def test_what_goes_in_reads_back_and_the_other_bytes_stay(
    tmp_path_factory, rows, new, encoding, delimiter, quoting, ending, final
):
    path = tmp_path_factory.getbasetemp() / "in.csv"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=ending).writerows([HEADER, *rows])
    text = out.getvalue() if final else out.getvalue().removesuffix(ending)
    path.write_bytes(text.encode(encoding))
    table = DelimitedFormat().read(path)
    assert table == Table(tuple(HEADER), tuple(tuple(c or None for c in row) for row in rows))
    insertions = [Insertion(min(at, len(rows)), tuple(c or None for c in cells)) for at, cells in new]
    if encoding == "gb18030" and "㛃" not in text:
        insertions = [Insertion(n.before, tuple(_in_gbk(c) for c in n.cells)) for n in insertions]
    target = insert(path, insertions)
    assert list(DelimitedFormat().read(target).rows) == wb.spliced(table, insertions)
    if not insertions:
        assert target.read_bytes() == path.read_bytes()
    assert target.read_bytes().decode(encoding).endswith(ending) == text.endswith(ending)


def _in_gbk(cell: str | None) -> str | None:
    return (cell and cell.encode("gbk", "ignore").decode("gbk")) or None


def test_records_keep_their_bytes_even_where_another_writer_would_differ(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b'\xef\xbb\xbf"a",b\r\n"x", y \r\n"line\r\nbreak","say ""hi"""\r\nlast,5" pipe')
    target = insert(path, [Insertion(1, ("n", "m")), Insertion(3, ("e", None))])
    assert target.read_bytes() == (
        b'\xef\xbb\xbf"a",b\r\n"x", y \r\n"n",m\r\n"line\r\nbreak","say ""hi"""\r\nlast,5" pipe\r\ne,'
    )


def test_new_fields_are_quoted_as_their_neighbours_in_the_column_are(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text('"a","b","n"\n"x","",1\n"y","q",2\n', encoding="utf-8")
    target = insert(path, [Insertion(1, ("k", None, "7")), Insertion(2, ("l", "o", "8"))])
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines == ['"a","b","n"', '"x","",1', '"k","",7', '"y","q",2', '"l","o",8']


def test_blank_lines_at_the_end_stay_at_the_end(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"a,b\n1,2\n\n\n")
    assert insert(path, [Insertion(1, ("3", "4"))]).read_bytes() == b"a,b\n1,2\n3,4\n\n\n"


def test_a_gbk_file_takes_no_character_that_only_gb18030_holds(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes("姓名,址\r\n张三,路\r\n".encode("gbk"))
    with pytest.raises(CanaryError, match="㛃"):
        insert(path, [Insertion(1, ("李㛃", "路"))])
    assert not (tmp_path / "out.csv").exists()
    path.write_bytes("姓名,址\r\n张䶮,路\r\n".encode("gb18030"))
    assert "李㛃" in insert(path, [Insertion(1, ("李㛃", "路"))]).read_bytes().decode("gb18030")


def test_an_ascii_file_takes_no_other_characters(tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(CanaryError, match="张"):
        insert(path, [Insertion(1, ("张", "x"))])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n1,2,3\n", "row 3 has 3 fields, the header 2"),
        (b"a,b\n1,2\n\n1,2\n", "row 3 has 0 fields"),
        (b'a,b\n1,"2"x\n', "line 2 cannot be read"),
        (b"a,a\n1,2\n", "row 1, column 2.*twice"),
        (b"a,\n1,2\n", "row 1, column 2: the header is empty"),
        (b"a,\xff\xff\n", "neither UTF-8"),
        (b"\n", "empty"),
    ],
)
def test_bad_input_is_refused_with_file_and_row(content, words, tmp_path):
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(CanaryError, match=words) as caught:
        DelimitedFormat().read(path)
    assert "in.csv" in caught.value.message and caught.value.hint


@pytest.mark.parametrize("delimiter", list(",\t;|"))
def test_the_delimiter_is_the_one_that_cuts_all_records_alike(delimiter, tmp_path):
    path = tmp_path / "in.txt"
    other = ";" if delimiter == "," else ","
    lines = [("a", "b", "c"), (f"x{other}y{other}z", "1", "2"), (f"{other}", "3", "4")]
    path.write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8")
    assert DelimitedFormat().read(path).header == ("a", "b", "c")
