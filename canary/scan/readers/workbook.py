"""Workbooks, xlsx, xlsb, xls and ods, by calamine: each sheet that holds anything."""

import re
import zipfile
from collections.abc import Callable, Iterator
from functools import reduce

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, ZipError

from canary.errors import CanaryError
from canary.scan.blocks import Block
from canary.scan.readers.base import BROKEN, Part, Source, refuse_bomb, table_blocks, table_syntax, unreadable
from canary.scan.readers.compound import refuse_circles
from canary.scan.readers.rehearsal import survives

_OLE = b"\xd0\xcf\x11\xe0"
_CELL = re.compile(rb'\br="([A-Z]{1,7})([0-9]{1,9})"')
_CHECKED = 1 << 24  # bytes of a sheet; a larger one is no trick, as a rule
MOST_CELLS = 1 << 24


_FAILED = (CalamineError, ZipError, *BROKEN, RuntimeError, ValueError)
_NO_BOOKS = {  # streams of other things in the same container
    "EncryptedPackage": ("encrypted", "open it with its password, save it without, and scan that"),
    "WordDocument": ("a Word document, which is not read here", "save it as text, or its tables as CSV"),
    "PowerPoint Document": ("a presentation, which is not read here", "save it as text"),
    "__properties_version1.0": ("an Outlook message, which is not read here", "save it and what is attached to it"),
}


class WorkbookReader:
    """Reads workbooks; one sheet is held in memory at a time."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The sheets; the only one that holds anything has the file's own name."""
        # The library may panic on rotten files: that is no Exception.
        try:
            _refuse_bomb(source)
            with source.open() as stream:
                book = CalamineWorkbook.from_filelike(stream)
                yield from _sheets(source, book)
        except CanaryError:
            raise
        except _FAILED as error:
            raise _unreadable(source, error) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise _unreadable(source, error) from error


def _sheets(source: Source, book: CalamineWorkbook) -> Iterator[Part]:
    names = book.sheet_names
    if len(names) > 1:  # parsing is most of the work: a sheet alone is parsed once
        names = [name for name in names if _may_hold(book, name)]
    for name in names:
        label = source.name if len(names) == 1 else f"{source.name}!{name}"
        try:
            rows = book.get_sheet_by_name(name)
        except _FAILED as error:
            said = f"{label}: the sheet {name} cannot be read: {error}"
            yield unreadable(label, CanaryError(said, "open it and save it as CSV"))
            continue
        if rows.total_height:
            yield Part(label, table_syntax(next(iter(rows.iter_rows()), None)), _reading(rows))


def _may_hold(book: CalamineWorkbook, name: str) -> bool:
    try:
        return bool(book.get_sheet_by_name(name).total_height)
    except _FAILED:  # the reading says so
        return True


def _reading(sheet: CalamineSheet) -> Callable[[], Iterator[Block]]:
    return lambda: table_blocks(sheet.iter_rows())


def _unreadable(source: Source, error: BaseException) -> CanaryError:
    with source.open() as stream:
        content = stream.read() if stream.read(4) == _OLE else b""
    for name, (what, hint) in _NO_BOOKS.items():
        if name.encode("utf-16-le") in content:
            return CanaryError(f"{source.name}: {what}", hint)
    return CanaryError(f"{source.name}: not a workbook that can be read: {error}", "open it and save it as CSV")


def _read(source: Source) -> None:
    with source.open() as stream:
        book = CalamineWorkbook.from_filelike(stream)
        for name in book.sheet_names:
            book.get_sheet_by_name(name)


def _refuse_bomb(source: Source) -> None:
    small = False
    with source.open() as stream:
        if stream.read(4) == _OLE:  # whatever stands at its end: the library looks there first, too
            stream.seek(0)
            refuse_circles(source.name, stream.read())
            small = True
        elif zipfile.is_zipfile(stream):
            with zipfile.ZipFile(stream) as package:
                for info in package.infolist():
                    refuse_bomb(source.name, info.compress_size, info.file_size)
                    if info.file_size <= _CHECKED and "sheet" in info.filename:
                        _refuse_wide(source.name, package.read(info))
                small = sum(info.file_size for info in package.infolist()) <= _CHECKED
    if small and not survives(lambda: _read(source), source.size):
        raise CanaryError(f"{source.name}: damaged: what reads it gave up", "open it and save it as CSV")


def _refuse_wide(name: str, sheet: bytes) -> None:
    """Raises CanaryError if cells lie so far apart that a table of all between them fills the memory: the library
    makes one."""
    columns, rows = {b"A"}, 0
    for cell in _CELL.finditer(sheet):
        columns.add(cell[1])
        rows = max(rows, int(cell[2]))
    wide = max(map(_number, columns))
    if wide * rows > MOST_CELLS:
        raise CanaryError(f"{name}: {wide:,} columns by {rows:,} rows, nearly all empty: refused", "save it as CSV")


def _number(column: bytes) -> int:
    return reduce(lambda number, letter: 26 * number + letter - 64, column, 0)
