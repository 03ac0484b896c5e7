"""Checks the container of an .xls (Microsoft's compound file, [MS-CFB]) before a library reads it: chains of sectors
that run in a circle would be followed until the memory is full."""

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError

Sectors = NDArray[np.uint32]
_IN_HEADER = 109
_NONE = 0xFFFFFFFA  # from here no sector is meant


def refuse_circles(name: str, content: bytes) -> None:
    """Raises CanaryError if a chain of sectors never ends, or is not there."""
    shift = int.from_bytes(content[30:32], "little")
    if len(content) < 512 or shift not in (9, 12):
        raise _damaged(name)
    size = 1 << shift
    head = np.frombuffer(content[:512], "<u4")
    body = memoryview(content)[size:]
    sectors = np.frombuffer(body[: len(body) // size * size], "<u4").reshape(-1, size // 4)
    listed, at, seen = [head[19 : 19 + _IN_HEADER]], int(head[17]), set[int]()
    while at < _NONE:
        if at in seen or at >= len(sectors):
            raise _damaged(name)
        seen.add(at)
        listed.append(sectors[at, :-1])
        at = int(sectors[at, -1])
    table = _joined(sectors, np.concatenate(listed))
    if _circular(table) or _circular(_joined(sectors, _chain(table, int(head[15])))):
        raise _damaged(name)


def _joined(sectors: Sectors, numbers: Sectors) -> Sectors:
    return sectors[numbers[numbers < len(sectors)]].ravel()


def _circular(table: Sectors) -> bool:
    """Whether some chain of a table never leaves it: so far, then twice as far, until each must have ended."""
    end = len(table)
    following = np.append(np.minimum(table, end), end).astype(np.int64)
    for _ in range(end.bit_length() + 1):
        following = following[following]
    return bool((following != end).any())


def _chain(table: Sectors, start: int) -> Sectors:
    found: list[int] = []
    while start < len(table) and len(found) < len(table):
        found.append(start)
        start = int(table[start])
    return np.array(found, np.uint32)


def _damaged(name: str) -> CanaryError:
    why = "its sectors run in a circle or are missing"
    return CanaryError(f"{name}: not a workbook that can be read: {why}", "open it and save it as CSV")
