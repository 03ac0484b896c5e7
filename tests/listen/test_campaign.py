"""Contacts that belong together, whatever they share; strangers stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.listen.campaign import Said, campaigns

OURS = "+8612000000001"
STUDIO = "您好，我们是小星星影楼的，您家宝宝满月了吧，送您一套相册，方便的话周六到店里来拍"
LOAN = "您好，银行最新政策，公积金可以贷三十万，利息低，当天到账，需要请回电"


def said(*texts: str, senders: tuple[str, ...] = ()) -> list[Said]:
    names = senders or tuple(f"1068{i:08}" for i in range(len(texts)))
    return [Said(i, sender, OURS, text) for i, (sender, text) in enumerate(zip(names, texts, strict=True), 1)]


def groups(heard: list[Said]) -> set[tuple[int, ...]]:
    return {campaign.contacts for campaign in campaigns(heard).values()}


@pytest.mark.parametrize(
    ("one", "other", "by"),
    [
        ("回电 12066667777", "有需要请打 120-6666-7777，谢谢", "callback"),
        ("call +86 120 6666 7777", "电话１２０６６６６７７７７", "callback"),
        ("加微信 mama_club88", "VX：mama_club88 进群", "callback"),
        ("点 https://www.yuezi-example.cn/a?b=1 看", "yuezi-example.cn 预约", "link"),
        ("戳 t.cn/A1b2 领取", "领取 http://t.cn/A1b2", "link"),
        (STUDIO, STUDIO.replace("小星星", "小太阳").replace("周六", "周日"), "wording"),
        (STUDIO, STUDIO.replace("，", " ") + "😊", "wording"),
        (STUDIO, STUDIO.replace("您", "你").replace("們", "们"), "wording"),
    ],
)
def test_what_shares_a_mark_or_its_wording_is_one_campaign(one: str, other: str, by: str) -> None:
    found = campaigns(said(one, LOAN, other))
    assert found[1] is found[3] and 2 not in found
    assert (found[1].first, found[1].contacts, found[1].by) == (1, (1, 3), (by,))


def test_the_same_caller_is_one_campaign_without_a_word() -> None:
    assert groups(said("", "", "", senders=("+8612099999999", "12099999999", "+8612088888888"))) == {(1, 2)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (STUDIO, LOAN),
        ("戳 t.cn/A1b2 领取", "领取 http://t.cn/C3d4"),
        (f"您的号码{OURS}", f"this is {OURS[3:]}"),
        ("喂你好", "喂你好"),
        ("", ""),
        ("写信 a@yuezi-example.cn", "订单 20260601"),
    ],
)
def test_strangers_stay_apart(one: str, other: str) -> None:
    assert campaigns(said(one, other)) == {}


def test_withheld_numbers_and_short_codes_tie_nobody() -> None:
    assert groups(said("a", "b", "c", "d", senders=("+266696687", "+266696687", "10086", "10086"))) == set()


def test_campaigns_chain() -> None:
    assert groups(said("回电 12066667777", "12066667777 见 example.cn", "example.cn", LOAN)) == {(1, 2, 3)}


@given(st.lists(st.sampled_from([STUDIO, LOAN, "回电 12066667777", "example.cn", "喂", STUDIO + "。"]), max_size=8))
def test_every_contact_has_at_most_one_campaign_and_order_does_not_matter(texts: list[str]) -> None:
    heard = said(*texts)
    found = campaigns(heard)
    assert all(
        i in found[i].contacts and len(found[i].contacts) > 1 and found[i].first == min(found[i].contacts)
        for i in found
    )
    assert campaigns(heard[::-1]) == found


@given(st.lists(st.text(), max_size=5))
def test_any_text_will_do(texts: list[str]) -> None:
    campaigns(said(*texts))
