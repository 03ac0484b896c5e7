"""Damaged, hostile and endless files: read or refused by name, in bounded memory, nothing left behind. The same at
full size: benchmarks/fuzz_readers.py."""

import runpy
import shutil
from pathlib import Path

import pytest

from canary.errors import CanaryError
from canary.scan.readers.detect import parts
from canary.scan.readers.file import source_of

fuzz = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "fuzz_readers.py"))


def together(folder: Path, name: str, size: int) -> Path:
    """All files of one sort in one folder, so that one process reads them."""
    made, target = folder / "made", folder / "files"
    made.mkdir()
    target.mkdir()
    arguments = (5, size) if name == "mutants" else (size,)
    for _, below in fuzz[name](made, *arguments):
        for file in below.iterdir():
            shutil.copy(file, target / f"{below.name}-{file.name}")
    return target


@pytest.mark.parametrize(("name", "size"), [("mutants", 6), ("bombs", 1 << 26), ("lines", 1 << 22)])
def test_every_reader_reads_or_refuses_whatever_it_is_given(tmp_path: Path, name: str, size: int) -> None:
    files = together(tmp_path, name, size)
    said, peak = fuzz["read"](files, 100)
    assert [line for line in said if line.split()[0] not in ("clean", "error", "peak")] == []
    assert sum(line in ("clean", "error") for line in said) == len(list(files.iterdir()))
    assert 0 < peak < 400


@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        ("workbook of two cells far apart", "columns by"),
        ("xls whose sectors run in a circle", "circle"),
        ("xls whose sectors run in a circle, with a zip's end", "circle"),
        ("xls whose names lie beyond its end", "missing"),
        ("xls whose sectors lie beyond its end", "missing"),
        ("xls whose stream lies beyond its end", "missing"),
        ("xls whose stream is longer than it", "missing"),
    ],
)
def test_workbooks_that_would_fill_the_memory_are_refused_before_they_are_read(
    tmp_path: Path, bomb: str, said: str
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(fuzz["BOMBS"][bomb](0))
    with pytest.raises(CanaryError, match=said):
        list(parts(source_of(path)))
