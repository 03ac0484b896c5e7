"""The stage every demo plays on: a registry with a simulated clock, its processes, seeding, dialling, verdict."""

import json
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from time import sleep

import click

from canary import findings
from canary.demo import callers, wire, world
from canary.demo.callers import Ring
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Cell, Fact, Table
from canary.plant.before import Befores
from canary.plant.formats.detect import format_of
from canary.plant.month import MonthFile, follow
from canary.plant.seed import Order, Source, opened
from canary.report.renderers import render
from canary.report.text import trace_table
from canary.settings import Settings, confine, load
from canary.store import deliveries, ledger, numbers, registry, views
from canary.store.database import Store
from canary.store.e164 import normalise
from canary.store.numbers import NewNumber
from canary.store.vault import Vault, new_key
from canary.trace.law import Law

IMPORTED = date(2026, 4, 20)
RECYCLED_SHARE = 0.02


@dataclass(frozen=True)
class Plan:
    """How a demo plants: numbers held, canaries in each copy, by which law, what it expects to hear."""

    numbers: int
    canaries: int
    law: Law
    window_days: int
    hit_rate: float


@dataclass
class Stage:
    """What the play has at hand: the registry, its settings, the generator, the sender of rings."""

    folder: Path
    settings: Settings
    store: Store
    seed: int
    rng: random.Random
    plan: Plan

    def at(self, day: date) -> datetime:
        """Set the simulated clock to ten o'clock of a day, for every process of the demo."""
        now = ten_o_clock(day)
        clock = self.folder / "clock"
        part = self.folder / ".clock.part"
        part.write_text(now.isoformat())
        part.replace(clock)
        return now


@contextmanager
def running(stage: Stage) -> Iterator[wire.Sender]:
    """The server and the scheduler as processes of their own, and a sender that rings the server."""
    port = int(stage.settings.bind.rpartition(":")[2])
    with wire.process(stage.folder, "serve"), wire.process(stage.folder, "schedule"):
        wire.wait_until_ready(port, stage.folder / "serve.log")
        token = stage.settings.twilio_auth_token.get_secret_value()
        sender = wire.Sender(port, stage.settings.public_url, token, random.Random(stage.seed + 1))
        try:
            yield sender
        finally:
            sender.close()


def ten_o_clock(day: date) -> datetime:
    """The moment at which everything of a simulated day happens."""
    return datetime.combine(day, time(10), UTC)


def prepare(folder: Path, seed: int, plan: Plan) -> Stage:
    """A new registry in a folder, marked as simulated for good."""
    confine(folder)
    port = wire.free_port()
    rng = random.Random(seed)
    (folder / "canary.key").write_text(new_key())
    (folder / "clock").write_text(ten_o_clock(IMPORTED).isoformat())
    (folder / "canary.toml").write_text(
        f'bind = "127.0.0.1:{port}"\npublic_url = "https://canary.example"\n'
        f'twilio_auth_token = "{rng.getrandbits(128):032x}"\n'
        f'clock_file = "{(folder / "clock").as_posix()}"\n'
        f"canaries_per_copy = {plan.canaries}\nwindow_days = {plan.window_days}\nhit_rate = {plan.hit_rate}\n"
        "verdicts_every_seconds = 15\nnumbers_every_seconds = 20\ndigest_every_seconds = 45\n"
    )
    settings = load()
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    stage = Stage(folder, settings, store, seed, rng, plan)
    with store.writing() as session:
        views.mark_simulated(session)
        ledger.append(session, stage.at(IMPORTED), "init", {"clock": "simulated"})
    return stage


def pool(stage: Stage) -> list[str]:
    """Import numbers and let the quarantine pass, in which recycled ones show themselves."""
    now = stage.at(IMPORTED)
    held = sorted(f"+8612{n:09d}" for n in stage.rng.sample(range(10**9), stage.plan.numbers))
    with stage.store.writing() as session:
        new = (NewNumber(number, "twilio", Decimal("1.15")) for number in held)
        numbers.import_numbers(session, now, new)
    return held


def end_quarantine(stage: Stage, sender: wire.Sender, held: Sequence[str]) -> None:
    """Let the quarantine pass: recycled numbers show themselves, the rest is split into ready and control."""
    left_behind = sorted(_club(stage, held), key=lambda r: r.day)
    dial(stage, sender, days(left_behind), "in quarantine")
    findings.trace(stage.store, stage.settings.now(), stage.settings.terms)
    now = stage.at(IMPORTED + timedelta(days=stage.settings.quarantine_days))
    with stage.store.writing() as session:
        seed = world.secret(stage.seed, "controls")
        share = stage.settings.control_share
        numbers.end_quarantine(session, now, share, seed)


