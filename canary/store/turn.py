"""Servers of one SQLite file take turns by a lock beside it: SQLite's own waiting sleeps up to a tenth of a second."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the lock of `path`: whoever waits wakes as soon as it is free, also when its holder dies. Where the file
    cannot be made everyone goes on without, for the database itself lets only one write."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # and with it goes the lock
