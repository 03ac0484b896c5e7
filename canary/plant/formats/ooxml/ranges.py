"""Moves cell references to where they belong after new rows went in."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from canary.errors import CanaryError

LAST_ROW = 1_048_576
_RANGE = re.compile(rb"(\$?[A-Z]{1,3}\$?)([0-9]+)(?::(\$?[A-Z]{1,3}\$?)([0-9]+))?\b")
_REFERRING = re.compile(rb'(\s(?:ref|sqref)="|<(?:\w+:)?sqref>)([^"<]+)')
_FORMULA = re.compile(rb"(<(?:\w+:)?(?:formula[12]?|f)>)([^<]+)")
_DIMENSION = re.compile(rb'(<(?:\w+:)?dimension\s[^>]*?ref=")([^"]+)')
_DEFINED = re.compile(rb"(<(?:\w+:)?definedName\s[^>]*>)([^<]+)")
_FIXED = rb"\$?[A-Z]{1,3}\$[0-9]+(?::\$?[A-Z]{1,3}\$[0-9]+)?\b"
_LOCAL = re.compile(rb"(?<![!A-Za-z0-9_:$.])" + _FIXED)


@dataclass(frozen=True)
class Shift:
    """New rows go in before the sheet rows `before` (1-based, ascending) of a table first..last."""

    before: Sequence[int]
    first: int
    last: int

    def row(self, number: int) -> int:
        """Where the row now stands."""
        return number + bisect_right(self.before, number)

    def span(self, low: int, high: int) -> tuple[int, int]:
        """The range that held the rows low..high; one that reached an end of the table still does."""
        if low == high:
            return self.row(low), self.row(low)
        start = low if low <= self.first else self.row(low)
        end = high + (len(self.before) if high >= self.last else bisect_left(self.before, high + 1))
        return start, max(high, min(end, LAST_ROW))

    def references(self, text: bytes) -> bytes:
        """A list of ranges such as b"A2:C9 E4"."""
        return _RANGE.sub(self._move, text)

    def head(self, xml: bytes) -> bytes:
        """The dimension that stands before a sheet's rows."""
        return _DIMENSION.sub(lambda m: m[1] + self.references(m[2]), xml)

    def names(self, xml: bytes, sheet_name: str) -> bytes:
        """The workbook part with the names defined on this sheet moved."""
        return _DEFINED.sub(lambda m: m[1] + self.formula(m[2], sheet_name, local=False), xml)

    def tail(self, xml: bytes, sheet_name: str) -> bytes:
        """All references in what follows a sheet's rows, or in one of its table parts."""
        xml = _REFERRING.sub(lambda m: m[1] + self.references(m[2]), xml)
        return _FORMULA.sub(lambda m: m[1] + self.formula(m[2], sheet_name, local=True), xml)

    def formula(self, text: bytes, sheet_name: str, local: bool) -> bytes:
        """The fixed references to this sheet; relative ones move with the cell that holds them."""
        named = re.compile(_sheet_prefix(sheet_name) + _FIXED)
        text = named.sub(lambda m: self._after_sheet(m[0]), text)
        return _LOCAL.sub(lambda m: self.references(m[0]), text) if local else text

    def _after_sheet(self, reference: bytes) -> bytes:
        sheet, _, cells = reference.rpartition(b"!")
        return sheet + b"!" + self.references(cells)

    def _move(self, match: re.Match[bytes]) -> bytes:
        low = int(match[2])
        start, end = self.span(low, int(match[4] or low))
        if max(start, end) > LAST_ROW:
            raise CanaryError("no room in the sheet for the new rows", "split the table into two files")
        return match[1] + b"%d" % start + (b":" + match[3] + b"%d" % end if match[4] else b"")


def mentions_sheet(xml: bytes, sheet_name: str) -> bool:
    """Whether a formula somewhere in the text refers to the sheet."""
    return re.search(_sheet_prefix(sheet_name), xml) is not None


def _sheet_prefix(name: str) -> bytes:
    quoted = escape(name.replace("'", "''")).encode()
    apostrophes = rb"(?:'|&apos;)"
    plain = rb"(?<![\w.'\x80-\xff])" + re.escape(escape(name).encode())
    return rb"(?:" + apostrophes + re.escape(quoted) + apostrophes + rb"|" + plain + rb")!"
