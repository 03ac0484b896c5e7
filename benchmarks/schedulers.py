"""Several schedulers on one database, the working one killed (-9) at random: jobs run twice at a time, skipped, left.

    PYTHONPATH=. python benchmarks/schedulers.py [--minutes 10] [--database sqlite|postgresql] [--schedulers 3]

Each process is `canary schedule` with its jobs wrapped: begin and end of every run are written down, and a run takes a
tenth of a second more. Whoever is killed is started again some seconds later. Twice: two processes ran one job at the
same time. Skipped: a job rested twice its interval (and two seconds) though nobody was killed. Late: after a kill no
job ran for longer than the lease, and a second. Left: a new holder that lived for ten seconds did not run every job,
also those that are not due for hours. Exit 1 unless all four are 0.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fault_world import Postgres

from canary.settings import confine, load
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from tests.peers import postgres

EVERY = {"deliveries": 2, "alerts": 2, "verdicts": 3, "numbers": 5, "drift": 7, "drill": 10}
SELDOM = {"digest": 86400, "reconcile": 3600}
SLOWEST = 300.0  # seconds after which nobody is waited for who begins no job
PROCESS = """
import os, sys, time
from canary import schedule
from canary.settings import load

def note(what, name):
    os.write(log, f"{time.time()} {os.getpid()} {what} {name}\\n".encode())

def wrapped(name, run):
    def job(settings, store):
        note("begin", name)
        try:
            said = run(settings, store)
            time.sleep(0.1)
            return said
        finally:
            note("end", name)
    return job

