"""What must hold of every persona, whatever the host: nobody real, nobody twice, nothing out of place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.demo.city import city_rows
from canary.errors import CanaryError
from canary.mint.addresses import split
from canary.mint.claims import within_one_edit
from canary.mint.columns import recognise
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.mint.host import fit
from tests.mint.tables import BORN_UNTIL, JUNE, city, english

SLOW = settings(max_examples=15, deadline=None)


def phones(count: int, country: str = "+86", national: str = "1200") -> list[str]:
    return [f"{country}{national}{i:07}" for i in range(count)]


def mint(table: Table, count: int, seed: int = 1, region: str = "CN", country: str = "+86") -> list[Persona]:
    national = "1200" if region == "CN" else "770"
    return fit(table, recognise(table), region).personas(Random(seed), phones(count, country, national))


def column(rows: Sequence[Row], index: int) -> list[Cell]:
    return [row[index] for row in rows]


def with_column(table: Table, header: str, cells: Sequence[Cell]) -> Table:
    return Table((*table.header, header), tuple((*r, c) for r, c in zip(table.rows, cells, strict=True)))


def check(table: Table, personas: Sequence[Persona]) -> None:
    """Every invariant that needs no knowledge of the host's making."""
    columns = recognise(table)
    real = set(table.rows)
    kinds = [{type(cell) for cell in column(table.rows, i)} for i in range(len(table.header))]
    for persona in personas:
        assert persona.cells not in real
        assert len(persona.cells) == len(table.header)
        for i, cell in enumerate(persona.cells):
            assert type(cell) in kinds[i]
        assert persona.cells[columns[Fact.PHONE]] is not None
        assert set(persona.facts) == set(columns)
        nobody(table, columns, persona)
    for fact in (Fact.NAME, Fact.DUE_DATE), (Fact.NAME, Fact.ADDRESS), (Fact.PHONE,):
        keys = [tuple(p.facts.get(f) for f in fact) for p in personas]
        assert len([k for k in keys if None not in k]) == len({k for k in keys if None not in k})


def nobody(table: Table, columns: dict[Fact, int], persona: Persona) -> None:
    """The persona's name and due date, and its name and address, are two edits or more from every row's."""
    name, address = persona.facts[Fact.NAME], persona.facts.get(Fact.ADDRESS)
    dates = DateColumn.fit("due", column(table.rows, columns[Fact.DUE_DATE]))
    for row in table.rows:
        other, due = row[columns[Fact.NAME]], dates.read(row[columns[Fact.DUE_DATE]])
        if due and persona.facts[Fact.DUE_DATE]:
            assert not within_one_edit(f"{name}{persona.facts[Fact.DUE_DATE]}", f"{other}{due}")
        if address and row[columns[Fact.ADDRESS]]:
            assert not within_one_edit(f"{name}{address}", f"{other}{row[columns[Fact.ADDRESS]]}")


@SLOW
@given(seed=st.integers(0, 2**32))
def test_city(seed: int) -> None:
    personas = mint(city(), 25, seed)
    check(city(), personas)
    dues = [due for due in column(city().rows, 6) if isinstance(due, date)]
    births = [birth for birth in column(city().rows, 1) if isinstance(birth, date)]
    known = set(column(city().rows, 3))
    for persona, phone in zip(personas, phones(25), strict=True):
        due, birth = persona.facts[Fact.DUE_DATE], persona.facts[Fact.INFANT_BIRTH_DATE]
        assert isinstance(due, date) and min(dues) <= due <= max(dues)
        assert birth is None or (isinstance(birth, date) and birth <= max(births))
        assert persona.facts[Fact.PHONE] == phone
        assert persona.cells[4] == phone.removeprefix("+86")
        address = persona.cells[3]
        assert address not in known or not split(str(address)).number


@SLOW
@given(seed=st.integers(0, 2**32), rows=st.integers(20, 60))
def test_small_tables(seed: int, rows: int) -> None:
    table = Table(city().header, tuple(Random(seed).sample(city().rows, rows)))
    check(table, mint(table, 10, seed))


@SLOW
@given(seed=st.integers(0, 2**32))
def test_english(seed: int) -> None:
    personas = mint(english(), 10, seed, "GB", "+44")
    check(english(), personas)
    assert all(str(p.cells[2]).startswith("07700 ") and len(str(p.cells[2])) == 12 for p in personas)
    assert [p.cells[0] for p in personas] == list(range(121, 131))
    assert not set(column(english().rows, 3)) & {p.cells[3] for p in personas}


def as_text(cell: Cell, style: str) -> Cell:
    return cell.strftime(style) if isinstance(cell, date) else cell


