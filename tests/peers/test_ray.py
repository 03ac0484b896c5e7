"""A scan by Ray, in local mode, gives the answers of the scan on one machine, and leaves nothing behind."""

import gzip
import tempfile
from pathlib import Path

import pytest

from canary.scan.cluster import ClusterScan
from canary.scan.needles import needles
from canary.scan.run import Scan, Scanned
from tests.scan.people import HEADER, everyone, sought

pytest.importorskip("ray", reason="Ray (the extra `cluster`) is not installed")
pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]

CANARIES = sought(8, shadows=4)


def told(parts: list[Scanned]) -> list[object]:
    return [(part.path, part.rows, part.columns, part.matches, part.error) for part in parts]


def test_the_cluster_says_what_one_machine_says(tmp_path: Path) -> None:
    rows = everyone(CANARIES, 2000)
    text = "".join(",".join(cells) + "\n" for cells in [HEADER, *rows]).encode("gbk")
    paths = [tmp_path / "a.csv", tmp_path / "b.csv.gz", tmp_path / "rotten.zip"]
    for path, content in zip(paths, [text, gzip.compress(text[:5000]), b"PK\x03\x04rotten"], strict=True):
        path.write_bytes(content)
    here = Scan(needles(CANARIES)).files(paths)
    done: list[tuple[int, int]] = []
    there = ClusterScan(needles(CANARIES), 2, lambda *step: done.append(step), range=1 << 14).files(paths)
    assert told(there) == told(here)
    assert here[0].matches and here[2].error
    assert sum(rows for _, rows in done) == sum(part.rows for part in here)
    assert not list(Path(tempfile.gettempdir()).glob("canary-ray-*"))
