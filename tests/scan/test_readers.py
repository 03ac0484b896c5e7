"""Every container is read to its tables, in memory; what must not be read is refused by name."""

import gc
import gzip
import io
import sqlite3
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import openpyxl
import py7zr
import pytest
import xlwt
from py7zr.compressor import SevenZipDecompressor

from canary.scan.needles import needles
from canary.scan.readers import base, sevenzip
from canary.scan.readers.detect import parts
from canary.scan.readers.file import source_of
from canary.scan.run import Scan, Scanned
from tests.scan.packed import archived, seven, tarred, zipped
from tests.scan.people import HEADER, everyone, found, sought

CANARIES = sought(4, shadows=2)
NEEDLES = needles(CANARIES)
ROWS = everyone(CANARIES, 30)
CSV = "".join(",".join(cells) + "\n" for cells in [HEADER, *ROWS]).encode("gbk")
EXPECTED = found(Scan(NEEDLES, stdin=CSV).files([Path("-")])[0])


def scan(path: Path, **options: int) -> list[Scanned]:
    return Scan(NEEDLES, **options).files([path])  # type: ignore[arg-type]


def ods() -> bytes:
    rows = ["".join(f"<table:table-cell office:value-type='string'><text:p>{c}</text:p></table:table-cell>" for c in r)
            for r in [HEADER, *ROWS]]  # fmt: skip
    names = "".join(f" xmlns:{n}='urn:oasis:names:tc:opendocument:xmlns:{n}:1.0'" for n in ("office", "table", "text"))
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    table = f"<office:body><office:spreadsheet><table:table table:name='s'>{body}</table:table></office:spreadsheet>"
    content = f"<office:document-content{names}>{table}</office:body></office:document-content>"
    mime = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = b"<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>"
    return zipped({"mimetype": mime, "content.xml": content.encode(), "META-INF/manifest.xml": manifest})


def xlsx(floats: bool = False) -> bytes:
    book = openpyxl.Workbook()
    for cells in [HEADER, *ROWS]:
        book.active.append([float(c) if floats and c.isdigit() else c for c in cells])
    book.create_sheet("empty")
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def xls() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("s")
    for at, cells in enumerate([HEADER, *ROWS]):
        for column, cell in enumerate(cells):
            sheet.write(at, column, cell)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def sqlite(wal: bool = False) -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute(f"CREATE TABLE t ({','.join(f'c{i}' for i in range(6))})")
        database.executemany("INSERT INTO t VALUES (?,?,?,?,?,?)", ROWS)
        database.commit()
        content = bytearray(database.serialize())
    if wal:
        content[18:20] = b"\x02\x02"
    return bytes(content)


FILES = {
    "a.csv": CSV,
    "a.xlsx": xlsx(),
    "floats.xlsx": xlsx(floats=True),
    "a.xls": xls(),
    "a.ods": ods(),
    "a.db": sqlite(),
    "a.csv.gz": gzip.compress(CSV),
    "a.zip": zipped({"in/a.csv": CSV}),
    "book.zip": zipped({"a.xlsx": xlsx()}),
    "db.zip": zipped({"a.db": sqlite(wal=True)}),
    "nested.zip": zipped({"b.zip": zipped({"c.tar.gz": tarred({"d.csv": CSV}, "w:gz")})}),
    "a.7z": seven({"empty.csv": b"", "in/a.csv": CSV}),
    "nested.7z": seven({"b.zip": zipped({"c.7z": seven({"a.xlsx": xlsx()})})}),
    "a.tar": tarred({"a.csv": CSV}, "w"),
    "a.tgz": tarred({"a.csv": CSV}, "w:gz"),
}


@pytest.mark.parametrize("name", FILES)
def test_canaries_are_found_in_their_rows_whatever_holds_the_table(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    part = scan(tmp_path / name)[-1]
    assert (part.error, part.rows, found(part)) == ("", len(ROWS), EXPECTED)
    assert part.path.startswith(str(tmp_path / name))
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_each_table_of_a_container_is_a_part_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"one.csv": CSV, "two.txt": b"nobody\n", "three.csv": CSV}))
    parts = scan(tmp_path / "a.zip")
    assert [(p.path.rpartition("!")[2], p.rows, len(p.matches)) for p in parts] == [
        ("one.csv", 34, 4), ("two.txt", 1, 0), ("three.csv", 34, 4),
    ]  # fmt: skip


