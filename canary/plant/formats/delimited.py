"""CSV, TSV and other delimited text: new records go in between bytes that stay as they are."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Cell, Row, Table
from canary.plant.formats.base import Insertion

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = ",\t;|"
_SAMPLE = 200  # records looked at to tell the delimiter and a column's quoting

Fields = list[str]


@dataclass(frozen=True)
class _Text:
    """A decoded file; record i is the text raws[i], its line's end included, with the fields fields[i]."""

    name: str
    mark: bytes
    encoding: str
    delimiter: str
    raws: list[str]
    fields: list[Fields]
    after: str

    @property
    def ending(self) -> str:
        return _line_end(self.raws[0]) or "\n"


class DelimitedFormat:
    """Text whose first record is the header; every cell is a str, an empty one None."""

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError naming file and record on bad input."""
        header, *rows = _load(path).fields
        return Table(tuple(header), tuple(tuple(field or None for field in row) for row in rows))

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with the new records in place; raises CanaryError on characters it cannot hold."""
        text = _load(source)
        out = "".join(_spliced(text, sorted(insertions, key=lambda new: new.before)))
        if not _line_end(text.raws[-1]):
            out = out.removesuffix(text.ending)
        target.write_bytes(text.mark + (out + text.after).encode(text.encoding))


def _load(path: Path) -> _Text:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    mark, encoding = next((found for found in _MARKS if data.startswith(found[0])), (b"", ""))
    content = data[len(mark) :]
    encoding, decoded = _decode(path.name, content, encoding)
    if not decoded.strip():
        raise CanaryError(f"{path.name}: the file is empty", "choose the file that holds the table")
    lines = list(io.StringIO(decoded, newline=""))
    after = ""
    while not lines[-1].strip("\r\n"):
        after = lines.pop() + after
    delimiter = _delimiter(lines)
    raws, fields = _records(path.name, lines, delimiter)
    _check(path.name, fields)
    return _Text(path.name, mark, encoding, delimiter, raws, fields, after)


def _decode(name: str, content: bytes, marked: str) -> tuple[str, str]:
    """The narrowest of the likely encodings that holds the file, and its text."""
    for encoding in (marked,) if marked else ("ascii", "utf-8", "gbk", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text and text.encode(encoding) == content:
            return encoding, text
    raise CanaryError(f"{name}: the text is neither UTF-8, UTF-16 nor GB18030", "save it as UTF-8")


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cuts the first records into equally many fields, the most of them."""
    best = (1, ",")
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines[:_SAMPLE], delimiter=delimiter)]
        except csv.Error:
            continue
        same = widths.count(widths[0]) / len(widths)
        # A delimiter also inside the text gives ragged records; a few ragged ones are reported later.
        if same > 0.9 and widths[0] > best[0]:
            best = (widths[0], delimiter)
    return best[1]


def _records(name: str, lines: Sequence[str], delimiter: str) -> tuple[list[str], list[Fields]]:
    raws: list[str] = []
    fields: list[Fields] = []
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 0
    try:
        for row in reader:
            raws.append(lines[start] if reader.line_num == start + 1 else "".join(lines[start : reader.line_num]))
            fields.append(row)
            start = reader.line_num
    except csv.Error as error:
        raise CanaryError(
            f"{name}: line {start + 1} cannot be read: {error}", "mend the quotation marks there"
        ) from error
    return raws, fields


def _check(name: str, fields: list[Fields]) -> None:
    header = fields[0]
    for column, title in enumerate(header, 1):
        if not title.strip():
            raise CanaryError(f"{name}: row 1, column {column}: the header is empty", "name every column")
        if header.index(title) != column - 1:
            raise CanaryError(
                f"{name}: row 1, column {column}: the header {title!r} stands there twice",
                "give each column its own name",
            )
    for number, row in enumerate(fields, 1):
        if not row and len(header) == 1:
            row.append("")
        if len(row) != len(header):
            raise CanaryError(
                f"{name}: row {number} has {len(row)} fields, the header {len(header)}",
                "mend the row: every record needs as many fields as the header",
            )


def _spliced(text: _Text, insertions: Sequence[Insertion]) -> Iterator[str]:
    size = len(text.raws) - 1
    yield text.raws[0] if _line_end(text.raws[0]) else text.raws[0] + text.ending
    done = 0
    for new in insertions:
        if not 0 <= new.before <= size or len(new.cells) != len(text.fields[0]):
            raise CanaryError(f"{text.name}: a new row does not fit the table")
        yield from _ended(text, done, new.before)
        done = new.before
        yield _render(text, new.before, new.cells)
    yield from _ended(text, done, size)


def _ended(text: _Text, start: int, stop: int) -> Iterator[str]:
    """The data records from `start` to `stop`, the file's last one with a line's end too."""
    for raw in text.raws[1 + start : 1 + stop]:
        yield raw if _line_end(raw) else raw + text.ending


def _render(text: _Text, before: int, cells: Row) -> str:
    near = range(max(1, before + 1 - _SAMPLE), min(len(text.raws), before + 1 + _SAMPLE))
    rows = sorted(near, key=lambda at: (at > before, abs(at - before)))
    fields = (_field(text, rows, column, cell) for column, cell in enumerate(cells))
    record = text.delimiter.join(fields)
    _check_encoding(text, record)
    # A record that is nothing at all would read as a blank line.
    return (record or '""') + ((rows and _line_end(text.raws[rows[0]])) or text.ending)


def _field(text: _Text, rows: Sequence[int], column: int, cell: Cell) -> str:
    """The field, in quotation marks where it must be or where the nearest like field is."""
    value = cell.isoformat() if isinstance(cell, date) else "" if cell is None else str(cell)
    if _must_quote(value, text.delimiter) or _habit(text, rows, column, bool(value)):
        return '"' + value.replace('"', '""') + '"'
    return value


def _habit(text: _Text, rows: Sequence[int], column: int, filled: bool) -> bool:
    for at in rows:
        if '"' not in text.raws[at]:
            return False
        value = text.fields[at][column]
        if bool(value) == filled and not _must_quote(value, text.delimiter):
            return _quoted(text.raws[at], text.delimiter)[column]
    return False


def _must_quote(value: str, delimiter: str) -> bool:
    return any(mark in value for mark in (delimiter, '"', "\r", "\n"))


def _quoted(raw: str, delimiter: str) -> list[bool]:
    """For each field of a record, whether it stands in quotation marks."""
    field = re.compile(rf'(?:^|{re.escape(delimiter)})("(?:[^"]|"")*"|[^{re.escape(delimiter)}]*)')
    return [match[1].startswith('"') for match in field.finditer(raw)]


def _check_encoding(text: _Text, record: str) -> None:
    try:
        record.encode(text.encoding)
    except UnicodeEncodeError as error:
        raise CanaryError(
            f"{text.name}: the file's {text.encoding} cannot hold {record[error.start]!r} of a new row",
            "make the new rows from the table's own characters",
        ) from error


def _line_end(raw: str) -> str:
    return raw[len(raw.rstrip("\r\n")) :]
