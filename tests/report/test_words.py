"""Both languages say the same things, and numbers are never rounded into a lie."""

import ast
import inspect
import math
import re
import string
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from canary.errors import CanaryError
from canary.listen import details, naming
from canary.listen.providers.base import Channel
from canary.listen.triage import Heard, base_kind
from canary.mint.facts import Cell, Fact
from canary.report.words import LANGUAGES, Words

PLANTED: dict[Fact, Cell] = {
    Fact.DUE_DATE: date(2026, 3, 5),
    Fact.INFANT_BIRTH_DATE: date(2026, 4, 7),
    Fact.BIRTH_DATE: date(1995, 8, 9),
    Fact.ENQUIRY_TOPIC: "月嫂服务",
    Fact.HOSPITAL: "深圳市妇幼保健院",
    Fact.ADDRESS: "深圳市南山区阳光花园小区3栋",
}
ABROAD: dict[Fact, Cell] = {Fact.ADDRESS: "12 Willow Street, Springfield"}
SAID = "3月5日预产期,3月宝宝,4月7日出生,4月宝宝,1995-08-09,月嫂服务,深圳市妇幼保健院,阳光花园"
SOUNDED = "深圳市妇右保健院,扬光花园小区"
STREET = "the one on willow street"
TEXTS = Path(__file__).parents[2] / "benchmarks" / "texts"


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_languages_have_the_same_keys() -> None:
    en, zh = (Words(lang).templates() for lang in LANGUAGES)
    assert set(en) == set(zh)


@pytest.mark.parametrize("key", sorted(Words("en").templates()))
def test_languages_fill_the_same_places(key: str) -> None:
    en, zh = (Words(lang).templates()[key] for lang in LANGUAGES)
    assert placeholders(en) == placeholders(zh)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_said_to_be_guilty(lang: str) -> None:
    text = " ".join(Words(lang).templates().values()).lower()
    assert not [word for word in ("guilt", "culprit", "罪", "凶手", "元凶") if word in text]


def test_unknown_language_names_the_way_out() -> None:
    with pytest.raises(CanaryError, match="en, zh"):
        Words("fr")


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0.0, "<0.1 %", "<0.1%"),
        (1e-12, "<0.1 %", "<0.1%"),
        (0.00099, "<0.1 %", "<0.1%"),
        (0.001, "0.1 %", "0.1%"),
        (0.0523, "5.2 %", "5.2%"),
        (0.43, "43 %", "43%"),
        (0.9, "90 %", "90%"),
        (0.956, "95.6 %", "95.6%"),
        (0.999, "99.9 %", "99.9%"),
        (0.9991, ">99.9 %", ">99.9%"),
        (1 - 1e-17, ">99.9 %", ">99.9%"),
    ],
)
def test_probability_is_never_rounded_to_certainty(share: float, en: str, zh: str) -> None:
    assert (Words("en").percent(share), Words("zh").percent(share)) == (en, zh)


@pytest.mark.parametrize(("share", "shown"), [(0.0, "0 %"), (1.0, "100 %"), (0.9999, ">99.9 %"), (1e-9, "<0.1 %")])
def test_exact_shares_may_be_nought_or_all(share: float, shown: str) -> None:
    assert Words("en").percent(share, exact=True) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.4, "40 %"), (0.401, "41 %"), (0.29, "29 %"), (1.0, "100 %")])
def test_a_visible_leak_is_rounded_up(share: float, shown: str) -> None:
    assert Words("en").percent_up(share) == shown


@pytest.mark.parametrize(
    ("n", "en", "zh"),
    [
        (5.49, "1 in 5.4", "5.4分之一"),
        (20, "1 in 20", "20分之一"),
        (1000, "1 in 1,000", "1,000分之一"),
        (62_000, "1 in 62,000", "6.2万分之一"),
        (219_695, "1 in 219,000", "21万分之一"),
        (2_399_999, "1 in 2.3 million", "239万分之一"),
        (2.39e9, "1 in 2.3 billion", "23亿分之一"),
        (7.7e13, "1 in 77 trillion", "77万亿分之一"),
        (1e40, "1 in 1,000 trillion", "1,000万亿分之一"),
        (1.0, "none", "无"),
        (0.2, "none", "无"),
    ],
)
def test_odds_are_rounded_towards_the_accused(n: float, en: str, zh: str) -> None:
    assert (Words("en").one_in(math.log(n)), Words("zh").one_in(math.log(n))) == (en, zh)


def test_infinite_evidence_can_be_said() -> None:
    assert Words("en").one_in(math.inf) == "1 in 1,000 trillion"


def test_counts_one_and_many() -> None:
    words = Words("en")
    assert words.t("table.more", n=1) == "… and 1 more copy: cannot tell"
    assert words.t("table.more", n=1047) == "… and 1,047 more copies: cannot tell"
    assert (words.how_many(0), words.how_many(3)) == ("none", "3")


def test_days_are_written_as_the_language_does() -> None:
    assert Words("en").day(date(2026, 6, 5)) == "2026-06-05"
    assert Words("zh").day(date(2026, 6, 5)) == "2026年6月5日"
    assert Words("zh").moment(datetime(2026, 6, 5, 8, 3, tzinfo=UTC)) == "2026年6月5日 08:03 UTC"


def test_unknown_codes_stand_for_themselves() -> None:
    assert Words("zh").name("channel", "pigeon") == "pigeon"
    assert Words("zh").name("verdict", "cannot tell") == "无法判断"


@pytest.mark.parametrize(
    ("told", "zh"),
    [
        ("full name by sound", "同音全名"),
        ("surname with title, and due month", "姓氏加称呼，并有预产月份"),
        ("surname in Latin letters with title, and hospital by sound", "拉丁字母姓氏加称呼，并有同音医院名"),
        ("sold to mothers 0.93", "向产妇售卖（0.93）"),
        ("sold to mothers 0.93: formula: 20% off, and more", "向产妇售卖（0.93）：formula: 20% off, and more"),
        ("model, a part 0.88", "分类模型判断（部分内容）（0.88）"),
        ("call without words, under 20 s", "无声来电，不足20秒"),
        ("heard by a nurse", "heard by a nurse"),
    ],
)
def test_reasons_are_told_in_the_language_of_the_report(told: str, zh: str) -> None:
    assert Words("zh").reason(told) == zh
    assert Words("en").reason(told) == told


def test_every_reason_that_triage_gives_has_words() -> None:
    texts = [line for path in TEXTS.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()]
    heard = [Heard(Channel.TEXT, text, None, False) for text in texts]
    heard += [Heard(Channel.CALL, "", seconds, False) for seconds in (None, 3, 60)]
    heard += [Heard(Channel.TEXT, "", None, *known) for known in ((True, False), (False, True), (False, False))]
    reasons = {base_kind(each).reason for each in heard}
    rules = {Words("zh").reason(reason.partition(": ")[0]) for reason in reasons}
    assert len(rules) > 10 and not [rule for rule in rules if re.search("[a-z]", rule)]


def test_every_reason_that_a_name_gives_has_words() -> None:
    tree = ast.parse(inspect.getsource(naming))
    given = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words = Words("zh").templates()
    names = {text for text in given if re.fullmatch("(full |first |sur)?name( [a-zA-Z ]+)?", text)}
    assert len(names) == 11 and all(f"reason.{name.replace(' ', '_')}" in words for name in names)
    facts = set(details.used(SAID, PLANTED)) | set(details.used(SOUNDED, PLANTED)) | set(details.used(STREET, ABROAD))
    assert len(facts) == 11 and all(f"reason.{fact.replace(' ', '_')}" in words for fact in facts)
