"""The detectability report: what it must call red, and that good canaries are not."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from faker import Faker
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.styles import Font

from canary.demo.city import city_rows
from canary.demo.world import write_gb18030, write_xlsx
from canary.errors import CanaryError
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Cell, Fact, Row, Table
from canary.plant.check import classifier, diffs, fingerprint, outliers, position, rules, show
from canary.plant.check.exam import Material, Report, gate, quick
from canary.plant.check.lights import Light, auc_light, excess_light, ratio_light, rule_light
from canary.plant.check.subject import Subject
from canary.plant.draft import host_of
from canary.plant.formats.detect import format_of
from canary.plant.order import insertion_points
from canary.plant.seed import expected_rows
from tests.mint.tables import BORN_UNTIL, JUNE

COUNT = 20
HANDED_OVER = date(2026, 6, 5)


@cache
def host() -> Table:
    return city_rows(random.Random(3), 2_000, JUNE, BORN_UNTIL)


COLUMNS = recognise(host())


@cache
def personas() -> tuple[Row, ...]:
    """Canaries as `canary seed` mints them, on numbers like the host's."""
    rng = random.Random(8)
    phones = [f"+8612{rng.randrange(10**9):09}" for _ in range(COUNT)]
    return tuple(p.cells for p in host_of(host(), COLUMNS, None).personas(rng, phones))


def planted(rows: tuple[Row, ...]) -> Subject:
    """These canaries in the host, each where its order wants it."""
    insertions = insertion_points(host(), rows, random.Random(2))
    table = Table(host().header, tuple(expected_rows(host(), insertions)))
    mine = set(map(id, rows))
    codes = {at: f"C{at}" for at, row in enumerate(table.rows) if id(row) in mine}
    return Subject(Path("city.xlsx"), table, COLUMNS, codes, HANDED_OVER)


def appended(rows: tuple[Row, ...]) -> Subject:
    size = len(host().rows)
    codes = {size + i: f"C{i}" for i in range(len(rows))}
    return Subject(Path("city.xlsx"), Table(host().header, (*host().rows, *rows)), COLUMNS, codes, HANDED_OVER)


def changed(fact: Fact, new: Callable[[Cell, int], Cell]) -> Subject:
    """The good canaries with one column spoilt."""
    at = COLUMNS[fact]
    return planted(tuple((*row[:at], new(row[at], i), *row[at + 1 :]) for i, row in enumerate(personas())))


def reds(lines: list) -> list[str]:
    return [line.name for line in lines if line.light is Light.RED]


def test_good_canaries_are_not_red_by_any_rule_or_place_or_oddness():
    lines = quick(planted(personas()), Material())
    assert reds(lines) == []
    assert {"runs of canaries and others", "within one letter of a real woman"} <= {line.name for line in lines}


def only(subject: Subject, *facts: Fact) -> Subject:
    """The subject with these columns alone: each costs the classifier a second."""
    at = [COLUMNS[fact] for fact in facts]
    cut = [tuple(row[i] for i in at) for row in subject.table.rows]
    table = Table(tuple(subject.table.header[i] for i in at), tuple(cut))
    return replace(subject, table=table, columns={fact: i for i, fact in enumerate(facts)})


def test_a_classifier_does_not_tell_good_canaries_nor_minted_ones():
    subject = only(planted(personas()), Fact.NAME, Fact.PHONE, Fact.DUE_DATE)
    lines = classifier.planted_lines(subject, 1)
    lines += classifier.minted_lines(subject, lambda table: host_of(table, subject.columns, None), 500, 1)
    assert reds(lines) == []
    assert {line.name for line in lines if line.name.startswith("minted")} == {
        *("minted: all columns together", "minted: 姓名", "minted: 预产期")
    }


def test_canaries_all_at_the_end_are_red_by_their_place():
    assert reds(position.lines(appended(personas()))) == [
        "runs of canaries and others",
        "spread over the file",
        "sort order",
    ]


@pytest.mark.parametrize(("fact", "what"), [(Fact.ADDRESS, "address"), (Fact.PHONE, "phone_number")])
def test_records_of_faker_are_red(fact, what):
    fake = Faker("zh_CN")
    fake.seed_instance(1)
    subject = only(changed(fact, lambda _, i: getattr(fake, what)()), fact)
    assert f"planted: {subject.table.header[0]}" in reds(classifier.planted_lines(subject, 1))


def another_day(cell: Cell, days: int) -> Cell:
    return cell + timedelta(days=days) if isinstance(cell, date) else cell


