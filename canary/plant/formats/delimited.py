"""CSV, TSV and other delimited text: new records go in between bytes that stay as they are."""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Cell, Row, Table
from canary.plant.formats.base import Insertion

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DELIMITERS = ",\t;|"
_BLOCK = 1 << 20
_SAMPLE = 200  # records looked at to tell the delimiter and a column's quoting

Fields = list[str]
Record = tuple[str, Fields]  # the record's text with its line's end, and what stands in its fields


@dataclass(frozen=True)
class _Text:
    """A file and how it is written; its records are read as a stream, as often as they are asked for."""

    path: Path
    mark: bytes
    encoding: str
    delimiter: str

    @property
    def name(self) -> str:
        return self.path.name

    def records(self) -> Iterator[Record]:
        """The header and the data records, then what is left of the file as a record of no fields."""
        with self.path.open("rb") as file:
            file.seek(len(self.mark))
            with io.TextIOWrapper(file, self.encoding, newline="") as lines:
                yield from _records(self.name, lines, self.delimiter)


class DelimitedFormat:
    """Text whose first record is the header; every cell is a str, an empty one None."""

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError naming file and record on bad input."""
        header, rows = self.stream(path)
        return Table(header, tuple(rows))

    def size(self, path: Path) -> int:
        """Bytes of the file."""
        return path.stat().st_size

    def stream(self, path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The header, and the rows one after another; raises CanaryError as `read` does, on reaching the bad one."""
        records = _load(path).records()
        header = next(records)[1]
        return tuple(header), (tuple(field or None for field in fields) for _, fields in records if fields)

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with the new records in place; raises CanaryError on characters it cannot hold."""
        text = _load(source)
        try:
            with target.open("wb") as out:
                out.write(text.mark)
                for part in _spliced(text, sorted(insertions, key=lambda new: new.before)):
                    out.write(part.encode(text.encoding))
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _load(path: Path) -> _Text:
    try:
        with path.open("rb") as file:
            start = file.read(4)
            mark, marked = next((found for found in _MARKS if start.startswith(found[0])), (b"", ""))
            encodings = (marked,) if marked else ("ascii", "utf-8", "gbk", "gb18030")
            encoding = next((each for each in encodings if _holds(file, len(mark), each)), None)
        if encoding is None:
            raise CanaryError(f"{path.name}: the text is neither UTF-8, UTF-16 nor GB18030", "save it as UTF-8")
        with path.open(encoding=encoding, newline="") as lines:
            lines.seek(len(mark))
            first = list(islice(lines, _SAMPLE))
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    while first and not first[-1].strip("\r\n"):
        first.pop()
    if not "".join(first).strip():
        raise CanaryError(f"{path.name}: the file is empty", "choose the file that holds the table")
    return _Text(path, mark, encoding, _delimiter(first))


def _holds(file: BinaryIO, start: int, encoding: str) -> bool:
    """Whether the encoding is the file's own: it reads all of it, and writes the same bytes again."""
    file.seek(start)
    decoder, again, rest = codecs.getincrementaldecoder(encoding)(), codecs.getincrementalencoder(encoding)(), b""
    try:
        while block := file.read(_BLOCK):
            text, rest = decoder.decode(block), rest + block
            written = again.encode(text)
            if "\x00" in text or not rest.startswith(written):
                return False
            rest = rest[len(written) :]
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return not rest


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


