"""Found files: which canaries stand in them, however the rows were treated; nobody else is remembered."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDIN = Path("-")


@contextmanager
def no_collection() -> Iterator[None]:
    """While many small objects are made, none of them garbage: the collector would walk them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if it is none, or not there any more: whoever reads it says so."""
    try:
        return 0 if path == STDIN else path.stat().st_size
    except OSError:
        return 0
