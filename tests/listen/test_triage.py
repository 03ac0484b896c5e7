"""Kinds from words alone: what may never be mistaken, and how often the rest is."""

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.listen.kinds import Kind
from canary.listen.providers.base import Channel
from canary.listen.triage import Heard, base_kind
from canary.listen.wording import phrases

TEXTS = tomllib.loads((Path(__file__).parent / "texts.toml").read_text(encoding="utf-8"))


def kind(text: str, channel: Channel = Channel.TEXT, duration: int | None = None) -> Kind:
    return base_kind(Heard(channel, text, duration, allowed=False)).kind


def confusion(language: str) -> Counter[tuple[str, str]]:
    return Counter((true, str(kind(text))) for true, texts in TEXTS[language].items() for text in texts)


@pytest.mark.parametrize(("language", "texts"), [("zh", 60), ("en", 40)])
def test_table_of_realistic_texts(language: str, texts: int) -> None:
    counts = confusion(language)
    assert counts.total() >= texts
    false_maternal = sum(n for (true, given), n in counts.items() if given == "maternal" != true)
    maternal = sum(n for (true, _), n in counts.items() if true == "maternal")
    right = sum(n for (true, given), n in counts.items() if true == given)
    assert false_maternal == 0, counts
    assert counts["maternal", "maternal"] / maternal >= 0.95, counts
    assert right / counts.total() >= 0.95, counts


@pytest.mark.parametrize(
    "text",
    [
        *("奶 粉", "奶.粉", "奶*粉", "奶🍼粉", "奶\u200b粉", "奶-粉", "嬰兒奶粉", "ＢＡＢＹ　ＦＯＲＭＵＬＡ"),
        *("new-born photos", "New Born photos", "a nanny’s help"),
    ],
)
def test_hidden_words_are_found(text: str) -> None:
    assert kind(text) is Kind.MATERNAL


@pytest.mark.parametrize(
    "text", ["买牛奶，粉丝也要", "【牛奶】粉丝见面会", "nannyberry pie", "a pramble", "uniform ulaanbaatar"]
)
def test_words_do_not_reach_across(text: str) -> None:
    assert kind(text) is Kind.OTHER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("【飞鹤】验证码 7731，奶粉试用", Kind.SERVICE),
        ("Your Similac code is 7731, enjoy baby formula", Kind.MATERNAL),
        ("Your code is 7731. Similac", Kind.SERVICE),
        ("Use code BABY20 for infant formula", Kind.MATERNAL),
        ("Use promo code 20250 for infant formula", Kind.MATERNAL),
        ("凭优惠码 123456 购奶粉立减", Kind.MATERNAL),
        ("无需验证码，奶粉直接领，电话13800138000", Kind.MATERNAL),
    ],
)
def test_a_code_is_service_and_a_coupon_is_not(text: str, expected: Kind) -> None:
    assert kind(text) is expected


@pytest.mark.parametrize(
    ("channel", "duration", "expected"),
    [
        (Channel.CALL, None, Kind.SILENT),
        (Channel.CALL, 0, Kind.SILENT),
        (Channel.CALL, 19, Kind.SILENT),
        (Channel.CALL, 20, Kind.OTHER),
        (Channel.TEXT, None, Kind.OTHER),
        (Channel.SIGHTING, None, Kind.OTHER),
    ],
)
def test_without_words(channel: Channel, duration: int | None, expected: Kind) -> None:
    assert kind(" \n", channel, duration) is expected


def test_the_allow_list_comes_first() -> None:
    triage = base_kind(Heard(Channel.TEXT, "奶粉", None, allowed=True))
    assert triage.kind is Kind.AUTHORISED and "allow-list" in triage.reason


def test_reason_names_rule_and_phrase() -> None:
    assert base_kind(Heard(Channel.TEXT, "进口奶粉特价", None, allowed=False)).reason == "sold to mothers: 奶粉"


@given(st.text())
def test_any_text_has_a_kind_that_is_never_named(text: str) -> None:
    assert kind(text) is not Kind.NAMED


def test_phrase_files_are_in_the_plain_form_they_are_matched_in() -> None:
    for language in ("zh", "en"):
        for name, listed in phrases(language).items():
            assert len(set(listed)) == len(listed), f"{language}.{name} repeats a phrase"
            assert all(phrase == phrase.lower().strip() for phrase in listed)


def test_a_huge_text_is_cut() -> None:
    assert kind("x" * 1_000_000 + "奶粉") is Kind.OTHER