BOMB = b"ab\n" * (base.RATIO_FROM // 3 + (1 << 19))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.zip", zipped({"a.csv": BOMB})),
        ("nested.zip", zipped({"b.zip": zipped({"a.csv": BOMB})})),
        ("bomb.csv.gz", gzip.compress(BOMB)),
        ("bomb.tgz", tarred({"a.csv": BOMB}, "w:gz")),
        ("bomb.7z", seven({"a.csv": BOMB})),
        ("nested.7z", seven({"b.zip": zipped({"a.csv": BOMB})})),
        ("bomb.xlsx", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": BOMB})),
    ],
)
def test_bombs_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert "refused" in scan(tmp_path / name)[-1].error


@pytest.mark.parametrize("method", [py7zr.FILTER_LZMA2, py7zr.FILTER_DEFLATE, py7zr.FILTER_ZSTD, py7zr.FILTER_BROTLI])
def test_7z_is_unpacked_in_small_pieces_whatever_packed_it(
    method: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sevenzip, "PIECE", 1 << 20)
    monkeypatch.setattr(sevenzip, "PACKED", 1 << 12)
    content = b"ab\n\n" * (1 << 24)
    (tmp_path / "a.7z").write_bytes(seven({"a.csv": content}, filters=[{"id": method}]))
    archive = sevenzip.SevenZip(source_of(tmp_path / "a.7z"))
    tracemalloc.start()
    try:
        crc, most = 0, 0
        for piece in archive.contents():
            crc, most = zlib.crc32(piece, crc), max(most, len(piece))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (crc, most) == (zlib.crc32(content), 1 << 20)
    assert peak < len(content) / 2


def test_of_the_streams_of_a_7z_archive_one_at_a_time_takes_memory(tmp_path: Path) -> None:
    for at in range(6):
        with py7zr.SevenZipFile(tmp_path / "a.7z", "a" if at else "w") as package:
            package.writestr(CSV, f"{at}.csv")
    with py7zr.SevenZipFile(tmp_path / "a.7z") as package:
        assert len(package.header.main_streams.unpackinfo.folders) == 6
    reading = parts(source_of(tmp_path / "a.7z"))
    unpacking = [sum(isinstance(each, SevenZipDecompressor) for each in gc.get_objects()) for _ in reading]
    assert max(unpacking) - unpacking[0] <= 1
    assert [found(part) for part in scan(tmp_path / "a.7z")] == [EXPECTED] * 6