log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
schedule.JOBS = {name: wrapped(name, run) for name, run in schedule.JOBS.items()}
schedule.run_forever(load(), lambda said: print(said, file=sys.stderr, flush=True))
"""


@dataclass
class Run:
    """One run of a job in a process, in seconds of the clock; it ends with its process at the latest."""

    job: str
    pid: int
    begin: float
    end: float = float("inf")


def read(log: Path, killed: dict[int, float]) -> list[Run]:
    """All runs in the order of their beginning."""
    open_: dict[tuple[int, str], Run] = {}
    found = []
    for line in log.read_text().splitlines():
        at, pid, what, job = line.split()
        if what == "begin":
            run = Run(job, int(pid), float(at), killed.get(int(pid), float("inf")))
            open_[int(pid), job] = run
            found.append(run)
        else:
            open_[int(pid), job].end = float(at)
    return sorted(found, key=lambda run: run.begin)


def twice(runs: Sequence[Run]) -> int:
    """How often a job began in a process before its run in another ended."""
    by_job: defaultdict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_job[run.job].append(run)
    pairs = [pair for some in by_job.values() for pair in pairwise(some)]
    return sum(one.end > two.begin for one, two in pairs)


def skipped(runs: Sequence[Run], kills: Sequence[float]) -> int:
    """Rests of a job longer than twice its interval and two seconds that no kill of the holder explains."""
    count = 0
    for job, seconds in EVERY.items():
        begins = [run.begin for run in runs if run.job == job]
        for one, two in pairwise(begins):
            count += two - one > 2 * seconds + 2 and not any(one <= kill <= two for kill in kills)
    return count


def rests(runs: Sequence[Run], kills: Sequence[float]) -> list[float]:
    """After each kill of the holder, the seconds until another process began a job."""
    found = []
    for kill in kills:
        after = [run.begin for run in runs if run.begin > kill]
        found.append(min(after, default=time.time()) - kill)
    return found


def left(runs: Sequence[Run], until: float) -> int:
    """Jobs that a holder of at least ten seconds never ran."""
    ran, first, last = defaultdict(set), {}, {}
    for run in runs:
        ran[run.pid].add(run.job)
        first.setdefault(run.pid, run.begin)
        last[run.pid] = run.begin
    every = {*EVERY, *SELDOM}
    return sum(len(every - jobs) for pid, jobs in ran.items() if last[pid] - first[pid] >= 10)


class Crew:
    """The schedulers; one that was killed comes back."""

    def __init__(self, number: int, folder: Path) -> None:
        self.log, self._said = folder / "runs.log", folder / "said.log"
        self.log.touch()
        self.killed: dict[int, float] = {}
        self.kills: list[float] = []
        self.running = [self._start() for _ in range(number)]
        self.overtaken = 0

    def holder(self) -> int | None:
        """Who began a job last, None if nobody did or it is dead."""
        lines = self.log.read_text().splitlines()
        pid = int(lines[-1].split()[1]) if lines else 0
        return pid if pid in {process.pid for process in self.running} else None

    def kill(self, pid: int, rest: float) -> None:
        """kill -9 of the holder; another is started after `rest` seconds."""
        (process,) = (each for each in self.running if each.pid == pid)
        process.kill()
        process.wait()
        self.killed[pid] = time.time()
        self.kills.append(self.killed[pid])
        time.sleep(rest)
        self.running = [each for each in self.running if each is not process] + [self._start()]

    def end(self) -> None:
        """A clean end of all."""
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            process.wait(30)
            self.killed.setdefault(process.pid, time.time())

    @property
    def tracebacks(self) -> int:
        """In all that was said."""
        return self._said.read_text().count("Traceback")

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._said.open("ab") as said:
            return subprocess.Popen([sys.executable, "-c", PROCESS, str(self.log)], stdout=said, stderr=said)


def trouble(crew: Crew, seconds: float, lease: float, rng: random.Random) -> None:
    """Kill the holder again and again, once at least; the last kill leaves time for another to take over."""
    until = time.monotonic() + seconds
    latest = until + SLOWEST
    while True:
        calm = rng.uniform(lease / 3, lease * 1.5)
        done = time.monotonic() + calm + lease * 1.5
        if done > until:
            if crew.kills or done > latest:
                break
            until = done
        time.sleep(calm)
        if holder := crew.holder():
            crew.kill(holder, rng.uniform(0.5, lease / 6))
    time.sleep(max(0.0, until - time.monotonic()))


def registry(folder: Path, database: str, lease: float, stack: ExitStack) -> None:
    """A new registry with hurried jobs, and no other in sight."""
    every = "".join(f"{job}_every_seconds = {seconds}\n" for job, seconds in {**EVERY, **SELDOM}.items())
    (folder / "canary.toml").write_text(f"lease_seconds = {lease}\n{every}")
    (folder / "canary.key").write_text(new_key())
    confine(folder)
    if database == "postgresql":
        programs = postgres.binaries()
        if programs is None:
            sys.exit("PostgreSQL 15 is missing")
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-pg-")))
        place.chmod(0o755)
        base = Postgres(programs, place / "pg")
        stack.callback(base.end)
        base.look()
        os.environ["CANARY_DATABASE_URL"] = base.url
    settings = load()
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    store.close()


def figures(crew: Crew, lease: float) -> Iterator[tuple[str, int]]:
    """What must be 0, after a line of what was seen."""
    runs = read(crew.log, crew.killed)
    waited = rests(runs, crew.kills)
    per_job = {job: sum(run.job == job for run in runs) for job in (*EVERY, *SELDOM)}
    print(f"{len(runs)} runs by {len({run.pid for run in runs})} holders, {len(crew.kills)} killed: {per_job}")
    if waited:
        print(f"replaced after {min(waited):.1f} to {max(waited):.1f} s, the lease is {lease:.0f} s")
    yield "twice at a time", twice(runs)
    yield "skipped", skipped(runs, crew.kills)
    yield "late", sum(seconds > lease + 1 for seconds in waited)
    yield "left", left(runs, time.time())
    yield "tracebacks", crew.tracebacks


def main() -> None:
    parser = argparse.ArgumentParser(description="Several schedulers, the working one killed at random.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--schedulers", type=int, default=3)
    parser.add_argument("--lease", type=float, default=30, help="seconds; `lease_seconds` is 60 by default")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    print(f"{options.minutes} minutes on {options.database}, {options.schedulers} schedulers, seed {options.seed}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-schedulers-")))
        registry(folder, options.database, options.lease, stack)
        crew = Crew(options.schedulers, folder)
        try:
            trouble(crew, options.minutes * 60, options.lease, random.Random(options.seed))
        finally:
            crew.end()
        found = dict(figures(crew, options.lease))
        print(", ".join(f"{name} {number}" for name, number in found.items()))
    sys.exit(any(found.values()))


if __name__ == "__main__":
    main()
