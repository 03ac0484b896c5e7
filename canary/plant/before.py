"""The files of the month before: which of them a copy follows on."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Table
from canary.plant.formats.detect import format_of


@dataclass(frozen=True)
class Before:
    """A file of the month before: what a recipient was handed, or what that was made from."""

    path: Path
    table: Table
    sha256: str


class Befores:
    """The files given for the month before; each is read when a copy asks for it, the last one kept."""

    def __init__(self, paths: Sequence[Path] = ()) -> None:
        self._paths = paths
        self._read: Before | None = None

    def of(self, sha256: str, names: Iterable[str]) -> Before | None:
        """The file with that hash, else the one called like the copy or its recipient, else the only one.

        None if no files were given. Raises CanaryError if several are and none fits, OutsideError if unreadable.
        """
        if not self._paths:
            return None
        fits = [path for path in self._paths if path.stem in names]
        path = self._by_hash.get(sha256) or (fits or self._paths)[0]
        if sha256 not in self._by_hash and len(fits) != 1 and len(self._paths) > 1:
            wanted = " or ".join(sorted(names))
            raise CanaryError(f"no file of --last fits {wanted}", "name it so, or give the file that was handed out")
        if self._read is None or self._read.path != path:
            self._read = Before(path, format_of(path).read(path), sha256_of(path))
        return self._read

    @cached_property
    def _by_hash(self) -> dict[str, Path]:
        return {sha256_of(path): path for path in self._paths}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file. Raises OutsideError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
