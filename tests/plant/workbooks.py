"""Workbooks in the styles that writers produce, and what a test asks of one after an insertion."""

import random
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter

from canary.mint.facts import Cell, Row, Table
from canary.plant.formats.base import Insertion

HEADER = ("姓名", "预产期", "地址", "次数")
FIRST_DUE = date(2026, 3, 1)


def rows(count: int, seed: int = 1) -> list[Row]:
    rng = random.Random(seed)
    return [
        (
            f"名{rng.randrange(count)}",
            FIRST_DUE + timedelta(rng.randrange(200)),
            None if rng.random() < 0.2 else f"路{rng.randrange(9)} <&> 号",
            rng.randrange(5),
        )
        for _ in range(count)
    ]


def by_rows(path: Path, table: Sequence[Row], more: Callable[[Any, Any], None] | None = None, **options: Any) -> Path:
    return _xlsxwriter(path, table, more, options, column_first=False)


def by_columns(
    path: Path, table: Sequence[Row], more: Callable[[Any, Any], None] | None = None, **options: Any
) -> Path:
    return _xlsxwriter(path, table, more, options, column_first=True)


def _xlsxwriter(path: Path, table: Sequence[Row], more: Any, options: dict[str, Any], column_first: bool) -> Path:
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet("表 1")
        head, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, HEADER, head)
        cells = [(r, c, cell) for r, row in enumerate(table, 1) for c, cell in enumerate(row)]
        for r, c, cell in sorted(cells, key=lambda x: (x[1], x[0])) if column_first else cells:
            if cell is not None:
                sheet.write(r, c, cell, *([day] if isinstance(cell, date) else []))
        if more:
            more(book, sheet)
    return path


def by_openpyxl(path: Path, table: Sequence[Row]) -> Path:
    book = openpyxl.Workbook()
    for row in (HEADER, *table):
        book.active.append(row)
    book.save(path)
    return path


def part(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as package:
        return package.read(name)


def changed_parts(old: Path, new: Path) -> set[str]:
    """The parts whose content differs; all that describes the others must be the same to the byte."""
    with zipfile.ZipFile(old) as a, zipfile.ZipFile(new) as b:
        assert b.testzip() is None
        assert a.namelist() == b.namelist()
        for one, other in zip(a.infolist(), b.infolist(), strict=True):
            for name in ("date_time", "compress_type", "create_system", "create_version", "extract_version"):
                assert getattr(one, name) == getattr(other, name)
            for name in ("external_attr", "internal_attr", "flag_bits", "extra", "comment"):
                assert getattr(one, name) == getattr(other, name)
        return {name for name in a.namelist() if a.read(name) != b.read(name)}


def rewrite_part(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The file with one part edited, as another writer would have written it."""
    with zipfile.ZipFile(path) as package:
        parts = [(info, package.read(info)) for info in package.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for info, content in parts:
            package.writestr(info, change(content) if info.filename == name else content)
    return path


def strings(path: Path) -> list[str]:
    return re.findall("<si>(.*?)</si>", part(path, "xl/sharedStrings.xml").decode(), re.DOTALL)


def references(path: Path, sheet: str = "sheet1") -> list[tuple[str, int, int]]:
    found = re.findall(
        r'<c r="([A-Z]+)(\d+)"[^>]*? t="s"[^>]*><v>(\d+)</v>',
        part(path, f"xl/worksheets/{sheet}.xml").decode(),
    )
    return [(column, int(row), int(index)) for column, row, index in found]


def first_met(indices: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(indices))


def spliced(table: Table, insertions: Sequence[Insertion]) -> list[Row]:
    result: list[Row] = []
    done = 0
    for new in sorted(insertions, key=lambda new: new.before):
        result += [*table.rows[done : new.before], new.cells]
        done = new.before
    return result + list(table.rows[done:])


def openpyxl_rows(path: Path) -> list[tuple[Cell, ...]]:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    found = sheet.iter_rows(min_row=2, max_col=len(HEADER), values_only=True)
    return [tuple(v.date() if isinstance(v, datetime) else v for v in row) for row in found]
