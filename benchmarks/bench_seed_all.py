"""A month for every recipient: minutes and memory of `canary seed --all`, and what two files laid side by side tell.

Usage: bench_seed_all.py [--recipients N] [--rows R] [--canaries C] [--june FILE --july FILE]

Two months of an invented registry (or the files given) are seeded for N recipients, each month in one go, by a process
of its own; the second month carries the first one's canaries on. From N and from one recipient follows what one more
costs, and from that what 70 would take; memory does not grow with their number. Then the first recipient's two months,
and two recipients' second month, are compared row by row.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from canary.mint.columns import recognise
from canary.mint.facts import Fact, Row
from canary.plant.formats.detect import format_of

CANARY = [sys.executable, "-m", "canary"]
OURS = "import sys; from canary.cli.main import cli; cli(sys.argv[1:], standalone_mode=False)"
PEAK = """
import time
peak = [line for line in open('/proc/self/status') if 'VmHWM' in line][0].split()[1]
print('peak', peak, 'cpu', time.process_time(), file=sys.stderr)"""
Cost = tuple[float, float, float]
JUNE, JULY = "2026-06", "2026-07"


def make(folder: Path, rows: int) -> tuple[Path, Path]:
    from canary.demo.city import city_rows, next_month
    from canary.demo.world import write_xlsx

    june = city_rows(random.Random(1), rows, date(2026, 6, 1), date(2026, 5, 31))
    write_xlsx(folder / "june.xlsx", june)
    write_xlsx(folder / "july.xlsx", next_month(random.Random(2), june, date(2026, 7, 1), date(2026, 6, 30)))
    return folder / "june.xlsx", folder / "july.xlsx"


def registry(folder: Path, recipients: int, canaries: int) -> dict[str, str]:
    folder.mkdir()
    env = {**os.environ, "CANARY_CONFIG": str(folder / "canary.toml")}
    lines = [f"+8612{i:09d},twilio,1.15" for i in range(2 * canaries * recipients + 100)]
    (folder / "numbers.csv").write_text("number,provider,monthly_cost\n" + "\n".join(lines))
    (folder / "recipients.csv").write_text(
        "slug,name,kind,parent\n" + "".join(f"r{i:02},R{i},bureau,\n" for i in range(recipients))
    )
    for command in (
        ["init"],
        ["number", "import", str(folder / "numbers.csv"), "--quarantine-days", "0"],
        ["recipient", "import", str(folder / "recipients.csv")],
    ):
        subprocess.run([*CANARY, *command], env=env, check=True, capture_output=True)
    return env


def seed(folder: Path, env: dict[str, str], month: str, source: Path, canaries: int, *more: str) -> Cost:
    """Seconds of a whole process, its peak megabytes, and seconds of processor time."""
    words = ["seed", "--all", "--month", month, "--from", str(source), "-o", str(folder / month)]
    words += ["--canaries", str(canaries), *more]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", OURS + PEAK, *words], env=env, check=True, capture_output=True, text=True
    )
    took = time.perf_counter() - begun
    if not any((folder / month).iterdir()):
        sys.exit("canary seed refused: nothing was measured")
    peak, cpu = re.findall(r"peak (\d+) cpu ([\d.]+)", done.stderr)[-1]
    return took, int(peak) / 1024, float(cpu)


def cost(root: Path, files: tuple[Path, Path], recipients: int, canaries: int) -> list[Cost]:
    folder = root / f"for{recipients}"
    env = registry(folder, recipients, canaries)
    june = seed(folder, env, JUNE, files[0], canaries)
    return [june, seed(folder, env, JULY, files[1], canaries, "--last", str(files[0]))]


def compare(name: str, before: list[Row], after: list[Row], real: set[Row], key: tuple[int, int]) -> None:
    """What somebody sees who matches two files row by row, and how much of it is ours."""
    old, new = ({(row[key[0]], row[key[1]]): row for row in rows} for rows in (before, after))
    base = sum(row not in real for row in after) / len(after)
    for what, found in (
        ("only in the second", [new[k] for k in new.keys() - old.keys()]),
        ("only in the first", [old[k] for k in old.keys() - new.keys()]),
        ("changed", [new[k] for k in new.keys() & old.keys() if new[k] != old[k]]),
    ):
        ours = sum(row not in real for row in found)
        share = ours / len(found) if found else 0.0
        print(f"{name:22} {what:20} {len(found):6} rows, {ours:4} canaries: precision {share:.5f}, "
              f"{share / base:5.2f} x base rate {base:.5f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=5)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--canaries", type=int, default=41)
    parser.add_argument("--june", type=Path)
    parser.add_argument("--july", type=Path)
    given = parser.parse_args()
    n = given.recipients
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        files = (given.june, given.july) if given.june else make(root, given.rows)
        one, many = (cost(root, files, count, given.canaries) for count in (1, n))
        for month, first, all_ in zip((JUNE, JULY), one, many, strict=True):
            took, _, cpu = (a + 69 * (b - a) / (n - 1) for a, b in zip(first, all_, strict=True))
            print(f"{month}: 1 recipient {first[0]:.1f} s ({first[2]:.1f} s of processor), {first[1]:.0f} MB; "
                  f"{n} recipients {all_[0]:.1f} s ({all_[2]:.1f}), {all_[1]:.0f} MB; "
                  f"carried on to 70: {took / 60:.1f} min ({cpu / 60:.1f})")  # fmt: skip
        tables = [format_of(path).read(path) for path in files]
        columns = recognise(tables[0])
        real = {row for table in tables for row in table.rows}
        read = lambda who, month: list(  # noqa: E731
            format_of(path := root / f"for{n}" / month / f"{who}-{month}{files[0].suffix}").read(path).rows
        )
        key = columns[Fact.NAME], columns[Fact.PHONE]
        compare("month to month", read("r00", JUNE), read("r00", JULY), real, key)
        compare("recipient to recipient", read("r00", JULY), read("r01", JULY), real, key)


if __name__ == "__main__":
    main()
