"""Text of any encoding that keeps ASCII, read as raw bytes; UTF-16 is decoded first."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from canary.scan.blocks import SNIFFED, Block, blocks, sniff, views
from canary.scan.readers.base import Part, Source

_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class TextReader:
    """Reads csv, tsv, txt, JSON, JSON lines, SQL dumps, and anything unknown."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The one text that the file is."""
        with source.open() as stream:
            start = stream.read(SNIFFED)
        encoding = utf16(start)
        if encoding:
            start = start[: len(start) // 2 * 2].decode(encoding, "replace").lstrip("\ufeff").encode("utf-8", "replace")
        syntax = sniff(start)

        def read() -> Iterator[Block]:
            with source.open() as stream:
                yield from blocks(_Recoded(stream, encoding) if encoding else stream, syntax)  # type: ignore[arg-type]

        def read_views() -> Iterator[Block]:
            with source.open() as stream:
                yield from views(stream)

        plain = encoding is None and syntax.separator is None
        yield Part(source.name, syntax, read, read_views if plain else None)


def utf16(start: bytes) -> str | None:
    """The kind of UTF-16 that a text is in, by its mark or by where its zero bytes stand; else None."""
    if start[:2] in _MARKS:
        return _MARKS[start[:2]]
    sample = start[: len(start) // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) / 8 or min(even, odd) > max(even, odd) / 20:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


class _Recoded(io.RawIOBase):
    """A UTF-16 stream read as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._first = True

    def read(self, size: int = -1) -> bytes:
        """The next piece, about `size` bytes; b"" only at the end."""
        piece = self._stream.read(size)
        text = self._decoder.decode(piece, final=not piece)
        if self._first:
            text, self._first = text.lstrip("\ufeff"), False
        found = text.encode("utf-8", "replace")
        return found if found or not piece else self.read(size)
