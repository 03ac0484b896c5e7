"""Workbooks, xlsx, xlsb, xls and ods, by calamine: each sheet that holds anything."""

import zipfile
from collections.abc import Callable, Iterator

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, ZipError

from canary.errors import CanaryError
from canary.scan.blocks import Block
from canary.scan.readers.base import Part, Source, refuse_bomb, table_blocks, table_syntax


class WorkbookReader:
    """Reads workbooks; one sheet is held in memory at a time."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The sheets; the only one that holds anything has the file's own name."""
        _refuse_bomb(source)
        # The library may panic on rotten files: that is no Exception.
        try:
            with source.open() as stream:
                book = CalamineWorkbook.from_filelike(stream)
                names = book.sheet_names
                if len(names) > 1:  # parsing is most of the work: a sheet alone is parsed once
                    names = [name for name in names if book.get_sheet_by_name(name).total_height]
                for name in names:
                    rows = book.get_sheet_by_name(name)
                    if not rows.total_height:
                        continue
                    first = next(iter(rows.iter_rows()), None)
                    label = source.name if len(names) == 1 else f"{source.name}!{name}"
                    yield Part(label, table_syntax(first), _reading(rows))
        except (CalamineError, ZipError, OSError, ValueError) as error:
            raise _unreadable(source, error) from error
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            raise _unreadable(source, error) from error


def _reading(sheet: CalamineSheet) -> Callable[[], Iterator[Block]]:
    return lambda: table_blocks(sheet.iter_rows())


def _unreadable(source: Source, error: BaseException) -> CanaryError:
    return CanaryError(
        f"{source.name}: not a workbook that can be read: {error}",
        "open it and save it as CSV",
    )


def _refuse_bomb(source: Source) -> None:
    with source.open() as stream:
        if zipfile.is_zipfile(stream):
            with zipfile.ZipFile(stream) as package:
                for info in package.infolist():
                    refuse_bomb(source.name, info.compress_size, info.file_size)
