"""The scheduler: jobs that may run twice, one process at a time, and a clean end."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from canary import schedule
from canary.errors import CanaryError, OutsideError
from canary.prove.chain import first_break
from canary.schedule import JOBS, run_job
from canary.settings import Settings, load
from canary.store import leases, ledger, numbers
from canary.store.base import Base
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.vault import Vault, new_key
from tests.conftest import fresh_database

FAST = "".join(f"{job}_every_seconds = 1\n" for job in JOBS)
ROOT = Path(__file__).parents[1]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key and a hurried scheduler, and an environment that points nowhere else."""
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    (tmp_path / "canary.toml").write_text(FAST)
    (tmp_path / "canary.key").write_text(new_key())
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def registry(folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The registry of `folder` on either database, with thirty numbers whose quarantine is over."""
    if request.param == "postgresql":
        monkeypatch.setenv("CANARY_DATABASE_URL", fresh_database(request.getfixturevalue("postgres_url")))
    store = Store(load().url, Vault((folder / "canary.key").read_text()))
    store.migrate()
    hold(store, range(30), LONG_AGO)
    yield store
    store.close()


def hold(store: Store, which: range, since: datetime) -> None:
    with store.writing() as session:
        new = [NewNumber(f"+861200000{i:04}", "twilio", Decimal(1)) for i in which]
        numbers.import_numbers(session, since, new)


def dump(store: Store) -> dict[str, list[Any]]:
    with store.engine.connect() as connection:
        return {
            t.name: [tuple(row) for row in connection.execute(select(t).order_by(*t.primary_key))]
            for t in Base.metadata.sorted_tables
        }


def states(store: Store) -> dict[str, int]:
    with store.reading() as session:
        return numbers.counts(session)


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_runs_by_name_and_a_second_run_changes_nothing(registry: Store, folder: Path, name: str) -> None:
    settings = load()
    said = run_job(settings, registry, name)
    assert said and "\n" not in said
    once, digests = dump(registry), sorted((folder / "digests").glob("*"))
    run_job(settings, registry, name)
    assert dump(registry) == once
    assert sorted((folder / "digests").glob("*")) == digests
    assert len(digests) == (1 if name == "digest" else 0)


def test_the_digest_is_the_findings_of_the_day_without_numbers(registry: Store, folder: Path) -> None:
    settings = load()
    assert run_job(settings, registry, "digest") == f"wrote {datetime.now(UTC):%Y-%m-%d}.txt"
    text = next((folder / "digests").iterdir()).read_text(encoding="utf-8")
    assert len(text.splitlines()) > 5 and "+8612" not in text


def test_the_numbers_job_ends_quarantine_when_it_is_over(registry: Store) -> None:
    hold(registry, range(100, 110), datetime.now(UTC))
    run_job(load(), registry, "numbers")
    assert states(registry) == {"control": 10, "ready": 20, "quarantine": 10}


def test_a_job_that_is_none_is_refused_with_the_names_of_those_there_are(registry: Store) -> None:
    with pytest.raises(CanaryError, match=r"no job 'sweep'.*verdicts"):
        run_job(load(), registry, "sweep")


# --- the lease --------------------------------------------------------------------------------------------------


def take(store: Store, holder: str, now: datetime, seconds: float = 60) -> bool:
    with store.writing() as session:
        return leases.acquire(session, "scheduler", holder, now, timedelta(seconds=seconds))


def test_a_lease_is_held_by_one_until_it_runs_out_or_is_given_back(store: Store) -> None:
    now = datetime.now(UTC)
    assert take(store, "one", now)
    assert not take(store, "two", now)
    assert take(store, "one", now + timedelta(seconds=50)), "its holder renews it"
    assert not take(store, "two", now + timedelta(seconds=100))
    assert take(store, "two", now + timedelta(seconds=111)), "it ran out: a holder that was killed is replaced"
    with store.writing() as session:
        leases.give_back(session, "scheduler", "one", now)
    assert not take(store, "one", now + timedelta(seconds=112)), "nobody gives back what another holds"
    with store.writing() as session:
        leases.give_back(session, "scheduler", "two", now + timedelta(seconds=112))
    assert take(store, "one", now + timedelta(seconds=113))


# --- the process ------------------------------------------------------------------------------------------------


class Scheduler:
    """One `canary schedule` process and what it has said."""

    def __init__(self, folder: Path, name: str) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "canary", "schedule"]
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def jobs(self) -> int:
        return sum(self.said().count(f"{name}: ") for name in ("verdicts", "numbers"))

    def ends(self, signum: int = signal.SIGTERM) -> int:
        """Its exit code."""
        self.process.send_signal(signum)
        return self.process.wait(60)


@contextmanager
def scheduler(folder: Path, name: str) -> Iterator[Scheduler]:
    running = Scheduler(folder, name)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_of_two_schedulers_one_works_and_the_other_takes_over_when_it_ends(registry: Store, folder: Path) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(scheduler(folder, name)) for name in ("one", "two")]
        until(lambda: all(" runs " in each.said() for each in both))
        until(lambda: max(each.jobs() for each in both) >= 4)
        first, second = sorted(both, key=Scheduler.jobs, reverse=True)
        assert second.jobs() == 0
        assert first.ends() == 0
        until(lambda: second.jobs() >= 2, 30)  # a lease not given back would run for 45 seconds
        assert second.ends() == 0
        assert "Traceback" not in first.said() + second.said()
    assert states(registry) == {"control": 10, "ready": 20}
    with registry.reading() as session:
        assert len(list(ledger.entries(session, "block"))) == 1
        assert first_break(ledger.entries(session)) is None


def test_a_new_holder_runs_every_job_at_once_also_those_that_are_not_due(folder: Path) -> None:
    """The last one was killed when its digest was due in a minute; the new one's own would be in a day."""
    (folder / "canary.toml").write_text("lease_seconds = 12\n")
    lone(folder)
    with scheduler(folder, "one") as one:
        until(lambda: all(f"{name}: " in one.said() for name in JOBS))
        with scheduler(folder, "two") as two:
            until(lambda: " runs " in two.said())
            time.sleep(2)  # its own first runs pass while it is not its turn
            assert not any(f"{name}: " in two.said() for name in JOBS), two.said()
            one.ends(signal.SIGKILL)
            until(lambda: all(f"{name}: " in two.said() for name in JOBS))


def test_a_job_that_failed_is_tried_again_before_its_interval_is_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lone(folder)
    (folder / "canary.toml").write_text("lease_seconds = 2\n")
    tried: list[str] = []
    said = threading.Event()

    def digest(settings: Settings, store: Store) -> str:
        tried.append("digest")
        if len(tried) == 1:
            raise OutsideError("the disk is full")
        said.set()
        return "wrote it"

    monkeypatch.setattr(schedule, "JOBS", {**JOBS, "digest": digest})
    monkeypatch.setattr(schedule, "RETRY_SECONDS", 0.2)
    with in_a_thread(monkeypatch) as (stop, _):
        assert said.wait(60)
        stop()


def test_a_scheduler_ends_also_when_a_job_fails_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lone(folder)
    begun, asked = threading.Event(), threading.Event()

    def digest(settings: Settings, store: Store) -> str:
        begun.set()
        assert asked.wait(30)
        time.sleep(0.5)  # by now the scheduler waits for this job
        raise OutsideError("the disk is full")

    monkeypatch.setattr(schedule, "JOBS", {**JOBS, "digest": digest})
    with in_a_thread(monkeypatch) as (stop, said):
        assert begun.wait(30)
        stop()
        asked.set()
    assert "digest: the disk is full" in said


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.usefixtures("postgres_url")
def test_of_three_schedulers_whose_holder_is_killed_none_runs_a_job_beside_another(tmp_path: Path) -> None:
    """Reduced; `scripts/acceptance.sh` runs ten minutes on each database, and times them."""
    command = [sys.executable, ROOT / "benchmarks" / "schedulers.py", "--minutes", "0.25", "--lease", "3"]
    done = subprocess.run(
        [*command, "--database", "postgresql"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "twice at a time 0, " in done.stdout, done.stdout + done.stderr
    assert "left 0, tracebacks 0" in done.stdout
    assert " 0 killed" not in done.stdout


@contextmanager
def in_a_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Callable[[], None], list[str]]]:
    """A scheduler of this process, with how to end it and what it says; it must have ended after."""
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)  # only a main thread may have any
    said: list[str] = []
    running = threading.Thread(target=schedule.run_forever, args=(load(), said.append), daemon=True)
    running.start()
    try:
        yield lambda: handlers[signal.SIGTERM](signal.SIGTERM, None), said
    finally:
        running.join(60)
        assert not running.is_alive(), "it hangs"


