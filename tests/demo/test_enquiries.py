"""The invented enquiries: their shape, and that their numbers are nobody's."""

from collections import Counter
from datetime import date
from random import Random

import pytest

from canary.demo.enquiries import CITIES, CITY, HEADER, LINE, LINES, NAME, PHONE, TOPIC, enquiries
from canary.mint.columns import recognise
from canary.mint.facts import Fact, Table
from canary.mint.ruled import RuledHost
from tests.mint.test_profiles import profile

UNTIL = date(2026, 6, 5)


@pytest.fixture(scope="module")
def table() -> Table:
    return enquiries(Random(1), 2000, UNTIL)


def test_enquiries_are_in_order_and_ring_at_nobodys(table: Table) -> None:
    days = [row[HEADER.index("咨询日期")] for row in table.rows]
    assert days == sorted(days) and max(days) < UNTIL  # type: ignore[type-var]
    assert len({row[PHONE] for row in table.rows}) == 2000
    assert all(str(row[PHONE]).startswith("12") and len(str(row[PHONE])) == 11 for row in table.rows)


def test_topics_belong_to_their_line_and_cities_come_by_size(table: Table) -> None:
    assert all(row[TOPIC] in LINES[str(row[LINE])] for row in table.rows)
    assert [city for city, _ in Counter(row[CITY] for row in table.rows).most_common()] == list(CITIES)
    titled = sum(str(row[NAME])[1:] in ("先生", "女士", "小姐") for row in table.rows)
    assert 0.3 < titled / 2000 < 0.4


@pytest.mark.parametrize("name", ["", "enquiry-zh"])
def test_canaries_among_enquiries_are_enquiries(table: Table, name: str) -> None:
    terms = profile("enquiry-zh")
    columns = recognise(table, terms if name else None)
    assert columns == {Fact.NAME: NAME, Fact.PHONE: PHONE, Fact.ENQUIRY_TOPIC: TOPIC}
    for persona in RuledHost(table, columns, terms).personas(Random(1), [f"+8612{n:09}" for n in range(50)]):
        assert persona.facts[Fact.ENQUIRY_TOPIC] in LINES[str(persona.cells[LINE])]
        assert None not in persona.cells


def test_same_seed_same_enquiries() -> None:
    assert enquiries(Random(5), 50, UNTIL) == enquiries(Random(5), 50, UNTIL)
