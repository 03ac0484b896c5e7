"""Excel workbooks: read by calamine; new rows are spliced into the sheet's own XML."""

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row, Table
from canary.plant.formats.base import Insertion
from canary.plant.formats.ooxml import archive, workbook
from canary.plant.formats.ooxml.cells import Cells
from canary.plant.formats.ooxml.ranges import mentions_sheet
from canary.plant.formats.ooxml.rows import NewRows, kinds_for, models_of
from canary.plant.formats.ooxml.scan import Scan, all_references, scan
from canary.plant.formats.ooxml.sheet import Indices, Sheet
from canary.plant.formats.ooxml.strings import References, SharedStrings, streamed

_Changed = dict[str, Callable[[], Iterable[bytes]]]


class XlsxFormat:
    """The first visible sheet of an .xlsx workbook; its first row is the header."""

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError naming file and cell on bad input."""
        with workbook.open_package(path) as package:
            workbook.read_workbook(package, path)
        try:
            with CalamineWorkbook.from_path(path) as book:
                name = next(
                    sheet.name
                    for sheet in book.sheets_metadata
                    if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
                )
                sheet = book.get_sheet_by_name(name)
                rows, start = sheet.to_python(), sheet.start or (0, 0)
        except CalamineError as error:
            raise CanaryError(f"{path.name}: cannot be read: {error}", "save it again as .xlsx") from error
        if not rows:
            raise CanaryError(f"{path.name}: the sheet is empty", "choose the file that holds the table")
        header = tuple(map(_heading, rows[0]))
        _check_header(path, header, start[0] + 1, start[1] + 1)
        return Table(header, tuple(tuple(map(_cell, row)) for row in rows[1:]))

    def size(self, path: Path) -> int:
        """Bytes of the sheet's XML."""
        with workbook.open_package(path) as package:
            return package.getinfo(workbook.read_workbook(package, path).sheet).file_size

    def stream(self, path: Path) -> tuple[tuple[str, ...], Iterator[Row]]:
        """The header, and the rows one after another; raises CanaryError as `read` does, on reaching the bad one."""
        rows = _streamed(path)
        header = tuple(map(_heading, next(rows)))
        _check_header(path, header, 1, 1)
        return header, rows

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with the new rows in place; raises CanaryError where rows cannot be moved."""
        with workbook.open_package(source) as package:
            book = workbook.read_workbook(package, source)
            in_order = sorted(insertions, key=lambda insertion: insertion.before)
            archive.rewrite(package, source, target, _Splice(package, book, source.name, in_order).changed())


def _streamed(path: Path) -> Iterator[Row]:
    with workbook.open_package(path) as package:
        yield from Cells(package, workbook.read_workbook(package, path), path.name).rows()


class _Splice:
    """One insertion into one workbook: plans everything first, then gives the changed parts."""

    def __init__(
        self, package: zipfile.ZipFile, book: workbook.Workbook, name: str, insertions: Sequence[Insertion]
    ) -> None:
        self._package, self._book, self._name = package, book, name
        self._sheet = Sheet(package, book.sheet, name)
        self._check_surroundings()
        self._scan = _thorough_scan(self._sheet, insertions, book.date1904)
        self._strings = self._shared(book.strings) if book.strings else None
        self._moved: list[str] = []
        self._position: Indices = np.empty(0, np.int32)
        self._new = NewRows(self._sheet, self._scan, insertions, self._strings)
        self._more_cells = 0
        if self._strings:
            self._arrange(self._strings)

    def _shared(self, part: str) -> SharedStrings:
        return SharedStrings(lambda: streamed(self._package, part), models_of(self._sheet, self._scan))

    def _check_surroundings(self) -> None:
        if workbook.related(self._package, self._book.sheet, "comments"):
            raise CanaryError(f"{self._name}: the sheet carries comments", "remove them, or export the values")
        for part in self._book.sheets:
            if part == self._book.sheet:
                continue
            for _, text in Sheet(self._package, part, self._name).pieces():
                if b"!" in text and mentions_sheet(text, self._book.sheet_name):
                    raise CanaryError(
                        f"{self._name}: another sheet computes from the table", "export the table as values"
                    )

    def _arrange(self, strings: SharedStrings) -> None:
        parts = self._book.sheets
        old: dict[str, References] = {
            part: self._scan.references
            if part == self._book.sheet
            else all_references(Sheet(self._package, part, self._name))
            for part in parts
        }
        orders = strings.orders([old[part] for part in parts])
        own = self._new.references()
        self._more_cells = len(own.indices) - len(old[self._book.sheet].indices)
        new = [own if part == self._book.sheet else old[part] for part in parts]
        self._position = strings.arrange(new, orders)
        for part, cells in old.items():
            if part != self._book.sheet and bool(np.any(self._position[cells.indices] != cells.indices)):
                self._moved.append(part)

    def changed(self) -> _Changed:
        """What to write in place of each part that changes."""
        changed: _Changed = {self._book.sheet: self._sheet_xml}
        for part in self._moved:
            changed[part] = lambda part=part: self._renumbered(part)  # type: ignore[misc]
        if self._strings and self._book.strings and self._more_cells:
            changed[self._book.strings] = lambda: self._strings.xml(self._more_cells)  # type: ignore[union-attr]
        for part in workbook.related(self._package, self._book.sheet, "table"):
            changed[part] = lambda part=part: [self._shifted(part)]  # type: ignore[misc]
        names = self._package.read(self._book.part)
        if (moved := self._defined_names(names)) != names:
            changed[self._book.part] = lambda: [moved]
        return changed

    def _sheet_xml(self) -> Iterator[bytes]:
        written = 0
        for kind, done, text in self._sheet.segments(self._scan.shift.before):
            while written < done:
                yield self._new.xml(written, self._position)
                written += 1
            if kind == "rows":
                yield self._sheet.shift(self._renumbered_rows(self._sheet, text), done)
            elif kind == "head":
                yield self._scan.shift.head(text)
            else:
                yield self._scan.shift.tail(text, self._book.sheet_name)

    def _renumbered(self, part: str) -> Iterator[bytes]:
        sheet = Sheet(self._package, part, self._name)
        for kind, text in sheet.pieces():
            yield self._renumbered_rows(sheet, text) if kind == "rows" else text

    def _renumbered_rows(self, sheet: Sheet, rows: bytes) -> bytes:
        return sheet.renumber(rows, self._position) if self._strings else rows

    def _shifted(self, part: str) -> bytes:
        return self._scan.shift.tail(self._package.read(part), self._book.sheet_name)

    def _defined_names(self, xml: bytes) -> bytes:
        return self._scan.shift.names(xml, self._book.sheet_name)


def _thorough_scan(sheet: Sheet, insertions: Sequence[Insertion], date1904: bool) -> Scan:
    """A scan that knows how each column writes the new values, if the sheet shows it anywhere."""
    found = scan(sheet, insertions, date1904)
    for insertion in insertions:
        for column, value in zip(found.columns, insertion.cells, strict=True):
            if value is not None and not found.usual(column, kinds_for(value)):
                return scan(sheet, insertions, date1904, sample=1 << 62)
    return found


def _check_header(path: Path, header: Sequence[str], row: int, first_column: int) -> None:
    seen: dict[str, int] = {}
    for column, name in enumerate(header, first_column):
        where = f"{path.name}: row {row}, column {column}"
        if not name.strip():
            raise CanaryError(f"{where}: the header is empty", "the first row must name every column")
        if name in seen:
            raise CanaryError(
                f"{where}: the header {name!r} also stands in column {seen[name]}",
                "give each column its own name",
            )
        seen[name] = column


def _heading(value: object) -> str:
    cell = _cell(value)
    return "" if cell is None else str(cell)


def _cell(value: object) -> Cell:
    if value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    if isinstance(value, time | timedelta):
        return str(value)
    return value  # type: ignore[return-value]
