"""What stands where in a spreadsheet package: its sheets, shared strings and date system."""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from canary.errors import CanaryError, OutsideError

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_OLE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Workbook:
    """The parts we may have to change; `sheet` is the first visible one, `others` the rest in order."""

    part: str
    sheet_name: str
    sheet: str
    sheets: tuple[str, ...]
    strings: str | None
    date1904: bool


def open_package(path: Path) -> zipfile.ZipFile:
    """The package as a zip file; raises CanaryError when it is none and OutsideError when unreadable."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        return zipfile.ZipFile(path)
    except OSError as error:
        raise OutsideError(f"{path.name}: cannot be read: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        if start == _OLE:
            raise CanaryError(
                f"{path.name}: an encrypted workbook or an old .xls file, not .xlsx",
                "open it, remove the password and save it as .xlsx",
            ) from error
        raise CanaryError(f"{path.name}: not an .xlsx file", "save it as .xlsx or .csv") from error


def read_workbook(archive: zipfile.ZipFile, path: Path) -> Workbook:
    """The layout of the package; raises CanaryError when it is not a workbook or shows no sheet."""
    try:
        part = _find(archive, "", "/officeDocument")[0]
        root = ElementTree.fromstring(archive.read(part))
    except (IndexError, KeyError, ElementTree.ParseError, zipfile.BadZipFile) as error:
        raise CanaryError(f"{path.name}: no workbook inside", "save it as .xlsx or .csv") from error
    targets = dict(_relations(archive, part))
    sheets = [sheet for sheet in root.iter() if sheet.tag.endswith("}sheet")]
    worksheets = [s for s in sheets if targets[s.get(_RELATION, "")][0].endswith("/worksheet")]
    visible = [s for s in worksheets if s.get("state", "visible") == "visible"]
    if not visible:
        raise CanaryError(f"{path.name}: no visible sheet", "unhide the sheet that holds the table")
    properties = next((e for e in root.iter() if e.tag.endswith("}workbookPr")), None)
    return Workbook(
        part=part,
        sheet_name=visible[0].get("name", ""),
        sheet=targets[visible[0].get(_RELATION, "")][1],
        sheets=tuple(targets[s.get(_RELATION, "")][1] for s in worksheets),
        strings=next(iter(_find(archive, part, "/sharedStrings")), None),
        date1904=properties is not None and properties.get("date1904") in ("1", "true"),
    )


def related(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    """The parts of one kind ("table", "comments") that belong to `part`."""
    return _find(archive, part, f"/{kind}")


def _find(archive: zipfile.ZipFile, part: str, ending: str) -> list[str]:
    return [target for _, (kind, target) in _relations(archive, part) if kind.endswith(ending)]


def _relations(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, tuple[str, str]]]:
    folder, name = posixpath.split(part)
    listing = posixpath.join(folder, "_rels", f"{name}.rels")
    if listing not in archive.NameToInfo:
        return
    for relation in ElementTree.fromstring(archive.read(listing)):
        target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", "")))
        yield relation.get("Id", ""), (relation.get("Type", ""), target.lstrip("/"))
