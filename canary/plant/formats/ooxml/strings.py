"""The shared strings of a workbook, kept in the order in which their writer would have put them.

A table of millions is never held: it is read as a stream, once to hash its entries and once to write them.
"""

import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError
from canary.plant.formats.ooxml.sheet import Indices

Columns = NDArray[np.uint16]

_ENTRY = re.compile(rb"\s*<(?:\w+:)?si(?:\s*/>|>.*?</(?:\w+:)?si>)", re.DOTALL)
_PLAIN = re.compile(
    rb"(\s*<(?:\w+:)?si>\s*<(?:\w+:)?t)([^>]*)>([^<]*)"
    rb"(</(?:\w+:)?t>\s*(?:<(?:\w+:)?phoneticPr[^>]*/>\s*)?</(?:\w+:)?si>\s*)"
)
_COUNT = re.compile(rb'(\scount=")([0-9]+)')
_UNIQUE = re.compile(rb'(\suniqueCount=")([0-9]+)')
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_BLOCK = 1 << 20
_CELLS = 1 << 18  # references looked at together: a sheet of a million rows has many millions
_FIRST = re.compile(rb"<((?:\w+:)?)si[\s/>]")

Order = Callable[["References"], Iterator[Indices]]
Pieces = Callable[[], Iterable[bytes]]


def encode(text: str) -> bytes:
    """The text as XML content; raises CanaryError on characters a spreadsheet cannot hold."""
    if bad := _UNWRITABLE.search(text):
        raise CanaryError(f"a new cell holds the character {bad[0]!r}, which a spreadsheet cannot")
    return escape(_ESCAPED.sub("_x005F_", text)).encode()


def space(content: bytes) -> bytes:
    """The attribute that keeps outer blanks and line breaks, when there are any."""
    return b' xml:space="preserve"' if content != content.strip() or b"\n" in content else b""


@dataclass(frozen=True)
class References:
    """A sheet's cells that hold shared strings, in document order; the first `header` are in its header."""

    columns: Columns
    indices: Indices
    header: int

    def with_new(self, places: Sequence[int], columns: Sequence[int], indices: Sequence[int]) -> "References":
        """With more cells, each put in front of the cell now at its place."""
        at = np.asarray(places, np.intp)
        return References(
            np.insert(self.columns, at, np.asarray(columns, np.uint16)),
            np.insert(self.indices, at, np.asarray(indices, np.int32)),
            self.header,
        )

    def above(self, at: int) -> int | None:
        """The index held by the cell above in the same column."""
        column = self.columns[at]
        for end in range(at, 0, -_CELLS):
            start = max(0, end - _CELLS)
            if len(found := np.flatnonzero(self.columns[start:end] == column)):
                return int(self.indices[start + found[-1]])
        return None


def _by_rows(cells: References, start: int = 0) -> Iterator[Indices]:
    for at in range(start, len(cells.indices), _CELLS):
        yield cells.indices[at : at + _CELLS]


def _by_columns(cells: References, start: int = 0) -> Iterator[Indices]:
    chunks = range(start, len(cells.indices), _CELLS)
    found = [np.unique(cells.columns[at : at + _CELLS]) for at in chunks]
    for column in np.unique(np.concatenate(found)) if found else ():
        for at in chunks:
            yield cells.indices[at : at + _CELLS][cells.columns[at : at + _CELLS] == column]


def _header_then_columns(cells: References) -> Iterator[Indices]:
    yield cells.indices[: cells.header]
    yield from _by_columns(cells, cells.header)


def _first_met(chunks: Iterable[Indices], size: int) -> Iterator[Indices]:
    """The distinct indices below `size` in the order in which they first come."""
    seen = np.zeros(size, bool)
    for chunk in chunks:
        fresh = chunk[~seen[chunk]]
        fresh = fresh[np.sort(np.unique(fresh, return_index=True)[1])]
        seen[fresh] = True
        yield fresh


def _goes_on(chunks: Iterable[Indices], seen: int, size: int) -> int | None:
    """How many entries the cells have met, if those after the first `seen` come in order; else None."""
    for met in _first_met(chunks, size):
        fresh = met[met >= seen]
        if not np.array_equal(fresh, np.arange(seen, seen + len(fresh))):
            return None
        seen += len(fresh)
    return seen


