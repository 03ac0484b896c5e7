"""The shipped profiles on small invented tables: what they recognise, the rules they keep, what they never issue."""

import csv
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.cli.main import cli
from canary.errors import CanaryError
from canary.mint.claims import within_one_edit
from canary.mint.columns import Profile, places, recognise
from canary.mint.facts import Cell, Fact, Persona, Table
from canary.mint.keeping import bind, naegele
from canary.mint.ruled import RuledHost
from tests.mint.records import HANDBOOK, TABLES, ZH, home, person, phone, years, zh_row

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
BIRTH = slice(6, 14)


def profile(name: str) -> Profile:
    return Profile.from_mapping(tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8")))


def named(table: Table, personas: list[Persona], shipped: Profile) -> Iterator[dict[str, Cell]]:
    found = places(table, shipped)
    for persona in personas:
        yield {name: persona.cells[column] for name, column in found.items()}


def mint(table: Table, shipped: Profile, count: int = 20, seed: int = 1) -> list[Persona]:
    host = RuledHost(table, recognise(table, shipped), shipped)
    code = {"CN": "+8612", "GB": "+4477"}[shipped.country]
    return host.personas(Random(seed), [f"{code}{n:0{9 if code == '+8612' else 8}}" for n in range(count)])


FACTS = {
    "maternal-zh": "name phone address hospital due_date infant_birth_date hukou",
    "maternal-en": "name phone address due_date running_number birth_date",
    "prenatal-handbook-zh": "name phone address hospital due_date infant_birth_date resident_id birth_date",
    "enquiry-zh": "name phone enquiry_topic",
    "psychiatric-zh": "name phone address hospital resident_id running_number birth_date",
    "research-extract": "",
}
PHONED = sorted(TABLES.keys() - {"research-extract"})


def test_every_shipped_profile_has_a_table_here() -> None:
    assert {path.stem for path in PROFILES.glob("*.toml")} == set(TABLES)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_profile_recognises_its_table_and_every_rule_it_can(name: str) -> None:
    shipped, host = profile(name), TABLES[name]
    assert recognise(host, shipped).keys() == {Fact(fact) for fact in FACTS[name].split()}
    found = places(host, shipped)
    asked = [rule for rule in shipped.rules if all(column in found for column in rule.columns)]
    asked = [rule for rule in asked if rule.kind not in ("names", "unique")]
    assert [bound.rule for bound in bind(shipped.rules, found, host)] == asked
    assert asked


@pytest.mark.parametrize("name", PHONED)
def test_personas_keep_every_rule_their_host_keeps(name: str) -> None:
    shipped, host = profile(name), TABLES[name]
    rules = bind(shipped.rules, places(host, shipped), host)
    for persona in mint(host, shipped):
        assert [bound.rule.text for bound in rules if bound.kept(persona.cells) is False] == []
        assert {type(cell) for cell in persona.cells} <= {type(cell) for row in host.rows for cell in row} | {
            type(None)
        }


def test_a_handbook_record_is_what_its_form_makes_of_it() -> None:
    shipped, host = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    for cells in named(host, mint(host, shipped), shipped):
        lmp, visit, born = cells["lmp"], cells["visit_date"], cells["birth_date"]
        assert isinstance(lmp, date) and isinstance(visit, date) and isinstance(born, date)
        assert naegele(lmp) == cells["due_date"]
        assert cells["week"] == f"{(visit - lmp).days // 7}+{(visit - lmp).days % 7}"
        assert cells["age"] == years(visit, born)
        assert cells["bmi"] == round(cells["weight"] / (cells["height"] / 100) ** 2, 1)  # type: ignore[operator]
        assert cells["gravidity"] >= cells["parity"] + 1  # type: ignore[operator]
        if cells["infant_birth_date"] is None:
            assert cells["delivery_mode"] is cells["birth_weight"] is None
        else:
            assert (cells["infant_birth_date"] - lmp).days < 315  # type: ignore[operator]


def test_a_handbook_record_shows_no_number_of_a_person() -> None:
    shipped, host = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    real = {row[HANDBOOK.index("丈夫姓名")] for row in host.rows}
    husbands = []
    for cells in named(host, mint(host, shipped), shipped):
        assert cells["husband_id"] is cells["husband_phone"] is cells["birth_certificate"] is None
        masked = str(cells["resident_id"])
        assert masked.startswith("4403**********") and masked[14:].isdecimal() and len(masked) == 16
        husbands.append(cells["husband_name"])
    assert sum(name in real for name in husbands) < 6


def test_a_masked_id_shows_the_personas_own_birth_date() -> None:
    shipped, host = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    at = HANDBOOK.index("身份证号")
    shown = tuple((*r[:at], f"440306{r[2]:%Y%m%d}***{i % 10}", *r[at + 1 :]) for i, r in enumerate(host.rows))
    for cells in named(host, mint(Table(host.header, shown), shipped), shipped):
        assert str(cells["resident_id"])[BIRTH] == f"{cells['birth_date']:%Y%m%d}"


def test_birth_dates_are_the_hosts_but_never_beside_a_real_womans_name() -> None:
    shipped, host = profile("psychiatric-zh"), TABLES["psychiatric-zh"]
    known = {str(row[3]) for row in host.rows}
    personas = mint(host, shipped)
    for persona in personas:
        born = persona.facts[Fact.BIRTH_DATE]
        assert isinstance(born, date) and born.isoformat() == persona.cells[3] and persona.cells[3] in known
        assert not any(within_one_edit(f"{persona.cells[1]}{persona.cells[3]}", f"{r[1]}{r[3]}") for r in host.rows)
    assert [p.cells[0] for p in personas] == list(range(61, 81))
    assert len({p.cells[3] for p in personas}) > 12


def test_an_enquiry_keeps_its_topic_as_a_fact() -> None:
    shipped, host = profile("enquiry-zh"), TABLES["enquiry-zh"]
    personas = mint(host, shipped)
    assert {p.facts[Fact.ENQUIRY_TOPIC] for p in personas} == {"双眼皮", "隆鼻", "前列腺", "月经不调"}
    assert all(p.facts[Fact.ENQUIRY_TOPIC] == p.cells[4] and p.cells[3] is None for p in personas)


def test_corrected_due_dates_come_as_often_as_the_hosts() -> None:
    shipped = profile("maternal-zh")
    rows = [zh_row(Random(n), n) for n in range(1, 401)]
    corrected = [(*r[:6], r[6] + timedelta(5 if n % 4 == 0 else 0), *r[7:]) for n, r in enumerate(rows)]  # type: ignore[operator]
    host = Table(ZH, tuple(corrected))
    personas = mint(host, shipped, 300)
    gaps = Counter((c["due_date"] - c["lmp"]).days for c in named(host, personas, shipped))  # type: ignore[operator]
    assert 0.15 < 1 - gaps[280] / 300 < 0.36


def test_same_seed_same_personas_under_rules() -> None:
    shipped, host = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    assert mint(host, shipped, 20, 3) == mint(host, shipped, 20, 3) != mint(host, shipped, 20, 4)


@pytest.mark.parametrize("name", PHONED)
def test_rules_hold_in_a_file_of_text_too(name: str, tmp_path: Path) -> None:
    shipped, host, source = profile(name), TABLES[name], tmp_path / "host.csv"
    with source.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([host.header, *(["" if c is None else c for c in row] for row in host.rows)])
    target = tmp_path / "out.csv"
    arguments = ["mint", str(source), "--count", "20", "-o", str(target), "--seed", "1"]
    done = CliRunner().invoke(cli, [*arguments, "--profile", str(PROFILES / f"{name}.toml")])
    assert done.exit_code == 0, done.output
    rules = bind(shipped.rules, places(host, shipped), host)
    with target.open(encoding="utf-8", newline="") as handle:
        rows = [tuple(cell or None for cell in row) for row in csv.reader(handle)][1:]
    assert len(rows) == 20
    assert [bound.rule.text for row in rows for bound in rules if bound.kept(row) is False] == []


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), rows=st.integers(20, 60))
def test_rules_hold_whatever_the_draw(seed: int, rows: int) -> None:
    shipped, whole = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    host = Table(whole.header, tuple(Random(seed).sample(whole.rows, rows)))
    rules = bind(shipped.rules, places(host, shipped), host)
    for persona in mint(host, shipped, 10, seed):
        assert [bound.rule.text for bound in rules if bound.kept(persona.cells) is False] == []
        assert persona.facts[Fact.BIRTH_DATE] == persona.cells[HANDBOOK.index("出生日期")]