@pytest.mark.parametrize(
    "filters",
    [
        {"id": py7zr.FILTER_LZMA, "dict_size": 1 << 24},
        {"id": py7zr.FILTER_LZMA2, "dict_size": 1 << 24},
        {"id": py7zr.FILTER_PPMD, "order": 6, "mem": 24},
    ],
    ids=["lzma", "lzma2", "ppmd"],
)
def test_a_7z_archive_that_needs_much_memory_is_refused(
    filters: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.7z").write_bytes(seven({"a.csv": CSV * 200}, filters=[filters]))
    assert [part.error for part in scan(tmp_path / "a.7z")] == [""]
    monkeypatch.setattr(sevenzip, "MOST_NEEDED", 100 * len(CSV))
    (part,) = scan(tmp_path / "a.7z")
    assert "a.7z: needs " in part.error and "refused" in part.error


def test_archives_nested_without_end_are_refused(tmp_path: Path) -> None:
    content = CSV
    for _ in range(7):
        content = zipped({"a.zip": content})
    (tmp_path / "deep.zip").write_bytes(content)
    assert "deep: refused" in scan(tmp_path / "deep.zip")[-1].error


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + b"0" * 99, "damaged archive"),
        ("short.7z", FILES["a.7z"][:200], "damaged archive"),
        ("bent.7z", FILES["a.7z"][:90] + b"bent" + FILES["a.7z"][94:], "damaged archive"),
        ("locked.7z", seven({"a.csv": CSV}, password="geheim"), "password"),
        ("hidden.7z", seven({"a.csv": CSV}, password="geheim", header_encryption=True), "password"),
        ("a.rar", b"Rar!\x1a\x07" + b"0" * 99, "damaged archive"),
        ("a.mdb", b"\x00\x01\x00\x00Standard Jet DB" + b"0" * 99, "database"),
        ("a.pdf", b"%PDF-1.7", "PDF is not read here"),
        ("a.xlsx", FILES["a.xlsx"][:3000], "damaged archive"),
        ("a.xls", FILES["a.xls"][:3000], "not a workbook"),
        ("a.db", FILES["a.db"][:3000], "not a database"),
        ("a.csv.gz", FILES["a.csv.gz"][:-20], "damaged archive"),
        ("a.zip", FILES["a.zip"][:200], "damaged archive"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_is_scanned(
    name: str, content: bytes, word: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.csv").write_bytes(CSV)
    *_, bad, good = Scan(NEEDLES).files([tmp_path / name, tmp_path / "z.csv"])
    assert word in bad.error and name in bad.error
    assert found(good) == EXPECTED


def locked(archive: bytes) -> bytes:
    """A zip whose first member says that it is encrypted."""
    content, at = bytearray(archive), archive.find(b"PK\x01\x02")
    content[6], content[at + 8] = 1, 1
    return bytes(content)


def bent(archive: bytes) -> bytes:
    """A zip whose first member is packed in a way that nobody knows."""
    content, at = bytearray(archive), archive.find(b"PK\x01\x02")
    content[8], content[at + 10] = 77, 77
    return bytes(content)


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        (zipped({"x": b"%PDF-1.7", "../../y": CSV}), "x: PDF is not read here"),
        (zipped({"x": FILES["a.xls"][:3000], "../../y": CSV}), "x: not a workbook"),
        (locked(zipped({"x": CSV, "../../y": CSV})), "x: needs a password"),
        (bent(zipped({"x": CSV, "../../y": CSV})), "x: cannot be unpacked here"),
        (tarred({"x": FILES["a.csv.gz"][:-20], "../../y": CSV}, "w:gz"), "x!x: damaged archive"),
        (seven({"x": b"%PDF-1.7", "y": CSV}), "x: PDF is not read here"),
        (archived({"x": b"%PDF-1.7", "../../y": CSV}), "x: PDF is not read here"),
        (zipped({"deep.zip": zipped({"x": b"%PDF"}), "y": CSV}), "deep.zip!x: PDF is not read here"),
    ],
    ids=["pdf", "xls", "locked", "bent", "tar", "7z", "rar", "nested"],
)
def test_a_member_that_cannot_be_read_is_named_and_the_next_are_scanned(
    archive: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(archive)
    bad, good = scan(tmp_path / "in" / "a")
    assert f"a!{said}" in bad.error
    assert (good.error, found(good)) == ("", EXPECTED)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "a"]


def test_a_sheet_that_is_missing_is_named_and_the_others_are_scanned(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for cells in [HEADER, *ROWS]:
        book.active.append(cells)
    book.create_sheet("gone").append(["x"])
    held = io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as whole, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as cut:
        for info in whole.infolist():
            if "sheet2" not in info.filename:
                cut.writestr(info, whole.read(info))
    good, bad = scan(tmp_path / "a.xlsx")
    assert found(good) == EXPECTED and "a.xlsx!gone: the sheet gone cannot be read" in bad.error


def test_a_file_that_is_written_to_meanwhile_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)

    def growing(done: int, rows: int) -> None:
        if (tmp_path / "a.csv").stat().st_size == len(CSV):
            with (tmp_path / "a.csv").open("ab") as file:
                file.write(b"nobody\n")

    (part,) = Scan(NEEDLES, 1, growing).files([tmp_path / "a.csv"])
    assert "a.csv: changed while it was read" in part.error and found(part) == EXPECTED


@pytest.mark.parametrize("looked", ["all columns", "no names and numbers"])
def test_several_processes_find_in_ranges_what_one_finds(looked: str, tmp_path: Path) -> None:
    rows = ROWS * 3 if looked == "all columns" else [cells[2:] for cells in ROWS]
    header = HEADER if looked == "all columns" else HEADER[2:]
    lines = [header, *rows]
    (tmp_path / "a.csv").write_bytes("".join(",".join(cells) + "\n" for cells in lines).encode())
    (alone,), (together,) = scan(tmp_path / "a.csv"), scan(tmp_path / "a.csv", jobs=2, range=700)
    assert alone.matches and alone.matches == together.matches
    assert (alone.rows, alone.columns) == (together.rows, together.columns)
    assert alone.name_rows.tolist() == together.name_rows.tolist()
