"""Tells by its first bytes what a file is, and gives its parts."""

import re
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
_AS_CSV, _AS_TEXT = "save its tables as CSV", "save it as text, or its tables as CSV"
_PACKED = "unpack it and scan what comes out"
_ELSE = {  # how it begins: what it is, and what to do
    rb"%PDF": ("PDF", _AS_CSV),
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\0|MM\0\*|RIFF.{4}WEBP|\0\0\0.ftyp": (
        "a picture or film",
        "type the rows that it shows, and scan those: canary scan -",
    ),
    rb"BZh[1-9]1AY&SY": ("bzip2", _PACKED),
    rb"\xfd7zXZ\0": ("xz", _PACKED),
    rb"\x28\xb5\x2f\xfd": ("Zstandard", _PACKED),
    rb"\x04\x22\x4d\x18": ("LZ4", _PACKED),
    rb"PAR1\x15|ARROW1\0\0": ("Parquet or Arrow", _AS_CSV),
}
_DOCUMENTS = {
    "word/document.xml": "a Word document",
    "ppt/presentation.xml": "a presentation",
    "Index/Document.iwa": "an Apple document",
}


def parts(source: Source) -> Iterator[Part]:
    """The texts and tables of a source, however deep. Raises CanaryError naming what cannot be read."""
    with source.open() as stream:
        start = stream.read(512)
    for begins, (what, hint) in _ELSE.items():
        if re.match(begins, start, re.DOTALL):
            raise CanaryError(f"{source.name}: {what} is not read here", hint)
    jumps = start.startswith((*_ARCHIVES, *ACCESS, _OLE))
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
            for name, what in _DOCUMENTS.items():
                if name in package.NameToInfo:
                    raise CanaryError(f"{source.name}: {what} is not read here", _AS_TEXT)
            return any(name in package.NameToInfo for name in _BOOKS)
    except zipfile.BadZipFile:
        return False