class SharedStrings:
    """The table of shared strings that `pieces` streams; new ones get indices after the last until `arrange` places
    them. Of the old entries only those in `models` are kept as they stand, of the others a hash."""

    def __init__(self, pieces: Pieces, models: Collection[int]) -> None:
        self._pieces = pieces
        self._models: dict[int, bytes] = {}
        wanted, hashes = sorted(models, reverse=True), [np.empty(0, np.int64)]
        self._old = self._more = 0
        for entries in self._read():
            hashes.append(np.fromiter(map(hash, entries), np.int64, len(entries)))
            while wanted and wanted[-1] < self._old + len(entries):
                index = wanted.pop()
                self._models[index] = entries[index - self._old]
            self._old += len(entries)
        self._hashes = np.concatenate(hashes)
        hashes.clear()
        ordered = np.sort(self._hashes)
        self._shares = not bool((ordered[1:] == ordered[:-1]).any())
        self._known: dict[bytes, int] = {}
        self._moving: dict[int, bytes] = {}  # new entries, and old ones that new rows hold
        self._order: Indices = np.arange(self._old, dtype=np.int32)

    def _read(self) -> Iterator[list[bytes]]:
        """The old entries in lists; what stands before and after them is kept."""
        for part, entries in _parts(self._pieces()):
            if part == "entries":
                yield entries
            elif part == "head":
                self._head = entries[0]
            else:
                self._tail = entries[0]

    @staticmethod
    def entries(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
        """The entries of a table, as they stand, in lists."""
        return (entries for part, entries in _parts(pieces) if part == "entries")

    def add(self, content: bytes, like: int | None) -> int:
        """The index of the string, written as the entry `like` is; equal ones are one if they were so far."""
        model = _PLAIN.fullmatch(self._models[like]) if like is not None else None
        opening, ending = (model[1], model[4]) if model else self._plainest()
        always = model is not None and b"xml:space" in model[2] and not space(model[3])
        kept = b' xml:space="preserve"' if always else space(content)
        entry = opening + kept + b">" + content + ending
        index = self._index(entry) if self._shares else None
        if index is None:
            index = self._old + self._more
            self._more += 1
        self._known[entry], self._moving[index] = index, entry
        return index

    def _index(self, entry: bytes) -> int | None:
        """Where an equal entry stands; two entries of one 64-bit hash are one (reading back would show it)."""
        if entry in self._known:
            return self._known[entry]
        found = np.flatnonzero(self._hashes == hash(entry))
        return int(found[0]) if len(found) else None

    def _plainest(self) -> tuple[bytes, bytes]:
        root = re.search(rb"<(\w+:)?sst\b", self._head)
        prefix = root[1] or b"" if root else b""
        return b"<%bsi><%bt" % (prefix, prefix), b"</%bt></%bsi>" % (prefix, prefix)

    def orders(self, sheets: Sequence[References]) -> list[Order] | None:
        """How the writer went through each sheet, when the table is in order of first appearance."""
        found: list[Order] = []
        seen = 0
        for cells in sheets:
            for order in (_by_rows, _by_columns, _header_then_columns):
                if (now := _goes_on(order(cells), seen, self._old)) is not None:
                    found.append(order)
                    seen = now
                    break
            else:
                return None
        return found

    def arrange(self, sheets: Sequence[References], orders: Sequence[Order] | None) -> Indices:
        """Put the entries in the writer's order, else new ones beside their neighbours; new index by old."""
        size = self._old + self._more
        if orders is None:
            self._order = np.argsort(self._anchors(sheets), kind="stable").astype(np.int32)
        else:
            cells = chain.from_iterable(order(sheet) for order, sheet in zip(orders, sheets, strict=True))
            used = np.concatenate([np.empty(0, np.int32), *_first_met(cells, size)])
            unused = np.ones(size, bool)
            unused[used] = False
            self._order = np.concatenate([used, np.flatnonzero(unused).astype(np.int32)])
        position = np.empty(size, np.int32)
        position[self._order] = np.arange(size, dtype=np.int32)
        return position

    def _anchors(self, sheets: Sequence[References]) -> Indices:
        """For each entry the old entry it stays beside: that of the cell above in the same column."""
        anchors = np.concatenate([np.arange(self._old), np.full(self._more, self._old)]).astype(np.int32)
        for cells in sheets:
            new = np.flatnonzero(cells.indices >= self._old)
            for at in new[np.argsort(cells.columns[new], kind="stable")].tolist():
                index, above = cells.indices[at], cells.above(at)
                if above is not None and anchors[index] == self._old:
                    anchors[index] = anchors[above]
        return anchors

    def xml(self, more_cells: int) -> Iterator[bytes]:
        """The part in pieces, its counts raised."""
        size = b"%d" % len(self._order)
        staying = self._staying()
        rest = next(staying, [])
        head = _COUNT.sub(lambda m: m[1] + b"%d" % (int(m[2]) + more_cells), self._head)
        yield _UNIQUE.sub(lambda m: m[1] + size, head)
        done = 0
        for at in np.flatnonzero(np.isin(self._order, list(self._moving))).tolist():
            while len(rest) < at - done:
                yield b"".join(rest)
                done += len(rest)
                rest = next(staying)
            yield b"".join([*rest[: at - done], self._moving[int(self._order[at])]])
            rest, done = rest[at - done :], at + 1
        yield b"".join(rest)
        yield from map(b"".join, staying)
        yield self._tail

    def _staying(self) -> Iterator[list[bytes]]:
        """The old entries that no new row holds: arranging leaves their order as it was."""
        held = sorted((index for index in self._moving if index < self._old), reverse=True)
        done = 0
        for entries in self._read():
            size = len(entries)
            for index in [i for i in held if i < done + size]:
                del entries[index - done]
            held = [i for i in held if i >= done + size]
            done += size
            yield entries


def streamed(package: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part of a package in pieces."""
    with package.open(part) as stream:
        while block := stream.read(_BLOCK):
            yield block


def _parts(pieces: Iterable[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """What stands before the entries of a table, the entries in lists, and what stands after them."""
    blocks, head = iter(pieces), b""
    while not (first := _FIRST.search(head)) and (block := next(blocks, b"")):
        head += block
    start = first.start() if first else head.rindex(b"</")
    yield "head", [head[:start]]
    rest = head[start:]
    prefix = first[1] if first else b""
    opening, ending = b"<" + prefix + b"si>", b"</" + prefix + b"si>"
    for block in chain([b""], blocks):
        rest += block
        if (cut := rest.rfind(ending)) >= 0:
            cut += len(ending)
            yield "entries", _split(rest[:cut], opening, ending)
            rest = rest[cut:]
    last = _ENTRY.findall(rest)
    yield "entries", last
    yield "tail", [rest[sum(map(len, last)) :]]


def _split(xml: bytes, opening: bytes, ending: bytes) -> list[bytes]:
    """The entries as they stand, the last of them ending the text."""
    *entries, _ = xml.split(ending)
    if xml.count(opening) == len(entries):
        return [entry + ending for entry in entries]
    return _ENTRY.findall(xml)
