"""Inserting 41 rows into a workbook: ours beside a bare unzip + zip and openpyxl's load + save.

python benchmarks/bench_insert_xlsx.py [FILE.xlsx] [ROUNDS]
python benchmarks/bench_insert_xlsx.py --big FILE.xlsx|FILE.csv ROWS [ROUNDS]

The second form takes a file that big_tables.py wrote with so many rows, and leaves openpyxl out: a million rows take it
minutes and more than ten gigabytes. Beside a CSV stands its bare copy.
"""

import pickle
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROWS, NEW = 40_000, 41


def make(path: Path) -> None:
    import xlsxwriter

    rng = random.Random(1)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["name", "born", "status", "address", "phone", "hospital", "due"])
        for row in range(1, ROWS + 1):
            cells = [f"n{rng.randrange(26_000)}", 46_000 + rng.randrange(99), rng.choice("abc")]
            cells += [f"road {rng.randrange(10**6)}", f"1{rng.randrange(10**10):010}", f"h{row // 1_600}"]
            for column, cell in enumerate([*cells, 46_000 + row % 1_600 // 9]):
                sheet.write(row, column, cell, *([day] if column in (1, 6) else []))


def ours(source: Path, target: Path) -> Callable[[], None]:
    from canary.plant.formats.base import Insertion
    from canary.plant.formats.detect import format_of

    # The places and rows were drawn beforehand: a child that read the table would count that memory too.
    new = [Insertion(*drawn) for drawn in pickle.load(sys.stdin.buffer)]
    return lambda: format_of(source).insert(source, target, new)


def draw(source: Path) -> bytes:
    from canary.plant.formats.xlsx import XlsxFormat

    rng = random.Random(2)
    rows = XlsxFormat().read(source).rows
    places = sorted(rng.sample(range(len(rows)), NEW))
    return pickle.dumps([(at, (f"{rows[at][0]}{at}", *rows[at][1:])) for at in places])


def draw_big(count: int) -> bytes:
    from big_tables import rows

    places = sorted(random.Random(2).sample(range(count), NEW))
    return pickle.dumps(list(zip(places, rows(NEW, seed=2), strict=True)))


def bare(source: Path, target: Path) -> Callable[[], None]:
    if source.suffix == ".csv":
        return lambda: shutil.copyfileobj(source.open("rb"), target.open("wb"))

    def run() -> None:
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for info in old.infolist():
                new.writestr(info, old.read(info))

    return run


def peer(source: Path, target: Path) -> Callable[[], None]:
    import openpyxl

    return lambda: openpyxl.load_workbook(source).save(target)


JOBS = {"ours": ours, "bare": bare, "openpyxl": peer}


def peak_megabytes() -> float:
    # getrusage would count what the parent held when it forked.
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) / 1024


def child(job: str, source: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = JOBS[job](source, Path(folder, f"out{source.suffix}"))
        start = time.perf_counter()
        run()
        seconds = time.perf_counter() - start
    print(seconds, time.process_time(), peak_megabytes())


def measure(source: Path, rounds: int, drawn: bytes, jobs: Sequence[str] = tuple(JOBS)) -> None:
    found: dict[str, list[list[float]]] = {job: [] for job in jobs}
    for _ in range(rounds):
        for job in jobs:
            command = [sys.executable, __file__, "--child", job, str(source)]
            out = subprocess.run(command, check=True, capture_output=True, input=drawn).stdout
            found[job].append([float(value) for value in out.split()])
    limit = statistics.median(run[0] for run in found["bare"])
    print(f"{source.name}: {NEW} new rows, medians of {rounds} alternated rounds")
    for job, runs in found.items():
        seconds, cpu, peak = (statistics.median(values) for values in zip(*runs, strict=True))
        ratio = f"{seconds / limit:6.2f} x bare"
        print(f"{job:9} {ratio}  {seconds:7.3f} s  {cpu:7.3f} s CPU with imports  peak {peak:4.0f} MB")


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--child"]:
        return child(arguments[1], Path(arguments[2]))
    if arguments[:1] == ["--big"]:
        rounds = int(arguments[3]) if len(arguments) > 3 else 3
        return measure(Path(arguments[1]), rounds, draw_big(int(arguments[2])), ("ours", "bare"))
    rounds = int(arguments[1]) if len(arguments) > 1 else 5
    if arguments:
        source = Path(arguments[0])
        return measure(source, rounds, draw(source))
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made.xlsx")
        make(made)
        return measure(made, rounds, draw(made))


if __name__ == "__main__":
    main(sys.argv[1:])