def test_a_scheduler_ends_cleanly_at_ctrl_c_too(folder: Path) -> None:
    lone(folder)
    with scheduler(folder, "one") as one:
        until(lambda: one.jobs() >= 1)
        assert one.ends(signal.SIGINT) == 0, one.said()
        assert "Traceback" not in one.said()


def test_jobs_outlive_a_minute_in_which_the_database_was_wrong(folder: Path) -> None:
    lone(folder)
    with scheduler(folder, "one") as one:
        until(lambda: one.jobs() >= 2)
        with sqlite3.connect(folder / "canary.sqlite3", timeout=20) as database:
            database.execute("ALTER TABLE contact RENAME TO mislaid")
        until(lambda: "no such table" in one.said())
        with sqlite3.connect(folder / "canary.sqlite3", timeout=20) as database:
            database.execute("ALTER TABLE mislaid RENAME TO contact")
        database.close()
        healed = len(one.said())
        until(lambda: "verdicts: 0 copies judged" in one.said()[healed:])
        assert one.ends() == 0
        assert "Traceback" not in one.said()


def test_a_digest_that_cannot_be_written_is_said_in_a_line_and_the_other_jobs_go_on(folder: Path) -> None:
    lone(folder)
    (folder / "digests").write_text("a file where the folder should be")
    with scheduler(folder, "one") as one:
        until(lambda: one.jobs() >= 6)
        assert one.ends() == 0
        assert "digest: " in one.said()
        assert "Traceback" not in one.said()


def lone(folder: Path) -> Settings:
    settings = load()
    store = Store(settings.url, Vault((folder / "canary.key").read_text()))
    store.migrate()
    store.close()
    return settings
