"""The case `resale`: enquiries handed to five firms; one firm's copy is stolen and sold on to 110 clinics, which ring.

Enquirers are no patients: a name or a nickname, a number, a topic. Many callers, one copy.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from canary.demo import callers, stage
from canary.demo.callers import Ring
from canary.demo.enquiries import CITIES, CITY, LINE, LINES, NAME, PHONE, TOPIC, enquiries
from canary.demo.stage import Plan, Stage
from canary.demo.world import Holder
from canary.mint.facts import Row
from canary.store import registry
from canary.store.e164 import normalise
from canary.trace.law import Law

ROWS, BUYERS = 20_000, 110
HANDED_OVER, STOLEN, END = date(2026, 6, 5), date(2026, 6, 14), date(2026, 8, 25)
HOLDERS = (
    Holder("call-centre", "自营电话中心", "bureau"),
    Holder("agency-north", "华北推广公司", "vendor"),
    Holder("agency-south", "华南推广公司", "vendor"),
    Holder("hospital-group", "民营医院集团", "hospital"),
    Holder("chat-vendor", "商务通软件服务商", "vendor"),
)
CHECKED = 100  # rows the company rings before it pays
RINGS = 0.3  # share of the enquirers of its city and line that a clinic reaches
# Hit rate: eight or nine clinics share a city and a line, so that nearly every enquirer hears from one.
PLAN = Plan(numbers=420, canaries=40, law=Law.EXCLUSIVE, window_days=75, hit_rate=0.9)
OPENINGS = (
    "{name}您好，我是{clinic}的，您之前在网上咨询过{topic}，本周专家坐诊，给您留个号？",
    "您好，请问是{name}吗？{topic}项目现在有优惠，方便过来面诊吗？",
    "您好，{city}的朋友，{clinic}{line}专家会诊，优惠名额有限，回复预约。",
    "您好，您前段时间咨询的{topic}，{clinic}可以做，优惠到月底。",
)


@dataclass(frozen=True)
class Clinic:
    """One buyer: where it is, what it sells, from which number it rings, and since when."""

    name: str
    city: str
    line: str
    caller: str
    bought: date


def play(seed: int, folder: Path, style: str) -> str:
    """Play the resale in `folder`; returns the findings."""
    on = stage.prepare(folder, seed, PLAN)
    held = stage.pool(on)
    _recipients(on)
    table = enquiries(on.rng, ROWS, HANDED_OVER)
    with stage.running(on) as sender:
        stage.end_quarantine(on, sender, held)
        stage.seed_all(on, [holder.slug for holder in HOLDERS], HANDED_OVER, table)
        leaked = f"{on.rng.choice(HOLDERS).slug}-{HANDED_OVER:%Y-%m}"
        stage.dial(on, sender, stage.days(_rings(on, held, leaked)), "June to August")
    return stage.verdict(on, END, leaked, style)


def _recipients(on: Stage) -> None:
    with on.store.writing() as session:
        for holder in HOLDERS:
            registry.add_recipient(session, on.at(stage.IMPORTED), holder.slug, holder.name, holder.kind, None)


def _rings(on: Stage, held: Sequence[str], leaked: str) -> list[Ring]:
    """Everything that will ring on our numbers: the buyers ring the leaked file's rows, one clinic after another."""
    rng = random.Random(on.seed + 2)
    rings = list(callers.nuisance(rng, held, HANDED_OVER, END))
    rows = [row for row in stage.read(on, f"{leaked}.xlsx").rows if row[PHONE]]
    rings += _checks(rng, rows)
    for clinic in _clinics(rng):
        rings += _calls(rng, clinic, rows)
    return callers.reaching(rings, frozenset(held))


def _checks(rng: random.Random, rows: Sequence[Row]) -> Iterator[Ring]:
    """The company that resells rings some rows before it pays."""
    checker = callers.stranger(rng)
    for row in rng.sample(rows, min(CHECKED, len(rows))):
        yield Ring(STOLEN, _number(row), checker, True, f"喂，是{row[NAME]}吗？打错了，不好意思。", 12)


def _clinics(rng: random.Random) -> list[Clinic]:
    cities, shares = list(CITIES), list(CITIES.values())
    return [
        Clinic(
            name=f"{city}{rng.choice(['博爱', '仁和', '玛丽', '现代', '华美', '康宁'])}医院",
            city=city,
            line=rng.choice(list(LINES)),
            caller=callers.stranger(rng),
            bought=STOLEN + timedelta(days=rng.randint(5, 40)),
        )
        for city in rng.choices(cities, weights=shares, k=BUYERS)
    ]


def _calls(rng: random.Random, clinic: Clinic, rows: Sequence[Row]) -> Iterator[Ring]:
    for row in rows:
        if (row[CITY], row[LINE]) != (clinic.city, clinic.line) or rng.random() >= RINGS:
            continue
        opening = rng.choice(OPENINGS)
        text = opening.format(name=row[NAME], topic=row[TOPIC], clinic=clinic.name, city=clinic.city, line=clinic.line)
        voice = rng.random() < 0.6
        day = clinic.bought + timedelta(days=rng.randint(1, 25))
        yield Ring(day, _number(row), clinic.caller, voice, text, 30 if voice else 0)


def _number(row: Row) -> str:
    return str(normalise(str(row[PHONE])))
