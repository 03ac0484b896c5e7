"""Tells by its first bytes what a file is, and gives its parts."""

import zipfile
from collections.abc import Iterator

from canary.errors import CanaryError
from canary.scan.readers.access import MAGIC as ACCESS
from canary.scan.readers.access import AccessReader
from canary.scan.readers.archive import RAR, SEVENZIP, ArchiveReader, in_memory
from canary.scan.readers.base import Part, Reader, Source
from canary.scan.readers.database import SqliteReader
from canary.scan.readers.omop import with_joins
from canary.scan.readers.text import TextReader
from canary.scan.readers.workbook import WorkbookReader

_OLE = b"\xd0\xcf\x11\xe0"
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", SEVENZIP, RAR)
_BOOKS = ("[Content_Types].xml", "content.xml")


def parts(source: Source) -> Iterator[Part]:
    """The texts and tables of a source, however deep. Raises CanaryError naming what cannot be read."""
    with source.open() as stream:
        start = stream.read(512)
    if start.startswith(b"%PDF"):
        raise CanaryError(f"{source.name}: PDF is not read here", "save its tables as CSV")
    jumps = start.startswith((*_ARCHIVES, *ACCESS, _OLE, b"SQLite format 3\0"))
    tar = start[257:262] == b"ustar"
    if source.depth and (jumps or tar):
        source = in_memory(source)
    found = _reader(source, start).parts(source)
    yield from found if source.depth else with_joins(found)


def _reader(source: Source, start: bytes) -> Reader:
    if start.startswith(b"SQLite format 3\0"):
        return SqliteReader()
    if start.startswith(ACCESS):
        return AccessReader()
    if start.startswith(_OLE) or _is_book(source, start):
        return WorkbookReader()
    if start.startswith(_ARCHIVES) or start[257:262] == b"ustar":
        return ArchiveReader(parts)
    return TextReader()


def _is_book(source: Source, start: bytes) -> bool:
    if not start.startswith(b"PK"):
        return False
    try:
        with source.open() as stream, zipfile.ZipFile(stream) as package:
            return any(name in package.NameToInfo for name in _BOOKS)
    except zipfile.BadZipFile:
        return False