def _club(stage: Stage, held: Sequence[str]) -> Iterator[Ring]:
    """Recycled numbers: what their last owners' formula club goes on writing."""
    chosen = stage.rng.sample(held, int(RECYCLED_SHARE * len(held)))
    quiet = IMPORTED + timedelta(days=stage.settings.quarantine_days)
    yield from callers.recycled(stage.rng, chosen, IMPORTED, quiet)


def seed(stage: Stage, recipient: str, day: date, table: Table, sources: Sequence[str] = ()) -> None:
    """Write what a recipient is to get, record the copy, and plant its canaries."""
    suffix = "csv" if recipient == world.VENDOR else "xlsx"
    raw = stage.folder / f"{recipient}-{day:%Y-%m}.raw.{suffix}"
    write = world.write_gb18030 if recipient == world.VENDOR else world.write_xlsx
    write(raw, table)
    _plant(stage, recipient, day, opened(raw), sources)


def seed_all(stage: Stage, recipients: Sequence[str], day: date, table: Table) -> None:
    """Give the same table to several recipients, each copy with canaries of its own."""
    raw = stage.folder / f"all-{day:%Y-%m}.raw.xlsx"
    world.write_xlsx(raw, table)
    seed_raw(stage, recipients, day, raw)


def seed_raw(stage: Stage, recipients: Sequence[str], day: date, raw: Path, profile: Profile | None = None) -> None:
    """Give the same file to several recipients, each copy with canaries of its own."""
    source = opened(raw, profile)
    with click.progressbar(recipients, label=f"seed {day:%Y-%m}", file=sys.stderr) as shown:
        for recipient in shown:
            _plant(stage, recipient, day, source)


def _plant(stage: Stage, recipient: str, day: date, source: Source, sources: Sequence[str] = ()) -> None:
    now, raw = stage.at(day), source.path
    slug = f"{recipient}-{day:%Y-%m}"
    with stage.store.writing() as session:
        registry.add_copy(session, now, slug, recipient, day, sources)
    order = Order(
        copy=slug,
        source=raw,
        target=stage.folder / f"{slug}{raw.suffix}",
        count=stage.plan.canaries,
        law=stage.plan.law,
        window=timedelta(days=stage.settings.window_days),
        secret=world.secret(stage.seed, slug),
    )
    # Canaries of the recipient's last copy live on in this one.
    last = [path for path in stage.folder.glob(f"{recipient}-????-??.raw{raw.suffix}") if path.name < raw.name]
    follow(stage.store, now, order, MonthFile(source), Befores(sorted(last)[-1:]))


def read(stage: Stage, name: str) -> Table:
    """A file that was handed out."""
    path = stage.folder / name
    return format_of(path).read(path)


def people(stage: Stage, name: str) -> list[dict[Fact, Cell]]:
    """The women of a file that was handed out, canaries among them: what a buyer gets."""
    table = read(stage, name)
    columns = recognise(table)
    people = [{fact: row[index] for fact, index in columns.items()} for row in table.rows]
    return [{**p, Fact.PHONE: normalise(str(p[Fact.PHONE]))} for p in people if p[Fact.PHONE]]


def days(rings: Sequence[Ring]) -> list[tuple[date, list[Ring]]]:
    """Rings in order, grouped by day."""
    return [(day, list(group)) for day, group in groupby(rings, key=lambda r: r.day)]


def dial(stage: Stage, sender: wire.Sender, by_day: Sequence[tuple[date, list[Ring]]], label: str) -> None:
    """Deliver the rings day by day, the simulated clock going along."""
    with click.progressbar(by_day, label=f"calls {label}", file=sys.stderr) as shown:
        for day, rings in shown:
            stage.at(day)
            sender.send(rings)
    _settled(stage)


def _settled(stage: Stage) -> None:
    """The server answers first and reads when there is time: wait until it has."""
    for _ in range(600):
        with stage.store.reading() as session:
            if not deliveries.waiting(session):
                return
        sleep(0.1)


def verdict(stage: Stage, end: date, leaked: str | None, style: str) -> str:
    """The findings as JSON or table; the reports, and the truth for whoever checks, are left in the folder."""
    now = stage.at(end)
    found = findings.trace(stage.store, now, stage.settings.terms)
    findings.record(stage.store, now, found)
    view = findings.report_view(stage.store, found, now)
    for lang in ("en", "zh"):
        path = stage.folder / f"report.{lang}.html"
        path.write_text(render("html", view, lang), encoding="utf-8")
    (stage.folder / "truth.json").write_text(json.dumps({"seed": stage.seed, "leaked": leaked}))
    return render("json", view, "en") if style == "json" else trace_table(found)