def test_what_is_never_issued_stands_masked_where_the_host_masks_it() -> None:
    shipped, whole = profile("prenatal-handbook-zh"), TABLES["prenatal-handbook-zh"]
    at = HANDBOOK.index("丈夫电话")
    rows = tuple((*r[:at], f"{str(r[at])[:3]}****{str(r[at])[-4:]}", *r[at + 1 :]) for r in whole.rows)
    shown = {str(p.cells[at]) for p in mint(Table(whole.header, rows), shipped)}
    assert all(text.startswith("129****") and len(text) == 11 for text in shown) and len(shown) > 12


def test_numbers_stay_whole_and_unique_when_personas_are_minted_again() -> None:
    """Onset in the year after birth: a birth date drawn anew breaks the order for every other woman."""
    terms = Profile.from_mapping(
        {
            "headers": {"birth_date": ["出生日期"]},
            "columns": {"onset": ["发病"], "card": ["卡号"]},
            "rules": {"order": ["birth_date < onset"], "unique": ["card"]},
        }
    )
    rng = Random(3)
    born = [date(1980, 1, 1) + timedelta(45 * n) for n in range(80)]
    women = [(n, person(rng), phone(n), home(rng)) for n in range(1, 81)]
    rows = [(*woman, day, date(day.year + 1, 1, 1), 2 * woman[0]) for woman, day in zip(women, born, strict=True)]
    host = Table(("序号", "姓名", "电话", "住址", "出生日期", "发病", "卡号"), tuple(rows))
    personas = mint(host, terms, 30)
    assert sorted(int(str(p.cells[0])) for p in personas) == list(range(81, 111))
    assert [p.facts[Fact.RUNNING_NUMBER] for p in personas] == [p.cells[0] for p in personas]
    cards = {p.cells[6] for p in personas}
    assert len(cards) == 30 and not cards & {row[6] for row in rows}
    assert all(p.cells[4] < p.cells[5] for p in personas)  # type: ignore[operator]


def test_rules_that_no_persona_can_keep_are_named() -> None:
    """A second column of birth dates would have to move along, and no rule says so."""
    order = ["x <= birth_date", "birth_date <= x"]
    terms = Profile.from_mapping(
        {"headers": {"birth_date": ["born"]}, "columns": {"x": ["x"]}, "rules": {"order": order}}
    )
    born = [date(1980, 1, 1) + timedelta(9 * n) for n in range(60)]
    table = Table(("phone", "born", "x"), tuple((phone(n), day, day) for n, day in enumerate(born)))
    with pytest.raises(CanaryError, match=r"no persona keeps the rule \w+ <= \w+|the table has no room"):
        mint(table, terms, 30)


def test_a_table_without_phones_is_refused_where_personas_need_them() -> None:
    shipped, host = profile("research-extract"), TABLES["research-extract"]
    with pytest.raises(CanaryError, match="without phones cannot be seeded yet"):
        RuledHost(host, recognise(host, shipped), shipped).personas(Random(1), ["+8612000000000"])
