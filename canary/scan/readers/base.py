"""What every reader gives: the texts in a file, each as blocks of records that can be read again."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from canary.errors import CanaryError
from canary.scan.blocks import SIZE, Block, Syntax, sniff

LARGEST = 1 << 28  # bytes of a packed workbook, database or archive that are unpacked into memory
PIECE = 1 << 20  # bytes of it read at a time
MOST_UNPACKED = 1 << 37  # bytes that one archive may hold in all
MOST_RATIO = 200  # how many times its size real tables hardly ever shrink
BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, OSError)  # of archives
RATIO_FROM = 1 << 24  # small members may be all zeros


@dataclass(frozen=True)
class Source:
    """A file, or one inside another: `open` gives its bytes from the start, seekable; `size` is in bytes.

    `depth` counts the archives around it; `path` is where it lies, if only in memory. Nothing is ever unpacked to disk.
    """

    name: str
    open: Callable[[], BinaryIO]
    size: int
    depth: int = 0
    path: Path | None = None


@dataclass(frozen=True)
class Part:
    """One text or table of a source; `blocks` starts anew each time it is called. `views` gives the same, the data of
    each only until the next; it is there if they are the source's very bytes, cut at line ends: they may be read in
    ranges. `wide` is there if this part came before: joined with another, it is a table in columns of given titles, of
    one record for each of this part's."""

    name: str
    syntax: Syntax
    blocks: Callable[[], Iterator[Block]]
    views: Callable[[], Iterator[Block]] | None = None
    wide: "Callable[[Sequence[str]], Part] | None" = None


def held(source: Source, most: int) -> Iterator[bytes]:
    """All of what lies inside an archive, in pieces to be held in memory. Raises CanaryError if there are more than
    `most` bytes."""
    with source.open() as stream:
        while piece := stream.read(min(PIECE, most + 1)):
            most -= len(piece)
            if most < 0:
                raise CanaryError(
                    f"{source.name}: too large to be read inside an archive", "unpack it and scan the folder"
                )
            yield piece


def unreadable(name: str, error: CanaryError) -> Part:
    """What stands for a part that cannot be read, while those beside it can: the error is raised by its blocks."""

    def blocks() -> Iterator[Block]:
        raise error
        yield

    return Part(name, Syntax(), blocks)


class Reader(Protocol):
    """Reads one kind of source."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The texts and tables inside; raises CanaryError naming the file if it cannot be read."""


def table_blocks(rows: Iterable[Sequence[object]]) -> Iterator[Block]:
    """Rows of cells as blocks of lines, cells apart by tabs."""
    lines: list[str] = []
    size = 0
    for row in rows:
        cells = [c if c.__class__ is str and c.isprintable() and "  " not in c else _cell(c) for c in row]
        lines.append("\t".join(cells))
        size += len(lines[-1])
        if size > SIZE:
            yield Block(("\n".join(lines) + "\n").encode("utf-8", "replace"))
            lines, size = [], 0
    yield Block("\n".join(lines).encode("utf-8", "replace"), last=True)


def table_syntax(first: Sequence[object] | None) -> Syntax:
    """The syntax of such lines, from the first row."""
    return sniff("\t".join(map(_cell, first or [])).encode("utf-8", "replace"))


def _cell(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", "replace")
    # A cell's own breaks must not look like the table's.
    return "" if cell is None else " ".join(str(cell).split())


def refuse_bomb(name: str, packed: int, unpacked: int) -> None:
    """Raises CanaryError if something so small says, or turns out, to hold so much."""
    if unpacked > MOST_UNPACKED or (unpacked > RATIO_FROM and unpacked > MOST_RATIO * max(1, packed)):
        raise CanaryError(
            f"{name}: {packed:,} bytes that unpack to {unpacked:,} or more: refused",
            "unpack it yourself",
        )
