"""Legacy .xls workbooks: read by xlrd, written anew by xlwt with the new rows in place."""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import xlrd

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Cell, Table
from canary.plant.formats.base import Insertion
from canary.plant.formats.biff import look, losses

MOST_ROWS = 65_536
_EPOCHS = (datetime(1899, 12, 30), datetime(1904, 1, 1))
_LAST_DAY = 2_957_004  # both date systems end with the year 9999
_ROTTEN = (AssertionError, TypeError, AttributeError, NotImplementedError)  # xlrd trusts what it reads
_EMPTY = (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)


class XlsFormat:
    """The first visible sheet of an Excel 97-2003 workbook; its first filled row is the header.

    The workbook is written anew. Kept: sheets and their order, values, cell formats, fonts and colours, widths,
    heights, merged cells, panes. Not kept: the container's bytes, author and dates of the file's properties, page
    setup, sheet protection, styles no cell uses. What would be missed on the screen (formulas, charts, images,
    macros, comments, links, filters, defined names) is refused.
    """

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError naming file and cell on bad input."""
        return _open(path).table()

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with the new rows in place; raises CanaryError beyond 65,536 rows."""
        opened = _open(source)
        new = sorted(insertions, key=lambda insertion: insertion.before)
        if opened.sheet.nrows + len(new) > MOST_ROWS:
            raise CanaryError(
                f"{source.name}: {opened.sheet.nrows} rows and {len(new)} new ones are more than an .xls holds",
                f"an .xls ends at row {MOST_ROWS}: save it as .xlsx",
            )
        try:
            made = _rewritten(opened, new)
        except (LookupError, ValueError) as error:
            raise CanaryError(f"{source.name}: cannot be written anew: {error}", "save it as .xlsx") from error
        made.save(str(target))


@dataclass(frozen=True)
class _Line:
    """One row to write: row `like` of the source, or a new row in its look when `new` is given."""

    like: int
    new: dict[int, tuple[int, Cell]] | None = None


class _Opened:
    """A workbook and where its table stands."""

    def __init__(self, path: Path, book: Any) -> None:
        self.path, self.book = path, book
        self.sheet = next((sheet for sheet in book.sheets() if not sheet.visibility), book.sheet_by_index(0))
        filled = [
            (row, column)
            for row in range(self.sheet.nrows)
            for column, kind in enumerate(self.sheet.row_types(row))
            if kind not in _EMPTY and self.sheet.cell_value(row, column) != ""
        ]
        if not filled:
            raise CanaryError(f"{path.name}: the sheet is empty", "choose the file that holds the table")
        columns = [column for _, column in filled]
        self._top, self._bottom = filled[0][0], filled[-1][0] + 1
        self._left, self._right = min(columns), max(columns) + 1

    def table(self) -> Table:
        rows = [tuple(map(self._cell, self._places(row))) for row in range(self._top, self._bottom)]
        header = tuple("" if cell is None else str(cell) for cell in rows[0])
        for column, name in enumerate(header):
            where = f"{self.path.name}: row {self._top + 1}, column {self._left + column + 1}"
            if not name.strip():
                raise CanaryError(f"{where}: the header is empty", "the first row must name every column")
            if header.index(name) < column:
                raise CanaryError(f"{where}: the header {name!r} stands there twice", "give each column its own name")
        return Table(header, tuple(rows[1:]))

    def spliced(self, insertions: Sequence[Insertion]) -> Iterator[_Line]:
        """Every row of the sheet with the new ones in place."""
        done, first = 0, self._top + 1
        for new in insertions:
            if not 0 <= new.before <= self._bottom - first or len(new.cells) != self._right - self._left:
                raise CanaryError(f"{self.path.name}: a new row does not fit the table")
            self._check_merged(first + new.before)
            yield from map(_Line, range(done, first + new.before))
            done = first + new.before
            yield self._new(done if new.before < self._bottom - first else done - 1, new.cells)
        yield from map(_Line, range(done, self.sheet.nrows))

    def _check_merged(self, before: int) -> None:
        if any(top < before < bottom for top, bottom, _, _ in self.sheet.merged_cells):
            raise CanaryError(
                f"{self.path.name}: row {before + 1} is inside merged cells", "unmerge the cells of the table"
            )

    def _new(self, like: int, cells: Sequence[Cell]) -> _Line:
        columns = range(self._left, self._right)
        new = {c: (self._style(like, c, cell), cell) for c, cell in zip(columns, cells, strict=True)}
        return _Line(like, new)

    def _style(self, like: int, column: int, value: Cell) -> int:
        """The cell format of the nearest row that holds such a value in the column."""
        if self._alike(like, column, value):
            return self._format(like, column)
        for row in sorted(range(self._top + 1, self._bottom), key=lambda row: abs(row - like)):
            if self._alike(row, column, value):
                return self._format(row, column)
        if isinstance(value, date):
            raise CanaryError(
                f"{self.path.name}: column {column + 1} holds no date that shows how to write one",
                "give the new rows the column's own kind of value",
            )
        return self._format(like, column)

    def _format(self, row: int, column: int) -> int:
        inside = column < self.sheet.row_len(row)
        return int(self.sheet.cell_xf_index(row, column)) if inside else -1

    def _alike(self, row: int, column: int, value: Cell) -> bool:
        cell = self._cell((row, column))
        return cell is value is None or (cell is not None and isinstance(cell, date) == isinstance(value, date))

    def _places(self, row: int) -> list[tuple[int, int]]:
        return [(row, column) for column in range(self._left, self._right)]

    def _cell(self, place: tuple[int, int]) -> Cell:
        row, column = place
        if column >= self.sheet.row_len(row):
            return None
        kind, value = self.sheet.cell_type(row, column), self.sheet.cell_value(row, column)
        if kind in _EMPTY or value == "":
            return None
        if kind == xlrd.XL_CELL_DATE:
            return _moment(value, self.book.datemode)
        if kind == xlrd.XL_CELL_NUMBER:
            return int(value) if value.is_integer() else float(value)
        if kind == xlrd.XL_CELL_BOOLEAN:
            return bool(value)
        return xlrd.error_text_from_code.get(value, "#N/A") if kind == xlrd.XL_CELL_ERROR else str(value)


