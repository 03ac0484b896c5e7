"""Columns that no fact explains: what hangs together in the host hangs together in every persona."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from random import Random

import numpy as np
import pytest

from canary.errors import CanaryError
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Cell, Row, Table
from canary.mint.host import fit
from canary.mint.identifiers import codes_of
from canary.mint.sequential import Sequential
from tests.mint.tables import city, clinic, naegele

ANONYMOUS = Profile(phones=False)


@pytest.fixture(scope="module")
def minted() -> list[Row]:
    host = fit(clinic(), recognise(clinic(), ANONYMOUS), "US")
    return [persona.cells for persona in host.anonymous_personas(Random(1), 300)]


def column(rows: Sequence[Row], header: str) -> list[Cell]:
    return [row[clinic().header.index(header)] for row in rows]


def pairs(rows: Sequence[Row], *headers: str) -> list[tuple[Cell, ...]]:
    return list(zip(*(column(rows, header) for header in headers), strict=True))


def day(cell: Cell) -> date:
    return date.fromisoformat(str(cell))


def test_no_row_is_a_real_one_and_types_are_the_hosts(minted: list[Row]) -> None:
    assert not {row[1:] for row in minted} & {row[1:] for row in clinic().rows}
    for i in range(len(clinic().header)):
        assert {type(row[i]) for row in minted} <= {type(row[i]) for row in clinic().rows}


def test_arithmetic_holds_in_every_row_where_it_does_in_the_host(minted: list[Row]) -> None:
    bmi = [round(w / (h / 100) ** 2, 1) == b for h, w, b in pairs(minted, "height", "weight", "bmi")]  # type: ignore
    assert np.mean(bmi) > 0.97
    assert all((day(v) - day(lmp)).days // 7 == int(str(w)) for lmp, v, w in pairs(minted, "lmp", "visit", "week"))
    assert set(pairs(minted, "ward", "ward name")) <= set(pairs(clinic().rows, "ward", "ward name"))


def test_a_rule_kept_in_nine_rows_of_ten_is_kept_as_often(minted: list[Row]) -> None:
    def share(rows: Sequence[Row]) -> float:
        return float(np.mean([naegele(day(lmp)) == day(due) for lmp, due in pairs(rows, "lmp", "edd by rule")]))

    assert share(clinic().rows) == pytest.approx(0.9, abs=0.04)
    assert share(minted) == pytest.approx(share(clinic().rows), abs=0.06)


def test_orders_are_never_turned_round(minted: list[Row]) -> None:
    assert all(para < gravida for gravida, para in pairs(minted, "gravida", "para"))  # type: ignore[operator]
    assert all(day(lmp) < day(visit) < day(due) for lmp, visit, due in pairs(minted, "lmp", "visit", "edd by rule"))


def test_missing_blocks_and_heaps_come_as_often(minted: list[Row]) -> None:
    pressures = pairs(minted, "systolic", "diastolic")
    assert all((s is None) == (d is None) for s, d in pressures)
    assert np.mean([s is None for s, _ in pressures]) == pytest.approx(0.2, abs=0.08)
    assert all(s is None or int(str(s)) % 5 == 0 for s, _ in pressures)
    assert (
        np.corrcoef([(w, s) for w, s in pairs(minted, "weight", "systolic") if s is not None], rowvar=False)[0, 1] > 0.3
    )


def test_a_number_that_would_point_at_its_row_is_moved(minted: list[Row]) -> None:
    values = [float(str(cell)) for cell in column(minted, "hb")]
    assert all(round(value, 3) == value for value in values)
    assert len(set(values) & set(column(clinic().rows, "hb"))) < 0.5 * len(values)
    assert np.mean(values) == pytest.approx(12, abs=0.3)


def test_codes_go_on_after_the_last(minted: list[Row]) -> None:
    assert sorted(str(cell) for cell in column(minted, "code"))[:3] == ["P-00917", "P-00918", "P-00919"]
    assert not set(column(minted, "code")) & set(column(clinic().rows, "code"))
    assert len(set(column(minted, "code"))) == 300


def test_same_seed_same_rows_and_another_seed_others(minted: list[Row]) -> None:
    host = fit(clinic(), recognise(clinic(), ANONYMOUS), "US")
    assert [persona.cells for persona in host.anonymous_personas(Random(1), 300)] == minted
    assert [persona.cells for persona in host.anonymous_personas(Random(2), 300)] != minted


def test_unexplained_columns_follow_the_facts() -> None:
    risk = ["high" if row[5] == city().rows[0][5] else "low" for row in city().rows]
    late = [row[1] is None for row in city().rows]
    rows = tuple((*row, r, x) for row, r, x in zip(city().rows, risk, late, strict=True))
    table = Table((*city().header, "风险", "未产"), rows)
    host = fit(table, recognise(table), "CN")
    for persona in host.personas(Random(1), [f"+861200000{i:04}" for i in range(40)]):
        assert (persona.cells[-2] == "high") == (persona.cells[5] == city().rows[0][5])
        assert persona.cells[-1] == (persona.cells[1] is None)


def test_a_table_of_common_combinations_may_repeat_them() -> None:
    cells = [("n", "y")[i % 7 == 0] for i in range(100)]
    rows = Sequential([cells, cells]).draw(np.random.default_rng(1), [], 50)
    assert Counter(rows).keys() == {("n", "n"), ("y", "y")}


def test_a_table_whose_rows_all_come_out_again_has_no_room() -> None:
    cells = [str(i) for i in range(30)]
    with pytest.raises(CanaryError, match="no room"):
        Sequential([cells]).draw(np.random.default_rng(1), [], 5)


@pytest.mark.parametrize(
    ("cells", "anonymous", "issued"),
    [
        ([f"F2026-{i:04}" for i in range(60)], False, True),
        ([1000 + 2 * i for i in range(60)], False, True),
        ([7_000_003 * (i + 1) % 9_000_000 + 1_000_000 for i in range(60)], True, True),
        ([7_000_003 * (i + 1) % 9_000_000 + 1_000_000 for i in range(60)], False, False),
        ([f"44030619900101{i:04}" for i in range(60)], True, False),
        ([f"138{i:08}" for i in range(60)], True, False),
        ([f"{i:03}-45-{i:04}" for i in range(60)], True, False),
        ([f"seen twice, {'x' * i}" for i in range(60)], True, False),
    ],
)
def test_only_codes_that_can_be_nobodys_number_are_made_up(cells: list[Cell], anonymous: bool, issued: bool) -> None:
    codes = codes_of(cells, anonymous)
    assert (codes is not None) == issued
    if codes:
        drawn = codes.draw(Random(1), 40)
        assert (
            len(set(drawn)) == 40 and not set(drawn) & set(cells) and {type(cell) for cell in drawn} == {type(cells[0])}
        )


def test_a_continuous_column_stays_missing_where_its_donor_is() -> None:
    rng = np.random.default_rng(3)
    weights = [f"{w:.2f}" if rng.random() < 0.6 else None for w in rng.normal(60, 9, 400)]
    rows = Sequential([weights, [f"g{i % 5}" for i in range(400)]]).draw(rng, [], 300)
    assert {type(weight) for weight, _ in rows} == {str, type(None)}
    assert 0.3 < sum(weight is None for weight, _ in rows) / 300 < 0.5
