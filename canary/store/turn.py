"""Writers of one SQLite file take turns by a lock beside it: SQLite's own waiting sleeps up to a tenth of a second."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LONGEST = 0.002  # seconds between two looks at the lock


@contextmanager
def turn(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock of `path`. Whoever waits longer than `patience` seconds, or cannot make the file, goes on without:
    the database itself still lets only one write."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        _wait(handle, time.monotonic() + patience)
        yield
    finally:
        os.close(handle)  # and with it goes the lock


def _wait(handle: int, until: float) -> None:
    pause = _LONGEST / 16
    while time.monotonic() < until:
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(pause)
        pause = min(_LONGEST, 2 * pause)
