"""`canary seed` of 40,000 rows, whole command, beside openpyxl's load + save of the same file.

Usage: bench_seed_xlsx.py [FILE.xlsx] [ROUNDS]; both are processes of their own, alternated in one run.
       bench_seed_xlsx.py --alone FILE [ROUNDS]: any format, without openpyxl (a file of a million rows, big_tables.py).
"""

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

CANARY = [sys.executable, "-m", "canary"]
PEER = "import sys, openpyxl; openpyxl.load_workbook(sys.argv[1]).save(sys.argv[2])"
PEAK = "\nprint('peak', [line for line in open('/proc/self/status') if 'VmHWM' in line][0].split()[1])"
OURS = "import sys; from canary.cli.main import cli; cli(sys.argv[1:], standalone_mode=False)"


def make(path: Path) -> None:
    from canary.demo.city import city_rows
    from canary.demo.world import write_xlsx

    write_xlsx(path, city_rows(random.Random(1), 40_000, date(2026, 6, 1), date(2026, 5, 31)))


def registry(folder: Path, rounds: int) -> dict[str, str]:
    """A registry with enough numbers and one copy a round."""
    env = {**os.environ, "CANARY_CONFIG": str(folder / "canary.toml")}
    lines = [f"+8612{i:09d},twilio,1.15" for i in range(41 * rounds + 100)]
    (folder / "numbers.csv").write_text("number,provider,monthly_cost\n" + "\n".join(lines))
    for command in (
        ["init"],
        ["number", "import", str(folder / "numbers.csv"), "--quarantine-days", "0"],
        ["recipient", "add", "bureau", "--name", "Bureau", "--kind", "bureau"],
        *(["copy", "add", f"c{i}", "--recipient", "bureau", "--date", "2026-06-05"] for i in range(rounds)),
    ):
        subprocess.run([*CANARY, *command], env=env, check=True, capture_output=True)
    return env


def timed(code: str, arguments: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Seconds of a whole process, and its peak megabytes."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + PEAK, *arguments], env=env, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - begun, int(re.findall(r"peak (\d+)", done.stdout)[-1]) / 1024


def main() -> None:
    alone = sys.argv[1:2] == ["--alone"]
    if alone:
        del sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = Path(sys.argv[1]) if len(sys.argv) > 1 else folder / "city.xlsx"
        if len(sys.argv) < 2:
            make(source)
        env = registry(folder, rounds)
        ours, peer = [], []
        for i in range(rounds):
            out = str(folder / f"out{i}{source.suffix}")
            ours.append(timed(OURS, ["seed", f"c{i}", str(source), "-o", out, "--canaries", "41"], env))
            if not Path(out).exists():
                sys.exit("canary seed refused: nothing was measured")
            if not alone:
                peer.append(timed(PEER, [str(source), str(folder / f"peer{i}.xlsx")], env))
    for label, figures in (("canary seed", ours), ("openpyxl load+save", peer))[: 1 if alone else 2]:
        seconds, megabytes = (statistics.median(f[i] for f in figures) for i in (0, 1))
        print(f"{label:<20} {seconds:6.2f} s  {megabytes:6.0f} MB")
    if alone:
        return
    ratio = statistics.median(p[0] / o[0] for o, p in zip(ours, peer, strict=True))
    print(f"openpyxl takes {ratio:.1f} times as long")


if __name__ == "__main__":
    main()
