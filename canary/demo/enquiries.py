"""Invents the enquiries of an online counselling chat: who asked four cities' clinics what, and left a number."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

from faker import Generator

from canary.mint.facts import Row, Table
from canary.mint.providers import ColdStartProvider

HEADER = ("姓名", "联系电话", "咨询项目", "科室", "城市", "咨询日期", "来源页面")
NAME, PHONE, TOPIC, LINE, CITY = range(5)
CITIES: Mapping[str, float] = {"深圳": 0.4, "广州": 0.3, "东莞": 0.18, "佛山": 0.12}
LINES: Mapping[str, tuple[str, ...]] = {
    "男科": ("前列腺炎", "包皮手术", "精液检查", "泌尿感染", "早泄"),
    "妇科": ("月经不调", "宫颈糜烂", "妇科炎症", "子宫肌瘤", "备孕检查"),
    "整形": ("双眼皮", "隆鼻", "吸脂", "隆胸", "祛疤"),
}
_SHARES = (0.3, 0.4, 0.3)
_PAGES = ("百度竞价", "官网首页", "专题页", "手机站", "信息流")
_MEN = "伟强磊军勇杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林峰"
_NICKS: list[str] = re.findall("..", "小鱼可可静静悠悠果果阿文阿强橙子晴天豆豆大海木子阿杰安安乐乐七七")
_WHOLE, _TITLE = 0.55, 0.35  # who gives a whole name, who a surname with a title; the rest a nickname
_DAYS = 180


def enquiries(rng: Random, rows: int, until: date) -> Table:
    """`rows` enquiries of the half year before `until`, oldest first; no two with one number."""
    generator = Generator()
    generator.random = rng
    people = ColdStartProvider(generator)
    phones = rng.sample(range(10**9), rows)  # no Chinese mobile begins 12, so the numbers are nobody's
    days = sorted(until - timedelta(rng.randint(1, _DAYS)) for _ in range(rows))
    return Table(HEADER, tuple(_enquiry(rng, people, phone, day) for phone, day in zip(phones, days, strict=True)))


def _enquiry(rng: Random, people: ColdStartProvider, phone: int, day: date) -> Row:
    line = rng.choices(list(LINES), weights=_SHARES)[0]
    city = rng.choices(list(CITIES), weights=list(CITIES.values()))[0]
    topics = LINES[line]
    topic = rng.choices(topics, weights=range(len(topics), 0, -1))[0]
    man = line == "男科" or (line == "整形" and rng.random() < 0.1)
    return (_name(rng, people, man), f"12{phone:09}", topic, line, city, day, rng.choice(_PAGES))


def _name(rng: Random, people: ColdStartProvider, man: bool) -> str:
    kind, woman = rng.random(), people.maternal_name()
    if kind < _WHOLE:
        return woman if not man else woman[0] + "".join(rng.sample(_MEN, rng.choice((1, 2, 2))))
    if kind < _WHOLE + _TITLE:
        return woman[0] + ("先生" if man else rng.choice(("女士", "女士", "小姐")))
    return rng.choice(_NICKS)
