"""A scan by Ray, in local mode, beside the same scan by processes: the same answers, and how many times the time.

Usage: cluster.py [ROWS] [ROUNDS]. Start of the cluster (once a scan) and the search itself are told apart.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.scan import looked, make
from canary.scan.cluster import ClusterScan
from canary.scan.needles import needles
from canary.scan.run import Scan, Scanned


def timed(scan: Scan, path: Path) -> tuple[float, float, list[Scanned]]:
    """Seconds in all, seconds of the search, and what was found."""
    begun = time.perf_counter()
    found = scan.files([path])
    return time.perf_counter() - begun, max(part.seconds for part in found) / 2, found


def main() -> None:
    rows, rounds = (int(given) for given in (sys.argv[1:] + ["5000000", "3"][len(sys.argv) - 1 :]))
    held = needles(looked(10_000))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        big = Path(folder) / "big.csv"
        make(big, rows, 10_000)
        for _ in range(rounds):
            here, there = timed(Scan(held, 2), big), timed(ClusterScan(held, 2), big)
            assert [(p.rows, p.matches) for p in here[2]] == [(p.rows, p.matches) for p in there[2]]
            print(f"{rows:,} rows: processes {here[0]:.1f} s (searching {here[1]:.1f}), Ray {there[0]:.1f} s "
                  f"(searching {there[1]:.1f}); ratio {there[0] / here[0]:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
