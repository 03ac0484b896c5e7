"""Tells which format a file is in, by its content first and its name second."""

import zipfile
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.plant.formats.base import TableFormat
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.xlsx import XlsxFormat

_OLE = b"\xd0\xcf\x11\xe0"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DELIMITED = {".csv", ".tsv", ".tab", ".txt"}
_SUPPORTED = "supported: .xlsx workbooks, and .csv, .tsv or .txt text"


def format_of(path: Path) -> TableFormat:
    """The format of the file; raises CanaryError when it is none we know, OutsideError when unreadable."""
    try:
        with path.open("rb") as file:
            start = file.read(1024)
        if start.startswith(b"PK") and _is_workbook(path):
            return XlsxFormat()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    if start.startswith(_OLE):
        raise CanaryError(
            f"{path.name}: an old .xls file or an encrypted workbook",
            "open it, remove the password and save it as .xlsx",
        )
    is_text = start.startswith(_BOMS) or b"\x00" not in start
    if path.suffix.lower() in _DELIMITED and is_text and not start.startswith(b"PK\x03\x04"):
        return DelimitedFormat()
    raise CanaryError(f"{path.name}: not a format we know", _SUPPORTED)


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as package:
            return "[Content_Types].xml" in package.NameToInfo and any(
                name.startswith("xl/") and name.endswith(".xml") for name in package.NameToInfo
            )
    except zipfile.BadZipFile:
        return False
