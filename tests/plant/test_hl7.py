import random
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.columns import recognise
from canary.mint.facts import Fact
from canary.plant.formats.base import Insertion
from canary.plant.formats.clinical import messages
from canary.plant.formats.hl7 import Hl7Format
from tests.plant import clinical
from tests.plant import workbooks as wb

WOMEN = clinical.women(24)
HAN = ("欧小红", "13911112222", "深圳市福田区红荔路5号101室", "妇幼保健院", "20260606", "19930405")
NEW = [
    Insertion(0, HAN),
    Insertion(9, ("王芳", "13911112223", "深圳市南山区红荔路6号", "第一人民医院", "20260501", "19900102")),
    Insertion(9, ("李娜", "13911112224", "深圳市南山区红荔路7号", "第一人民医院", "20260801", "19910203")),
    Insertion(24, ("张^&|秀", "13911112225", "深圳市福田区红荔路8号", "妇幼保健院", "20260301", "19920304")),
]
SHAPES = [
    (end, frame, in_time) for end in ["\r", "\n", "\r\n"] for frame in ("", "mllp", "batch") for in_time in (0, 1)
]


def write(path: Path, end: str = "\r", frame: str = "", in_time: bool = True, people=WOMEN, charset="utf-8") -> Path:
    name = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000", "ascii": "ASCII"}[charset]
    path.write_bytes(clinical.hl7_text(clinical.messages(people, in_time, name), end, frame).encode(charset))
    return path


def insert(source: Path, new=NEW) -> Path:
    target = source.with_name("out.hl7")
    Hl7Format(random.Random(3)).insert(source, target, new)
    return target


def pieces(path: Path) -> list[str]:
    document = messages.load(path)
    return [document.text[a:b] for a, b in document.spans]


def added(source: Path, target: Path) -> list[messages.Message]:
    old = set(pieces(source))
    return [messages.Message.parse(piece) for piece in pieces(target) if piece not in old]


@pytest.mark.parametrize(("end", "frame", "in_time"), SHAPES)
def test_every_message_stays_byte_for_byte_and_every_new_row_stands_in_its_place(end, frame, in_time, tmp_path):
    source = write(tmp_path / "in.hl7", end, frame, bool(in_time))
    table = Hl7Format().read(source)
    assert sorted(row[0] for row in table.rows) == sorted(woman.name for woman in WOMEN)
    target = insert(source)
    assert list(Hl7Format().read(target).rows) == wb.spliced(table, NEW)
    old, new = pieces(source), pieces(target)
    assert [piece for piece in new if piece in set(old)] == old


@pytest.mark.parametrize(("end", "frame", "in_time"), SHAPES)
def test_without_the_new_messages_the_file_is_the_old_one(end, frame, in_time, tmp_path):
    source = write(tmp_path / "in.hl7", end, frame, bool(in_time))
    text, old = insert(source).read_bytes().decode(), set(pieces(source))
    after = end + ("\x1c\r" if frame == "mllp" else "")
    for piece in pieces(tmp_path / "out.hl7"):
        if piece not in old:
            assert text.count(piece + after) == 1
            text = text.replace(piece + after, "")
    assert re.sub(r"BTS\|\d+", "BTS|", text) == re.sub(r"BTS\|\d+", "BTS|", source.read_bytes().decode())


def test_batches_count_their_messages(tmp_path):
    text = insert(write(tmp_path / "in.hl7", frame="batch")).read_text()
    written = [int(count) for count in re.findall(r"BTS\|(\d+)", text)]
    assert written == [part.count("MSH|") for part in text.split("BHS|")[1:]]
    assert sum(written) > len(pieces(tmp_path / "in.hl7"))
    assert "FTS|2" in text


def test_a_count_that_was_wrong_stays_as_it_was(tmp_path):
    source = write(tmp_path / "in.hl7", frame="batch")
    source.write_bytes(re.sub(rb"BTS\|\d+", b"BTS|7", source.read_bytes()))
    assert re.findall(r"BTS\|(\d+)", insert(source).read_text()) == ["7", "7"]


