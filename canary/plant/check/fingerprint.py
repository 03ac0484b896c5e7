"""The file around the canaries: what differs from the source file, part by part and byte by byte."""

import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

from canary.mint.facts import Table
from canary.plant.check.lights import RARE, Light, Line
from canary.plant.check.subject import Subject
from canary.plant.formats.ooxml import workbook
from canary.plant.formats.ooxml.scan import find_header
from canary.plant.formats.ooxml.sheet import Sheet

_ADVICE = "hand out the file that `canary seed` wrote; saving it again in another program leaves that program's marks"
_OLE = b"\xd0\xcf\x11\xe0"
_EXPECTED = re.compile(r"xl/(worksheets/[^/]+|sharedStrings|tables/[^/]+|workbook)\.xml", re.IGNORECASE)
_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
# A cell's or row's tag: its name, what stands before its place, the column, the row, what stands after.
_TAG = rb'<@(c|row)\b([^>]*?)\sr="([A-Z]*)([0-9]+)"(?:\sspans="[^"]*")?([^>]*)>'


def lines(subject: Subject, source: Path, before: Table) -> list[Line]:
    """What a seeded file differs by from its source, whose table is `before`."""
    found = [_rows(subject, before)]
    if zipfile.is_zipfile(source) and zipfile.is_zipfile(subject.path):
        return found + _parts(subject, source)
    if source.read_bytes()[:4] == _OLE:
        return [*found, Line("fingerprint", "bytes", Light.GREY, "not asked", "an .xls is written anew")]
    return [*found, _bytes(subject, source)]


def _rows(subject: Subject, before: Table) -> Line:
    """Without the canaries the table must be the source's, row by row."""
    theirs = subject.genuine.rows
    changed = sum(a != b for a, b in zip(theirs, before.rows, strict=False)) + abs(len(theirs) - len(before.rows))
    same = not changed and before.header == subject.table.header
    found = f"{len(subject.codes)} new rows, {changed} others changed"
    return _line("rows", same, found, "every row of the source as it was, in its order", {"changed": changed})


def _bytes(subject: Subject, source: Path) -> Line:
    """A text's lines must all be there, byte for byte and in order, with as many new ones as canaries."""
    old, new = source.read_bytes(), subject.path.read_bytes()
    waiting = iter(new.splitlines(keepends=True))
    ends = re.compile(rb"[\r\n]+\Z")  # the last line may have gained its end
    there = all(any(ends.sub(b"", line) == ends.sub(b"", got) for got in waiting) for line in old.splitlines(True))
    grown = len(new.splitlines()) - len(old.splitlines())
    size = f"{len(new) - len(old):+,} bytes"
    text = f"{grown:+,} lines, {size}" if there else f"not the source's lines any more, {size}"
    return _line("bytes", there, text, "the source's bytes, and new lines between them", {"lines": grown})


def _parts(subject: Subject, source: Path) -> list[Line]:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(subject.path) as new:
        names = [list(archive.namelist()) for archive in (old, new)]
        order = _line(
            "zip parts", names[0] == names[1], f"{len(names[1])} parts", "the same parts in the same order", {}
        )
        marks = [[_mark(info) for info in archive.infolist()] for archive in (old, new)]
        differ = [name for name, a, b in zip(names[0], *marks, strict=False) if a != b]
        stamps = _line(
            "zip stamps",
            not differ,
            ", ".join(differ) or "none differs",
            "times, versions and attributes as before",
            {},
        )
        return [order, stamps, *_contents(old, new), *_styles(subject, new)]


def _mark(info: zipfile.ZipInfo) -> tuple[object, ...]:
    what = (info.date_time, info.compress_type, info.create_system, info.create_version, info.extract_version)
    return (*what, info.external_attr, info.internal_attr, info.flag_bits, info.comment)


def _contents(old: zipfile.ZipFile, new: zipfile.ZipFile) -> list[Line]:
    found, same = [], 0
    for name in new.namelist():
        before = old.read(name) if name in old.NameToInfo else b""
        after = new.read(name)
        if before == after:
            same += 1
            continue
        text = f"{len(after) - len(before):+,} bytes of {len(before):,}"
        if rows := len(_ROW.findall(after)) - len(_ROW.findall(before)):
            text += f", {rows:+,} rows"
        if entries := after.count(b"<si>") - before.count(b"<si>"):
            text += f", {entries:+,} shared texts"
        found.append(_line(name, bool(_EXPECTED.fullmatch(name)), text, "changed only for the new rows", {}))
    return [*found, _line("other parts", True, f"{same} byte for byte the same", "the same", {"parts": same})]


def _styles(subject: Subject, package: zipfile.ZipFile) -> list[Line]:
    """Cells and rows whose attributes (style, type, height) are rare in their column."""
    book = workbook.read_workbook(package, subject.path)
    sheet = Sheet(package, book.sheet, subject.path.name)
    first = find_header(sheet)[0] + 1
    tag = re.compile(_TAG.replace(b"@", re.escape(sheet.prefix)))
    counts: Counter[tuple[bytes, ...]] = Counter()
    for kind, text in sheet.pieces():
        if kind == "rows":
            shapes = (((m[1], m[2], m[3], m[5]), int(m[4]) - first) for m in tag.finditer(text))
            # What is usual is what real rows do; canaries may all be odd in one way.
            for shape, at in shapes:
                counts[shape] += at not in subject.codes
    few = max(RARE * len(subject.table.rows), 2)
    rare = {shape for shape, count in counts.items() if count < few}
    broken = np.zeros(len(subject.table.rows), np.bool_)
    for kind, text in sheet.pieces() if rare else ():
        for match in tag.finditer(text) if kind == "rows" else ():
            at = int(match[4]) - first
            if (match[1], match[2], match[3], match[5]) in rare and 0 <= at < len(broken):
                broken[at] = True
    return [subject.rule("cell or row style is rare in its column", broken, _ADVICE)]


def _line(name: str, fine: bool, found: str, expected: str, figures: dict[str, float]) -> Line:
    light = Light.GREEN if fine else Light.RED
    return Line("fingerprint", name, light, found, expected, "" if fine else _ADVICE, figures)
