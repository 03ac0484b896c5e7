"""Forked processes that end with the one that forked them, and that nobody else ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from canary.errors import CanaryError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """Have the system kill this process when `parent`, which forked it, is gone, however it went (Linux alone)."""
    import ctypes  # here, for most scans need no processes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@contextmanager
def processes(jobs: int, prepare: Callable[[], None]) -> "Iterator[ProcessPoolExecutor]":
    """`jobs` forked processes, each prepared. They hear no signal that asks them to end, whose exception Python may
    lose: at the end they are killed, whatever they do. Raises CanaryError if another kills one."""
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    before = {child.pid for child in multiprocessing.active_children()}
    held = ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"), _prepared, (os.getpid(), prepare))
    deaf = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        held.submit(os.getpid)  # forks them all
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, deaf)
    try:
        yield held
    except BrokenProcessPool as error:
        said = "one of the processes that scanned was killed, perhaps by the system, which had no memory left"
        raise CanaryError(said, "scan with --jobs 1, or some of the files") from error
    finally:
        for child in multiprocessing.active_children():
            if child.pid not in before:
                child.kill()
        held.shutdown(cancel_futures=True)


def _prepared(parent: int, prepare: Callable[[], None]) -> None:
    end_with(parent)
    prepare()
