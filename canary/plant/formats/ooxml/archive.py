"""Rewrites a zip archive part by part: changed parts are compressed anew, every other byte is copied."""

import os
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from canary.errors import CanaryError

Parts = Mapping[str, Callable[[], Iterable[bytes]]]

_BLOCK = 1 << 20
_AHEAD = 4
_BATCH = 1 << 20
_SIZES = struct.Struct("<LLL")
_NAME_LENGTHS = struct.Struct("<HH")
_DIRECTORY_LENGTHS = struct.Struct("<HHH")
_OFFSET = struct.Struct("<L")
_WIDE_SIZES = struct.Struct("<LQQ")
_WIDE_OFFSET = struct.Struct("<Q")
_WIDE = b"\x01\x00"  # the extra field of zip64; the plain fields win wherever they hold a real value
_DESCRIPTOR = 0x08
_LEVELS = {0: 6, 2: 9, 4: 2, 6: 1}  # the flags tell how hard the first writer compressed


@dataclass
class _Entry:
    """Where one part stands in the new archive."""

    offset: int
    sizes: tuple[int, int, int] | None = None


def rewrite(archive: zipfile.ZipFile, source: Path, target: Path, changed: Parts) -> None:
    """Write `target`: `source` with the `changed` parts replaced; raises CanaryError on encrypted parts."""
    for name in changed:
        _check(archive.getinfo(name), source)
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [info.header_offset for info in infos[1:]] + [archive.start_dir]
    with source.open("rb") as old, target.open("wb") as new, _InOrder() as later:
        writer = _Writer(old, new)
        for info, end in zip(infos, ends, strict=True):
            if info.filename not in changed:
                later(writer.copy, info, end)
                continue
            later(writer.start, info)
            for batch in _batches(changed[info.filename]()):
                later(writer.add, batch)
            later(writer.finish, info)
        later(writer.directory, archive)


class _InOrder:
    """Runs calls one after the other in a thread: zlib lets go of the interpreter lock, so the next
    pieces are made while one is compressed."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        return self

    def __call__(self, work: Callable[..., None], *arguments: object) -> None:
        self._waiting.append(self._pool.submit(work, *arguments))
        if len(self._waiting) > _AHEAD:
            self._waiting.popleft().result()

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.shutdown(cancel_futures=kind is not None)
        for job in self._waiting if kind is None else ():
            job.result()


def _batches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Each time it is handed something the other thread waits for the lock, so hand it much at once.
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BATCH:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _check(info: zipfile.ZipInfo, source: Path) -> None:
    hint = "open the file once in a spreadsheet program, save it and use that"
    if info.flag_bits & 1:
        raise CanaryError(f"{source.name}: {info.filename} is encrypted", hint)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CanaryError(f"{source.name}: {info.filename} uses an unusual compression", hint)


class _Writer:
    """The new archive, part by part."""

    def __init__(self, old: BinaryIO, new: BinaryIO) -> None:
        self._old, self._new = old, new
        self._entries: dict[int, _Entry] = {}

    def copy(self, info: zipfile.ZipInfo, end: int) -> None:
        """A part as it stands."""
        self._entries[info.header_offset] = _Entry(self._new.tell())
        self._old.seek(info.header_offset)
        length = end - info.header_offset
        while length:
            block = self._old.read(min(length, _BLOCK))
            self._new.write(block)
            length -= len(block)

    def start(self, info: zipfile.ZipInfo) -> None:
        """The header of a part to be replaced."""
        self._entries[info.header_offset] = _Entry(self._new.tell())
        self._old.seek(info.header_offset)
        self._header = bytearray(self._old.read(30))
        self._header += self._old.read(sum(_NAME_LENGTHS.unpack_from(self._header, 26)))
        self._new.write(self._header)
        self._deflater = zlib.compressobj(_LEVELS[info.flag_bits & 6], zlib.DEFLATED, -15)
        self._stored = info.compress_type == zipfile.ZIP_STORED
        self._checksum = self._size = 0

    def add(self, piece: bytes) -> None:
        """A piece of its new content."""
        self._checksum = zlib.crc32(piece, self._checksum)
        self._size += len(piece)
        self._new.write(piece if self._stored else self._deflater.compress(piece))

    def finish(self, info: zipfile.ZipInfo) -> None:
        """The end of the part, and its sizes where the first writer put them."""
        if not self._stored:
            self._new.write(self._deflater.flush())
        entry = self._entries[info.header_offset]
        end = self._new.tell()
        entry.sizes = self._checksum, end - entry.offset - len(self._header), self._size
        if info.flag_bits & _DESCRIPTOR:
            self._old.seek(info.compress_size, os.SEEK_CUR)
            signed = self._old.read(4) == b"PK\x07\x08"
            wide = self._header[30 + _NAME_LENGTHS.unpack_from(self._header, 26)[0] :][:2] == _WIDE
            sizes = (_WIDE_SIZES if wide else _SIZES).pack(*entry.sizes)
            self._new.write(b"PK\x07\x08" + sizes if signed else sizes)
            return
        _SIZES.pack_into(self._header, 14, *entry.sizes)
        self._new.seek(entry.offset)
        self._new.write(self._header)
        self._new.seek(end)

    def directory(self, archive: zipfile.ZipFile) -> None:
        """All that follows the parts."""
        self._old.seek(archive.start_dir)
        entries = [self._entries[info.header_offset] for info in archive.infolist()]
        self._new.write(_directory(self._old.read(), self._new.tell(), entries))


def _directory(tail: bytes, start: int, entries: Iterable[_Entry]) -> bytes:
    """The central directory and the end records with the new sizes and offsets."""
    new = bytearray(tail)
    at = 0
    for entry in entries:
        if entry.sizes:
            _SIZES.pack_into(new, at + 16, *entry.sizes)
        _OFFSET.pack_into(new, at + 42, entry.offset)
        at += 46 + sum(_DIRECTORY_LENGTHS.unpack_from(new, at + 28))
    end = new.rindex(b"PK\x05\x06")
    _OFFSET.pack_into(new, end + 16, start)
    if new[at : at + 4] == b"PK\x06\x06":
        _WIDE_OFFSET.pack_into(new, at + 48, start)
        _WIDE_OFFSET.pack_into(new, end - 12, start + at)
    return bytes(new)
