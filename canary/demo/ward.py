"""The case `ward`: six units of one hospital hold the same table, and a head nurse sells 500 of its 40,000 rows.

No call comes: the buyers send friend requests, which women report and staff enter by hand.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from canary.demo import callers, stage
from canary.demo.city import city_rows
from canary.demo.stage import Plan, Stage
from canary.demo.world import Holder
from canary.listen import sighting
from canary.listen.sighting import Sighting
from canary.mint.facts import Cell, Fact
from canary.store import registry
from canary.store.e164 import normalise
from canary.trace.law import Law

ROWS, SOLD = 40_000, 500
HANDED_OVER, SOLD_ON, END = date(2026, 6, 5), date(2026, 6, 12), date(2026, 8, 10)
REACHED = 0.9  # the buyer paid 50 yuan a row and works through the list
HOSPITAL = Holder("hospital", "市妇幼保健院", "hospital")
UNITS = (
    *(Holder(f"ward-{i}", f"产科{i}病区护士站", "ward") for i in range(1, 5)),
    Holder("checkin-app", "产检签到小程序", "app"),
    Holder("sharing-interface", "省级共享接口账号", "interface"),
)
# So few rows leave that many must be ours: a shared number serves every unit, under another persona in each. Two
# named requests settle it; of 450 canaries 500 rows sold take along five on the average, two or more in 96 of 100.
PLAN = Plan(numbers=660, canaries=450, law=Law.SHARED, window_days=60, hit_rate=REACHED)


@dataclass(frozen=True)
class Request:
    """One friend request a sold row led to."""

    day: date
    number: str
    text: str


def play(seed: int, folder: Path, style: str) -> str:
    """Play the ward in `folder`; returns the findings."""
    on = stage.prepare(folder, seed, PLAN)
    held = stage.pool(on)
    _recipients(on)
    table = city_rows(on.rng, ROWS, HANDED_OVER.replace(day=1), date(2026, 5, 31))
    with stage.running(on) as sender:
        stage.end_quarantine(on, sender, held)
        stage.seed_all(on, [unit.slug for unit in UNITS], HANDED_OVER, table)
        leaked = f"ward-{on.rng.randint(1, 4)}-2026-06"
        rings = callers.nuisance(random.Random(seed + 2), held, HANDED_OVER, END)
        stage.dial(on, sender, stage.days(callers.reaching(rings, frozenset(held))), "June to August")
    _enter(on, _requests(on, leaked, frozenset(held)))
    return stage.verdict(on, END, leaked, style)


def _recipients(on: Stage) -> None:
    now = on.at(stage.IMPORTED)
    with on.store.writing() as session:
        registry.add_recipient(session, now, HOSPITAL.slug, HOSPITAL.name, HOSPITAL.kind, None)
        for unit in UNITS:
            registry.add_recipient(session, now, unit.slug, unit.name, unit.kind, HOSPITAL.slug)


def _requests(on: Stage, leaked: str, held: frozenset[str]) -> list[Request]:
    """The buyer works through 500 rows of the leaked file; those that are ours come to our phones."""
    rng = random.Random(on.seed + 3)
    sold = rng.sample(stage.people(on, f"{leaked}.xlsx"), SOLD)
    reached = [row for row in sold if rng.random() < REACHED]
    return [_request(rng, row) for row in reached if normalise(str(row[Fact.PHONE])) in held]


def _request(rng: random.Random, row: dict[Fact, Cell]) -> Request:
    due = row[Fact.DUE_DATE]
    assert isinstance(due, date)
    day = SOLD_ON + timedelta(days=rng.randint(2, 20))
    week = 40 - (due - day).days // 7
    text = f"{row[Fact.NAME]}女士您好，我是月子中心的顾问，您现在孕{week}周了吧，加个好友给您留套餐名额。"
    return Request(day, str(row[Fact.PHONE]), text)


def _enter(on: Stage, requests: Sequence[Request]) -> None:
    """Staff enter what the phones' WeChat accounts were sent, on the day they look."""
    now = on.at(END)
    for request in requests:
        seen = Sighting(via="wechat", text=request.text, number=request.number, entered_by="staff")
        with on.store.writing() as session:
            sighting.enter(session, now, stage.ten_o_clock(request.day), seen)
