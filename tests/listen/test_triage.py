"""Kinds from words alone: what may never be mistaken, and how often the rest is."""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.listen.kinds import Kind
from canary.listen.providers.base import Channel
from canary.listen.triage import Heard, base_kind
from canary.listen.wording import Text, phrases, plain

ROOT = Path(__file__).parents[2]
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
        *("new-born photos", "New Born photos", "a breast pump’s", "b\u200ba\u00adby for\ufe0fmula"),
    ],
)
def test_hidden_words_are_found(text: str) -> None:
    assert Text(text).first("products")


@pytest.mark.parametrize(
    "text",
    [
        *("奶 粉 特 价，上门送货", "nai fen te jia, shang men song huo", "yuesao yuyingsao shangmen", "嬰兒奶粉特價"),
        *("您好，我们是月子会锁的，想邀请您来参观", "台毛笔上门做，免费", "Free diapers for new moms, claim yours"),
    ],
)
def test_sellers_are_known_however_they_spell(text: str) -> None:
    assert kind(text) is Kind.MATERNAL


@pytest.mark.parametrize(
    "text",
    [
        *(
            "老公，奶粉没了，下班带一罐",
            "我妈来伺候月子，你们别担心",
            "月嫂明天走，我请了两天假",
            "他们家满月酒你去不去",
        ),
        *("娃又把尿不湿扯掉了，我快疯了", "姐，你那个吸奶器还用吗，借我两天", "喂，我订的月子餐今天怎么还没到"),
        *("can you grab diapers and formula on your way home", "my sister's baby shower is on Sunday, wear blue"),
        *("【妇幼保健院】您预约的产检在周三上午，请带医保卡", "Reminder: your prenatal visit is on Monday"),
    ],
)
def test_who_speaks_of_babies_sells_nothing_by_that(text: str) -> None:
    assert kind(text) is not Kind.MATERNAL


SALE = "我们是月子会所的，现在预订送产后修复，想邀请您来参观"
SALE_EN = "Newborn photo sessions at your home, book now and save 30 percent"


@pytest.mark.parametrize(
    "text",
    [
        *(f"您的验证码是123456。{SALE}", f"您的验证码是123456，{SALE}", f"动态码：6631 {SALE}"),
        *(f"【平台】验证码 884213，5分钟内有效，请勿泄露。{SALE}", f"{SALE}。您的验证码是123456"),
        *(f"Your code is 123456. {SALE_EN}", f"{SALE_EN}. 491020 is your code"),
        *(f"妈，我晚点回家，不用等我吃饭。{SALE}", f"提醒：周五晚上同学聚会！{SALE}"),
        *(f"{SALE}。姐，昨天的饭钱我转你了", f"Hey, I'm running late, see you at eight. {SALE_EN}"),
        *(f"您的验证码是123456。{SALE}。妈，我晚点回家", "妈，我晚点回家。" * 200 + SALE),
    ],
)
def test_no_seller_hides_behind_a_code_or_a_kind_word(text: str) -> None:
    assert kind(text) is Kind.MATERNAL


@pytest.mark.parametrize(
    "text",
    [
        *(
            "【美赞臣】您的验证码为 482913，5分钟内有效，请勿泄露。",
            "您的奶粉到了，取件码 88213176。请在24小时内取走。",
        ),
        "【宝宝树】您的登录验证码为883201。宝宝树，陪伴每个妈妈。",
        "Your Similac Rewards verification code is 889120. It expires in 10 minutes.",
        "【妇幼保健院】您预约的产检在周三上午九点。请带医保卡。",
        "Your order of newborn diapers has shipped. It arrives on Tuesday.",
        *("老公，奶粉快没了。超市今天打折，你下班带两罐。", "我在排队打疫苗。前面还有二十个人。等下去早教班接老大。"),
        "She had the baby last night! Seven pounds, everyone is fine.",
        "您的验证码是123456。宝宝今天会叫爸爸了，我发视频给你看",
    ],
)
def test_codes_notices_and_personal_texts_of_several_sentences_stay_what_they_are(text: str) -> None:
    assert kind(text) is not Kind.MATERNAL


@pytest.mark.parametrize("marks", ["1234567890", "，。！", "abxy", "·1，", ("12", "34"), (" 1", "2 ")], ids=str)
def test_what_stands_between_all_characters_hides_none(marks: Sequence[str]) -> None:
    hidden = "".join(c + marks[i % len(marks)] for i, c in enumerate("进口奶粉特价需要的加我送货上门"))
    assert plain(hidden[: -len(marks[14 % len(marks)])]) == "进口奶粉特价需要的加我送货上门"


@pytest.mark.parametrize(
    "text",
    [
        *("奶粉3罐100元，满199送湿巾，12月5日止", "1、奶粉；2、湿巾；3、尿布", "住5栋3单元，到了打电话"),
        "剪68元，染98元，烫128元，3月8日止",
    ],
)
def test_numbers_and_clauses_of_ordinary_texts_stay(text: str) -> None:
    assert plain(text) == unicodedata.normalize("NFKC", text)


def test_accents_and_tones_are_read_over() -> None:
    assert plain("Wáng nǚshì, f̶o̶r̶mula") == "wang nushi, formula"


def test_the_shipped_weights_are_those_of_our_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    training, texts = import_module("train_triage"), import_module("triage_texts")
    written = texts.written()
    anew = training.train(written)
    heard = [Heard(Channel.TEXT, sample.text, None, allowed=False) for sample in written[::5]]
    same = sum(base_kind(one, anew).kind is base_kind(one).kind for one in heard)
    assert same >= 0.99 * len(heard), "run benchmarks/train_triage.py"


def test_nothing_that_is_held_out_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    texts = import_module("triage_texts")
    kept = {sample.text for sample in [*texts.held_out(), *texts.held_out_others(), *texts.longer()]}
    assert len(kept) == 476 and kept.isdisjoint(sample.text for sample in texts.written())


@pytest.mark.parametrize(
    "text", ["买牛奶，粉丝也要", "【牛奶】粉丝见面会", "nannyberry pie", "a pramble", "uniform ulaanbaatar"]
)
def test_words_do_not_reach_across(text: str) -> None:
    assert kind(text) is Kind.OTHER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("【飞鹤】验证码 7731，奶粉试用", Kind.SERVICE),
        ("Your Similac code is 7731, enjoy baby formula", Kind.SERVICE),
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
    told = base_kind(Heard(Channel.TEXT, "进口奶粉特价", None, allowed=False)).reason
    assert re.fullmatch(r"sold to mothers 0\.\d\d: 奶粉", told)


@given(st.text())
def test_any_text_has_a_kind_that_is_never_named(text: str) -> None:
    assert kind(text) is not Kind.NAMED


def test_phrase_files_are_in_the_plain_form_they_are_matched_in() -> None:
    for language in ("zh", "en"):
        for name, listed in phrases(language).items():
            assert len(set(listed)) == len(listed), f"{language}.{name} repeats a phrase"
            assert all(phrase == phrase.lower().strip() for phrase in listed)


def test_what_takes_no_room_pushes_no_word_out_of_sight() -> None:
    assert Text("\u200b" * 50_000 + "奶粉").first("products")


def test_a_huge_text_is_cut() -> None:
    assert kind("x" * 1_000_000 + "奶粉") is Kind.OTHER
    assert len(plain("ﷺ" * 20_000)) == 20_000, "however long its plain form is"
