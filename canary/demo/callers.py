"""Who rings in the demo: nuisance callers on every number, and the buyers of the leaked file.

None of them knows which rows are canaries: buyers dial the file they bought, row by row, and we hear the
calls that reach our numbers.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from canary.mint.facts import Cell, Fact

CALLS_PER_DAY = 0.12  # Prasad et al. 2020: one unsolicited call per clean line every 8.42 days
DISPERSION = 0.33  # negative binomial: a quarter of the lines get none in the study's 11 months
SILENT_SHARE = 0.62
MATERNAL_SHARE = 0.01  # of the nuisance calls that say anything
CHECKED_ROWS = 100
STAGES = (  # days from the due date at which each trade buys the list, and what it says
    (-190, -150, "孕妇学校本周六免费开课，孕早期营养和产检指导，孕妈可带家属参加。"),
    (-60, -20, "金牌月嫂、月子中心春季预订，合同透明，可上门签约。"),
    (-30, 10, "家政公司育婴师、催乳师24小时到家，准妈妈预约有礼。"),
    (2, 20, "宝宝胎毛笔、手足印上门制作，出生纪念不等人。"),
    (5, 60, "进口配方奶粉新生儿试用装免费领，添加微信送货上门。"),
    (80, 115, "儿童摄影百天照特惠套系，本周到店再送相框。"),
)
BUYS_A_STAGE = 0.6  # each trade in the city buys, and reaches, this share of the rows at its stage
RESOLD_AFTER, RESOLD_SHARE = timedelta(days=30), 0.4  # second-hand copies: one leak, more callers
NUISANCE = (
    "无抵押贷款，最快当天放款，额度50万。",
    "代开发票，税点优惠，保真可查。",
    "楼盘特价，地铁口现房，首付15万起。",
    "股票内部消息，加群领取牛股。",
    "您的宽带即将到期，续费享八折。",
)
STORM_TEXT = "爱婴奶粉会员日，全场买三送一，孕妈宝妈凭短信到店领取礼包。"
CLUB_TEXT = "【贝贝会】亲爱的宝妈，您的奶粉积分即将到期，回店兑换尿不湿。"


@dataclass(frozen=True)
class Ring:
    """One call or text in the simulated world."""

    day: date
    to: str
    sender: str
    voice: bool
    text: str
    seconds: int = 0


def nuisance(rng: random.Random, numbers: Sequence[str], start: date, end: date) -> Iterator[Ring]:
    """Background on every number, over-dispersed; most of it silent."""
    draws = np.random.default_rng(rng.getrandbits(64))
    days = (end - start).days
    rates = draws.gamma(DISPERSION, CALLS_PER_DAY / DISPERSION, len(numbers))
    for number, count in zip(numbers, draws.poisson(rates * days), strict=True):
        for _ in range(count):
            yield _nuisance_call(rng, number, start + timedelta(days=rng.randrange(days)))


def _nuisance_call(rng: random.Random, number: str, day: date) -> Ring:
    if rng.random() < SILENT_SHARE:
        return Ring(day, number, stranger(rng), True, "", rng.randrange(0, 8))
    maternal = rng.random() < MATERNAL_SHARE
    text = rng.choice([text for _, _, text in STAGES]) if maternal else rng.choice(NUISANCE)
    return Ring(day, number, stranger(rng), rng.random() < 0.4, text, rng.randrange(8, 40))


def recycled(rng: random.Random, numbers: Sequence[str], start: date, end: date) -> Iterator[Ring]:
    """Numbers whose last owner was in a baby-formula club, which goes on writing to them."""
    for number in numbers:
        for day in range(0, (end - start).days, 9):
            yield Ring(start + timedelta(days=day + rng.randrange(9)), number, stranger(rng), False, CLUB_TEXT)


def storm(rng: random.Random, numbers: Sequence[str], day: date, size: int, text: str) -> Iterator[Ring]:
    """One seller dials a whole block of consecutive numbers, whoever they belong to."""
    first = rng.randrange(len(numbers) - size)
    sender = stranger(rng)
    for number in sorted(numbers)[first : first + size]:
        yield Ring(day, number, sender, not text, text, 3)


def buyers(rng: random.Random, rows: Sequence[dict[Fact, Cell]], bought: date, end: date) -> Iterator[Ring]:
    """The buyers of a leaked file: ring 100 rows to see whether they are real, then sell, stage by stage; a
    month later second-hand copies bring a second round of trades."""
    checker = stranger(rng)
    for row in rng.sample(rows, min(CHECKED_ROWS, len(rows))):
        text = f"喂，您好，请问是{row[Fact.NAME]}吗？哦，没事，打错了。"
        yield Ring(bought + timedelta(days=2), str(row[Fact.PHONE]), checker, True, text, 15)
    yield from _trades(rng, rows, bought + timedelta(days=5), end, BUYS_A_STAGE)
    yield from _trades(rng, rows, bought + RESOLD_AFTER, end, RESOLD_SHARE)


def _trades(
    rng: random.Random, rows: Sequence[dict[Fact, Cell]], start: date, end: date, share: float
) -> Iterator[Ring]:
    sellers = [stranger(rng) for _ in STAGES]
    for row in rows:
        for ring in _stages(rng, row, sellers):
            if start <= ring.day < end and rng.random() < share:
                yield ring


def _stages(rng: random.Random, row: dict[Fact, Cell], sellers: Sequence[str]) -> Iterator[Ring]:
    due = row[Fact.DUE_DATE]
    assert isinstance(due, date)
    for seller, (first, last, offer) in zip(sellers, STAGES, strict=True):
        day = due + timedelta(days=rng.randint(first, last))
        greeting = f"{row[Fact.NAME]}女士您好，" if rng.random() < 0.4 else "您好，"
        voice = rng.random() < 0.3
        yield Ring(day, str(row[Fact.PHONE]), seller, voice, greeting + offer, 45 if voice else 0)


def stranger(rng: random.Random) -> str:
    """A caller's number nobody can have: 12x is unassigned in China."""
    return f"+8612{rng.randrange(10**9):09d}"


def reaching(rings: Iterable[Ring], held: frozenset[str]) -> list[Ring]:
    """The rings that reach numbers we hold, by day: all that we ever hear of."""
    return sorted((r for r in rings if r.to in held), key=lambda r: r.day)
