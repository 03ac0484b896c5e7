"""Tables too big to hold: read as a stream, spooled, fitted from a sample, and seeded like any other."""

import random
from datetime import date, datetime, timedelta

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.addresses import split
from canary.mint.claims import within_one_edit
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Fact, Persona, Table
from canary.plant import bulk, seed
from canary.plant.formats.detect import format_of
from canary.plant.formats.xlsx import XlsxFormat
from canary.plant.order import sort_keys
from canary.plant.spool import Bulk, Spool
from tests.mint import tables
from tests.plant.test_seed import NOW, canaries, host, lite, order, prepare, written  # noqa: F401 (lite is a fixture)

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=6)
CELLS = st.one_of(
    st.none(),
    TEXT.map(lambda text: text or None),
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    st.booleans(),
    st.dates(date(1900, 3, 1), date(2100, 1, 1)),
    st.datetimes(datetime(1900, 3, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.booleans())
def test_a_workbook_streams_the_rows_that_it_reads(tmp_path_factory, rows, inline):
    path = tmp_path_factory.getbasetemp() / "streamed.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": inline, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        day, moment = (book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", 'd" h "mm\\m hh:mm:ss'))
        sheet.write_row(0, 0, ("a", "b", "c"))
        for r, row in enumerate(rows, 1):
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                elif cell is not None:
                    style = [moment] if isinstance(cell, datetime) else [day] if isinstance(cell, date) else []
                    sheet.write(r, c, cell, *style)
    table = XlsxFormat().read(path)
    header, streamed = XlsxFormat().stream(path)
    found = list(streamed)
    assert (header, found) == (table.header, list(table.rows))
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in table.rows]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=30))
def test_a_spool_gives_its_rows_again_and_again(rows):
    spool = Spool(rows)
    assert len(spool) == len(rows)
    assert list(spool) == list(spool) == rows
    assert [type(cell) for cell in spool.column(1)] if rows else True


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(2, 400))
def test_a_spool_is_sorted_by_what_its_rows_are_sorted_by(seed_, depth, values):
    rng = random.Random(seed_)
    rows = [(rng.randrange(4), None if rng.random() < 0.1 else rng.randrange(values), str(rng.randrange(999)))
            for _ in range(300)]  # fmt: skip
    down = rng.choice((1, -1))
    rows.sort(key=lambda row: tuple((cell is not None, down * int(cell or 0)) for cell in row[:depth]))
    # Blocks of mostly one row, as luck makes them, are not looked for among very many rows.
    found, wanted = sort_keys(Spool(rows)), sort_keys(rows)
    assert found == wanted[: len(found)]
    assert [way for _, way in wanted[len(found) :]] in ([], [0])
    assert len(found) >= min(depth, 2)


def test_a_sample_is_spread_from_the_first_row_to_the_last():
    rows = [(at,) for at in range(1_000)]
    sample = Bulk(("n",), Spool(rows)).sample(50)
    assert (len(sample.rows), sample.rows[0], sample.rows[-1]) == (50, (0,), (999,))
    assert max(b[0] - a[0] for a, b in zip(sample.rows, sample.rows[1:], strict=False)) <= 21


@pytest.fixture
def small(monkeypatch):
    """Every table is too big, and a sample is a third of the city."""
    monkeypatch.setattr(seed, "BIG", 0)
    monkeypatch.setattr(seed, "SAMPLE", 30)


@pytest.mark.parametrize("name", ["city.xlsx", "city.csv"])
def test_a_big_table_is_seeded_row_by_row(lite, tmp_path, small, name):  # noqa: F811
    prepare(lite, "june", "july")
    source, target = host(tmp_path, name), tmp_path / f"out-{name}"
    done = seed.seed(lite, NOW, order("june", source, target))
    before, after = (format_of(path).read(path) for path in (source, target))
    planted = set(canaries(lite, "june"))
    kept = [row for row in after.rows if written(row[recognise(after)[Fact.PHONE]]) not in planted]
    assert (done.rows, len(after.rows), kept) == (102, 102, list(before.rows))
    assert sort_keys(after.rows)[:2] == sort_keys(before.rows)[:2]
    again = seed.seed(lite, NOW, order("july", target, tmp_path / f"again-{name}"))
    assert again.inherited == 12


