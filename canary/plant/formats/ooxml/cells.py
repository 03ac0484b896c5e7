"""The rows of a worksheet one after another, read from its XML: a sheet of a million rows is never held."""

import re
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from xml.etree import ElementTree

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row
from canary.plant.formats.ooxml.scan import column_number
from canary.plant.formats.ooxml.sheet import Sheet
from canary.plant.formats.ooxml.strings import SharedStrings, streamed
from canary.plant.formats.ooxml.workbook import Workbook, related

_USUAL = re.compile(
    rb'<c r="([A-Z]+)[0-9]+"(?: s="([0-9]+)")?(?: t="(\w+)")?'
    rb"(?:/>|>(?:<v>([^<]*)</v>|<is><t[^>]*>([^<]*)</t></is>)?</c>)"
)
_ROW_NUMBER = re.compile(rb'\sr="([0-9]+)"')
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_DATED, _ELAPSED = re.compile("[dmyhs]", re.IGNORECASE), re.compile(r"\[[hms]+\]", re.IGNORECASE)
_DATES = frozenset((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)))
_EPOCHS = (datetime(1899, 12, 30), datetime(1904, 1, 1))
_DATE, _DURATION = "date", "duration"


class Cells:
    """The cells of the table in a workbook's first visible sheet."""

    def __init__(self, package: zipfile.ZipFile, book: Workbook, name: str) -> None:
        self._sheet, self._name, self._epoch = Sheet(package, book.sheet, name), name, _EPOCHS[book.date1904]
        self._package, self._book = package, book
        self._numbers: dict[bytes, int] = {}
        self._kinds: Mapping[bytes, str] = {}

    def rows(self) -> Iterator[Row]:
        """The header and the rows, from the first to the last that holds a value; empty cells are None.

        Raises CanaryError when a row holds something beside the columns of the header.
        """
        self._kinds = _kinds(self._package, self._book)
        self._texts = _Texts(self._package, self._book.strings) if self._book.strings else None
        first, width, blank, last = 0, 0, 0, 0
        for row in self._row_texts():
            number = int(match[1]) if (match := _ROW_NUMBER.search(row, 0, row.find(b">"))) else last + 1
            blank, last = blank + number - last - 1, number
            values = self._values(row)
            if not values:
                blank += 1
                continue
            if not width:
                first, width, blank = min(values), max(values) - min(values) + 1, 0
            yield from ((None,) * width for _ in range(blank))
            blank = 0
            if min(values) < first or max(values) >= first + width:
                raise CanaryError(f"{self._name}: row {number} is wider than the header", "name every column")
            yield tuple([values.get(at) for at in range(first, first + width)])

    def _row_texts(self) -> Iterator[bytes]:
        end = b"</" + self._sheet.prefix + b"row>"
        for kind, text in self._sheet.pieces():
            if kind == "rows":
                *rows, _ = text.split(end)
                yield from (row[row.rfind(b"<" + self._sheet.prefix + b"row ") :] for row in rows)

    def _values(self, row: bytes) -> dict[int, Cell]:
        found = _USUAL.findall(row)
        if len(found) != row.count(b"<" + self._sheet.prefix + b"c ") or b"</row>" in row:
            found = list(self._unusual(row))
        values: dict[int, Cell] = {}
        for letters, style, kind, text, inline in found:
            value = self._value(style, kind, text, inline)
            if value is not None:
                if letters not in self._numbers:
                    self._numbers[letters] = column_number(letters.decode())
                values[self._numbers[letters]] = value
        return values

    def _unusual(self, row: bytes) -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes]]:
        """The same of a row that is written in another way."""
        bound = b"".join(b' xmlns:%b="x"' % p for p in {b"x14ac", b"xr", self._sheet.prefix[:-1]} - {b""})
        root = ElementTree.fromstring(b"<a%b>%b</%brow></a>" % (bound, row, self._sheet.prefix))
        for cell in root.iter():
            if not _is(cell, "c"):
                continue
            kind, place = cell.get("t", ""), cell.get("r", "").rstrip("0123456789")
            value = "".join(v.text or "" for v in cell if _is(v, "v"))
            text = next((_text(each) for each in cell if _is(each, "is")), "")
            parts = place, cell.get("s", ""), kind, value if kind != "str" else _escaped(value), _escaped(text)
            yield tuple(part.encode() for part in parts)  # type: ignore[misc]

    def _value(self, style: bytes, kind: bytes, text: bytes, inline: bytes) -> Cell:
        if kind == b"s" and self._texts:
            return self._texts[int(text)] or None
        if kind == b"inlineStr":
            return _plain(inline) or None
        if not text:
            return None
        if kind in (b"", b"n"):
            if (meant := self._kinds.get(style)) is not None:
                return self._moment(float(text), meant)
            number = float(text)
            return int(number) if number.is_integer() else number
        if kind == b"b":
            return text == b"1"
        if kind == b"d":
            moment = datetime.fromisoformat(text.decode())
            return moment if moment.time() != moment.min.time() else moment.date()
        return _plain(text) or None

    def _moment(self, serial: float, meant: str) -> Cell:
        span = timedelta(milliseconds=round(serial * 86_400_000))
        if meant == _DURATION:
            return str(span)
        if serial < 1 and self._epoch == _EPOCHS[0]:
            return str((datetime.min + span).time())
        if serial < 60 and self._epoch == _EPOCHS[0]:
            span += timedelta(1)  # spreadsheets believe in a 29 February 1900
        moment = self._epoch + span
        return moment if moment.time() != moment.min.time() else moment.date()


