"""Copies of a table without phones told apart from 3, 10, 100 listed rows: how often right, how often wrong.

    python benchmarks/listed_rows.py [FILE] [--copies 6] [--canaries 60 400 1200] [--listings 20]

FILE (by default 20,000 of the demo's invented volunteers) is handed to each of `copies` groups. Listings are rows drawn
at random from one leaked copy, scanned as `canary scan` does; `k canaries` are listings of k canary rows alone.
"""

import argparse
import csv
import gzip
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from canary import turned_up
from canary.demo.volunteers import volunteers
from canary.mint.columns import Profile
from canary.mint.facts import Row
from canary.plant.formats.detect import format_of
from canary.plant.seed import Order, opened, seed
from canary.scan.needles import needles
from canary.scan.run import Scan
from canary.store import finds, lots, registry
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from canary.trace.judge import Terms
from canary.trace.verdict import Word

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
PROFILE = Profile(country="US", phones=False)


def host(given: Path | None, folder: Path) -> Path:
    path = folder / "host.csv"
    if given is None:
        table = volunteers(random.Random(1), 20_000)
        write(path, [table.header, *table.rows])
    elif given.suffix == ".gz":
        with gzip.open(given) as packed, path.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    else:
        shutil.copy(given, path)
    return path


def write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)


def seeded(folder: Path, source: Path, copies: int, canaries: int) -> Store:
    store = Store(f"sqlite:///{folder / f'{canaries}.sqlite3'}", Vault(new_key()))
    store.migrate()
    fitted = opened(source, PROFILE)
    for at in range(copies):
        slug = f"g{at}"
        with store.writing() as session:
            registry.add_recipient(session, NOW, slug, slug, "research", None)
            registry.add_copy(session, NOW, slug, slug, date(2026, 6, 5))
        target = folder / f"{canaries}-{slug}.csv"
        seed(store, NOW, Order(slug, source, target, canaries, timedelta(days=90), PROFILE), fitted)
    return store


def listings(
    rng: random.Random, store: Store, folder: Path, canaries: int, copies: int
) -> Iterator[tuple[str, str, list[Row]]]:
    """(what is listed, of which copy, its rows with the header) in turn."""
    with store.reading() as session:
        members = [m for m in lots.members(session) if m.planted]
    leaked = f"g{rng.randrange(copies)}"
    table = format_of(folder / f"{canaries}-{leaked}.csv").read(folder / f"{canaries}-{leaked}.csv")
    own = [m for m in members if m.copy == leaked]
    told = own[0].header
    for rows in (3, 10, 100, 300):
        yield f"{rows} rows", leaked, [table.header, *rng.sample(list(table.rows), rows)]
    for rows in (1, 2, 3, 5, 10):
        yield f"{rows} canaries", leaked, [told, *(m.cells for m in rng.sample(own, rows))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Copies told apart from listed rows.")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--copies", type=int, default=6)
    parser.add_argument("--canaries", type=int, nargs="+", default=[60, 400, 1200])
    parser.add_argument("--listings", type=int, default=20)
    options = parser.parse_args()
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = host(options.file, folder)
        for canaries in options.canaries:
            store = seeded(folder, source, options.copies, canaries)
            with store.reading() as session:
                looked = finds.sought(session)
            sought, counts = needles(looked), Counter[tuple[str, str]]()
            for _ in range(options.listings):
                for what, leaked, rows in listings(rng, store, folder, canaries, options.copies):
                    write(folder / "listing.csv", rows)
                    files = Scan(sought).files([folder / "listing.csv"])
                    said = turned_up.judged(store, NOW, Terms(0.001, 100), looked, files)
                    accused = {v.copy for v in said.verdicts if v.word is Word.LEAKED}
                    top = max(said.verdicts, key=lambda v: v.posterior)
                    counts[what, "accused"] += accused == {leaked}
                    counts[what, "first"] += top.copy == leaked and top.posterior > 0.95
                    counts[what, "wrong"] += bool(accused - {leaked})
            for what in dict.fromkeys(key for key, _ in counts):
                right, first, wrong = (counts[what, key] / options.listings for key in ("accused", "first", "wrong"))
                print(
                    f"{canaries:>5} canaries a copy, {what:>11} listed: accused {right:.0%}, "
                    f"posterior > 0.95 {first:.0%}, a wrong one accused {wrong:.0%}",
                    flush=True,
                )
            store.close()


if __name__ == "__main__":
    main()
