"""Cuts a stream of text bytes into blocks of whole records, in bounded memory however long a line is."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from canary.mint.columns import HEADERS
from canary.scan.text import plain, readings

SIZE = 1 << 20  # bytes read at a time: as many as the processor's nearest caches hold
LONGEST = 1 << 20  # a record longer than this is cut
OVERLAP = 1 << 12  # and its pieces overlap by this, more than the longest spelling
SNIFFED = 1 << 16

_JSON = re.compile(rb"\}\s*,\s*\{")
_SQL = re.compile(rb"\bVALUES\s*\(|\)\s*,\s*\(", re.IGNORECASE)
_INSERT = re.compile(rb"\bINSERT\s+INTO\b", re.IGNORECASE)
_FIELDS = re.compile(r"[,\t;|]")
FIELDS = re.compile(r"[,\t;|\"'(){}\[\]:]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Syntax:
    """How records are told apart: at line ends, or at matches of `separator`. `first` is the number of the record
    before any separator: 0 where that is no record. `pipe`: whether | parts fields. `columns` are the facts that a
    header names, `titles` all it says. `mark` parts the fields of a line, where one does."""

    separator: re.Pattern[bytes] | None = None
    first: int = 1
    pipe: bool = False
    columns: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Block:
    """A piece of a stream. Bytes before `fresh` were in the last block too. Where a side is `open` the record goes
    on beyond it, so that a word touching this edge may be only a part of one."""

    data: bytes | memoryview
    fresh: int = 0
    open_left: bool = False
    open_right: bool = False
    last: bool = False


def sniff(start: bytes) -> Syntax:
    """The syntax of text from its first bytes (at least a few lines of them)."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _INSERT.search(start):
        return Syntax(_SQL, first=0)
    if text.startswith(b"[") or (text.startswith(b"{") and b"}" not in text.partition(b"\n")[0]):
        return Syntax(_JSON)
    if text.startswith(b"{"):
        return Syntax()
    return _delimited(text.partition(b"\n")[0])


def _delimited(line: bytes) -> Syntax:
    text = readings(line)[0]
    titles = tuple(title.strip("\"' \r") for title in _FIELDS.split(text))
    known = _titles()
    columns = tuple(known[title] for title in titles if title in known)
    header = bool(columns) or (len(titles) > 1 and (not re.search(rb"[0-9]", line) or _named(titles)))
    mark = max(",\t;|", key=text.count)
    return Syntax(
        first=0 if header else 1,
        pipe=b"|" in line and b"," not in line,
        columns=columns,
        titles=titles if header else (),
        mark=mark if mark in text else "",
    )


@cache
def _titles() -> Mapping[str, str]:
    return {plain(text): fact.value for fact, texts in HEADERS.items() for text in texts}


def _named(titles: Sequence[str]) -> bool:
    """Whether all are different names as programs give them (cig_0, apgar5): a row of data repeats or is a number."""
    return len(set(titles)) == len(titles) and all(map(_NAME.fullmatch, titles))


def blocks(stream: BinaryIO, syntax: Syntax, until: int | None = None, size: int = SIZE) -> Iterator[Block]:
    """The blocks of a stream, which ends at its first line end at or after position `until` if that is given."""
    lines = syntax.separator is None
    cut = _line_cut if syntax.separator is None else _cutter(syntax.separator)
    position = 0 if until is None else stream.tell()
    data, fresh, opened, done = b"", 0, False, False
    while not done and (piece := stream.read(size)):
        if until is not None and position + len(piece) >= until:
            end = piece.find(b"\n", max(0, until - position - 1)) + 1
            piece, done = (piece[:end], True) if end else (piece, False)
        position += len(piece)
        if lines and not fresh and (at := piece.rfind(b"\n") + 1):  # the usual case, copied but once
            yield Block(b"".join((data, memoryview(piece)[:at])), 0, opened)
            data, opened = piece[at:], False
            continue
        data += piece
        if at := cut(data, fresh):
            yield Block(data[:at], fresh, opened)
            data, fresh, opened = data[at:], 0, False
        elif len(data) > max(LONGEST, 2 * size):
            yield Block(data, fresh, opened, open_right=True)
            data, fresh, opened = data[-OVERLAP:], OVERLAP, True
    yield Block(data, fresh, opened, last=True)


def views(stream: BinaryIO, until: int | None = None, size: int = SIZE) -> Iterator[Block]:
    """The same blocks for records at line ends, read into one buffer: the data of each last only until the next."""
    longest = max(LONGEST, 2 * size)
    position = 0 if until is None else stream.tell()
    buffer = bytearray(longest + size)
    view = memoryview(buffer)
    end, fresh, opened, done = 0, 0, False, False
    while not done and (got := stream.readinto(view[end : end + size])):  # type: ignore[attr-defined]
        stop = end + got
        if until is not None and position + got >= until:
            at = buffer.find(b"\n", end + max(0, until - position - 1), stop) + 1
            stop, done = (at, True) if at else (stop, False)
        position += got
        if at := buffer.rfind(b"\n", end, stop) + 1:
            yield Block(view[:at], fresh, opened)
            fresh, opened = 0, False
        elif stop > longest:
            yield Block(view[:stop], fresh, opened, open_right=True)
            at, fresh, opened = stop - OVERLAP, OVERLAP, True
        end = stop - at
        if at:
            view[:end] = view[at:stop]
    yield Block(view[:end], fresh, opened, last=True)


def _line_cut(data: bytes, fresh: int) -> int:
    return data.rfind(b"\n", fresh) + 1


def _cutter(separator: re.Pattern[bytes]) -> Callable[[bytes, int], int]:
    """Cuts before the last separator, which then opens the next block and is counted there."""

    def cut(data: bytes, fresh: int) -> int:
        at = 0
        for match in separator.finditer(data, fresh):
            at = match.start()
        return at

    return cut


def records(block: Block, syntax: Syntax, begun: bool) -> list[str]:
    """The records of a block as text, case and width folded; `begun` if blocks of the same text came before."""
    text = readings(bytes(block.data[block.fresh :]))[0]
    if syntax.separator is None:
        return text.removesuffix("\n").split("\n") if text else []
    found = re.split(syntax.separator.pattern.decode(), text, flags=re.IGNORECASE)
    # All blocks but the first begin with a separator: nothing new stands before it.
    return found[1:] if begun else found


def fields(record: str, syntax: Syntax) -> Sequence[str]:
    """The fields of a record."""
    if syntax.mark:
        return next(csv.reader([record.rstrip("\r")], delimiter=syntax.mark), [])
    return [part.strip() for part in FIELDS.split(record) if part.strip()]
