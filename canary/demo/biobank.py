"""The case `biobank`: a de-identified extract is listed for sale, and all there is to see is a page of sample rows.

No names, no numbers: nobody can be rung. Six research groups hold the same table, each with canaries of its own.
"""

import csv
import hashlib
import random
from datetime import date
from pathlib import Path

from canary import turned_up
from canary.demo import stage
from canary.demo.stage import Plan, Stage
from canary.demo.volunteers import volunteers
from canary.demo.world import Holder
from canary.mint.columns import Profile
from canary.mint.facts import Table
from canary.scan.needles import needles
from canary.scan.run import Scan
from canary.store import finds, registry
from canary.trace.law import Law
from canary.trace.verdict import Word

ROWS, LISTED = 12_000, 300
HANDED_OVER, LISTED_ON, END = date(2026, 2, 2), date(2026, 4, 20), date(2026, 4, 21)
HOLDERS = (
    Holder("cardiology", "University heart centre", "research"),
    Holder("genetics", "Institute of genetics", "research"),
    Holder("insurer-lab", "Insurer's research laboratory", "vendor"),
    Holder("nutrition", "School of nutrition", "research"),
    Holder("pharma", "Pharmaceutical company", "vendor"),
    Holder("sleep-app", "Sleep app", "app"),
)
PLAN = Plan(numbers=0, canaries=480, law=Law.EXCLUSIVE, window_days=75, hit_rate=0.5)
EXTRACT = Profile(country="GB", phones=False)


def play(seed: int, folder: Path, style: str) -> str:
    """Play the listing in `folder`; returns the findings."""
    on = stage.prepare(folder, seed, PLAN)
    _recipients(on)
    raw = on.folder / f"all-{HANDED_OVER:%Y-%m}.raw.csv"
    _write(raw, volunteers(on.rng, ROWS))
    stage.seed_raw(on, [holder.slug for holder in HOLDERS], HANDED_OVER, raw, EXTRACT)
    leaked = f"{on.rng.choice(HOLDERS).slug}-{HANDED_OVER:%Y-%m}"
    _scan(on, _listing(on, leaked))
    return stage.verdict(on, END, leaked, style)


def _recipients(on: Stage) -> None:
    with on.store.writing() as session:
        for holder in HOLDERS:
            registry.add_recipient(session, on.at(HANDED_OVER), holder.slug, holder.name, holder.kind, None)


def _listing(on: Stage, leaked: str) -> Path:
    """What the seller shows: some rows of what was stolen, without the participants' numbers."""
    table = stage.read(on, f"{leaked}.csv")
    rng = random.Random(on.seed + 3)
    path = on.folder / "listing.csv"
    _write(path, Table(table.header[1:], tuple(row[1:] for row in rng.sample(list(table.rows), LISTED))))
    return path


def _write(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([table.header, *table.rows])


def _scan(on: Stage, path: Path) -> None:
    """What `canary scan listing.csv` does."""
    now = on.at(LISTED_ON)
    with on.store.reading() as session:
        looked = finds.sought(session)
    files = Scan(needles(looked)).files([path])
    digest = finds.digest_of([hashlib.sha256(path.read_bytes()).hexdigest()])
    said = turned_up.judged(on.store, now, on.settings.terms, looked, files, digest)
    words = {v.copy: v.word.value for v in said.verdicts if v.word is not Word.CANNOT_TELL}
    with on.store.writing() as session:
        finds.record(session, now, [{"name": path.name, "rows": files[0].rows}], words)
        finds.keep(session, now, digest, files[0].rows, said.found)
