"""`canary scan` over a large CSV beside `wc -l`, grep, ripgrep, DuckDB, Polars and hyperscan, alternated in one run:
× `wc -l` and peak memory, whole processes, and of ours the scan alone (without start and needles).
`canary scan` itself also opens a registry, hashes the file, judges, prints: --registry times it whole, too.

Usage: scan.py [--rows 1000000] [--needles 10000] [--rounds 3] [--jobs 2] [--folder DIR] [--peers PYTHON] [--growth]
[--xlsx ROWS] [--keep FILE] [--registry]. Needles are made here, but with --registry. --peers names an interpreter that
has the peers' libraries. The file is made in a temporary folder, ~100 bytes a row, 300 canaries in it: a sixth each
plain, with +86, grouped, as a float, masked, as md5. --growth gives exponents of time in rows (a tenth, all) and in
needles.
"""

import argparse
import hashlib
import importlib.util
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRESENT = 300
SURNAMES = "陈李张刘黄赵钱孙周吴郑王冯褚卫"
GIVEN = (
    "芳敏静丽娟艳霞萍婷雪琴红梅玉兰英华慧珍秀桂凤洁云莲真环荣爱妹香月莺媛瑞凡佳嘉琼勤贞莉叶璧璐娅琦晶妍茜"
    "秋珊莎锦黛青倩婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君"
)

OURS = """
import sys, time; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from benchmarks.scan import looked
from canary.scan.needles import needles
from canary.scan.run import Scan
people = looked(int(sys.argv[4])); begun = time.perf_counter()
scan = Scan(needles(people, sys.argv[3] == 'phones'), int(sys.argv[5])); scan._finder; ready = time.perf_counter()
part, = scan.files([Path(sys.argv[2])]); done = time.perf_counter()
kinds = [k for m in part.matches for k in m.by.values() if 'values' not in k]
print(f"{done - ready:.3f} {part.rows} rows, {sum(any('phone' in k for k in by) for by in kinds)} by number, "
      f"{len(kinds)} in all; needles {ready - begun:.2f} s")
"""
DUCKDB = """
import sys, duckdb
db = duckdb.connect(); db.execute("SET memory_limit='2GB'")
n = f"(SELECT column0 AS n FROM read_csv('{sys.argv[2]}', header=false, all_varchar=true))"
rows = f"read_csv('{sys.argv[1]}', all_varchar=true)"
print(db.execute(f"SELECT count(*) FROM {rows} WHERE 联系电话 IN {n}").fetchone()[0])
"""
POLARS = """
import sys, polars as pl
needles = open(sys.argv[2]).read().split()
rows = pl.scan_csv(sys.argv[1], infer_schema=False).filter(pl.col("联系电话").is_in(needles)).select(pl.len())
print(rows.collect(engine="streaming").item())
"""
HYPERSCAN = """
import sys, hyperscan
words = open(sys.argv[2], "rb").read().split(); found = 0
db = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
db.compile(expressions=words, ids=list(range(len(words))), elements=len(words), literal=True)
def on(*_):
    global found; found += 1
with open(sys.argv[1], "rb") as file:
    while piece := file.read(1 << 20):
        db.scan(piece + file.readline(), match_event_handler=on)
print(found)
"""
PEERS = {"duckdb": DUCKDB, "polars": POLARS, "hyperscan": HYPERSCAN}


def woman(rng: random.Random, i: int) -> tuple[str, str, str, str]:
    name = rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN)
    due = f"2026-{rng.randrange(3, 9):02}-{rng.randrange(1, 29):02}"
    return name, f"深圳市龙岗区布吉街道{rng.randrange(1, 99)}巷{i}号{rng.randrange(100, 999)}", due, "龙岗区妇幼保健院"


def number(i: int) -> str:
    """Needle i: spread over the range that everybody else's numbers are drawn from, or a search for literals would
    need no more than their common beginning."""
    return f"13{i * 618_033_989 % 10**9:09}"


@dataclass(frozen=True)
class Looked:
    """A persona looked for; `number` is a code, `phone` E.164."""

    id: int
    number: str
    phone: str
    facts: dict[Any, Any]
    in_lot: bool = False


