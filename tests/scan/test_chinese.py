"""Names in traditional characters, by their sound or misspelled, and rounded numbers: hers, with a second fact."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mint.facts import Fact
from canary.scan import chinese
from canary.scan.needles import Kind
from canary.scan.text import plain, plain_all
from canary.store.finds import Sought
from tests.scan.people import found, scanned

FACTS = {
    Fact.NAME: "陈雅婷",
    Fact.PHONE: "13812345678",
    Fact.ADDRESS: "龙岗区布吉街道12巷34号567",
    Fact.HOSPITAL: "罗湖妇幼医院",
    Fact.DUE_DATE: date(2026, 3, 5),
}
HER = [Sought(1, "C1", "j", ("j",), "N1", "+8613812345678", True, FACTS)]


def kinds(line: str, encoding: str = "utf-8") -> tuple[Kind, ...]:
    others = "王小明,13900000000,2026-03-05\n"
    part = scanned((others + line + "\n" + others).encode(encoding), HER)
    assert set(found(part)) <= {2}
    return next((by for match in part.matches for by in match.by.values()), ())


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "utf-16"])
def test_traditional_characters_are_hers(encoding: str) -> None:
    assert kinds("陳雅婷,2026-03-05", encoding) == (Kind.NAME_DUE,)
    assert kinds("陳雅婷,龍崗區布吉街道12巷34號567") == (Kind.NAME_ADDRESS,)


@pytest.mark.parametrize(("simple", "forms"), [("艳", "艷豔"), ("范", "范範"), ("婷", "婷")])
def test_traditional_forms_are_all_that_are_in_use(simple: str, forms: str) -> None:
    assert chinese.written_forms(simple) == {simple, *forms}


SOUNDS = [
    "Chen Yating",
    "CHEN YATING",
    "Yating Chen",
    "chenyating",
    "ChenYaTing",
    "YaTing Chen",
    "yATING cHEN",
    "Chen Ya-Ting",
    "YATING, CHEN Yating",
]


@pytest.mark.parametrize("sound", SOUNDS)
def test_a_sound_with_the_due_date_is_hers(sound: str) -> None:
    assert kinds(f"{sound},2026-03-05") == (Kind.PINYIN,)


@pytest.mark.parametrize("sound", ["chén yǎtíng", "Chen Ya Ting", "Chen Yating"])
def test_a_sound_with_a_masked_number_is_hers(sound: str) -> None:
    assert kinds(f"{sound},138****5678") == (Kind.MASKED,)


@pytest.mark.parametrize("name", ["陈雅亭", "陈雅娟", "陳雅亭"])
def test_a_misspelled_name_is_hers_with_a_masked_number_and_the_due_date(name: str) -> None:
    assert kinds(f"{name},138****5678,2026-03-05") == (Kind.MASKED,)


@pytest.mark.parametrize("rounded", ["1.3812E+10", "1.38123e10", "1.381235E+10"])
def test_a_rounded_number_is_hers_with_the_name(rounded: str) -> None:
    assert (Kind.ROUNDED in kinds(f"陈雅婷,{rounded}")) == ("+" in rounded)


NOBODY = [
    "陳雅婷,2026-03-06",
    "Chen Yating,2026-03-06",
    "Li Yating,2026-03-05",
    "Chen Yatin,2026-03-05",
    "陈雅亭,2026-03-05",
    "陈雅婷,1.38E+10",
    "陈雅婷,1.3813E+10",
    "李雅婷,1.3812E+10",
]


@pytest.mark.parametrize("line", NOBODY)
def test_what_only_resembles_is_nobody(line: str) -> None:
    assert kinds(line) == ()


@pytest.mark.parametrize("line", ["陈雅亭,138****5678", "李雅婷,138****5678,2026-03-05"])
def test_what_resembles_is_hers_where_so_few_rows_and_personas_make_chance_unlikely(line: str) -> None:
    assert kinds(line) == (Kind.ALIKE,)


def test_readings_with_an_umlaut_are_spelled_as_passports_do() -> None:
    assert {"lvyating", "luyating", "lyuyating"} <= chinese.sounds("吕雅婷")


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=4))
def test_every_written_form_is_simplified_to_the_same(word: str) -> None:
    plain = chinese.simplified(chinese.simplified(word))
    assert {chinese.simplified(form) for form in chinese.written_forms(plain)} == {chinese.simplified(plain)}


def test_a_name_planted_in_rare_characters_is_found_as_it_was_planted() -> None:
    her = replace(HER[0], facts={**FACTS, Fact.NAME: "陳豔后"})
    assert found(scanned("陳豔后,2026-03-05".encode(), [her])) == {1: 1}


@given(st.lists(st.text() | st.sampled_from(["陳麗芳 ", "ＣＨＥＮ", "ǅ", "e\u0301", "a\nb", "\u2028"])))
def test_texts_folded_together_are_those_folded_one_by_one(texts: list[str]) -> None:
    assert plain_all(texts) == [plain(text) for text in texts]
