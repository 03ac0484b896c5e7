"""What the fault run (faults.py) breaks and mends: our processes, their database, their disk and their line."""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from tests.peers.bad_line import BadLine
from tests.peers.postgres import Cluster

Mend = Callable[[], object]


class Program:
    """One of our processes in a group of its own; while it is `wanted` it is started again, as systemd does."""

    def __init__(self, command: str, environment: Mapping[str, str], folder: Path) -> None:
        self._command, self._environment = [sys.executable, "-m", "canary", command], dict(environment)
        self.log = folder / f"{command}.log"
        self.wanted = True
        self.process: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Start it unless it runs, or must not."""
        if self.wanted and (self.process is None or self.process.poll() is not None):
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )

    def send(self, signum: int) -> None:
        """Signal the whole group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signum)

    def kill(self) -> Mend:
        """kill -9; mended by allowing it to be started again."""
        self.wanted = False
        self.send(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        return lambda: setattr(self, "wanted", True)

    def end(self) -> None:
        """A clean end."""
        self.wanted = False
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        if self.process is not None:
            self.process.wait(30)


class Postgres:
    """A PostgreSQL of our own, on the disk that fills."""

    def __init__(self, programs: Path, folder: Path) -> None:
        folder.mkdir()
        self._data = folder / "data"
        self._cluster = Cluster(programs, str(folder))
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write("max_wal_size = 64MB\nmin_wal_size = 32MB\n")  # the disk is small
        self.url = self._cluster.url
        self.wanted = True

    def look(self) -> None:
        """Start it unless it runs, or must not; also after it died of a full disk."""
        if self.wanted and not self._alive():
            with suppress(RuntimeError):
                self._cluster.start()

    def kill(self) -> Mend:
        """kill -9 of all its processes."""
        self.wanted = False
        _send(signal.SIGKILL, self._processes())
        return lambda: setattr(self, "wanted", True)

    def stop(self) -> Mend:
        """It takes connections and requests, and answers nothing: a disk that hangs."""
        stopped = self._processes()
        _send(signal.SIGSTOP, stopped)
        return lambda: _send(signal.SIGCONT, stopped)

    def end(self) -> None:
        """A clean end."""
        self.wanted = False
        if self._alive():
            self._cluster.stop()

    def _processes(self) -> list[int]:
        postmaster = self._pid()
        return [postmaster, *children(postmaster)] if self._alive() else []

    def _pid(self) -> int:
        with suppress(OSError, ValueError, IndexError):
            return int((self._data / "postmaster.pid").read_text().split()[0])
        return 0

    def _alive(self) -> bool:
        pid = self._pid()
        with suppress(OSError):
            return pid > 0 and b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False


def _send(signum: int, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def children(parent: int) -> list[int]:
    """The ids of a process's children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


class Disk:
    """A small disk mounted over a folder, if we may mount; full when it is as large as what is on it."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder, self._size = folder, f"{megabytes}m"
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self._size},mode=755", "canary-faults", str(folder)]
        self.mounted = os.geteuid() == 0 and _runs(mount)

    def fill(self) -> Mend:
        """Leave no room; raises OSError if that cannot be done."""
        for _ in range(50):  # it may grow while we look
            found = os.statvfs(self.folder)
            used = (found.f_blocks - found.f_bfree) * found.f_frsize
            if self._resize(str(used)):
                return lambda: self._resize(self._size)
        raise OSError("the disk cannot be made smaller")

    def end(self) -> None:
        """Unmount."""
        if self.mounted:
            _runs(["umount", "-l", str(self.folder)])

    def _resize(self, size: str) -> bool:
        return _runs(["mount", "-o", f"remount,size={size}", str(self.folder)])


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


class World:
    """All that can break. What is dead and wanted is started again twice a second."""

    def __init__(self, line: BadLine, disk: Disk, postgres: Postgres | None, sqlite: Path) -> None:
        self.line, self.disk, self.postgres, self.sqlite = line, disk, postgres, sqlite
        self.programs: dict[str, Program] = {}
        self.done: Counter[str] = Counter()
        self.spooled = 0  # at most at once
        self._over = Event()

    def faults(self) -> dict[str, Callable[[], Mend]]:
        """By name, what breaks something and returns what mends it."""
        server, scheduler = self.programs["serve"], self.programs["schedule"]
        found: dict[str, Callable[[], Mend]] = {
            "server killed": server.kill,
            "worker killed": self._kill_worker,
            "server stopped": self._stop_server,
            "scheduler killed": scheduler.kill,
            "line cut": self._cut,
            "files limited": self._limit,
        }
        if self.postgres:
            found |= {"database killed": self.postgres.kill, "database stopped": self.postgres.stop}
        else:
            found["database locked"] = self._lock
        return found | ({"disk full": self.disk.fill} if self.disk.mounted else {})

    def trouble(self, rng: random.Random, seconds: float, longest: float) -> None:
        """One or two faults at a time, each for up to `longest` seconds, with some calm between, for so long."""
        until, faults, left = time.monotonic() + seconds, self.faults(), list[str]()
        while time.monotonic() < until:
            # Each in turn, in another order every round: none is left out by chance.
            left = left if len(left) > 1 else left + rng.sample(sorted(faults), len(faults))
            chosen = [left.pop(0) for _ in range(rng.choice([1, 1, 2]))]
            mends = []
            for name in dict.fromkeys(chosen):
                mends.append(faults[name]())
                self.done[name] += 1
                time.sleep(rng.uniform(0, longest / 4))
            time.sleep(rng.uniform(longest / 8, longest))
            for mend in rng.sample(mends, len(mends)):
                mend()
            time.sleep(rng.uniform(longest / 4, longest))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start everything, keep it alive for the block, end it."""
        keeper = Thread(target=self._keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._over.set()
            keeper.join()
            for each in self.programs.values():
                each.end()
            if self.postgres:
                self.postgres.end()
            self.line.shutdown()

    def _keep(self) -> None:
        while not self._over.wait(0.5):
            waiting = len(list((self.sqlite.parent / "spool").glob("*.sealed")))
            self.spooled = max(self.spooled, waiting)
            if self.postgres:
                self.postgres.look()
            for program in self.programs.values():
                program.look()

    def _kill_worker(self) -> Mend:
        process = self.programs["serve"].process
        for pid in children(process.pid)[:1] if process else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return lambda: None  # gunicorn starts another

    def _stop_server(self) -> Mend:
        server = self.programs["serve"]
        server.send(signal.SIGSTOP)
        return lambda: server.send(signal.SIGCONT)

    def _cut(self) -> Mend:
        self.line.cut = True
        return lambda: setattr(self.line, "cut", False)

    def _limit(self) -> Mend:
        """No file of ours grows beyond a size: the database none, the spool some or none."""
        size = 4096 if self.done["files limited"] % 2 else 100
        pids = [p.process.pid for p in self.programs.values() if p.process]
        every = [pid for parent in pids for pid in (parent, *children(parent))]

        def limit(size: int) -> None:
            for pid in every:
                with suppress(ProcessLookupError, PermissionError):
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

        limit(size)
        return lambda: limit(resource.RLIM_INFINITY)

    def _lock(self) -> Mend:
        connection = sqlite3.connect(self.sqlite, timeout=20, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.OperationalError):  # a full disk
            connection.execute("BEGIN IMMEDIATE")
        return connection.close
