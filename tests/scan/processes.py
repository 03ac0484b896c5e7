"""What runs on this machine, for tests of what must have ended."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def is_gone(process: int) -> bool:
    """Whether it is gone, or nothing but an entry that nobody asked for yet."""
    for _ in range(100):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def commands() -> Iterator[bytes]:
    """The command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            yield path.read_bytes()
