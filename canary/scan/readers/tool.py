"""Programs of the machine that read what no library does: they get a path and no secret, and write into a pipe."""

import io
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from canary.errors import CanaryError
from canary.scan.readers.base import Source, refuse_bomb

MOST_MEMORY = 1 << 22  # KB of address space: rar 5 allows for dictionaries of gigabytes
_PIECE = 1 << 20


@contextmanager
def running(command: Sequence[str]) -> Iterator[IO[bytes]]:
    """A program's output; it is ended when this is left, and ends by itself when nobody reads it any more."""
    with _started(command) as program:
        try:
            assert program.stdout
            yield program.stdout
        finally:
            program.kill()


@contextmanager
def path_of(source: Source) -> Iterator[str]:
    """Where a program finds a file: what lies in an archive, as a file in memory."""
    if source.path is not None:
        yield str(source.path.absolute())
        return
    if not hasattr(os, "memfd_create"):
        raise CanaryError(f"{source.name}: cannot be read inside an archive here", "unpack it and scan the folder")
    held = os.memfd_create("found", os.MFD_CLOEXEC)
    with open(held, "wb") as memory, source.open() as stream:
        while piece := stream.read(_PIECE):
            memory.write(piece)
        memory.flush()
        yield f"/proc/{os.getpid()}/fd/{held}"


class Output(io.RawIOBase):
    """What a program writes, counted: raises CanaryError when it becomes too much for the `source` it reads, or if the
    program fails."""

    def __init__(self, command: Sequence[str], source: Source) -> None:
        self._program, self._source, self._count = _started(command), source, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: "memoryview") -> int:  # type: ignore[override]
        """The next bytes; 0 only at the end."""
        got: int = self._program.stdout.readinto(into)  # type: ignore[union-attr]
        self._count += got
        refuse_bomb(self._source.name, self._source.size, self._count)
        if not got and self._program.wait():
            raise CanaryError(f"{self._source.name}: damaged: the program that reads it gave up", "save it as CSV")
        return got

    def close(self) -> None:
        """End the program."""
        super().close()
        with self._program:
            self._program.kill()


def _started(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    limited = ["/bin/sh", "-c", f'ulimit -v {MOST_MEMORY} 2>/dev/null; exec "$@"', "sh", *command]
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    told = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LC_ALL": "C.UTF-8"}
    # Unbuffered: whoever reads gets what is there, and does not wait for more.
    return subprocess.Popen(limited, 0, stdin=null, stdout=pipe, stderr=null, env=told, start_new_session=True)