def test_no_persona_of_a_big_table_is_nearly_a_row_that_the_sample_lacks(monkeypatch):
    table = tables.city()
    columns = recognise(table)
    spooled = Bulk(table.header, Spool(table.rows))
    sample = spooled.sample(40)
    found = seed.SampledHost(seed.host_of(sample, columns, None), sample, spooled.rows, columns, Profile())
    made = found.personas(random.Random(1), [f"+861200000{i:04}" for i in range(60)])
    name, due, address = (columns[fact] for fact in (Fact.NAME, Fact.DUE_DATE, Fact.ADDRESS))
    for persona in made:
        own = persona.cells
        for row in table.rows:
            if row[due] == own[due] or row[address] == own[address]:
                assert not within_one_edit(str(row[name]), str(own[name]))
            if row[name] == own[name]:
                assert not within_one_edit(str(row[due]), str(own[due]))
                assert not within_one_edit(str(row[address]), str(own[address]))


def test_whoever_is_nearly_a_row_is_taken():
    table = tables.city()
    columns = recognise(table)
    sample, spool = Table(table.header, table.rows[:25]), Spool(table.rows)
    found = seed.SampledHost(seed.host_of(sample, columns, None), sample, spool, columns, Profile())
    kinds = (Fact.NAME, Fact.DUE_DATE, Fact.ADDRESS)
    told_in_full = [row for row in table.rows[30:] if row[columns[Fact.ADDRESS]] and row[columns[Fact.NAME]]]
    for row in [row for row in told_in_full if split(str(row[columns[Fact.ADDRESS]])).unit][:20]:
        name, due, address = (row[columns[fact]] for fact in kinds)
        near = due.replace(day=due.day // 10 * 10 or 1)
        for told in (
            (name, due, "x"),
            (f"{name}x", due, "x"),
            (name, near, "x"),
            (name, None, address[1:]),
            ("欧阳明明", None, f"{address}x"),
        ):
            assert found._taken([Persona(row, dict(zip(kinds, told, strict=True)))]) == {0}, told
        stranger = {Fact.NAME: "欧阳明明", Fact.DUE_DATE: due, Fact.ADDRESS: "x"}
        assert found._taken([Persona(row, stranger)]) == set()


def test_running_numbers_and_codes_of_a_big_table_are_new_to_all_of_it():
    rng = random.Random(2)
    due = date(2026, 7, 1)
    rows = tuple(
        (at, f"F2026-{at:06}", f"名{rng.randrange(99)}", f"1390000{at:04}", due + timedelta(rng.randrange(200)))
        for at in rng.sample(range(1, 700), 600)
    )
    table = Table(("序号", "档案号", "姓名", "电话", "预产期"), rows)
    columns = recognise(table)
    spooled = Bulk(table.header, Spool(table.rows))
    sample = spooled.sample(60)
    found = seed.SampledHost(seed.host_of(sample, columns, None), sample, spooled.rows, columns, Profile())
    made = found.personas(random.Random(1), [f"+861200000{i:04}" for i in range(40)])
    for at in (0, 1):
        cells = {persona.cells[at] for persona in made}
        assert len(cells) == 40
        assert cells.isdisjoint(row[at] for row in rows)


def test_a_table_with_no_room_left_is_refused_however_big(monkeypatch):
    monkeypatch.setattr(bulk, "_ROUNDS", 2)
    table = tables.city()
    columns = recognise(table)
    spool = Spool(table.rows)
    found = seed.SampledHost(seed.host_of(table, columns, None), table, spool, columns, Profile())
    monkeypatch.setattr(found, "_taken", lambda made: set(range(len(made))))
    with pytest.raises(CanaryError, match="no room"):
        found.personas(random.Random(1), ["+8612000000001"])
