"""The cases `shenzhen` and `noise`: a city's registry, two monthly hand-overs, a leak or none, months of calls."""

import random
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from canary.demo import callers, stage, world
from canary.demo.callers import Ring
from canary.demo.city import city_rows, next_month
from canary.demo.stage import Plan, Stage
from canary.demo.world import DISTRICTS, REGISTRY, VENDOR, City
from canary.mint.facts import Table
from canary.store import registry
from canary.trace.law import Law

ROWS = 12_000
HANDED_OVER = (date(2026, 6, 5), date(2026, 7, 5))
BOUGHT = date(2026, 6, 18)
STORM, SILENT_STORM = date(2026, 7, 20), date(2026, 8, 12)
END = date(2026, 9, 25)
# Hit rate: six trades, each reaching 60 % of the women at its stage.
PLAN = Plan(numbers=900, canaries=20, law=Law.EXCLUSIVE, window_days=110, hit_rate=0.8)


def play(leaks: bool, seed: int, folder: Path, style: str) -> str:
    """Play the city in `folder`, a bureau's June copy leaking or nothing; returns the findings."""
    on = stage.prepare(folder, seed, PLAN)
    held = stage.pool(on)
    june = city_rows(on.rng, ROWS, HANDED_OVER[0].replace(day=1), date(2026, 5, 31))
    city = City.of(june)
    _recipients(on, city)
    with stage.running(on) as sender:
        stage.end_quarantine(on, sender, held)
        july = next_month(on.rng, june, HANDED_OVER[1].replace(day=1), date(2026, 6, 30))
        bureau = f"bureau-{on.rng.choice(sorted(DISTRICTS.values()))}"
        leaked = f"{bureau}-2026-06" if leaks else None
        _hand_over(on, city, june, HANDED_OVER[0])
        days = stage.days(_rings(on, held, leaked))
        stage.dial(on, sender, [d for d in days if d[0] < HANDED_OVER[1]], "June")
        _hand_over(on, city, july, HANDED_OVER[1])
        stage.dial(on, sender, [d for d in days if d[0] >= HANDED_OVER[1]], "July to September")
    return stage.verdict(on, END, leaked, style)


def _recipients(on: Stage, city: City) -> None:
    with on.store.writing() as session:
        for holder in city.holders():
            registry.add_recipient(session, on.at(stage.IMPORTED), holder.slug, holder.name, holder.kind, None)


def _hand_over(on: Stage, city: City, table: Table, day: date) -> None:
    """One month: hospitals report, the registry merges, bureaus and vendor are sent their part."""
    month = f"{day:%Y-%m}"
    reports = [world.rows_of_hospital(table, holder.name) for holder in city.hospitals]
    steps = len(city.hospitals) + 2 + len(DISTRICTS)
    with click.progressbar(length=steps, label=f"seed {month}", file=sys.stderr) as bar:
        for holder, report in zip(city.hospitals, reports, strict=True):
            stage.seed(on, holder.slug, day, report)
            bar.update(1)
        whole = world.merged([stage.read(on, f"{h.slug}-{month}.xlsx") for h in city.hospitals])
        stage.seed(on, REGISTRY, day, whole, [f"{h.slug}-{month}" for h in city.hospitals])
        bar.update(1)
        whole = stage.read(on, f"{REGISTRY}-{month}.xlsx")
        for district, slug in DISTRICTS.items():
            stage.seed(on, f"bureau-{slug}", day, world.rows_of_district(whole, district), [f"{REGISTRY}-{month}"])
            bar.update(1)
        served = [h.name for h in city.hospitals[: world.VENDOR_HOSPITALS]]
        stage.seed(on, VENDOR, day, world.rows_of_vendor(whole, served), [f"{REGISTRY}-{month}"])
        bar.update(1)


def _rings(on: Stage, held: Sequence[str], leaked: str | None) -> list[Ring]:
    """Everything that will ring on our numbers. The buyers read the leaked file, not the registry."""
    rng = random.Random(on.seed + 2)
    start = HANDED_OVER[0]
    rings = list(callers.nuisance(rng, held, start, END))
    rings += callers.storm(rng, held, STORM, 60, callers.STORM_TEXT)
    rings += callers.storm(rng, held, SILENT_STORM, 80, "")
    if leaked is not None:
        rings += callers.buyers(rng, stage.people(on, f"{leaked}.xlsx"), BOUGHT, END)
    return callers.reaching(rings, frozenset(held))
