"""A worksheet's XML as a stream of whole rows, never held as a whole."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError

Indices = NDArray[np.int32]
Piece = Literal["head", "rows", "tail"]

_BLOCK = 1 << 18
_START = re.compile(rb"<((?:\w+:)?)sheetData\s*(/?)>")
_PLACE = re.compile(rb'\sr="([A-Z]+)[0-9]+"')
_TYPE = re.compile(rb'\st="(\w+)"')
_REFERS = b' t="s"'
_AT_ROW = b' r="'
_BARE_NUMBER = re.compile(rb'( r="[A-Z]*)([0-9]+)')


@dataclass(frozen=True)
class Shape:
    """How a cell is written: its attributes with the place left open, and its type ("" when empty)."""

    attributes: bytes
    kind: str


class Sheet:
    """The worksheet in one part of a package; raises CanaryError when it holds no rows."""

    def __init__(self, archive: zipfile.ZipFile, part: str, file_name: str) -> None:
        self._archive, self._part, self.file_name = archive, part, file_name
        with archive.open(part) as stream:
            head = stream.read(_BLOCK)
            while not (start := _START.search(head)) and (block := stream.read(_BLOCK)):
                head += block
        if start is None or start[2]:
            raise CanaryError(f"{file_name}: the sheet is empty", "choose the file that holds the table")
        self.prefix: bytes = start[1]
        self._row_mark = b"<" + self.prefix + b"row "
        self._cell_mark = b"<" + self.prefix + b"c "
        self._row_end = b"</" + self.prefix + b"row>"
        self._end = self._compile(rb"</@sheetData\s*>")
        self._row = self._compile(rb'<@row\s(?:[^>]*?\s)?r="([0-9]+)"[^>]*>')
        self._cell = self._compile(rb"<@c(\s[^>]*?)(?:/>|>(.*?)</@c>)")
        self._content = self._compile(rb"<@(?:v|is)[ >]")
        self._formula = self._compile(rb"<@f[ >/]")
        self._shared = self._compile(rb'<@c(?=[^>]*\st="s")[^>]*?\sr="([A-Z]+)[0-9]+"[^>]*>\s*<@v>([0-9]+)')
        # The usual way of writing is matched three times as fast; the count tells when it does not do.
        self._shared_usual = self._compile(rb' r="([A-Z]+)[0-9]+"(?: s="[0-9]+")? t="s"><@v>([0-9]+)')
        self._index_usual = self._compile(rb'( t="s"><@v>)([0-9]+)')
        self._index = self._compile(rb'(\st="s"[^<>]*>\s*<@v>)([0-9]+)')
        self._number = self._compile(rb'(<@(?:c|row)\s(?:[^>]*?\s)?r="[A-Z]*)([0-9]+)')

    def _compile(self, pattern: bytes) -> re.Pattern[bytes]:
        return re.compile(pattern.replace(b"@", re.escape(self.prefix)), re.DOTALL)

    def pieces(self) -> Iterator[tuple[Piece, bytes]]:
        """What stands before the rows, then whole rows at a time, then what stands after them."""
        with self._archive.open(self._part) as stream:
            rest = stream.read(_BLOCK)
            while not (start := _START.search(rest)):
                rest += stream.read(_BLOCK)
            yield "head", rest[: start.end()]
            rest = rest[start.end() :]
            while not (b"sheetData" in rest and (end := self._end.search(rest))):
                cut = rest.rfind(self._row_mark)
                if cut > 0:
                    yield "rows", rest[:cut]
                    rest = rest[cut:]
                block = stream.read(_BLOCK)
                if not block:
                    raise CanaryError(f"{self.file_name}: the sheet is cut short", "export it again")
                rest += block
            if end.start():
                yield "rows", rest[: end.start()]
            yield "tail", rest[end.start() :] + stream.read()

    def segments(self, before: Sequence[int]) -> Iterator[tuple[Piece, int, bytes]]:
        """The pieces, cut where new rows go in; each with how many of the new rows stand above it."""
        done = 0
        for kind, text in self.pieces():
            if kind == "rows":
                while done < len(before) and (at := self.row_from(before[done], text)) is not None:
                    if at:
                        yield kind, done, text[:at]
                        text = text[at:]
                    done += 1
                yield kind, done, text
            else:
                yield kind, len(before) if kind == "tail" else 0, text

    def row_from(self, number: int, rows: bytes) -> int | None:
        """Where the first row with this number or a later one starts."""
        if self.row_number(rows[self.last_row(rows) :]) < number:
            return None
        exact = rows.find(self._row_mark + b'r="%d"' % number)
        if exact >= 0:
            return exact
        found = (row.start() for row in self._row.finditer(rows) if int(row[1]) >= number)
        return next(found, None)

    def last_row(self, rows: bytes, end: int | None = None) -> int:
        """Where the last row starts."""
        return max(0, rows.rfind(self._row_mark, 0, end))

    def last_filled(self, rows: bytes) -> int | None:
        """The number of the last row that holds a value."""
        end = max(rows.rfind(b"</" + self.prefix + b"v>"), rows.rfind(b"</" + self.prefix + b"is>"))
        return self.row_number(rows[self.last_row(rows, end) :]) if end > 0 else None

    def row_number(self, row: bytes) -> int:
        """The number of the first row in the text; raises CanaryError when rows carry none."""
        match = self._row.search(row)
        if match is None:
            raise CanaryError(
                f"{self.file_name}: the sheet's rows carry no numbers",
                "open the file once in a spreadsheet program, save it and use that",
            )
        return int(match[1])

    def row_tag(self, row: bytes) -> bytes:
        """The opening tag of the first row in the text, its number left open."""
        match = self._row.search(row)
        if match is None:
            raise CanaryError(f"{self.file_name}: no row to take the style from", "add a data row first")
        start, end = match.start(), match.start(1)
        tag = row[start:end] + b"%d" + row[match.end(1) : match.end()].replace(b"%", b"%%")
        return tag[:-2].rstrip() + b">" if tag.endswith(b"/>") else tag

    def first_row(self, rows: bytes) -> bytes:
        """The first row of the text."""
        second = rows.find(self._row_mark, 1 + max(0, rows.find(self._row_mark)))
        return rows[: second if second > 0 else None]

    def cells(self, rows: bytes) -> Iterator[tuple[str, Shape]]:
        """The column letters and the shape of each cell."""
        for attributes, body in self._cell.findall(rows):
            place = _PLACE.search(attributes)
            if place is None:
                raise CanaryError(
                    f"{self.file_name}: the sheet's cells carry no places",
                    "open the file once in a spreadsheet program, save it and use that",
                )
            filled = self._content.search(body) is not None
            written = _TYPE.search(attributes)
            kind = (written[1].decode() if written else "n") if filled else ""
            yield place[1].decode(), Shape(_PLACE.sub(b' r="@"', attributes.rstrip(b"/"), count=1), kind)

    def first_filled(self, rows: bytes) -> bytes:
        """The first row that holds a value, or nothing."""
        content = self._content.search(rows)
        return self.first_row(rows[self.last_row(rows, content.start()) :]) if content else b""

    def formula_row(self, rows: bytes) -> int | None:
        """The number of the first row with a computed cell."""
        if b"<" + self.prefix + b"f" not in rows or not (formula := self._formula.search(rows)):
            return None
        return self.row_number(rows[self.last_row(rows, formula.start()) :])

    def shared(self, rows: bytes) -> tuple[list[bytes], list[bytes]]:
        """Column letters and index of every cell that refers to a shared string."""
        # Splitting makes flat lists; tuples by the hundred thousand would keep the garbage collector busy.
        parts = self._shared_usual.split(rows)
        if len(parts) // 3 != rows.count(_REFERS):
            parts = self._shared.split(rows)
        return parts[1::3], parts[2::3]

    def renumber(self, rows: bytes, position: Indices) -> bytes:
        """The rows with every index of a shared string replaced by its `position`."""
        parts = self._index_usual.split(rows)
        if len(parts) // 3 != rows.count(_REFERS):
            parts = self._index.split(rows)
        old = np.fromiter(map(int, parts[2::3]), np.int32, len(parts) // 3)
        parts[2::3] = map(b"%d".__mod__, position[old].tolist())
        return b"".join(parts)

    def shift(self, rows: bytes, by: int) -> bytes:
        """The rows with their numbers raised."""
        if not by:
            return rows
        if rows.count(_AT_ROW) != rows.count(self._row_mark) + rows.count(self._cell_mark):
            # Text inside the rows looks like an attribute; only this pattern minds the tags.
            return _raised(self._number, rows, by)
        return self._row_end.join(_shift_row(row, by) for row in rows.split(self._row_end))


def _shift_row(row: bytes, by: int) -> bytes:
    start = row.find(_AT_ROW) + len(_AT_ROW)
    number = row[start : row.find(b'"', start)]
    # A row's number stands before a quotation mark once a place, as a rule nowhere else: a plain
    # replacement is twice as fast as a pattern.
    if number.isdigit() and row.count(number + b'"') == row.count(_AT_ROW):
        return row.replace(number + b'"', b'%d"' % (int(number) + by))
    return _raised(_BARE_NUMBER, row, by)


def _raised(pattern: re.Pattern[bytes], rows: bytes, by: int) -> bytes:
    return pattern.sub(lambda found: found[1] + b"%d" % (int(found[2]) + by), rows)
