"""The spool: raw requests in files, sealed and fsynced, while the database cannot take them."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from canary.errors import OutsideError
from canary.store.deliveries import Delivered
from canary.store.vault import Vault

LEFTOVER_SECONDS = 3600  # longer than any write takes: a half-written file this old is a dead server's


class Spool:
    """A folder with one file a delivery, named so that sorting by name is the order of arrival."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self.folder = folder
        self._vault = vault
        self._last = 0
        # Before it is needed: a full disk has no room for a folder. `keep` tries again.
        with suppress(OSError):
            self._make()

    def keep(self, delivered: Delivered) -> None:
        """Store a delivery durably. Raises OutsideError when the disk does not take it; nothing is left then."""
        sealed = self._vault.seal({**vars(delivered), "at": delivered.at.isoformat()})
        target = self.folder / f"{self._next():020d}-{delivered.key}.sealed"
        part = target.with_suffix(".part")
        try:
            self._make()
            with part.open("xb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
            _sync(self.folder)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise OutsideError(f"spool: {error.strerror or error}", f"see {self.folder}") from error

    def waiting(self) -> list[Path]:
        """The deliveries that wait, oldest first."""
        return sorted(self.folder.glob("*.sealed"))

    def read(self, path: Path) -> Delivered:
        """One delivery. Raises CanaryError when the key is another one or the file was changed."""
        found = self._vault.open(path.read_bytes())
        return Delivered(**{**found, "at": datetime.fromisoformat(found["at"])})

    def remove(self, path: Path) -> None:
        """Forget a delivery that the database has. Undone by a power cut, it is kept again under the same key."""
        path.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether we are the one process that drains now; for as long as the block lasts."""
        try:
            lock = (self.folder / "lock").open("ab")
        except FileNotFoundError:  # no folder, nothing to drain
            yield False
            return
        with lock:
            mine = _locked(lock)
            if mine:
                self._sweep()
            yield mine

    def _make(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(self.folder.parent)

    def _next(self) -> int:
        # A clock set back must not put a delivery before those that wait.
        newest = max((int(path.name[:20]) for path in self.waiting()), default=0) if not self._last else self._last
        self._last = max(time.time_ns(), newest + 1)
        return self._last

    def _sweep(self) -> None:
        for part in self.folder.glob("*.part"):
            if part.stat().st_mtime < time.time() - LEFTOVER_SECONDS:
                part.unlink(missing_ok=True)


def _locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
