"""Finds what a rewritten .xls could not keep, so that nothing visible is dropped in silence."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

from xlrd.compdoc import CompDoc, CompDocError

from canary.errors import CanaryError

_BOUNDSHEET = 0x0085
_NOT_KEPT = {
    0x0006: "formulas",
    0x0018: "defined names, print areas or filters",
    0x001C: "comments",
    0x002F: "a password",
    0x005D: "charts, images or buttons",
    0x009D: "a filter",
    0x00B0: "pivot tables",
    0x01B0: "conditional formats",
    0x01B8: "hyperlinks",
    0x01BE: "data validation",
}
_SHEET_KINDS = {1: "macros", 2: "a chart sheet", 6: "macros"}
_STORAGES = {"_VBA_PROJECT_CUR": "macros", "EncryptedPackage": "a password"}
_HINT = "save it as .xlsx and seed that, or take them out first"
_PASSWORD = "open it and save it without a password"


def check(path: Path, data: bytes) -> None:
    """Raises CanaryError naming what the workbook has and a rewritten one could not have."""
    for storage, what in _STORAGES.items():
        if storage.encode("utf-16-le") in data:
            raise _refusal(path, what)
    for code, content in _records(path, data):
        what = _NOT_KEPT.get(code, "")
        if code == _BOUNDSHEET:
            what = _SHEET_KINDS.get(content[5], "")
        if what:
            raise _refusal(path, what)


def _refusal(path: Path, what: str) -> CanaryError:
    if what == "a password":
        return CanaryError(f"{path.name}: the workbook is encrypted", _PASSWORD)
    return CanaryError(f"{path.name}: the workbook holds {what}, which a new .xls could not keep", _HINT)


def _records(path: Path, data: bytes) -> Iterator[tuple[int, bytes]]:
    try:
        memory, at, size = CompDoc(data, logfile=io.StringIO()).locate_named_stream("Workbook")
    except (CompDocError, struct.error, LookupError, ValueError, AssertionError, TypeError) as error:
        raise CanaryError(f"{path.name}: cannot be read: {error}", "save it again") from error
    if memory is None:
        raise CanaryError(f"{path.name}: no Excel 97-2003 workbook inside", "save it as .xlsx")
    end = at + size
    while at + 4 <= end:
        code, length = struct.unpack_from("<HH", memory, at)
        yield code, memory[at + 4 : at + 4 + length]
        at += 4 + length
