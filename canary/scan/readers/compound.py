"""Checks the container of an .xls (Microsoft's compound file, [MS-CFB]) before a library reads it: chains of sectors
that run in a circle would be followed until the memory is full, and memory taken up to sectors far beyond the end."""

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError

Sectors = NDArray[np.uint32]
_IN_HEADER = 109
_NONE = 0xFFFFFFFA  # from here no sector is meant
_MINI, _CUTOFF = 64, 4096  # bytes of a small sector, and of the least stream that has none of them
_ENTRY = np.dtype([("name", "V66"), ("kind", "u1"), ("", "V49"), ("start", "<u4"), ("low", "<u4"), ("high", "<u4")])
_STREAM, _ROOT = 2, 5


def refuse_circles(name: str, content: bytes) -> None:
    """Raises CanaryError if a chain of sectors never ends, or is not there, or a stream is longer than the file."""
    shift = int.from_bytes(content[30:32], "little")
    if len(content) < 512 or shift not in (9, 12):
        raise _damaged(name)
    size = 1 << shift
    head = np.frombuffer(content[:512], "<u4")
    body = content[size:] + bytes(-len(content) % size)
    sectors = np.frombuffer(body, "<u4").reshape(-1, size // 4)
    listed, at, seen = [head[19 : 19 + _IN_HEADER]], int(head[17]), set[int]()
    while at < _NONE:
        if at in seen or at >= len(sectors):
            raise _damaged(name)
        seen.add(at)
        listed.append(sectors[at, :-1])
        at = int(sectors[at, -1])
    table = _joined(sectors, np.concatenate(listed))
    small = _joined(sectors, _chain(table, int(head[15])))
    if _circular(table) or _circular(small):
        raise _damaged(name)
    minis = len(body) // _MINI
    if _beyond(table, len(sectors)) or _beyond(small, minis) or _beyond(head[[12, 15]], len(sectors)):
        raise _damaged(name)
    entries = _joined(sectors, _chain(table, int(head[12]))).view(_ENTRY)
    lengths = entries["low"].astype(np.uint64) | (entries["high"].astype(np.uint64) << np.uint64(32)) * (shift == 12)
    large = (entries["kind"] == _ROOT) | ((entries["kind"] == _STREAM) & (lengths >= _CUTOFF))
    little = (entries["kind"] == _STREAM) & (lengths < _CUTOFF)
    starts = entries["start"]
    if _beyond(starts[large], len(sectors)) or _beyond(starts[little], minis):
        raise _damaged(name)
    # The library takes at once as much memory as is said.
    if (lengths[large] > len(body)).any() or (head[[10, 11, 16]] > len(sectors)).any():
        raise _damaged(name)


def _beyond(numbers: Sectors, count: int) -> bool:
    """Whether some of them mean a sector behind the last."""
    return bool(((numbers >= count) & (numbers < _NONE)).any())


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
    why = "its sectors run in a circle, or are missing"
    return CanaryError(f"{name}: not a workbook that can be read: {why}", "open it and save it as CSV")
