"""Archives (zip, tar, gzip, 7z, rar), nested: each member is read where it lies, in memory, and bombs are refused."""

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from canary.errors import CanaryError
from canary.scan.readers.base import BROKEN, LARGEST, Part, Source, held, refuse_bomb, unreadable
from canary.scan.readers.rar import Rar
from canary.scan.readers.sevenzip import SevenZip
from canary.scan.readers.solid import sources

DEEPEST = 5
SEVENZIP, RAR = b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"

Recurse = Callable[[Source], Iterator[Part]]


class ArchiveReader:
    """Reads an archive; `recurse` gives the parts of what is inside."""

    def __init__(self, recurse: Recurse) -> None:
        self._recurse = recurse

    def parts(self, source: Source) -> Iterator[Part]:
        """The parts of every member."""
        if source.depth >= DEEPEST:
            raise CanaryError(f"{source.name}: archives inside archives, {DEEPEST} deep: refused", "unpack it yourself")
        try:
            for member in _members(source):
                yield from self._of(member)
        except CanaryError:
            raise
        except BROKEN as error:
            raise _damaged(source.name, error) from error

    def _of(self, member: Source) -> Iterator[Part]:
        """The parts of a member; what is wrong with it is no fault of the next."""
        try:
            yield from self._recurse(member)
        except CanaryError as error:
            yield unreadable(member.name, error)
        except (RuntimeError, NotImplementedError) as error:  # zipfile's words for a password, and a way of packing
            why = "needs a password" if "password" in str(error) else f"cannot be unpacked here: {error}"
            hint = "unpack it yourself and scan the folder"
            yield unreadable(member.name, CanaryError(f"{member.name}: {why}", hint))
        except BROKEN as error:
            yield unreadable(member.name, _damaged(member.name, error))


def _damaged(name: str, error: BaseException) -> CanaryError:
    return CanaryError(f"{name}: damaged archive: {error}", "mend it, or unpack what can be")


def _members(source: Source) -> Iterator[Source]:
    with source.open() as stream:
        start = stream.read(6)
        stream.seek(0)
        if start.startswith(b"PK"):
            yield from _zip(source, stream)
        elif start.startswith(b"\x1f\x8b") and not _is_tar(source):
            yield _gzip(source)
        elif start == SEVENZIP:
            yield from sources(source, SevenZip(source))
        elif start == RAR:
            yield from sources(source, Rar(source))
        else:
            yield from _tar(source, stream)


def _zip(source: Source, stream: BinaryIO) -> Iterator[Source]:
    with zipfile.ZipFile(stream) as package:
        infos = [info for info in package.infolist() if not info.is_dir()]
        total = sum(info.file_size for info in infos)
        refuse_bomb(source.name, source.size, total)
        for info in infos:
            name = f"{source.name}!{info.filename}"
            refuse_bomb(name, info.compress_size, info.file_size)
            yield Source(name, partial(package.open, info), info.file_size, source.depth + 1)  # type: ignore[arg-type]


def _tar(source: Source, stream: BinaryIO) -> Iterator[Source]:
    with tarfile.open(fileobj=stream, mode="r:*") as package:
        total = 0
        for member in package:
            total += member.size
            refuse_bomb(source.name, source.size, total)
            if member.isfile():
                name = f"{source.name}!{member.name}"
                yield Source(name, partial(package.extractfile, member), member.size, source.depth + 1)  # type: ignore[arg-type]


def _gzip(source: Source) -> Source:
    def opened() -> BinaryIO:
        return _Metered(source)  # type: ignore[return-value]

    inner = source.name.removesuffix(".gz").replace("!", "/").rpartition("/")[2]
    return Source(f"{source.name}!{inner}", opened, source.size * 10, source.depth + 1)


class _Metered(gzip.GzipFile):
    """Gzip that tells no size beforehand: the bytes are counted as they come."""

    def __init__(self, source: Source) -> None:
        self._under = source.open()
        super().__init__(fileobj=self._under, mode="rb")
        self._source, self._count = source, 0

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes; raises CanaryError when they become too many."""
        found = super().read(min(size if size and size > 0 else LARGEST, LARGEST))
        self._count += len(found)
        refuse_bomb(self._source.name, self._source.size, self._count)
        return found

    def close(self) -> None:
        """Close what lies under it, too."""
        super().close()
        self._under.close()


def _is_tar(source: Source) -> bool:
    try:
        with _Metered(source) as stream:
            return stream.read(512)[257:262] == b"ustar"
    except BROKEN:
        return False


def in_memory(source: Source) -> Source:
    """A source whose bytes are held once, as a file in memory, for readers that jump about in them. Raises CanaryError
    if it is too large."""
    memory = _memory()
    memory.writelines(held(source, LARGEST))
    memory.flush()
    if isinstance(memory, io.BytesIO):
        return Source(source.name, partial(io.BytesIO, memory.getvalue()), memory.tell(), source.depth)
    path = Path(f"/proc/{os.getpid()}/fd/{memory.fileno()}")
    return Source(source.name, partial(_again, memory, path), memory.tell(), source.depth, path)


def _memory() -> BinaryIO:
    if not hasattr(os, "memfd_create"):
        return io.BytesIO()
    return open(os.memfd_create("found", os.MFD_CLOEXEC), "wb")


def _again(memory: BinaryIO, path: Path) -> BinaryIO:
    """A file in memory from its start; it lasts as long as `memory` is open."""
    return path.open("rb")