def _records(name: str, lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    read: list[str] = []
    reader = csv.reader(_noted(lines, read), delimiter=delimiter, strict=True)
    header: Fields = []
    number = start = 0
    blank: list[Record] = []  # they belong to the table only where another record follows
    try:
        for row in reader:
            record = "".join(read), row
            read.clear()
            start = reader.line_num
            blank.append(record)
            if not record[0].strip("\r\n"):
                continue
            for raw, fields in blank:
                number += 1
                header = header or _headed(name, fields)
                yield raw, _checked(name, header, number, fields)
            blank.clear()
    except csv.Error as error:
        raise CanaryError(
            f"{name}: line {start + 1} cannot be read: {error}", "mend the quotation marks there"
        ) from error
    yield "".join(raw for raw, _ in blank), []


def _noted(lines: Iterable[str], read: list[str]) -> Iterator[str]:
    for line in lines:
        read.append(line)
        yield line


def _headed(name: str, header: Fields) -> Fields:
    for column, title in enumerate(header, 1):
        if not title.strip():
            raise CanaryError(f"{name}: row 1, column {column}: the header is empty", "name every column")
        if header.index(title) != column - 1:
            raise CanaryError(
                f"{name}: row 1, column {column}: the header {title!r} stands there twice",
                "give each column its own name",
            )
    return header


def _checked(name: str, header: Fields, number: int, fields: Fields) -> Fields:
    if not fields and len(header) == 1:
        return [""]
    if len(fields) != len(header):
        raise CanaryError(
            f"{name}: row {number} has {len(fields)} fields, the header {len(header)}",
            "mend the row: every record needs as many fields as the header",
        )
    return fields


def _spliced(text: _Text, insertions: Sequence[Insertion]) -> Iterator[str]:
    """The new file's text: source records, new ones in front of those they belong before, and what is left."""
    records = text.records()
    header = next(records)
    ending = _line_end(header[0]) or "\n"
    ahead: deque[Record] = deque()
    behind: deque[Record] = deque(maxlen=_SAMPLE)
    last, waiting, done = header[0], header[0], 0
    for new in insertions:
        while done < new.before and (ahead or _fill(ahead, records, 1)) and ahead[0][1]:
            behind.append(ahead.popleft())
            yield _ended(waiting, ending)
            last = waiting = behind[-1][0]
            done += 1
        if done != new.before or len(new.cells) != len(header[1]):
            raise CanaryError(f"{text.name}: a new row does not fit the table")
        _fill(ahead, records, _SAMPLE)
        yield _ended(waiting, ending)
        near = [*reversed(behind), *(record for record in ahead if record[1])]
        waiting = _render(text, near, ending, new.cells)
    for raw, fields in chain(ahead, records):
        if fields:
            yield _ended(waiting, ending)
            last = waiting = raw
        else:
            yield waiting if _line_end(last) else waiting.removesuffix(ending)
            yield raw


def _fill(ahead: deque[Record], records: Iterator[Record], size: int) -> bool:
    """Read on until so many records are known; whether there are any."""
    ahead.extend(islice(records, size - len(ahead)))
    return bool(ahead)


def _ended(raw: str, ending: str) -> str:
    """The record; the file's last one may lack its line's end."""
    return raw if _line_end(raw) else raw + ending


def _render(text: _Text, near: Sequence[Record], ending: str, cells: Row) -> str:
    """A new record, written as those `near` it are, the nearest first."""
    fields = (_field(text, near, column, cell) for column, cell in enumerate(cells))
    record = text.delimiter.join(fields)
    _check_encoding(text, record)
    # A record that is nothing at all would read as a blank line.
    return (record or '""') + ((near and _line_end(near[0][0])) or ending)


def _field(text: _Text, near: Sequence[Record], column: int, cell: Cell) -> str:
    """The field, in quotation marks where it must be or where the nearest like field is."""
    value = cell.isoformat() if isinstance(cell, date) else "" if cell is None else str(cell)
    if _must_quote(value, text.delimiter) or _habit(text.delimiter, near, column, bool(value)):
        return '"' + value.replace('"', '""') + '"'
    return value


def _habit(delimiter: str, near: Sequence[Record], column: int, filled: bool) -> bool:
    for raw, fields in near:
        if '"' not in raw:
            return False
        value = fields[column]
        if bool(value) == filled and not _must_quote(value, delimiter):
            return _quoted(raw, delimiter)[column]
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
