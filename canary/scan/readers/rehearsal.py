"""Reads first in a child process what may kill the process that reads it: a library that takes memory without end is
ended by the system, not by an error."""

import faulthandler
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from canary.scan.lifetime import end_with
from canary.scan.readers.tool import PATIENCE

_MOST = 1 << 28  # bytes of memory, and a few times the file's own size


def survives(read: Callable[[], object], size: int) -> bool:
    """Whether whoever reads a file of `size` bytes lives on, in bounded memory and time; errors are none of our
    business."""
    parent, child = os.getpid(), os.fork()
    if not child:
        try:
            end_with(parent)
            _limit(_MOST + 6 * size)
            with suppress(Exception):
                read()
            os._exit(0)
        finally:
            os._exit(1)
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                child = 0
                return status == 0
            time.sleep(0.002)
        return False
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _limit(more: int) -> None:
    """Let this process take so many bytes more, and say nothing when it dies."""
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        with open("/proc/self/statm") as told:
            held = int(told.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + more, resource.getrlimit(resource.RLIMIT_AS)[1]))
