"""`canary scan` over a large CSV beside `wc -l` and `grep -F -f`: × `wc -l` and peak memory, alternated in one run.

Usage: scan.py [--rows 1000000] [--needles 10000] [--rounds 3] [--jobs 2]. Each is a process of its own; needles are
made here, not read from a registry. The file is made in a temporary folder, ~100 bytes a row, 300 canaries in it.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PRESENT = 300
SURNAMES, GIVEN = "陈李张刘黄赵钱孙周吴郑王冯褚卫", "芳敏静丽娟艳霞萍婷雪琴红梅玉兰英华慧珍"

OURS = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from benchmarks.scan import looked
from canary.scan.needles import needles
from canary.scan.run import Scan
part, = Scan(needles(looked(int(sys.argv[4])), sys.argv[3] == 'phones'), int(sys.argv[5])).files([Path(sys.argv[2])])
print(part.rows, sum('phone' in k for m in part.matches for k in m.by.values()), sum(len(m.by) for m in part.matches))
"""


def woman(rng: random.Random, i: int) -> tuple[str, str, str, str]:
    name = rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN)
    due = f"2026-{rng.randrange(3, 9):02}-{rng.randrange(1, 29):02}"
    return name, f"深圳市龙岗区布吉街道{rng.randrange(1, 99)}巷{i}号{rng.randrange(100, 999)}", due, "龙岗区妇幼保健院"


def looked(count: int) -> list[object]:
    """The personas sought: as many as needles, on numbers 12000000000 and on."""
    from datetime import date

    from canary.mint.facts import Fact
    from canary.store.finds import Sought

    rng, found = random.Random(1), []
    for i in range(count):
        name, address, due, hospital = woman(rng, i)
        facts = {Fact.NAME: name, Fact.ADDRESS: address, Fact.HOSPITAL: hospital}
        facts[Fact.DUE_DATE] = date.fromisoformat(due)  # type: ignore[assignment]
        found.append(Sought(i, f"C{i}", f"copy{i // 40}", (f"copy{i // 40}",), f"N{i}", f"+861200{i:07}", True, facts))
    return found  # type: ignore[return-value]


def make(path: Path, rows: int, count: int) -> None:
    rng = random.Random(1)
    mine = [woman(rng, i) for i in range(count)]
    at = dict(zip(rng.sample(range(rows), PRESENT), rng.sample(range(count), PRESENT), strict=True))
    with path.open("w", encoding="utf-8") as file:
        file.write("姓名,家庭住址,联系电话,预产期,就诊医院\n")
        for row in range(rows):
            i = at.get(row)
            name, address, due, hospital = mine[i] if i is not None else woman(rng, row)
            phone = f"1200{i:07}" if i is not None else f"13{rng.randrange(10**9):09}"
            file.write(f"{name},{address},{phone},{due},{hospital}\n")


def timed(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak megabytes (of the largest process) and output of a command."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        out = running.stdout.read()
        _, _, usage = os.wait4(running.pid, 0)
        running.returncode = 0
    return time.perf_counter() - begun, usage.ru_maxrss / 1024, out.strip()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    for name, default in (("rows", 1_000_000), ("needles", 10_000), ("rounds", 3), ("jobs", 2)):
        options.add_argument(f"--{name}", type=int, default=default)
    chosen = options.parse_args()
    root = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        big, needles = Path(folder) / "found.csv", Path(folder) / "needles.txt"
        make(big, chosen.rows, chosen.needles)
        needles.write_text("".join(f"1200{i:07}\n" for i in range(chosen.needles)))
        ours: Callable[[str, int], list[str]] = lambda kinds, jobs: [  # noqa: E731
            *(sys.executable, "-c", OURS, root, str(big), kinds, str(chosen.needles), str(jobs))
        ]
        commands = {
            "wc -l": ["wc", "-l", str(big)],
            "grep -F -f": ["grep", "-c", "-F", "-f", str(needles), str(big)],
            "plain phones": ours("phones", 1),
            f"plain phones, {chosen.jobs} jobs": ours("phones", chosen.jobs),
            "all kinds": ours("all", 1),
            f"all kinds, {chosen.jobs} jobs": ours("all", chosen.jobs),
        }
        seen: dict[str, list[tuple[float, float, str]]] = {name: [] for name in commands}
        for _ in range(chosen.rounds):
            for name, command in commands.items():
                seen[name].append(timed(command))
        size = f"{big.stat().st_size / 1e6:,.0f} MB"
        print(f"{chosen.rows:,} rows, {size}, {chosen.needles:,} needles, {PRESENT} of them present")
        wc = [seconds for seconds, _, _ in seen["wc -l"]]
        for name, figures in seen.items():
            ratio = statistics.median(f[0] / w for f, w in zip(figures, wc, strict=True))
            print(f"{name:<24}{ratio:8.1f} × wc -l {max(f[1] for f in figures):8.0f} MB   {figures[0][2]}")


if __name__ == "__main__":
    main()