@pytest.mark.parametrize("style", ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d/%m/%Y", "%Y年%m月%d日"])
def test_dates_as_text(style: str) -> None:
    table = Table(city().header, tuple(tuple(as_text(cell, style) for cell in row) for row in city().rows))
    personas = mint(table, 15)
    check(table, personas)
    for persona in personas:
        assert persona.cells[6] == as_text(persona.facts[Fact.DUE_DATE], style)


def as_stored(cell: Cell) -> Cell:
    """A date as a moment, a number as an integer: what many xlsx writers store."""
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    return int(cell) if isinstance(cell, str) and cell.isdecimal() else cell


def test_the_hosts_types_and_phone_style() -> None:
    table = Table(city().header, tuple(tuple(map(as_stored, row)) for row in city().rows))
    personas = mint(table, 15)
    check(table, personas)
    assert all(isinstance(p.cells[4], int) and isinstance(p.cells[6], datetime) for p in personas)


def test_same_seed_same_personas() -> None:
    host = fit(city(), recognise(city()), "CN")
    first = host.personas(Random(3), phones(20))
    host.personas(Random(4), phones(20))
    assert host.personas(Random(3), phones(20)) == first
    assert mint(city(), 20, 3) == first != mint(city(), 20, 4)


def test_missing_cells_and_births_at_the_hosts_rate() -> None:
    table = Table(
        city().header,
        tuple((*r[:3], None if i % 3 == 0 else r[3], *r[4:]) for i, r in enumerate(city().rows)),
    )
    host = fit(table, recognise(table), "CN")
    cells = [p.cells for seed in range(8) for p in host.personas(Random(seed), phones(50))]
    assert 0.25 < sum(row[3] is None for row in cells) / len(cells) < 0.42
    born = sum(row[1] is not None for row in city().rows) / len(city().rows)
    assert born - 0.08 < sum(row[1] is not None for row in cells) / len(cells) < born + 0.08
    shares = Counter(column(city().rows, 2)), Counter(column(cells, 2))
    assert all(abs(shares[0][h] / 400 - shares[1][h] / len(cells)) < 0.1 for h in ("流动", "暂住", "常住"))


def test_unborn_only_when_the_extract_could_not_know() -> None:
    host = fit(city(), recognise(city()), "CN")
    first_unborn = min(row[6] for row in city().rows if row[1] is None)  # type: ignore[type-var]
    for persona in host.personas(Random(1), phones(60)):
        if persona.cells[1] is None:
            assert persona.cells[6] >= first_unborn  # type: ignore[operator]


def test_hundreds_of_personas_collide_with_nobody() -> None:
    columns, personas = recognise(city()), mint(city(), 150)
    for persona in personas:
        nobody(city(), columns, persona)
    due = [persona.facts[Fact.DUE_DATE] for persona in personas]
    assert (
        abs(sum(len(str(p.cells[0])) == 2 for p in personas) - sum(len(str(r[0])) == 2 for r in city().rows) * 0.375)
        < 20
    )
    assert len(set(due)) > 60


def test_small_batches_show_short_names_as_often_as_the_host_and_as_one_large_batch() -> None:
    table = city_rows(Random(3), 2400, JUNE, BORN_UNTIL)
    host = fit(table, recognise(table), "CN")
    small = [p.cells[0] for seed in range(60) for p in host.personas(Random(seed), phones(30))]
    large = [p.cells[0] for p in host.personas(Random(1), phones(1800))]
    short = [np.mean([len(str(name)) == 2 for name in names]) for names in (column(table.rows, 0), small, large)]
    error = (0.2 * 0.8 / 1800) ** 0.5
    assert short[1] == pytest.approx(short[0], abs=4 * error)
    assert short[1] == pytest.approx(short[2], abs=4 * error)


def test_a_table_with_phones_is_not_minted_without() -> None:
    with pytest.raises(CanaryError, match="the table has a phone column"):
        fit(city(), recognise(city()), "CN").anonymous_personas(Random(1), 3)


def test_too_few_rows() -> None:
    with pytest.raises(CanaryError, match="too few rows to fit: 19"):
        mint(replace(city(), rows=city().rows[:19]), 1)


def test_no_room() -> None:
    table = Table(city().header, tuple(("李婷", *row[1:]) for row in city().rows[:30]))
    with pytest.raises(CanaryError, match="no room for another persona"):
        mint(table, 40)


def test_bad_phones() -> None:
    host = fit(city(), recognise(city()), "CN")
    with pytest.raises(CanaryError, match="given twice"):
        host.personas(Random(1), ["+8612000000000"] * 2)
    with pytest.raises(CanaryError, match="not an international number"):
        host.personas(Random(1), ["12000000000"])


def test_resident_ids_are_never_issued() -> None:
    whole = [f"44030619900101{i:04}" for i in range(len(city().rows))]
    with pytest.raises(CanaryError, match="'身份证号' shows every resident ID in full"):
        mint(with_column(city(), "身份证号", whole), 1)
    half = [cell if i % 2 else None for i, cell in enumerate(whole)]
    assert {p.cells[-1] for p in mint(with_column(city(), "身份证号", half), 20)} == {None}
    masked = [f"{cell[:4]}**********{cell[-2:]}" for cell in whole]
    for persona in mint(with_column(city(), "身份证号", masked), 20):
        assert str(persona.cells[-1]).startswith("4403**********")
        assert len(str(persona.cells[-1])) == 16


def test_unknown_columns_follow_a_neighbour_unless_they_identify() -> None:
    table = with_column(city(), "风险", [("绿", "黄", "红")[i % 3] for i in range(len(city().rows))])
    table = with_column(table, "丈夫电话", [f"138{i:08}" for i in range(len(city().rows))])
    for persona in mint(table, 20):
        assert persona.cells[-2] in {"绿", "黄", "红"}
        assert persona.cells[-1] is None


def test_running_numbers_fill_gaps_first() -> None:
    numbers = [f"{i:05}" for i in range(1, 403) if i not in (7, 9)]
    personas = mint(with_column(city(), "序号", numbers), 4)
    assert sorted(str(p.cells[-1]) for p in personas) == ["00007", "00009", "00403", "00404"]


def test_facts_named_never_stay_empty() -> None:
    host = fit(city(), recognise(city()), "CN", frozenset({Fact.ADDRESS}))
    assert {p.cells[3] for p in host.personas(Random(1), phones(20))} == {None}
