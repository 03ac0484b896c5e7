"""The shared strings of a workbook, kept in the order in which their writer would have put them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

from canary.errors import CanaryError
from canary.plant.formats.ooxml.sheet import Integers

_ENTRY = re.compile(rb"<(?:\w+:)?si(?:\s*/>|>.*?</(?:\w+:)?si>)\s*", re.DOTALL)
_PLAIN = re.compile(
    rb"(\s*<(?:\w+:)?si>\s*<(?:\w+:)?t)([^>]*)>([^<]*)"
    rb"(</(?:\w+:)?t>\s*(?:<(?:\w+:)?phoneticPr[^>]*/>\s*)?</(?:\w+:)?si>\s*)"
)
_COUNT = re.compile(rb'(\scount=")([0-9]+)')
_UNIQUE = re.compile(rb'(\suniqueCount=")([0-9]+)')
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_CHUNK = 4096

Order = Callable[["References"], Integers]


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

    columns: Integers
    indices: Integers
    header: int

    def with_new(self, places: Sequence[int], columns: Sequence[int], indices: Sequence[int]) -> "References":
        """With more cells, each put in front of the cell now at its place."""
        at = np.asarray(places, np.int64)
        return References(
            np.insert(self.columns, at, np.asarray(columns, np.int64)),
            np.insert(self.indices, at, np.asarray(indices, np.int64)),
            self.header,
        )


def _by_rows(cells: References) -> Integers:
    return cells.indices


def _by_columns(cells: References) -> Integers:
    return cells.indices[np.argsort(cells.columns, kind="stable")]


def _header_then_columns(cells: References) -> Integers:
    data = np.argsort(cells.columns[cells.header :], kind="stable") + cells.header
    return np.concatenate([cells.indices[: cells.header], cells.indices[data]])


def _first_met(indices: Integers, size: int) -> Integers:
    """The distinct indices in the order in which they first come."""
    first = np.full(size, len(indices))
    first[indices[::-1]] = np.arange(len(indices))[::-1]
    return np.argsort(first, kind="stable")[: np.count_nonzero(first < len(indices))]


def _split(xml: bytes) -> tuple[list[bytes], bytes]:
    """The entries as they stand, and what follows them."""
    *entries, tail = xml.split(b"</si>")
    if entries and xml.count(b"<si>") == len(entries) and b"<si" not in tail:
        return [entry + b"</si>" for entry in entries], tail
    entries = _ENTRY.findall(xml)
    return entries, xml[sum(map(len, entries)) :]


class SharedStrings:
    """The table of shared strings; new ones get indices after the last until `arrange` places them."""

    def __init__(self, xml: bytes) -> None:
        start = first.start() if (first := _ENTRY.search(xml)) else xml.rindex(b"</")
        self._entries, self._tail = _split(xml[start:])
        self._head = xml[:start]
        self._old = len(self._entries)
        self._known = {entry: index for index, entry in enumerate(self._entries)}
        self._shares = len(self._known) == self._old
        self._order = np.arange(self._old)

    def add(self, content: bytes, like: int | None) -> int:
        """The index of the string, written as the entry `like` is; equal ones are one if they were so far."""
        model = _PLAIN.fullmatch(self._entries[like]) if like is not None else None
        opening, ending = (model[1], model[4]) if model else self._plainest()
        always = model is not None and b"xml:space" in model[2] and not space(model[3])
        kept = b' xml:space="preserve"' if always else space(content)
        entry = opening + kept + b">" + content + ending
        if self._shares and (known := self._known.get(entry)) is not None:
            return known
        self._known[entry] = len(self._entries)
        self._entries.append(entry)
        return self._known[entry]

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
                met = _first_met(order(cells), self._old)
                fresh = met[met >= seen]
                if np.array_equal(fresh, np.arange(seen, seen + len(fresh))):
                    found.append(order)
                    seen += len(fresh)
                    break
            else:
                return None
        return found

    def arrange(self, sheets: Sequence[References], orders: Sequence[Order] | None) -> Integers:
        """Put the entries in the writer's order, else new ones beside their neighbours; new index by old."""
        size = len(self._entries)
        if orders is None:
            self._order = np.argsort(self._anchors(sheets), kind="stable")
        else:
            cells = [order(sheet) for order, sheet in zip(orders, sheets, strict=True)]
            used = _first_met(np.concatenate(cells), size)
            unused = np.setdiff1d(np.arange(size), used, assume_unique=True)
            self._order = np.concatenate([used, unused])
        position = np.empty(size, np.int64)
        position[self._order] = np.arange(size)
        return position

    def _anchors(self, sheets: Sequence[References]) -> Integers:
        """For each entry the old entry it stays beside: that of the cell above in the same column."""
        anchors = np.concatenate([np.arange(self._old), np.full(len(self._entries) - self._old, self._old)])
        for cells in sheets:
            down = np.argsort(cells.columns, kind="stable")
            for at in np.flatnonzero(cells.indices[down] >= self._old).tolist():
                here, above = down[at], down[at - 1]
                new = cells.indices[here]
                if at and cells.columns[here] == cells.columns[above] and anchors[new] == self._old:
                    anchors[new] = anchors[cells.indices[above]]
        return anchors

    def xml(self, more_cells: int) -> Iterator[bytes]:
        """The part in pieces, its counts raised."""
        size = b"%d" % len(self._entries)
        head = _COUNT.sub(lambda m: m[1] + b"%d" % (int(m[2]) + more_cells), self._head)
        yield _UNIQUE.sub(lambda m: m[1] + size, head)
        order = self._order.tolist()
        for start in range(0, len(order), _CHUNK):
            yield b"".join(map(self._entries.__getitem__, order[start : start + _CHUNK]))
        yield self._tail