SPOILT = {
    "预产期: outside the host's": (Fact.DUE_DATE, lambda cell, i: another_day(cell, 400)),
    "出生日期(婴儿): outside the host's": (Fact.INFANT_BIRTH_DATE, lambda cell, i: HANDED_OVER + timedelta(days=3)),
    "born after the hand-over": (Fact.INFANT_BIRTH_DATE, lambda cell, i: HANDED_OVER + timedelta(days=3)),
    "预产期: days of the week": (Fact.DUE_DATE, lambda cell, i: JUNE - timedelta(days=JUNE.weekday())),
    "overdue by 21 days": (Fact.INFANT_BIRTH_DATE, lambda cell, i: None),
    "telephone numbers of one block": (Fact.PHONE, lambda cell, i: f"1234567{i:04}"),
    "telephone prefix is rare": (Fact.PHONE, lambda cell, i: f"19{i:09}"),
    "telephone number stands twice": (Fact.PHONE, lambda cell, i: host().rows[i][COLUMNS[Fact.PHONE]]),
    "联系电话: cell of a rare type": (Fact.PHONE, lambda cell, i: int(str(cell))),
    "联系电话: written like no other row": (Fact.PHONE, lambda cell, i: f"{cell}" + "0" * i),
    "姓名: space at an end": (Fact.NAME, lambda cell, i: f"{cell} "),
    "姓名: full-width letters, digits or spaces": (Fact.NAME, lambda cell, i: f"{cell}Ａ"),
    "家庭住址: a character of no other row": (Fact.ADDRESS, lambda cell, i: f"{cell or '路'}{chr(0x9F00 + i)}"),
    "预产期: cell of a rare type": (Fact.DUE_DATE, lambda cell, i: str(cell)),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_rule_that_canaries_break_and_the_host_keeps_is_red_and_named(name):
    fact, spoil = SPOILT[name]
    subject = changed(fact, spoil)
    found = [line for line in rules.lines(subject) if line.name.startswith(name)]
    assert [line.light for line in found] == [Light.RED]
    assert set(found[0].codes) <= set(subject.codes.values())


def test_a_canary_within_one_letter_of_a_real_woman_is_red():
    name, due = COLUMNS[Fact.NAME], COLUMNS[Fact.DUE_DATE]
    real = next(row for row in host().rows if row[name] and row[due])
    double = list(personas()[0])
    double[name], double[due] = f"{real[name]}娟", real[due]
    line = next(n for n in rules.lines(planted((tuple(double), *personas()[1:]))) if n.name.startswith("within"))
    assert line.light is Light.RED and len(line.codes) == 1


@pytest.mark.parametrize("rule", [rules.naegele, lambda day: day + timedelta(days=280)], ids=["form", "280 days"])
def test_the_rule_between_two_dates_is_the_hosts_own(rule):
    rng = random.Random(4)
    other = (lambda d: d + timedelta(days=280)) if rule is rules.naegele else rules.naegele
    periods = [date(2025, 2, 1) + timedelta(days=rng.randrange(200)) for _ in range(600)]
    rows = [(day, rule(day) if rng.random() < 0.9 else rule(day) + timedelta(days=5)) for day in periods]

    def light(new: list[Row]) -> Light:
        table = Table(("末次月经", "预产期"), (*rows, *new))
        subject = Subject(Path("x.csv"), table, {Fact.DUE_DATE: 1}, {600 + i: f"C{i}" for i in range(len(new))})
        return next(n.light for n in rules.lines(subject) if n.name.startswith("末次月经 to 预产期"))

    days = [date(2025, 3, 1) + timedelta(days=4 * i) for i in range(20)]
    assert light([(day, rule(day)) for day in days]) is Light.GREEN
    assert light([(day, other(day)) for day in days]) is Light.RED


@pytest.mark.parametrize(
    ("period", "due"),
    [
        ("2025-01-01", "2025-10-08"),
        ("2025-04-25", "2026-02-01"),
        ("2025-05-31", "2026-03-10"),
        ("2025-12-31", "2026-10-08"),
    ],
)
def test_naegeles_rule_over_the_ends_of_months(period, due):
    assert rules.naegele(date.fromisoformat(period)) == date.fromisoformat(due)


def test_rows_unlike_all_others_are_found_by_the_outlier_search():
    name, address = COLUMNS[Fact.NAME], COLUMNS[Fact.ADDRESS]
    odd = [list(row) for row in personas()]
    for i, row in enumerate(odd):
        row[name], row[address] = f"Canary No. {i}", f"{i} Nowhere Street, Leeds LS{i} 4AB"
    lines = outliers.lines(planted(tuple(map(tuple, odd))), 1)
    assert {line.light for line in lines if line.name.startswith("empirical")} == {Light.RED}
    assert all(line.figures["hits"] > line.figures["bound"] for line in lines)


# --- the file around the canaries


def seeded(folder: Path, name: str = "city.xlsx") -> tuple[Path, Subject]:
    """A source file, and the subject of the file made from it by inserting canaries."""
    source, target = folder / name, folder / f"seeded-{name}"
    (write_xlsx if name.endswith("xlsx") else write_gb18030)(source, Table(host().header, host().rows[:300]))
    before = format_of(source).read(source)
    columns = recognise(before)
    rng = random.Random(5)
    people = host_of(before, columns, None).personas(rng, [f"+8612{rng.randrange(10**9):09}" for _ in range(8)])
    insertions = insertion_points(before, [p.cells for p in people], rng)
    format_of(source).insert(source, target, insertions)
    phone, mine = columns[Fact.PHONE], {p.cells[columns[Fact.PHONE]] for p in people}
    after = format_of(target).read(target)
    codes = {at: f"C{at}" for at, row in enumerate(after.rows) if row[phone] in mine}
    assert len(codes) == 8
    return source, Subject(target, after, columns, codes)


@pytest.mark.parametrize("name", ["city.xlsx", "city.csv"])
def test_a_file_with_rows_inserted_keeps_its_fingerprint(tmp_path, name):
    source, subject = seeded(tmp_path, name)
    lines = fingerprint.lines(subject, source, format_of(source).read(source))
    assert {line.light for line in lines} == {Light.GREEN}


def test_a_workbook_saved_again_by_another_program_is_red(tmp_path):
    source, subject = seeded(tmp_path)
    openpyxl.load_workbook(subject.path).save(subject.path)
    assert {"zip stamps", "docProps/core.xml"} <= set(reds(fingerprint.lines(subject, source, subject.genuine)))


def test_a_cell_style_of_the_canaries_own_is_red(tmp_path):
    source, subject = seeded(tmp_path)
    book = openpyxl.load_workbook(subject.path)
    for at in subject.codes:
        book.worksheets[0].cell(at + 2, 1).font = Font(bold=True)
    book.save(subject.path)
    lines = fingerprint.lines(subject, source, subject.genuine)
    line = next(n for n in lines if n.name.startswith("cell or row style"))
    assert line.light is Light.RED and len(line.codes) == 8


def test_a_real_row_that_was_changed_is_red(tmp_path):
    source, subject = seeded(tmp_path)
    before = subject.genuine
    row = ("张三", *before.rows[7][1:])
    lines = fingerprint.lines(subject, source, Table(before.header, (*before.rows[:7], row, *before.rows[8:])))
    assert reds(lines) == ["rows"]


def test_text_in_another_encoding_is_red(tmp_path):
    source, subject = seeded(tmp_path, "city.csv")
    subject.path.write_text(subject.path.read_text("gb18030"), "utf-8")
    assert reds(fingerprint.lines(subject, source, subject.genuine)) == ["bytes"]


# --- files side by side


def numbered(rows: range, canaries: range, changed: int = 0) -> tuple[Table, frozenset[int]]:
    """Women known by their number, `changed` of whom have a new value."""
    table = Table(("电话", "医院"), tuple((f"12000{i:06}", "新" if i < changed else "旧") for i in rows))
    return table, frozenset(at for at, i in enumerate(rows) if i in canaries)


def compare(ours: tuple[Table, frozenset[int]], theirs: tuple[Table, frozenset[int]], lines: Callable) -> list[Light]:
    table, canaries = ours
    subject = Subject(Path("x.csv"), table, {Fact.PHONE: 0}, {at: f"C{at}" for at in canaries})
    return [line.light for line in lines(subject, diffs.Other("other.csv", *theirs))]


def test_canaries_that_are_all_new_this_month_are_red_and_those_that_stay_are_green():
    last_month = numbered(range(1_000), range(0))
    assert compare(numbered(range(100, 1_100), range(1_060, 1_100)), last_month, diffs.month_lines)[0] is Light.RED
    stayed = numbered(range(1_000), range(500, 540))
    assert compare(numbered(range(100, 1_100), range(500, 540)), stayed, diffs.month_lines) == [Light.GREEN] * 3


def test_canaries_that_leave_or_change_together_are_red():
    last_month = numbered(range(1_000), range(40))
    assert compare(numbered(range(40, 1_000), range(900, 940)), last_month, diffs.month_lines)[1] is Light.RED
    this_month = numbered(range(1_000), range(40), changed=40)
    assert compare(this_month, last_month, diffs.month_lines)[2] is Light.RED


def test_two_copies_of_one_scope_differ_by_their_canaries_and_that_is_red_with_advice():
    subject, base = planted(personas()), set(personas())
    other = diffs.Other("b.xlsx", host(), frozenset())
    here, there = diffs.recipient_lines(subject, other)
    assert here.light is Light.RED and here.figures["precision"] == 1.0 and len(base) == COUNT
    assert "shared law" in here.advice and "late entries" in here.advice
    assert there.figures["rows"] == 0


def test_two_copies_of_different_scopes_do_not_give_canaries_away():
    ours = numbered(range(800), range(0, 800, 40))
    theirs = numbered(range(200, 1_000), range(200, 1_000, 40))
    assert compare(ours, theirs, diffs.recipient_lines) == [Light.GREEN, Light.GREEN]


# --- gate, page, thresholds


def test_the_gate_names_the_first_red_line_and_lets_through_when_forced():
    subject = appended(personas())
    with pytest.raises(CanaryError, match=r"stand out: .*more red") as refused:
        gate(subject, Material(), force=False)
    assert "--force" in refused.value.hint
    assert any(text.startswith("check red: sort order") for text in gate(subject, Material(), force=True))
    assert not any("red" in text for text in gate(planted(personas()), Material(), force=False))


def test_a_file_without_canaries_is_refused():
    with pytest.raises(CanaryError, match="no canary stands in this file"):
        quick(replace(planted(personas()), codes={}), Material())


def test_the_page_shows_the_worst_light_and_fetches_nothing(tmp_path):
    lines = position.lines(appended(personas()))
    page = show.page(Report("june<1>", "city.xlsx", 2_020, COUNT, lines))
    assert "RED. Do not hand this file out" in page and "sort order" in page
    assert "june&lt;1&gt;" in page
    assert not any(word in page for word in ("<script", "http:", "https:", "src=", "@import"))


def test_a_host_too_small_to_tell_anything_is_grey_not_green():
    subject = planted(personas())
    small = replace(subject, table=Table(host().header, subject.table.rows[:40]), codes={3: "C3"})
    lines = classifier.planted_lines(small, 1) + classifier.minted_lines(small, lambda table: None, 600, 1)
    assert [line.light for line in lines] == [Light.GREY, Light.GREY]


ORDER = [Light.GREEN, Light.AMBER, Light.RED]


@given(st.integers(0, 40), st.integers(0, 500))
def test_more_violations_are_never_a_better_light(hits, theirs):
    lights = [rule_light(n, 41, theirs, 40_000) for n in (hits, hits + 1)]
    assert ORDER.index(lights[0]) <= ORDER.index(lights[1])


@given(st.floats(0.3, 0.99), st.floats(0.0, 0.3))
def test_a_higher_auc_is_never_a_better_light(auc, reach):
    assert ORDER.index(auc_light(auc, reach)) <= ORDER.index(auc_light(auc + 0.01, reach))


def test_thresholds_at_the_sizes_of_a_city():
    assert excess_light(0, 41, 41 / 40_000) is Light.GREEN
    assert excess_light(2, 41, 41 / 40_000) is Light.RED
    assert rule_light(1, 41, 0, 40_000) is Light.RED
    assert rule_light(1, 12, 0, 90) is Light.AMBER
    assert ratio_light(41, 6_769, 41 / 40_041) is Light.RED
    assert ratio_light(12, 6_769, 41 / 40_041) is Light.GREEN


def test_the_source_is_left_alone(tmp_path):
    source, subject = seeded(tmp_path)
    kept = shutil.copy(source, tmp_path / "kept.xlsx")
    fingerprint.lines(subject, source, subject.genuine)
    assert source.read_bytes() == Path(kept).read_bytes()


def test_real_rows_that_are_one_of_a_kind_count_as_the_hosts_own_rate():
    rows = [("a1",), ("a2",), ("b-3",), ("c/4",), ("a5",)]
    subject = Subject(Path("x.csv"), Table(("码",), tuple(rows)), {}, {4: "C4"})
    line = next(n for n in rules.lines(subject) if n.name == "码: written like no other row")
    assert (line.figures["canaries"], line.figures["others"]) == (0, 2)


def test_a_rule_of_the_profile_is_asked_of_the_canaries_if_the_host_keeps_it():
    terms = Profile.from_mapping(
        {"rules": {"order": ["infant_birth_date <= due_date + 7", "due_date < infant_birth_date"]}}
    )
    name = "the profile's order: infant_birth_date <= due_date + 7"
    good = rules.lines(replace(planted(personas()), profile=terms))
    late = changed(Fact.INFANT_BIRTH_DATE, lambda cell, i: cell and cell + timedelta(60))
    assert [line.light for line in good if "profile" in line.name] == [Light.GREEN]
    assert name in reds(rules.lines(replace(late, profile=terms)))
