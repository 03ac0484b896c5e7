"""Header recognition: what is known, what is refused, and what a profile changes."""

import tomllib
from pathlib import Path

import pytest

from canary.errors import CanaryError
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Fact, Table

PROFILES = Path(__file__).parents[2] / "config" / "profiles"


def table(*header: str, **cells: object) -> Table:
    row = tuple(cells.get(text, "13800138000") for text in header)
    return Table(header, (row,) * 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "fact"),
    [
        ("姓名", Fact.NAME),
        ("孕妇姓名", Fact.NAME),
        (" Patient_Name ", Fact.NAME),
        ("Mother’s name", Fact.NAME),
        ("家庭住址", Fact.ADDRESS),
        ("现住址", Fact.ADDRESS),
        ("ADDRESS", Fact.ADDRESS),
        ("就诊医院", Fact.HOSPITAL),
        ("建册医院", Fact.HOSPITAL),
        ("预产期", Fact.DUE_DATE),
        ("EDD", Fact.DUE_DATE),
        ("Due Date", Fact.DUE_DATE),
        ("出生日期（婴儿）", Fact.INFANT_BIRTH_DATE),
        ("出生日期(婴儿)", Fact.INFANT_BIRTH_DATE),
        ("婴儿出生日期", Fact.INFANT_BIRTH_DATE),
        ("Infant Birth Date", Fact.INFANT_BIRTH_DATE),
        ("户口性质", Fact.HUKOU),
        ("身份证号", Fact.RESIDENT_ID),
        ("序号", Fact.RUNNING_NUMBER),
        ("No.", Fact.RUNNING_NUMBER),
    ],
)
def test_headers_in_two_languages(header: str, fact: Fact) -> None:
    assert recognise(table("x", "电话", header)) == {Fact.PHONE: 1, fact: 2}


@pytest.mark.parametrize("header", ["联系电话", "手机", "电话", "phone", "Mobile", "PHONE NUMBER", "联系 电话"])
def test_phone_headers(header: str) -> None:
    assert recognise(table(header)) == {Fact.PHONE: 0}


def test_a_table_without_phones_is_refused() -> None:
    with pytest.raises(CanaryError, match=r"no phone column among '姓名', 'x'.*config/profiles"):
        recognise(table("姓名", "x"))


def test_two_columns_for_one_fact_are_refused() -> None:
    with pytest.raises(CanaryError, match="'手机' and '联系电话' could both be the phone"):
        recognise(table("手机", "姓名", "联系电话"))


@pytest.mark.parametrize("cell", ["深圳市", "2026-03-01", "20260301", 36.5, "12345", True])
def test_a_phone_column_of_something_else_is_refused(cell: object) -> None:
    with pytest.raises(CanaryError, match="column 'Phone' does not hold telephone numbers: row 2 is"):
        recognise(table("Phone", Phone=cell))


@pytest.mark.parametrize("cell", [13800138000, 13800138000.0, "+86 138-0013-8000", "(020) 7946 0018", None, " "])
def test_phone_cells(cell: object) -> None:
    assert recognise(table("Phone", Phone=cell)) == {Fact.PHONE: 0}


def test_a_profile_settles_an_ambiguity_and_adds_a_header() -> None:
    profile = Profile.from_mapping({"headers": {"phone": ["手机"], "name": "产妇"}, "country": "CN"})
    assert recognise(table("手机", "产妇", "联系电话"), profile) == {Fact.NAME: 1, Fact.PHONE: 0}


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"colour": "red"}, "unknown profile key 'colour'"),
        ({"headers": {"shoe_size": ["x"]}}, "unknown fact 'shoe_size'"),
        ({"headers": ["phone"]}, "'headers' must be a table"),
        ({"headers": {"phone": 3}}, "'phone' must be a text or a list"),
        ({"never_issue": ["shoe_size"]}, "unknown fact"),
        ({"country": "China"}, "two capital letters"),
    ],
)
def test_a_wrong_profile_is_refused(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(CanaryError, match=message):
        Profile.from_mapping(mapping)


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_profiles_load(path: Path) -> None:
    profile = Profile.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    assert profile.name == path.stem
    assert bool(profile.headers[Fact.PHONE]) is profile.phones
    assert Fact.RESIDENT_ID in profile.never_issue


def test_a_profile_may_say_that_there_are_no_phones() -> None:
    profile = Profile.from_mapping({"phones": False})
    assert recognise(table("age", "姓名"), profile) == {Fact.NAME: 1}
    with pytest.raises(CanaryError, match="'电话' holds phones and the profile says there are none"):
        recognise(table("姓名", "电话"), profile)
    with pytest.raises(CanaryError, match="'phones' must be true or false"):
        Profile.from_mapping({"phones": "no"})
