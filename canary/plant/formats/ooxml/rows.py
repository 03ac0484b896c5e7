"""New rows for a sheet, each written the way the rows around it are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from canary.errors import CanaryError
from canary.mint.facts import Cell
from canary.plant.formats.base import Insertion
from canary.plant.formats.ooxml.scan import Scan, column_number
from canary.plant.formats.ooxml.sheet import Indices, Shape, Sheet
from canary.plant.formats.ooxml.strings import References, SharedStrings, encode, space

_TEXT = ("s", "inlineStr", "str")


@dataclass(frozen=True)
class _NewCell:
    column: str
    shape: Shape
    content: bytes = b""
    string: int = -1


class NewRows:
    """The rows to be, in the order of the sheet; `strings` gets their texts."""

    def __init__(
        self, sheet: Sheet, scan: Scan, insertions: Sequence[Insertion], strings: SharedStrings | None
    ) -> None:
        self._sheet, self._scan, self._strings = sheet, scan, strings
        self._rows = [self._cells(at, new) for at, new in enumerate(insertions)]

    def __len__(self) -> int:
        return len(self._rows)

    def references(self) -> References:
        """The sheet's cells that hold shared strings, the new ones among them."""
        new = [(at, cell) for at, row in enumerate(self._rows) for cell in row if cell.string >= 0]
        return self._scan.references.with_new(
            [self._scan.places[at] for at, _ in new],
            [column_number(cell.column) for _, cell in new],
            [cell.string for _, cell in new],
        )

    def xml(self, at: int, position: Indices) -> bytes:
        """One row, its shared strings at their final indices."""
        number = self._scan.shift.before[at] + at
        cells = b"".join(self._cell_xml(cell, number, position) for cell in self._rows[at])
        return self._sheet.row_tag(self._scan.models[at]) % number + cells + self._tag(b"/", b"row")

    def _tag(self, slash: bytes, name: bytes) -> bytes:
        return b"<" + slash + self._sheet.prefix + name + b">"

    def _cell_xml(self, cell: _NewCell, row: int, position: Indices) -> bytes:
        place = b'"%b%d"' % (cell.column.encode(), row)
        start = b"<%bc%b" % (self._sheet.prefix, cell.shape.attributes.replace(b'"@"', place, 1))
        if not cell.shape.kind:
            return start + b"/>"
        value = b"%d" % position[cell.string] if cell.string >= 0 else cell.content
        if cell.shape.kind == "inlineStr":
            text = b"<%bt%b>" % (self._sheet.prefix, space(value)) + value + self._tag(b"/", b"t")
            body = self._tag(b"", b"is") + text + self._tag(b"/", b"is")
        else:
            body = self._tag(b"", b"v") + value + self._tag(b"/", b"v")
        return start + b">" + body + self._tag(b"/", b"c")

    def _cells(self, at: int, insertion: Insertion) -> list[_NewCell]:
        model = self._scan.models[at]
        near = dict(self._sheet.cells(model))
        letters, indices = self._sheet.shared(model)
        strings = {column.decode(): int(index) for column, index in zip(letters, indices, strict=True)}
        cells = [_NewCell(column, shape) for column, shape in near.items() if not shape.kind]
        cells = [cell for cell in cells if cell.column not in self._scan.columns]
        for column, value in zip(self._scan.columns, insertion.cells, strict=True):
            shape = self._shape(column, value, near.get(column))
            if shape is None:
                continue
            if shape.kind == "s" and isinstance(value, str) and self._strings is not None:
                like = strings[column] if column in strings else self._scan.string_in(column)
                cells.append(_NewCell(column, shape, string=self._strings.add(encode(value), like)))
            else:
                cells.append(_NewCell(column, shape, self._content(value, shape.kind)))
        return sorted(cells, key=lambda cell: column_number(cell.column))

    def _shape(self, column: str, value: Cell, near: Shape | None) -> Shape | None:
        """The shape of the neighbour's cell if it holds such a value, else the column's usual one."""
        kinds = kinds_for(value)
        if near and near.kind in kinds:
            return near
        usual = self._scan.usual(column, kinds)
        if usual or value is None:
            return usual
        if isinstance(value, date):
            raise CanaryError(
                f"{self._sheet.file_name}: column {column} holds no date that shows how to write one",
                "give the new rows the column's own kind of value",
            )
        return self._unusual(column, kinds, near)

    def _unusual(self, column: str, kinds: tuple[str, ...], near: Shape | None) -> Shape:
        """For a value of a kind new to the column: the column's style, the kind as the sheet writes it."""
        there = near or self._scan.usual(column, None) or Shape(b' r="@"', "")
        anywhere = self._scan.usual(None, kinds)
        kind = anywhere.kind if anywhere else "inlineStr" if kinds == _TEXT else kinds[0]
        attributes = there.attributes.replace(b' t="%b"' % there.kind.encode(), b"").rstrip()
        return Shape(attributes if kind == "n" else attributes + b' t="%b"' % kind.encode(), kind)

    def _content(self, value: Cell, kind: str) -> bytes:
        if isinstance(value, str):
            return encode(value)
        if isinstance(value, bool):
            return b"%d" % value
        if isinstance(value, date):
            return value.isoformat().encode() if kind == "d" else _serial(value, self._scan.date1904)
        return repr(value).encode() if value is not None else b""


def models_of(sheet: Sheet, scan: Scan) -> set[int]:
    """The shared strings that new ones are written like: those of the rows beside them, else one of the column."""
    beside = {int(index) for model in scan.models for index in sheet.shared(model)[1]}
    return beside | {index for column in scan.columns if (index := scan.string_in(column)) is not None}


def kinds_for(value: Cell) -> tuple[str, ...]:
    """The types of cell that can hold the value."""
    if value is None:
        return ("",)
    if isinstance(value, str):
        return _TEXT
    if isinstance(value, bool):
        return ("b",)
    return ("n", "d") if isinstance(value, date) else ("n",)


def _serial(day: date, date1904: bool) -> bytes:
    moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
    days = (moment.replace(tzinfo=None) - datetime(1904, 1, 1) if date1904 else _since_1900(moment)) / timedelta(1)
    return b"%d" % days if days == int(days) else repr(days).encode()


def _since_1900(moment: datetime) -> timedelta:
    # Spreadsheets believe in a 29 February 1900; days before it count one less.
    start = datetime(1899, 12, 30) if moment >= datetime(1900, 3, 1) else datetime(1899, 12, 31)
    return moment.replace(tzinfo=None) - start
