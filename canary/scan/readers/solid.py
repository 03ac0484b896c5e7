"""Archives whose members are unpacked one after another (7z, rar): in one go and in memory, never to disk."""

import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from canary.scan.readers.base import Source, refuse_bomb

if TYPE_CHECKING:
    from typing_extensions import Buffer

HELD = 1 << 26  # bytes of a member that is kept while it is read; a larger one is unpacked anew for each reading
_PIECE = 1 << 20


@dataclass(frozen=True)
class Member:
    """A file in an archive: its size in bytes, and its CRC-32 where the archive's library does not check it."""

    name: str
    size: int
    crc: int | None = None


class Solid(Protocol):
    """An archive that tells its members and gives the contents of all, one after another; BROKEN is raised where it is
    damaged."""

    members: Sequence[Member]

    def contents(self) -> Iterator[bytes]:
        """The bytes of all members in their order, in pieces of any size."""


def sources(source: Source, archive: Solid) -> Iterator[Source]:
    """The members of an archive, each to be read before the next is asked for."""
    refuse_bomb(source.name, source.size, sum(member.size for member in archive.members))
    at = 0
    with closing(_Stream(archive.contents())) as stream:
        for member in archive.members:
            name, below = f"{source.name}!{member.name}", source.depth + 1
            if member.size <= HELD:
                yield Source(name, partial(io.BytesIO, _taken(stream, member, keep=True)), member.size, below)
            else:
                yield Source(name, partial(_opened, archive, at, member), member.size, below)
                if member is not archive.members[-1] or member.crc is not None:
                    _taken(stream, member)
            at += member.size


def _taken(stream: "_Stream", member: Member, keep: bool = False) -> bytes:
    """A member's content if it is to be kept; raises EOFError if it is not whole."""
    crc, left, kept = 0, member.size, io.BytesIO()  # it grows in place: pieces joined would be held twice
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise EOFError(f"{member.name} ends too soon")
        crc, left = zlib.crc32(piece, crc), left - len(piece)
        if keep:
            kept.write(piece)
    if member.crc not in (None, crc):
        raise EOFError(f"{member.name} is not what was packed")
    return kept.getvalue()


def _opened(archive: Solid, at: int, member: Member) -> BinaryIO:
    stream = _Stream(archive.contents(), at + member.size)
    _taken(stream, Member("what stands before", at))
    return stream  # type: ignore[return-value]


class _Stream(io.RawIOBase):
    """Pieces read as one stream, up to `end`; whoever makes them is stopped when it is closed."""

    def __init__(self, pieces: Iterator[bytes], end: int | None = None) -> None:
        self._pieces, self._left, self._rest = pieces, end, memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: "Buffer") -> int:
        """The next bytes, fewer than there is room for only at the end."""
        view, got = memoryview(into).cast("B"), 0
        while got < len(view) and (self._rest or self._more()):
            size = min(len(view) - got, len(self._rest))
            view[got : got + size], self._rest = self._rest[:size], self._rest[size:]
            got += size
        return got

    def _more(self) -> bool:
        piece = next(self._pieces, None) if self._left != 0 else None
        self._rest = memoryview(piece or b"")[: self._left]
        self._left = None if self._left is None else self._left - len(self._rest)
        return piece is not None

    def close(self) -> None:
        """End the unpacking."""
        super().close()
        self._rest = memoryview(b"")
        self._pieces.close()  # type: ignore[attr-defined]
