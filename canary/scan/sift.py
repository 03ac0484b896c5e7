"""Searches files with a keyed filter alone, without the registry: gives the numbers of rows and nothing else."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from canary.errors import CanaryError
from canary.scan import STDIN
from canary.scan.blocks import records
from canary.scan.bloom import Bloom
from canary.scan.readers.base import BROKEN, Part, Source
from canary.scan.readers.detect import parts
from canary.scan.readers.file import source_of
from canary.scan.run import Progress, broken

_HEX = re.compile(r"(?<![0-9a-z])[0-9a-f]{16,64}(?![0-9a-z])")
_GROUPED = re.compile(r"[0-9]+(?:[ \-.()/]{1,2}[0-9]+)*")
_SCIENTIFIC = re.compile(r"(?<![0-9])([1-9])\.([0-9]{5,20})e\+?([0-9]{1,2})(?![0-9])")
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
_HEX_LENGTHS = (16, 32, 40, 64)
_SHORTEST, _LONGEST, _MOST_GROUPS = 7, 17, 6  # digits, and groups, of a number


@dataclass
class Sifted:
    """What one part of a file held: `rows` in all, `hits` those in which a number of the filter stands, or one of its
    false answers. `error` says why it could not be read to its end."""

    path: str
    rows: int = 0
    hits: list[int] = field(default_factory=list)
    error: str = ""


def sifted(paths: Sequence[Path], bloom: Bloom, progress: Progress, stdin: bytes = b"") -> list[Sifted]:
    """Every part of every file, in order. What cannot be read has an `error`, the rest is read all the same."""
    return [each for path in paths for each in _sifted(path, bloom, progress, stdin)]


def _sifted(path: Path, bloom: Bloom, progress: Progress, stdin: bytes) -> list[Sifted]:
    found: list[Sifted] = []
    try:
        if path == STDIN:
            source = Source("stdin", lambda: io.BytesIO(stdin), len(stdin))
        else:
            source = source_of(path, lambda done: progress(done, 0))
        for part in (part for part in parts(source) if part.wide is None):
            found.append(Sifted(part.name))
            try:
                _sift(part, found[-1], bloom, progress)
            except (CanaryError, *BROKEN) as error:
                found[-1].error = broken(part.name, error)
    except (CanaryError, *BROKEN) as error:
        found.append(Sifted(str(path), error=broken(path, error)))
    return found


def _sift(part: Part, into: Sifted, bloom: Bloom, progress: Progress) -> None:
    at, begun = part.syntax.first, False
    for block in part.blocks():
        rows = records(block, part.syntax, begun)
        into.hits += [row for row, record in enumerate(rows, at) if any(word in bloom for word in _words(record))]
        at, begun = at + len(rows), True
        into.rows = max(0, at - 1)
        progress(0, len(rows))


def _words(record: str) -> Iterator[bytes]:
    """The numbers of a record as the filter holds them: digits alone; of a hash, its first 8 bytes."""
    yield from (token[:16].encode() for token in _HEX.findall(record) if len(token) in _HEX_LENGTHS)
    for token in _GROUPED.findall(record):
        groups = re.findall("[0-9]+", token)
        for start in range(len(groups)):
            digits = ""
            for group in groups[start : start + _MOST_GROUPS]:
                digits += group
                if _SHORTEST <= len(digits) <= _LONGEST and not _DATE.fullmatch(digits):
                    yield digits.encode()
    for head, tail, power in _SCIENTIFIC.findall(record):
        yield (head + tail[: int(power)].ljust(int(power), "0")).encode()