class _Texts:
    """The shared strings, plain and end to end: millions of them as objects would take most of the memory."""

    def __init__(self, package: zipfile.ZipFile, part: str) -> None:
        self._all, self._ends = bytearray(), array("q", [0])
        for entries in SharedStrings.entries(streamed(package, part)):
            for entry in entries:
                usual = entry.startswith(b"<si><t>") and entry.count(b"<") == 4 and b"&" not in entry
                self._all += entry[7:-9] if usual else _entry_text(entry).encode()
                self._ends.append(len(self._all))

    def __getitem__(self, at: int) -> str:
        text = self._all[self._ends[at] : self._ends[at + 1]].decode()
        return _unescaped(text) if "_x" in text else text


def _kinds(package: zipfile.ZipFile, book: Workbook) -> dict[bytes, str]:
    """What numbers in each cell style mean, where they are no numbers."""
    found: dict[bytes, str] = {}
    for part in related(package, book.part, "styles"):
        root = ElementTree.fromstring(package.read(part))
        codes = {e.get("numFmtId", ""): e.get("formatCode", "") for e in root.iter() if _is(e, "numFmt")}
        formats: Sequence[ElementTree.Element] = next((list(e) for e in root.iter() if _is(e, "cellXfs")), [])
        for at, style in enumerate(formats):
            number = style.get("numFmtId", "0")
            code = _QUOTED.sub("", codes.get(number, "").split(";")[0])
            if number == "46" or _ELAPSED.search(code):
                found[b"%d" % at] = _DURATION
            elif (_DATED.search(code) and code.lower() != "general") or (not code and int(number) in _DATES):
                found[b"%d" % at] = _DATE
    return {**found, **({b"": found[b"0"]} if b"0" in found else {})}


def _is(element: ElementTree.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name


def _entry_text(entry: bytes) -> str:
    """The text of a string without its phonetic guide; the prefix of its namespace does not matter."""
    return _text(ElementTree.fromstring(re.sub(rb"<(/?)\w+:", rb"<\1", entry.strip())))


def _text(entry: ElementTree.Element) -> str:
    parts = [each for part in entry if not _is(part, "rPh") for each in part.iter()]
    return "".join(part.text or "" for part in parts if _is(part, "t"))


def _plain(xml: bytes) -> str:
    text = xml.decode()
    if "&" in text:
        text = ElementTree.fromstring(f"<t>{text}</t>").text or ""
    return _unescaped(text) if "_x" in text else text


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
