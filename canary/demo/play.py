"""The play itself: two monthly hand-overs, a leak or none, months of calls, and the verdict."""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import click

from canary import findings
from canary.demo import callers, wire, world
from canary.demo.callers import Ring
from canary.demo.city import city_rows, next_month
from canary.demo.world import DISTRICTS, REGISTRY, VENDOR, City
from canary.mint.columns import recognise
from canary.mint.facts import Cell, Fact, Table
from canary.plant.formats.detect import format_of
from canary.plant.seed import Order
from canary.plant.seed import seed as plant
from canary.report.renderers import render
from canary.report.text import trace_table
from canary.settings import Settings, confine, load
from canary.store import ledger, numbers, registry, views
from canary.store.database import Store
from canary.store.e164 import normalise
from canary.store.numbers import NewNumber
from canary.store.vault import Vault, new_key

ROWS = 12_000
IMPORTED = date(2026, 4, 20)
HANDED_OVER = (date(2026, 6, 5), date(2026, 7, 5))
BOUGHT = date(2026, 6, 18)
STORM, SILENT_STORM = date(2026, 7, 20), date(2026, 8, 12)
END = date(2026, 9, 25)
CANARIES = 12
NUMBERS = 900
RECYCLED_SHARE = 0.02
WINDOW_DAYS = 100
HIT_RATE = 0.8  # six trades, each reaching 60 % of the women at its stage


@dataclass
class Stage:
    """What the play has at hand: the registry, its settings, the generator, the sender of rings."""

    folder: Path
    settings: Settings
    store: Store
    seed: int
    rng: random.Random

    def at(self, day: date) -> datetime:
        """Set the simulated clock to ten o'clock of a day, for every process of the demo."""
        now = datetime.combine(day, time(10), UTC)
        clock = self.folder / "clock"
        part = self.folder / ".clock.part"
        part.write_text(now.isoformat())
        part.replace(clock)
        return now


def play(case: str, seed: int, folder: Path, style: str) -> str:
    """Play `case` in `folder` and return its findings as JSON or table; the report is left in the folder."""
    stage, port = _prepare(folder, seed)
    held = _pool(stage)
    june = city_rows(stage.rng, ROWS, HANDED_OVER[0].replace(day=1), date(2026, 5, 31))
    city = City.of(june)
    _recipients(stage, city)
    with wire.process(folder, "serve"), wire.process(folder, "schedule"):
        wire.wait_until_ready(port, folder / "serve.log")
        sender = wire.Sender(port, stage.settings.public_url, _token(stage), random.Random(seed + 1))
        left_behind = list(_club(stage, held))
        _dial(stage, sender, _days(sorted(left_behind, key=lambda r: r.day)), "in quarantine")
        findings.trace(stage.store, stage.settings.now(), stage.settings.terms)
        _end_quarantine(stage)
        july = next_month(stage.rng, june, HANDED_OVER[1].replace(day=1), date(2026, 6, 30))
        bureau = f"bureau-{stage.rng.choice(sorted(DISTRICTS.values()))}"
        _hand_over(stage, city, june, HANDED_OVER[0])
        leaked = f"{bureau}-2026-06" if case == "shenzhen" else None
        days = _days(_rings(stage, held, leaked))
        _dial(stage, sender, [d for d in days if d[0] < HANDED_OVER[1]], "June")
        _hand_over(stage, city, july, HANDED_OVER[1])
        _dial(stage, sender, [d for d in days if d[0] >= HANDED_OVER[1]], "July to September")
        sender.close()
    (folder / "truth.json").write_text(json.dumps({"case": case, "seed": seed, "leaked": leaked}))
    return _verdict(stage, sender, style)


def _prepare(folder: Path, seed: int) -> tuple[Stage, int]:
    confine(folder)
    port = wire.free_port()
    rng = random.Random(seed)
    (folder / "canary.key").write_text(new_key())
    (folder / "clock").write_text(datetime.combine(IMPORTED, time(10), UTC).isoformat())
    (folder / "canary.toml").write_text(
        f'bind = "127.0.0.1:{port}"\npublic_url = "https://canary.example"\n'
        f'twilio_auth_token = "{rng.getrandbits(128):032x}"\n'
        f'clock_file = "{(folder / "clock").as_posix()}"\n'
        f"canaries_per_copy = {CANARIES}\nwindow_days = {WINDOW_DAYS}\nhit_rate = {HIT_RATE}\n"
        "verdicts_every_seconds = 15\nnumbers_every_seconds = 20\ndigest_every_seconds = 45\n"
    )
    settings = load()
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    stage = Stage(folder, settings, store, seed, rng)
    with store.writing() as session:
        views.mark_simulated(session)
        ledger.append(session, stage.at(IMPORTED), "init", {"clock": "simulated"})
    return stage, port


def _token(stage: Stage) -> str:
    return stage.settings.twilio_auth_token.get_secret_value()


def _pool(stage: Stage) -> list[str]:
    """Import numbers and let the quarantine pass, in which recycled ones show themselves."""
    now = stage.at(IMPORTED)
    held = sorted(f"+8612{n:09d}" for n in stage.rng.sample(range(10**9), NUMBERS))
    with stage.store.writing() as session:
        new = (NewNumber(number, "twilio", Decimal("1.15")) for number in held)
        numbers.import_numbers(session, now, new)
    return held


