"""What would kill the process that reads it kills a child that reads it first."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from canary.scan.readers import rehearsal
from canary.scan.readers.rehearsal import survives
from canary.scan.run import Scan
from tests.scan.packed import zipped
from tests.scan.people import found
from tests.scan.test_readers import CSV, EXPECTED, NEEDLES, xls


def children() -> list[str]:
    """Of this thread, which forks them."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


def refused() -> None:
    raise ValueError


@pytest.mark.parametrize(
    ("read", "lives"),
    [
        (lambda: None, True),
        (refused, True),
        (lambda: time.sleep(600), False),
        (lambda: os.kill(os.getpid(), 9), False),
    ],
    ids=["nothing", "an error", "hang", "killed"],
)
def test_whoever_dies_or_hangs_does_not_survive(
    read: Callable[[], None], lives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "PATIENCE", 0.5)
    before = children()
    assert survives(read, 0) is lives
    assert children() == before


@pytest.mark.parametrize("packed", [False, True])
def test_a_workbook_of_the_old_kind_that_kills_its_library_is_named_and_the_rest_scanned(
    packed: bool, tmp_path: Path
) -> None:
    content = bytearray(xls())
    at = content.rfind(b"\xfd\0\x0a\0")  # a cell of shared text; then its row and column
    content[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    (tmp_path / "a.xls").write_bytes(zipped({"in.xls": content, "z.csv": CSV}) if packed else content)
    (tmp_path / "z.csv").write_bytes(CSV)
    bad, *good = Scan(NEEDLES).files([tmp_path / "a.xls", tmp_path / "z.csv"])
    assert f"a.xls{'!in.xls' if packed else ''}: damaged: what reads it gave up" in bad.error
    assert [found(part) for part in good] == [EXPECTED] * (2 if packed else 1)