def looked(count: int) -> list[Looked]:
    """The personas sought: as many as needles."""
    from datetime import date

    from canary.mint.facts import Fact

    found: list[Looked] = []
    rng = random.Random(1)
    for i in range(count):
        name, address, due, hospital = woman(rng, i)
        facts: dict[Any, Any] = {Fact.NAME: name, Fact.ADDRESS: address, Fact.HOSPITAL: hospital}
        facts[Fact.DUE_DATE] = date.fromisoformat(due)
        found.append(Looked(i, f"N{i}", f"+86{number(i)}", facts))
    return found


def make(path: Path, rows: int, count: int) -> None:
    rng = random.Random(1)
    mine = [woman(rng, i) for i in range(count)]
    sought = {number(i) for i in range(max(count, 100_000))}
    at = dict(zip(rng.sample(range(rows), PRESENT), rng.sample(range(count), PRESENT), strict=True))
    with path.open("w", encoding="utf-8") as file:
        file.write("姓名,家庭住址,联系电话,预产期,就诊医院\n")
        for row in range(rows):
            i = at.get(row)
            name, address, due, hospital = mine[i] if i is not None else woman(rng, row)
            phone = _spelled(number(i), row) if i is not None else f"13{rng.randrange(10**9):09}"
            while i is None and phone in sought:
                phone = f"13{rng.randrange(10**9):09}"
            file.write(f"{name},{address},{phone},{due},{hospital}\n")


def _spelled(phone: str, row: int) -> str:
    parts = phone[:3], phone[3:7], phone[7:]
    ways = [f"+86{phone}", " ".join(parts), f"{phone[0]}.{phone[1:]}E+10", f"{parts[0]}****{parts[2]}"]
    return [phone, *ways, hashlib.md5(phone.encode()).hexdigest()][row % 6]


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak megabytes (of the largest process) and output of a command."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        out = running.stdout.read()
        _, _, usage = os.wait4(running.pid, 0)
        running.returncode = 0
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, out.strip()


def ours(big: Path, kinds: str, needles: int, jobs: int) -> list[str]:
    root = str(Path(__file__).parents[1])
    return [sys.executable, "-c", OURS, root, str(big), kinds, str(needles), str(jobs)]


def whole(big: Path, folder: Path, needles: int) -> dict[str, list[str]]:
    """The command itself, on a registry made for it."""
    os.environ |= {"CANARY_CONFIG": str(folder / "canary.toml"), "PYTHONPATH": str(Path(__file__).parents[1])}
    folder.mkdir()
    # In a process of its own: whom this one starts count its memory as theirs.
    subprocess.run([sys.executable, "-m", "benchmarks.scan_registry", str(folder), str(needles)], check=True)
    command = [sys.executable, "-m", "canary", "scan", str(big)]
    return {"scan --phones-only": [*command, "--phones-only"], "scan": command}


def compare(big: Path, needles: Path, chosen: argparse.Namespace) -> None:
    commands = {"wc -l": ["wc", "-l", str(big)]}
    for kinds in ("phones", "all"):
        for jobs in sorted({1, chosen.jobs}):
            commands[f"{kinds}, {jobs} jobs"] = ours(big, kinds, chosen.needles, jobs)
    if chosen.registry:
        commands |= whole(big, needles.with_name("registry"), chosen.needles)
    commands["grep -F -f"] = ["grep", "-c", "-F", "-f", str(needles), str(big)]
    if shutil.which("rg"):
        commands["rg -F -f"] = ["rg", "-c", "-F", "-f", str(needles), str(big)]
    for name, program in PEERS.items():
        if chosen.peers or importlib.util.find_spec(name):
            commands[name] = [chosen.peers or sys.executable, "-c", program, str(big), str(needles)]
    seen: dict[str, list[tuple[float, float, str]]] = {name: [] for name in commands}
    for _ in range(chosen.rounds):
        for name, command in commands.items():
            seen[name].append(timed(command))
    wc = [seconds for seconds, _, _ in seen["wc -l"]]
    for name, figures in seen.items():
        times = statistics.median(f[0] / w for f, w in zip(figures, wc, strict=True))
        inside = name.startswith(("phones", "all"))
        alone = statistics.median(float(f[2].split()[0]) / w for f, w in zip(figures, wc, strict=True)) if inside else 0
        said = f"scan alone {alone:5.1f} × " if alone else " " * 19
        print(
            f"{name:<18}{times:8.1f} × wc -l  {said}{max(f[1] for f in figures):6.0f} MB   "
            f"{figures[0][2].partition(chr(10))[0] or 'failed'}"
        )
    for name in sorted({"rg -F -f", *PEERS} - commands.keys()):
        print(f"{name:<18}  absent")