def _end_quarantine(stage: Stage) -> None:
    now = stage.at(IMPORTED + timedelta(days=stage.settings.quarantine_days))
    with stage.store.writing() as session:
        seed = world.secret(stage.seed, "controls")
        share = stage.settings.control_share
        numbers.end_quarantine(session, now, timedelta(days=stage.settings.quarantine_days), share, seed)


def _recipients(stage: Stage, city: City) -> None:
    with stage.store.writing() as session:
        for holder in city.holders():
            registry.add_recipient(session, stage.at(IMPORTED), holder.slug, holder.name, holder.kind, None)


def _hand_over(stage: Stage, city: City, table: Table, day: date) -> None:
    """One month: hospitals report, the registry merges, bureaus and vendor are sent their part."""
    month = f"{day:%Y-%m}"
    reports = [world.rows_of_hospital(table, holder.name) for holder in city.hospitals]
    steps = len(city.hospitals) + 2 + len(DISTRICTS)
    with click.progressbar(length=steps, label=f"seed {month}", file=sys.stderr) as bar:
        for holder, report in zip(city.hospitals, reports, strict=True):
            _seed(stage, holder.slug, day, report, ())
            bar.update(1)
        whole = world.merged([_read(stage, f"{h.slug}-{month}.xlsx") for h in city.hospitals])
        _seed(stage, REGISTRY, day, whole, [f"{h.slug}-{month}" for h in city.hospitals])
        bar.update(1)
        whole = _read(stage, f"{REGISTRY}-{month}.xlsx")
        for district, slug in DISTRICTS.items():
            _seed(stage, f"bureau-{slug}", day, world.rows_of_district(whole, district), [f"{REGISTRY}-{month}"])
            bar.update(1)
        served = [h.name for h in city.hospitals[: world.VENDOR_HOSPITALS]]
        _seed(stage, VENDOR, day, world.rows_of_vendor(whole, served), [f"{REGISTRY}-{month}"])
        bar.update(1)


def _seed(stage: Stage, recipient: str, day: date, table: Table, sources: Sequence[str]) -> None:
    now = stage.at(day)
    slug = f"{recipient}-{day:%Y-%m}"
    with stage.store.writing() as session:
        registry.add_copy(session, now, slug, recipient, day, sources)
    suffix = "csv" if recipient == VENDOR else "xlsx"
    raw = stage.folder / f"{slug}.raw.{suffix}"
    write = world.write_gb18030 if recipient == VENDOR else world.write_xlsx
    write(raw, table)
    order = Order(
        copy=slug,
        source=raw,
        target=stage.folder / f"{slug}.{suffix}",
        count=CANARIES,
        window=timedelta(days=stage.settings.window_days),
        secret=world.secret(stage.seed, slug),
    )
    plant(stage.store, now, order)


def _read(stage: Stage, name: str) -> Table:
    path = stage.folder / name
    return format_of(path).read(path)


def _rings(stage: Stage, held: Sequence[str], leaked: str | None) -> list[Ring]:
    """Everything that will ring on our numbers. The buyers read the leaked file, not the registry."""
    rng = random.Random(stage.seed + 2)
    start = HANDED_OVER[0]
    rings = list(callers.nuisance(rng, held, start, END))
    rings += callers.storm(rng, held, STORM, 60, callers.STORM_TEXT)
    rings += callers.storm(rng, held, SILENT_STORM, 80, "")
    if leaked is not None:
        rings += callers.buyers(rng, _people(stage, f"{leaked}.xlsx"), BOUGHT, END)
    return callers.reaching(rings, frozenset(held))


def _people(stage: Stage, name: str) -> list[dict[Fact, Cell]]:
    table = _read(stage, name)
    columns = recognise(table)
    people = [{fact: row[index] for fact, index in columns.items()} for row in table.rows]
    return [{**p, Fact.PHONE: normalise(str(p[Fact.PHONE]))} for p in people if p[Fact.PHONE]]


def _club(stage: Stage, held: Sequence[str]) -> Iterator[Ring]:
    """Recycled numbers: what their last owners' formula club goes on writing."""
    chosen = stage.rng.sample(held, int(RECYCLED_SHARE * len(held)))
    quiet = IMPORTED + timedelta(days=stage.settings.quarantine_days)
    yield from callers.recycled(stage.rng, chosen, IMPORTED, quiet)


def _days(rings: Sequence[Ring]) -> list[tuple[date, list[Ring]]]:
    return [(day, list(group)) for day, group in groupby(rings, key=lambda r: r.day)]


def _dial(stage: Stage, sender: wire.Sender, days: Sequence[tuple[date, list[Ring]]], label: str) -> None:
    with click.progressbar(days, label=f"calls {label}", file=sys.stderr) as shown:
        for day, rings in shown:
            stage.at(day)
            sender.send(rings)


def _verdict(stage: Stage, sender: wire.Sender, style: str) -> str:
    now = stage.at(END)
    found = findings.trace(stage.store, now, stage.settings.terms)
    findings.record(stage.store, now, found)
    view = findings.report_view(stage.store, found, now)
    for lang in ("en", "zh"):
        path = stage.folder / f"report.{lang}.html"
        path.write_text(render("html", view, lang), encoding="utf-8")
    answered = ", ".join(f"{count} × {status}" for status, count in sorted(sender.statuses.items()))
    click.echo(f"requests answered: {answered}; reports in {stage.folder}", err=True)
    return render("json", view, "en") if style == "json" else trace_table(found)
