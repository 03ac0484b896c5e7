"""Tells which format a file is in, by its content first and its name second."""

import re
import zipfile
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.plant.formats.base import TableFormat
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.fhir import FhirFormat
from canary.plant.formats.hl7 import Hl7Format
from canary.plant.formats.omop import OmopFormat, is_omop
from canary.plant.formats.xls import XlsFormat
from canary.plant.formats.xlsx import XlsxFormat

_OLE = b"\xd0\xcf\x11\xe0"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DELIMITED = {".csv", ".tsv", ".tab", ".txt"}
_JSON = {".json", ".ndjson", ".jsonl"}
_FHIR = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{(?:[^{}]*?)"resourceType"')
_HL7 = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x0b]*(?:FHS|BHS|MSH)[^A-Za-z0-9\s]")
_SUPPORTED = (
    "supported: .xlsx and .xls workbooks, .csv, .tsv or .txt text, FHIR in JSON, HL7 v2 messages, OMOP in a zip"
)


def format_of(path: Path) -> TableFormat:
    """The format of the file; raises CanaryError when it is none we know, OutsideError when unreadable."""
    try:
        if path.is_dir() and is_omop(str(each) for each in path.rglob("*")):
            return OmopFormat()
        with path.open("rb") as file:
            start = file.read(1024)
        if start.startswith(b"PK") and _is_workbook(path):
            return XlsxFormat()
        if start.startswith(b"PK") and zipfile.is_zipfile(path) and is_omop(zipfile.ZipFile(path).namelist()):
            return OmopFormat()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    if start.startswith(_OLE):
        return XlsFormat()
    if _HL7.match(start):
        return Hl7Format()
    if _FHIR.match(start) or (path.suffix.lower() in _JSON and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")):
        return FhirFormat()
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
