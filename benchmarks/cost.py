"""What scores cost: all of them anew, and after one more contact, as multiples of one numpy pass over as many numbers.

    python benchmarks/cost.py [--copies N]     N defaults to 1,000; three sizes: N/10, N/3 and N

Every month N copies share 500 numbers, for 24 months: N x 500 x 24 cells, each of which gives a presence factor, and
1,000 contacts a copy; in one cell of 500 somebody uses the persona, as two leaks among 1,000 copies would give. The
pass is x.sum() over one float a cell. `arrays` is canary.trace.field, which simulations use; `objects` is
canary.trace.score, which `canary trace` uses: measured at 1, 2 and 4 copies that hear all million contacts, and carried
on to N by its exponent. One contact on a number that every copy holds means one month anew. Contacts and draws lie in
memory already: reading the registry is not counted. Each measurement has a process of its own; seconds are the least of
three rounds.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canary.trace.evidence import Channel, Evidence, Hit, Mark, Outcome, Release
from canary.trace.field import Bools, Heard, paths
from canary.trace.posterior import posterior
from canary.trace.score import fresh, score

NUMBERS, MONTHS, DAYS, AT_ONCE = 500, 24, 180.0, 50
CONTACTS_A_COPY, NAMED = 1_000, 0.002
START = datetime(2026, 1, 1, tzinfo=UTC)
CHANNEL = Channel()
Contacts = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]


def contacts(rng: np.random.Generator, count: int) -> Contacts:
    """Month, number and day of every contact."""
    return rng.integers(MONTHS, size=count), rng.integers(NUMBERS, size=count), rng.random(count) * DAYS


def draws(rng: np.random.Generator, copies: int) -> Iterator[tuple[Bools, Bools]]:
    """For each month which numbers each copy holds, and where its persona is used."""
    for _ in range(MONTHS):
        yield rng.random((copies, NUMBERS)) < 0.3, rng.random((copies, NUMBERS)) < NAMED


def first_heard(heard: Contacts) -> NDArray[np.float64]:
    """The day each number first rang, inf if it did not (months, numbers)."""
    first = np.full((MONTHS, NUMBERS), np.inf)
    np.minimum.at(first, heard[:2], heard[2])
    return first


def month_by_arrays(planted: Bools, first: NDArray[np.float64], named: Bools) -> float:
    """Score every copy of one month; returns the highest."""
    rang, highest = np.isfinite(first), 0.0
    for begin in range(0, len(planted), AT_ONCE):
        part = planted[begin : begin + AT_ONCE]
        mine = named[begin : begin + AT_ONCE]
        at, by_name = np.broadcast_to(np.minimum(first, DAYS), part.shape), np.where(mine & rang, first, np.inf)
        said = np.broadcast_to(np.arange(NUMBERS), part.shape)
        sup = paths(part, Heard(at, np.broadcast_to(rang, part.shape), by_name, said), CHANNEL).sup()
        highest = max(highest, float(sup.max()))
    return highest


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


def by_arrays(copies: int) -> dict[str, float]:
    rng = np.random.default_rng(copies)
    heard, drawn = contacts(rng, CONTACTS_A_COPY * copies), list(draws(rng, copies))
    before = peak_megabytes()

    def everything() -> None:
        for (planted, named), first in zip(drawn, first_heard(heard), strict=True):
            month_by_arrays(planted, first, named)

    one = first_heard(heard)[0]
    full, month = seconds(everything), seconds(lambda: month_by_arrays(drawn[0][0], one, drawn[0][1]))
    return {"full": full, "one": month, "peak": peak_megabytes(), "before": before}


def releases(copies: int) -> Iterator[Release]:
    """The same world as plain values: a release for each copy and month, with every contact of the full world on
    its marks, however few of the copies are made. As in store/evidence.py, each release gets hits of its own."""
    rng = np.random.default_rng(copies)
    rang: dict[tuple[int, int], list[float]] = {}
    for month, number, day in zip(*(a.tolist() for a in contacts(rng, 1_000 * CONTACTS_A_COPY)), strict=True):
        rang.setdefault((month, number), []).append(day)
    for month, (planted, named) in enumerate(draws(rng, copies)):
        days = [sorted(rang.get((month, number), [])) for number in range(NUMBERS)]
        for copy in range(copies):
            marks = tuple(_mark(i, bool(planted[copy, i]), days[i], bool(named[copy, i])) for i in range(NUMBERS))
            yield Release(f"{copy}-{month}", str(copy), START, START + timedelta(DAYS), marks)


def _mark(number: int, planted: bool, days: list[float], named: bool) -> Mark:
    code, outcome = f"N{number:03}", Outcome.NAMED if named else Outcome.MATERNAL
    names = frozenset({code}) if named else frozenset[str]()
    return Mark(code, "block", planted, tuple(Hit(START + timedelta(day), outcome, number, names) for day in days))


def by_objects(copies: int) -> dict[str, float]:
    seen = list(releases(copies))
    before, end = peak_megabytes(), START + timedelta(DAYS)
    full = seconds(lambda: [score(r, CHANNEL, end) for r in seen])
    one = seconds(lambda: [score(r, CHANNEL, end) for r in seen[:copies]])
    ordering = seconds(lambda: [fresh(r, end) for r in seen])
    believing = seconds(lambda: posterior(Evidence(end, tuple(seen)), CHANNEL))
    return {"full": full, "one": one, "peak": peak_megabytes(), "before": before, "fresh": ordering,
            "posterior": believing}  # fmt: skip


def a_pass(copies: int) -> dict[str, float]:
    x = np.random.default_rng(1).random(copies * NUMBERS * MONTHS)
    return {"full": seconds(x.sum, 9), "one": seconds(lambda: np.log(x)), "peak": peak_megabytes(), "before": 0}


def peak_megabytes() -> float:
    # getrusage would count what the parent held when it forked.
    return int(re.findall(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[0]) / 1024


JOBS: dict[str, Callable[[int], dict[str, float]]] = {"pass": a_pass, "arrays": by_arrays, "objects": by_objects}


def measure(job: str, copies: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", job, "--copies", str(copies)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def exponent(sizes: list[int], found: list[dict[str, float]], key: str) -> float:
    """The slope of ln cost over ln size."""
    return float(np.polyfit(np.log(sizes), np.log([f[key] for f in found]), 1)[0])


def table(job: str, sizes: list[int], full_size: int) -> None:
    """Measure three sizes, print them with their exponents, and what the full size would cost."""
    found = [measure(job, size) for size in sizes]
    for size, f in zip(sizes, found, strict=True):
        times = f"all {f['full']:7.2f} s   one contact {f['one']:7.4f} s"
        print(f"{job:8}{size:6} copies  {times}   peak {f['peak']:5.0f} MB, {f['before']:.0f} before", flush=True)
    slopes = {key: exponent(sizes, found, key) for key in ("full", "one")}
    print(f"{job:8}exponents: all {slopes['full']:.2f}, one contact {slopes['one']:.2f}")
    grown, unit = full_size / sizes[-1], measure("pass", full_size)["full"]
    full, one = (found[-1][key] * grown ** slopes[key] for key in ("full", "one"))
    slope = (found[-1]["peak"] - found[0]["peak"]) / (sizes[-1] - sizes[0])
    peak = found[-1]["peak"] + slope * (full_size - sizes[-1])
    costs = f"all {full:.2f} s = {full / unit:.0f} passes, one contact {one:.3f} s = {one / unit:.1f} passes"
    print(f"{job:8}{'carried on to' if grown > 1 else 'at'} {full_size} copies: {costs}, peak {peak:.0f} MB")
    if "fresh" in found[-1]:
        ordering, believing = (found[-1][key] / found[-1]["full"] for key in ("fresh", "posterior"))
        print(f"{job:8}{ordering:.0%} of it is ordering the steps; the posterior adds {believing:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=1_000)
    parser.add_argument("--child", choices=list(JOBS), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(JOBS[given.child](given.copies)))
        return
    n = given.copies
    unit = measure("pass", n)
    print(f"{n} copies x {NUMBERS} numbers x {MONTHS} releases = {n * NUMBERS * MONTHS:,} cells, "
          f"{n * CONTACTS_A_COPY:,} contacts")  # fmt: skip
    print(f"one pass: x.sum() {unit['full'] * 1000:.1f} ms; for comparison np.log(x) {unit['one'] * 1000:.0f} ms; "
          f"{unit['peak']:.0f} MB")  # fmt: skip
    table("arrays", [max(1, n // 10), max(2, n // 3), n], n)
    table("objects", [1, 2, 4], n)


if __name__ == "__main__":
    main()