class _Writer:
    """Writes one sheet's rows."""

    def __init__(self, book: Any, sheet: Any, target: Any, style: list[Any]) -> None:
        self._book, self._sheet, self._target, self._styles = book, sheet, target, style

    def write(self, lines: Iterator[_Line]) -> None:
        moved: dict[int, int] = {}
        for at, line in enumerate(lines):
            row = self._target.row(at)
            if info := self._sheet.rowinfo_map.get(line.like):
                look.size_row(row, info, self._styles)
            if line.new is None:
                moved[line.like] = at
            self._cells(row, line)
            if at % 1000 == 999:
                self._target.flush_row_data()
        for top, bottom, left, right in self._sheet.merged_cells:
            self._target.merged_ranges.append((moved[top], moved[bottom - 1], left, right - 1))

    def _cells(self, row: Any, line: _Line) -> None:
        new = line.new or {}
        for column, kind in enumerate(self._sheet.row_types(line.like)):
            if column in new:
                continue
            style = self._style(self._sheet.cell_xf_index(line.like, column))
            if line.new is not None or kind == xlrd.XL_CELL_BLANK:
                row.set_cell_blank(column, style)
            elif kind != xlrd.XL_CELL_EMPTY:
                self._copy(row, line.like, column, style)
        for column, (at, value) in new.items():
            self._add(row, column, value, self._style(at), at >= 0)

    def _copy(self, row: Any, like: int, column: int, style: Any) -> None:
        kind, value = self._sheet.cell_type(like, column), self._sheet.cell_value(like, column)
        runs = self._sheet.rich_text_runlist_map.get((like, column))
        if kind == xlrd.XL_CELL_TEXT and runs:
            row.set_cell_rich_text(column, self._runs(value, runs, style), style)
        elif kind == xlrd.XL_CELL_TEXT:
            row.set_cell_text(column, value, style)
        elif kind == xlrd.XL_CELL_BOOLEAN:
            row.set_cell_boolean(column, value, style)
        elif kind == xlrd.XL_CELL_ERROR:
            row.set_cell_error(column, value, style)
        else:
            row.set_cell_number(column, value, style)

    def _add(self, row: Any, column: int, value: Cell, style: Any, formatted: bool) -> None:
        if value is None:
            if formatted:
                row.set_cell_blank(column, style)
        elif isinstance(value, bool):
            row.set_cell_boolean(column, value, style)
        elif isinstance(value, date):
            row.set_cell_number(column, _serial(value, self._book.datemode), style)
        elif isinstance(value, int | float):
            row.set_cell_number(column, value, style)
        else:
            row.set_cell_text(column, value, style)

    def _style(self, at: int) -> Any:
        return self._styles[at if at >= 0 else 15]  # format 15 is every workbook's plain cell

    def _runs(self, text: str, runs: Sequence[tuple[int, int]], style: Any) -> list[tuple[str, Any]]:
        starts = [start for start, _ in runs] + [len(text)]
        parts = [(text[: starts[0]], style.font)] if starts[0] else []
        fonts = [look.font(self._book, index) for _, index in runs]
        return parts + [(text[a:b], font) for a, b, font in zip(starts, starts[1:], fonts, strict=False) if a < b]


def _open(path: Path) -> _Opened:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    losses.check(path, data)
    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
    except (xlrd.XLRDError, struct.error, LookupError, ValueError, ArithmeticError, *_ROTTEN) as error:
        raise CanaryError(f"{path.name}: cannot be read: {error}", "save it again, or as .xlsx") from error
    return _Opened(path, book)


def _rewritten(opened: _Opened, new: Sequence[Insertion]) -> Any:
    made = look.new_book(opened.book)
    style = look.styles(opened.book)
    for sheet in opened.book.sheets():
        rows = opened.spliced(new) if sheet is opened.sheet else _as_they_are(sheet)
        _Writer(opened.book, sheet, look.new_sheet(made, sheet, style), style).write(rows)
        if sheet.sheet_visible:
            made.active_sheet = sheet.number
    return made


def _as_they_are(sheet: Any) -> Iterator[_Line]:
    return map(_Line, range(sheet.nrows))


def _moment(serial: float, date1904: int) -> Cell:
    if not date1904 and serial < 61:  # no day before March 1900 has the same number everywhere
        return str(timedelta(serial)) if serial < 1 else serial
    if not 0 <= serial < _LAST_DAY:
        return serial
    moment = _EPOCHS[date1904] + timedelta(milliseconds=round(serial * 86_400_000))
    return moment.date() if moment.time() == time() else moment


def _serial(day: date, date1904: int) -> float:
    moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)
    return (moment - _EPOCHS[date1904]) / timedelta(1)
