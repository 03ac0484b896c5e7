"""Personas per second, fitting included, beside plain Faker zh_CN's five fields, alternated in one run.

    python benchmarks/mint_speed.py [FILE] [--rounds 3]      FILE defaults to 40,000 rows of the demo's invented city

Faker makes name, telephone number, address, date and resident ID, joined by nothing. The mint fits the whole table and
makes as many personas of it. Processor time, the least of the rounds; reading the file is counted for neither.
"""

import argparse
import random
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from faker import Faker

from canary.demo.city import city_rows
from canary.mint.columns import recognise
from canary.mint.facts import Table
from canary.mint.host import fit
from canary.plant.formats.detect import format_of


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def fake(count: int) -> list[tuple[object, ...]]:
    maker = Faker("zh_CN")
    fields = maker.name, maker.phone_number, maker.address, maker.date_object, maker.ssn
    return [tuple(field() for field in fields) for _ in range(count)]


def mint(table: Table, count: int) -> None:
    host = fit(table, recognise(table), "CN")
    host.personas(random.Random(1), [f"+8612{i:09d}" for i in range(count)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Personas per second beside Faker.")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    table = city_rows(random.Random(1), 40_000, date(2026, 6, 1), date(2026, 5, 31))
    if options.file:
        table = format_of(options.file).read(options.file)
    for count in (5_000, 40_000):
        ours, theirs = [], []
        for _ in range(options.rounds):
            theirs.append(seconds(lambda: fake(5_000)) / 5_000)
            ours.append(seconds(lambda n=count: mint(table, n)) / count)  # type: ignore[misc]
        ratio = min(theirs) / min(ours)
        print(
            f"{count:>6} personas from {len(table.rows):,} rows: {1 / min(ours):,.0f} a second, "
            f"Faker {1 / min(theirs):,.0f}: {ratio:.2f} times as fast"
        )


if __name__ == "__main__":
    main()