def growth(big: Path, chosen: argparse.Namespace, folder: Path) -> None:
    """Exponents of the scan's time, one process: in rows from a tenth of the file on, in needles from 1,000 on."""
    small = folder / "small.csv"
    with big.open("rb") as whole, small.open("wb") as part:
        part.writelines(line for line, _ in zip(whole, range(chosen.rows // 10 + 1), strict=False))
    for kinds in ("phones", "all"):
        seconds = {path: alone(ours(path, kinds, chosen.needles, 1)) for path in (small, big)}
        print(f"{kinds}: rows^{math.log10(seconds[big] / seconds[small]):.2f}", end="")
        by_needles = [(n, alone(ours(big, kinds, n, 1))) for n in (1000, 10_000, 100_000)]
        slope = statistics.linear_regression(
            *zip(*[(math.log(n), math.log(t)) for n, t in by_needles], strict=True)
        ).slope
        print(f", needles^{slope:.2f}", *(f"{n:,}: {t:.2f} s" for n, t in by_needles))


def alone(command: list[str]) -> float:
    return min(float(timed(command)[2].split()[0]) for _ in range(2))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 1_000_000), ("needles", 10_000), ("rounds", 3), ("jobs", 2), ("xlsx", 0)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--folder", help="where to make the file; a disk in memory shows the programs alone")
    options.add_argument("--peers", help="an interpreter that has duckdb, polars, hyperscan")
    options.add_argument("--keep", type=Path, help="the file to search; made only if it is not there, and kept")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--registry", action="store_true", help="time `canary scan` whole, too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        big, needles = chosen.keep or Path(folder) / "found.csv", Path(folder) / "needles.txt"
        if not big.exists():
            make(big, chosen.rows, chosen.needles)
        needles.write_text("".join(f"{number(i)}\n" for i in range(chosen.needles)))
        size = f"{big.stat().st_size / 1e6:,.0f} MB"
        print(f"{chosen.rows:,} rows, {size}, {chosen.needles:,} needles, {PRESENT} of them present", flush=True)
        compare(big, needles, chosen)
        if chosen.growth:
            growth(big, chosen, Path(folder))
        if chosen.xlsx:
            workbook(Path(folder) / "found.xlsx", chosen)


def workbook(path: Path, chosen: argparse.Namespace) -> None:
    """A workbook beside calamine's bare reading of it."""
    import xlsxwriter

    rng = random.Random(2)
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(chosen.xlsx):
            name, address, due, hospital = woman(rng, row)
            sheet.write_row(row, 0, (name, address, 13 * 10**9 + rng.randrange(10**9), due, hospital))
    bare = "import sys, python_calamine as c; b = c.CalamineWorkbook.from_path(sys.argv[1])"
    bare += "; print(sum(1 for r in b.get_sheet_by_index(0).iter_rows()))"
    seconds, memory, _ = timed([sys.executable, "-c", bare, str(path)])
    for kinds in ("phones", "all"):
        mine = timed(ours(path, kinds, chosen.needles, 1))
        print(f"xlsx, {chosen.xlsx:,} rows: {kinds} {mine[0]:.1f} s, calamine's bare read {seconds:.1f} s", end="")
        print(f"; {mine[1]:.0f} and {memory:.0f} MB; {mine[2]}")


if __name__ == "__main__":
    main()
