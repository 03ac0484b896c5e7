"""Personas per second, fitting included, beside plain Faker zh_CN's five fields, alternated in one run.

    python benchmarks/mint_speed.py [FILE] [--rounds 3]      FILE defaults to 40,000 rows of the demo's invented city

Faker makes name, telephone number, address, date and resident ID, joined by nothing. The mint fits the whole table and
makes as many personas of it, by the way that seeding takes. What the first personas of a host cost once is counted as
minting. Processor time, the least of the rounds; reading the file is counted for neither.
"""

import argparse
import random
import resource
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from faker import Faker

from canary.demo.city import city_rows
from canary.mint.columns import Profile, recognise
from canary.mint.ruled import RuledHost
from canary.plant.formats.detect import format_of


def seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def fake(count: int) -> list[tuple[object, ...]]:
    maker = Faker("zh_CN")
    fields = maker.name, maker.phone_number, maker.address, maker.date_object, maker.ssn
    return [tuple(field() for field in fields) for _ in range(count)]


def mint(host: RuledHost, count: int) -> None:
    host.personas(random.Random(1), [f"+8612{i:09d}" for i in range(count)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Personas per second beside Faker.")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--counts", type=int, nargs="+", default=[5_000, 40_000, 200_000])
    parser.add_argument("--rows", type=int, default=40_000, help="rows of the invented table")
    options = parser.parse_args()
    if options.file:
        table = format_of(options.file).read(options.file)
    else:
        table = city_rows(random.Random(1), options.rows, date(2026, 6, 1), date(2026, 5, 31))
    columns = recognise(table)
    fits, theirs, ours = list[float](), list[float](), {count: list[float]() for count in options.counts}
    for _ in range(options.rounds):
        for count, found in ours.items():
            theirs.append(seconds(lambda: fake(5_000)) / 5_000)
            fits.append(seconds(lambda: RuledHost(table, columns, Profile())))
            host = RuledHost(table, columns, Profile())
            found.append(seconds(lambda h=host, n=count: mint(h, n)))  # type: ignore[misc]
    fit, faker = min(fits), min(theirs)
    print(f"Faker {1 / faker:,.0f} a second; fitting {len(table.rows):,} rows takes {fit:.2f} s")
    for count, found in ours.items():
        alone, whole = min(found) / count, (fit + min(found)) / count
        print(
            f"{count:>7,} personas: {1 / alone:,.0f} a second once fitted ({faker / alone:.1f} times Faker), "
            f"{1 / whole:,.0f} with the fit ({faker / whole:.1f} times); {1e6 * alone:.0f} µs each"
        )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB, the table included")


if __name__ == "__main__":
    main()
