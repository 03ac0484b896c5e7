"""The processes of a scan end with it, however it ends, and a scan ends when one of them does."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from canary.errors import CanaryError, SealedError
from canary.scan import run
from canary.scan.run import Scan, Scanned, Task
from tests.scan.processes import is_gone
from tests.scan.test_readers import CSV, NEEDLES

ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
KILLED = """
import os, signal, time
from canary.scan.lifetime import processes

def who(_):
    time.sleep(0.1)
    return os.getpid()

with processes(2, lambda: None) as held:
    print(*set(held.map(who, range(4))), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_does_not_listen_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(task: Task, *_: object) -> list[Scanned]:
        if task.path.name == "a.csv":
            while not (tmp_path / "deaf").exists():
                time.sleep(0.01)
            raise SealedError("the key is another", "restore it")
        (tmp_path / "deaf").touch()
        time.sleep(600)
        return []

    monkeypatch.setattr(run, "scan_task", deaf)
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_bytes(CSV)
    with pytest.raises(SealedError):
        Scan(NEEDLES, jobs=2).files(paths)
    assert multiprocessing.active_children() == []


def test_a_process_that_is_killed_ends_the_scan_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does when there is no memory left."""
    monkeypatch.setattr(run, "scan_task", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_bytes(CSV)
    with pytest.raises(CanaryError, match="killed, perhaps by the system"):
        Scan(NEEDLES, jobs=2).files(paths)
    assert multiprocessing.active_children() == []


def test_processes_end_with_what_started_them_and_is_killed() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=ENV, timeout=60)
    assert done.returncode == -signal.SIGKILL and len(done.stdout.split()) == 2, done
    assert all(is_gone(int(process)) for process in done.stdout.split())
