"""How often the demo names the right copy, and how often an innocent one, over many seeds.

Usage: demo_seeds.py [--seeds N] [--first SEED] [--case shenzhen|ward|resale|biobank|noise]...
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def play(case: str, seed: int) -> tuple[str, list[str], float | None, float]:
    """One demo in a process of its own: what became of it, who was accused, visible leak, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        command = [sys.executable, "-m", "canary", "demo", "--case", case, "--seed", str(seed)]
        done = subprocess.run(
            [*command, "--format", "json", "--keep", folder], capture_output=True, text=True, check=True
        )
        truth = json.loads((Path(folder) / "truth.json").read_text())["leaked"]
    found = json.loads(done.stdout)
    accused = [v["copy"] for v in found["verdicts"] if v["verdict"] == "leaked"]
    likely = [v["copy"] for v in found["verdicts"] if v["verdict"] == "likely"]
    words = {"right": truth in accused, "innocent": bool(set(accused) - {truth}), "likely": bool(set(likely) - {truth})}
    outcome = " ".join(name for name, holds in words.items() if holds) or "nobody accused"
    return outcome, accused, found["smallest_visible_leak"], time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--case", action="append", dest="cases")
    given = parser.parse_args()
    for case in given.cases or ["shenzhen", "noise"]:
        tally: Counter[str] = Counter()
        for seed in range(given.first, given.first + given.seeds):
            outcome, accused, visible, seconds = play(case, seed)
            tally[outcome] += 1
            print(f"{case} seed {seed}: {outcome}; accused {accused}; visible {visible}; {seconds:.0f} s", flush=True)
        print(f"{case}: {dict(tally)} of {given.seeds}", flush=True)


if __name__ == "__main__":
    main()
