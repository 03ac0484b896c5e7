"""A file on disk as a source, which tells how far it was read."""

import io
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from canary.errors import CanaryError, OutsideError
from canary.scan.readers.base import Source


def source_of(path: Path, progress: Callable[[int], None] = lambda done: None) -> Source:
    """A file on disk. Raises OutsideError when it cannot be read, CanaryError if it is none."""
    try:
        told = path.stat()
        if not (stat.S_ISREG(told.st_mode) or stat.S_ISDIR(told.st_mode)):
            raise CanaryError(f"{path}: a pipe, socket or device, and no file", "pipe what it gives to: canary scan -")
        path.open("rb").close()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    return Source(str(path), lambda: _Watched(path, progress), told.st_size, path=path)  # type: ignore[arg-type, return-value]


class _Watched:
    """A file that tells how far it was read."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        self._file: BinaryIO = path.open("rb")
        self._progress, self._furthest = progress, 0

    def read(self, size: int = -1) -> bytes:
        """As a file's; the furthest place reached is what counts as progress."""
        found = self._file.read(size)
        self._tell()
        return found

    def readinto(self, buffer: memoryview) -> int:
        """As a file's."""
        got: int = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._tell()
        return got

    def _tell(self) -> None:
        if (at := self._file.tell()) > self._furthest:
            self._progress(at - self._furthest)
            self._furthest = at

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


io.IOBase.register(_Watched)  # libraries ask
