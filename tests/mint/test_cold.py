"""Starting cold: registers of invented women where there is no table, in three countries."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from canary.cli.main import cli
from canary.errors import CanaryError
from canary.mint.cold import invented, nobodys_numbers
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Fact
from canary.mint.ruled import RuledHost
from tests.mint.test_profiles import PROFILES, profile

TODAY = date(2026, 6, 1)
ENGLISH = {fact: [fact] for fact in ("name", "phone", "address", "hospital", "due_date", "infant_birth_date")}


@pytest.mark.parametrize(
    ("country", "phone", "address", "day"),
    [
        ("CN", r"12\d{9}", r".*[区市].*", None),
        ("US", r"\([2-9]\d\d\) 555-01\d\d", r"\d+ .+, .+, [A-Z]{2} \d{5}", "%m/%d/%Y"),
        ("GB", r"07700 900\d{3}", r"\d+ .+, .+ [A-Z]\w+ \d[A-Z]{2}", "%d/%m/%Y"),
    ],
)
def test_a_cold_register_looks_like_its_country_and_rings_at_nobodys(
    country: str, phone: str, address: str, day: str | None
) -> None:
    terms = Profile.from_mapping({"name": "x", "country": country, "headers": ENGLISH})
    table = invented(Random(1), terms, 300, TODAY)
    assert table.header == tuple(ENGLISH) and len(table.rows) == 300
    assert len({row[1] for row in table.rows}) == 300
    for row in table.rows:
        assert re.fullmatch(phone, str(row[1])) and re.fullmatch(address, str(row[2]))
        due, birth = (datetime.strptime(str(c), day).date() if day and c else c for c in row[4:6])
        assert isinstance(due, date) and abs(due - TODAY) <= timedelta(180)
        assert birth is None or (isinstance(birth, date) and birth <= TODAY and birth <= due + timedelta(7))
    assert 0.2 < sum(row[5] is not None for row in table.rows) / 300 < 0.5
    assert invented(Random(1), terms, 300, TODAY) == table != invented(Random(2), terms, 300, TODAY)


def test_american_names_come_as_often_as_people_bear_them() -> None:
    terms = Profile.from_mapping({"country": "US", "headers": ENGLISH})
    last = [str(row[0]).split()[-1] for row in invented(Random(1), terms, 2000, TODAY).rows]
    assert last.count("Smith") > last.count("Schmidt") + 5


@pytest.mark.parametrize("name", ["maternal-zh", "maternal-en", "prenatal-handbook-zh"])
def test_a_cold_register_can_be_fitted_by_its_own_profile_and_shows_no_id(name: str) -> None:
    shipped = profile(name)
    table = invented(Random(1), shipped, 120, TODAY)
    columns = recognise(table, shipped)
    assert {Fact.NAME, Fact.PHONE, Fact.DUE_DATE, Fact.BIRTH_DATE} <= columns.keys()
    assert {row[columns[Fact.RESIDENT_ID]] for row in table.rows} == {None}
    numbers = nobodys_numbers(Random(2), shipped.country, 5)
    assert len(RuledHost(table, columns, shipped).personas(Random(2), numbers)) == 5


@pytest.mark.parametrize("name", ["enquiry-zh", "psychiatric-zh", "research-extract"])
def test_only_maternal_profiles_start_cold(name: str) -> None:
    with pytest.raises(CanaryError, match=r"not maternal.*IN_FILE"):
        invented(Random(1), profile(name), 20, TODAY)


def test_a_country_without_facts_or_numbers_says_so() -> None:
    with pytest.raises(CanaryError, match="no facts are shipped for the country AU"):
        invented(Random(1), Profile.from_mapping({"country": "AU", "headers": ENGLISH}), 20, TODAY)
    with pytest.raises(CanaryError, match="GB has 1,000 numbers that ring at nobody's"):
        nobodys_numbers(Random(1), "GB", 1001)


def test_mint_without_a_table_writes_the_profiles_columns(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    arguments = ["mint", "--count", "5", "-o", str(target), "--seed", "1"]
    done = CliRunner().invoke(cli, [*arguments, "--profile", str(PROFILES / "maternal-zh.toml")])
    assert done.exit_code == 0, done.output
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("姓名,联系电话,") and len(lines) == 6
    refused = CliRunner().invoke(cli, arguments)
    assert refused.exit_code == 2 and "give IN_FILE, or a --profile" in refused.output