@pytest.mark.parametrize("han", [True, False])
def test_new_messages_are_valid(han, tmp_path):
    people = clinical.women(24, han=han)
    source = write(tmp_path / "in.hl7", people=people)
    rows = Hl7Format().read(source).rows
    new = NEW if han else [Insertion(5, (rows[2][0], "07700 900123", rows[3][2], *rows[2][3:]))]
    for message in added(source, insert(source, new)):
        parsed = parse_message(message.text(), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
        assert parsed.validate()
        assert parsed.pid.pid_3.pid_3_1.to_er7() and parsed.msh.msh_10.to_er7()


def test_control_ids_patient_and_visit_numbers_are_fresh_and_of_the_same_shape(tmp_path):
    source = write(tmp_path / "in.hl7")
    new = added(source, insert(source))
    assert all(re.fullmatch(r"MSG\d{6}", message.field("MSH", 10)) for message in new)
    assert all(re.fullmatch(r"\d{7}\^\^\^MRN\^MR", message.field("PID", 3)) for message in new)
    assert all(re.fullmatch(r"V\d{6}", message.field("PV1", 19)) for message in new)
    text = source.read_bytes().decode()
    for message in new:
        for segment, number in (("MSH", 10), ("PID", 3), ("PV1", 19)):
            assert message.field(segment, number) not in text
    controls = re.findall(r"MSG\d{6}", (tmp_path / "out.hl7").read_text())
    assert len(set(controls)) == len(controls)


def test_a_control_id_made_of_the_time_is_made_of_the_new_time(tmp_path):
    source = write(tmp_path / "in.hl7")
    timed = re.sub(r"(REG\|CITY\|)(\d{14})(.*?)MSG\d+", r"\1\2\3A\g<2>77", source.read_bytes().decode())
    source.write_bytes(timed.encode())
    for message in added(source, insert(source)):
        assert re.fullmatch(rf"A{message.field('MSH', 7)}\d\d", message.field("MSH", 10))


def test_nothing_that_names_the_neighbour_is_copied(tmp_path):
    source = write(tmp_path / "in.hl7", people=[w for w in WOMEN if w.number % 5 == 0])
    found = added(source, insert(source, [Insertion(0, HAN)]))
    text = "\r".join(message.text() for message in found)
    assert "secret" not in text and "NK1" not in text
    assert not re.search(r"\d{17}[\dX]", text), "a resident ID is never issued"


def test_messages_stay_in_the_order_of_their_times(tmp_path):
    target = insert(write(tmp_path / "in.hl7"))
    times = [message.field("MSH", 7) for message in messages.load(target).messages]
    assert times == sorted(times) and all(re.fullmatch(r"\d{14}", time) for time in times)
    for message in added(tmp_path / "in.hl7", target):
        assert message.field("EVN", 2) == message.field("MSH", 7)


def test_dates_bound_to_the_due_date_follow_it(tmp_path):
    source = write(tmp_path / "in.hl7")
    (message, *_) = added(source, insert(source, NEW[:1]))
    last = next(fields[5] for fields in message.segments if fields[0] == "OBX" and "8665-2" in fields[3])
    assert last == f"{date(2026, 6, 6) - timedelta(280):%Y%m%d}"


def test_marks_inside_values_are_escaped(tmp_path):
    source = write(tmp_path / "in.hl7")
    (message, *_) = added(source, insert(source, NEW[3:]))
    assert message.field("PID", 5) == r"张\S\\T\\F\秀"
    assert messages.cells(message)[0] == "张^&|秀"


def test_a_gb18030_file_stays_gb18030_although_its_bytes_look_like_marks(tmp_path):
    people = [*WOMEN[:8], *(clinical.Woman(**{**vars(w), "family": "亅", "given": "亇"}) for w in WOMEN[8:12])]
    assert b"|" in "亅".encode("gb18030")
    source = write(tmp_path / "in.hl7", people=people, charset="gb18030")
    table = Hl7Format().read(source)
    assert "亅亇" in [row[0] for row in table.rows]
    target = insert(source, NEW[:3])
    assert list(Hl7Format().read(target).rows) == wb.spliced(table, NEW[:3])
    assert "欧^小红".encode("gb18030") in target.read_bytes()


def test_a_character_that_the_file_cannot_hold_is_refused(tmp_path):
    people = clinical.women(24, han=False)
    source = write(tmp_path / "in.hl7", people=people, charset="ascii")
    row = Hl7Format().read(source).rows[0]
    with pytest.raises(CanaryError, match="ascii cannot hold 'é'"):
        insert(source, [Insertion(0, ("Zoé Smith", *row[1:]))])
    assert not (tmp_path / "out.hl7").exists()


def test_due_dates_in_a_z_segment_are_found(tmp_path):
    source = write(tmp_path / "in.hl7")
    text = re.sub(r"OBX\|1\|DT\|11778-8.*?\|\|(\d{8})[^\r]*", r"ZPR|1|预产期|\1", source.read_bytes().decode())
    source.write_bytes(text.encode())
    table = Hl7Format().read(source)
    assert table.rows[0][4]
    assert list(Hl7Format().read(insert(source)).rows) == wb.spliced(table, NEW)


def test_the_hospital_stays_although_no_other_woman_lies_in_that_bed(tmp_path):
    source = write(tmp_path / "in.hl7", people=WOMEN[:6])
    source.write_bytes(re.sub(r"\|HIS\|[^|]+", "|HIS|HUB", source.read_bytes().decode()).encode())
    table = Hl7Format().read(source)
    assert len({row[3] for row in table.rows}) > 1
    new = [Insertion(at, table.rows[at]) for at in range(6)]
    assert [row[3] for row in Hl7Format().read(insert(source, new)).rows] == [
        row[3] for row in table.rows for _ in "ab"
    ]


def test_men_and_infants_are_no_rows(tmp_path):
    source = write(tmp_path / "in.hl7", people=WOMEN[1:4])
    text = source.read_bytes().decode()
    births = re.findall(r"\|\|(\d{8})\|F\|", text)
    text = text.replace(f"{births[0]}|F", f"{births[0]}|M").replace(f"{births[1]}|F", "20260203|F")
    source.write_bytes(text.encode())
    assert len(Hl7Format().read(source).rows) == 1


def test_the_columns_are_recognised(tmp_path):
    columns = recognise(Hl7Format().read(write(tmp_path / "in.hl7")))
    assert set(columns) == {Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.HOSPITAL, Fact.DUE_DATE}


@pytest.mark.parametrize("content", [b"", b"PID|1\r", b"MSH|\r", b"MSH|^~\\&|A\r", b"MSH|^~\\&|\xff\xff\x00\r"])
def test_what_is_no_hl7_is_refused_by_name(content, tmp_path):
    (tmp_path / "in.hl7").write_bytes(content)
    with pytest.raises(CanaryError, match=r"in\.hl7"):
        Hl7Format().read(tmp_path / "in.hl7")


@settings(max_examples=25, deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    seed=st.integers(0, 99),
    han=st.booleans(),
    picks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 8), st.integers(0, 8)), max_size=5),
)
def test_what_was_there_is_there_and_what_was_added_is_found(tmp_path_factory, shape, seed, han, picks):
    source = write(tmp_path_factory.mktemp("hl7") / "in.hl7", *shape, people=clinical.women(9, seed, han))
    table = Hl7Format().read(source)
    rows = table.rows
    new = [Insertion(before, (rows[a][0], rows[b][1], *rows[a][2:4], *rows[b][4:])) for before, a, b in picks]
    target = insert(source, new)
    assert list(Hl7Format().read(target).rows) == wb.spliced(table, new)
    old = pieces(source)
    assert [piece for piece in pieces(target) if piece in set(old)] == old


@given(st.text("ab|^~\\&王", max_size=9))
def test_escaping_a_value_and_reading_it_gives_the_value(text):
    marks = messages.Marks("|", "^", "~", "\\", "&")
    escaped = marks.escaped(text)
    assert not set("|^~&") & set(escaped)
    assert marks.plain(escaped) == text
