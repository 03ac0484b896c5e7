"""A scan by Ray where there is none; with it, see tests/peers/test_ray.py."""

import sys
from pathlib import Path

import pytest

from canary.errors import CanaryError
from canary.scan.cluster import ClusterScan
from canary.scan.needles import needles
from tests.scan.people import sought


def test_without_ray_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.csv").write_text("a,b\n")
    with pytest.raises(CanaryError) as refused:
        ClusterScan(needles(sought(1)), 2).files([tmp_path / "a.csv"])
    assert "canary-records[cluster]" in refused.value.hint
