"""Programs of the machine that read what no library does: they get a path and no secret, and write into a pipe."""

import io
import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from canary.errors import CanaryError
from canary.scan.readers.base import Source, refuse_bomb

MOST_MEMORY = 1 << 22  # KB of address space: rar 5 allows for dictionaries of gigabytes
PATIENCE = 120.0  # seconds without a byte: however large an archive is, it is unpacked bit by bit

# Runs a program in limited memory, and beside it a watch that ends all when whoever started this is gone, however it
# went: killed, it ends nothing, but its end of the pipe that is read here closes.
_GUARDED = f"""
ulimit -v {MOST_MEMORY} 2>/dev/null
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
exec >/dev/null
{{ read -r _; kill -9 -$$; }} <&3 &
wait $program
ended=$?
kill -9 $!
exit $ended
"""


def path_of(source: Source) -> str:
    """Where a program finds a file. Raises CanaryError if there is none, for it lies in an archive that is read in
    memory, and this machine has no files there."""
    if source.path is None:
        raise CanaryError(f"{source.name}: cannot be read inside an archive here", "unpack it and scan the folder")
    return str(source.path.absolute())


class Program(io.RawIOBase):
    """What a program writes for the file `name`: it is ended, with all it started, when this is closed.

    Raises CanaryError when nothing comes from it for PATIENCE seconds.
    """

    def __init__(self, command: Sequence[str], name: str) -> None:
        self._name, self._called = name, os.path.basename(command[0])
        self._program = _started(command)
        assert self._program.stdout
        self._pipe = self._program.stdout
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._pipe, selectors.EVENT_READ)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: "memoryview") -> int:  # type: ignore[override]
        """The next bytes, as soon as there are any; 0 only at the end."""
        if not self._waiting.select(PATIENCE):
            raise self._hangs()
        got: int = self._pipe.readinto(into)  # type: ignore[attr-defined]
        return got

    def failed(self) -> bool:
        """Whether a program that has written all says that it failed."""
        try:
            return self._program.wait(PATIENCE) != 0
        except subprocess.TimeoutExpired as error:
            raise self._hangs() from error

    def close(self) -> None:
        """End the program."""
        if self.closed:
            return
        super().close()
        self._waiting.close()
        _end(self._program)

    def _hangs(self) -> CanaryError:
        said = f"{self._name}: {self._called}, which reads it, gave nothing for {PATIENCE:g} s and was ended"
        return CanaryError(said, "unpack it yourself, or save its tables as CSV, and scan that")


class Output(Program):
    """What a program makes of a `source`, counted: raises CanaryError when it becomes too much, or if the program
    fails."""

    def __init__(self, command: Sequence[str], source: Source) -> None:
        super().__init__(command, source.name)
        self._source, self._count = source, 0

    def readinto(self, into: "memoryview") -> int:  # type: ignore[override]
        """The next bytes; 0 only at the end."""
        got = super().readinto(into)
        self._count += got
        refuse_bomb(self._source.name, self._source.size, self._count)
        if not got and self.failed():
            raise CanaryError(f"{self._source.name}: damaged: the program that reads it gave up", "save it as CSV")
        return got


def _end(program: "subprocess.Popen[bytes]") -> None:
    with program, suppress(ProcessLookupError, PermissionError):  # it left; its group may be another's
        if program.returncode is None:
            os.killpg(program.pid, signal.SIGKILL)


def _started(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    guarded = ["/bin/sh", "-c", _GUARDED, "sh", *command]
    told = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LC_ALL": "C.UTF-8"}
    # Unbuffered: whoever reads gets what is there, and does not wait for more. A group of its own: it is ended whole.
    return subprocess.Popen(guarded, 0, stdin=pipe, stdout=pipe, stderr=none, env=told, start_new_session=True)
