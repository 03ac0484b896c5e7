"""Scans with Ray, for folders of terabytes: the same tasks as on one machine, over byte ranges, on a cluster's."""

import os
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from canary.errors import CanaryError, OutsideError
from canary.scan import size_of
from canary.scan.index import Finder
from canary.scan.matcher import finder
from canary.scan.run import Scan, Scanned, Task, scan_task

AHEAD = 4  # tasks handed out for each processor: a terabyte has too many to hand out at once


@dataclass(frozen=True)
class ClusterScan(Scan):
    """A scan by the workers of the Ray cluster at `address`, else of one started on this machine.

    All machines have this package and see the files under the same paths. The needles are in their memory.
    """

    address: str = ""

    def _each(self, tasks: Sequence[Task]) -> Iterator[list[Scanned]]:
        ray = _ray()
        with _cluster(ray, self.address):
            work, held = ray.remote(_work), ray.put(self.needles)
            most, waiting = AHEAD * int(ray.cluster_resources().get("CPU", 1)), deque[tuple[Task, Any]]()
            for task in tasks:
                waiting.append((task, work.remote([held], task)))
                if len(waiting) >= most:
                    yield self._done(ray, *waiting.popleft())
            while waiting:
                yield self._done(ray, *waiting.popleft())

    def _done(self, ray: ModuleType, task: Task, promised: Any) -> list[Scanned]:
        try:
            found: list[Scanned] = ray.get(promised)
        except ray.exceptions.RayError as error:
            raise OutsideError(f"{task.path}: the cluster failed: {error}", "try again, or scan without it") from error
        size = len(task.content or b"") or (task.stop or size_of(task.path)) - task.start
        self.progress(size, sum(part.rows for part in found))
        return found


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # or it reports to its makers
    try:
        import ray
    except ImportError:
        raise CanaryError("Ray is not installed", "pip install 'canary-records[cluster]'") from None
    return ray


@contextmanager
def _cluster(ray: ModuleType, address: str) -> Iterator[None]:
    """Connected to a cluster; if to none that was there, its logs go when it goes."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    with tempfile.TemporaryDirectory(prefix="canary-ray-", ignore_cleanup_errors=True) as folder:
        try:
            if address:
                ray.init(address=address, **quiet)
            else:
                ray.init(address="local", include_dashboard=False, _temp_dir=folder, **quiet)
        except (ConnectionError, RuntimeError, OSError, ValueError) as error:
            raise OutsideError(f"no Ray cluster: {error}", "check --cluster, or scan without it") from error
        try:
            yield
        finally:
            ray.shutdown()


def _work(held: Sequence[Any], task: Task) -> list[Scanned]:
    (reference,) = held
    return scan_task(task, _finder(reference), lambda done, rows: None)


@cache
def _finder(reference: Any) -> Finder:
    """Made once in each worker."""
    return finder(_ray().get(reference))
