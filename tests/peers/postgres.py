"""A throwaway PostgreSQL 15 cluster in a temporary folder, with durable writes left on."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql/15/bin")
_SECONDS = 60


def binaries() -> Path | None:
    """The folder of PostgreSQL 15's programs, or None."""
    found = shutil.which("pg_ctl")
    for folder in (_DEBIAN, *([Path(found).resolve().parent] if found else [])):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    return None


class Cluster:
    """A new, empty cluster in a folder, which can be stopped, crashed and started again."""

    def __init__(self, programs: Path, folder: str) -> None:
        self._folder = folder
        self._port = _free_port()
        self._pg_ctl = [str(programs / "pg_ctl"), "-D", f"{folder}/data", "-w", "-t", str(_SECONDS)]
        owner = _owner()
        if owner:
            shutil.chown(folder, owner)
        how = ["-U", "canary", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        _run([str(programs / "initdb"), "-D", f"{folder}/data", *how])
        self.url = f"postgresql+psycopg://canary@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self._port} -k {self._folder} -c max_connections=50"
        _run([*self._pg_ctl, "-l", f"{self._folder}/log", "-o", options, "start"])

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: no checkpoint, all connections cut."""
        _run([*self._pg_ctl, "-m", mode, "stop"])


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    """A started cluster; it is stopped and deleted afterwards."""
    # Short, because a Unix socket's path holds 107 bytes; and open to user postgres, who runs it for root.
    with tempfile.TemporaryDirectory(prefix="canary-pg-") as folder:
        made = Cluster(programs, folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a started cluster."""
    with cluster(programs) as made:
        yield made.url


def _owner() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


def _run(command: Sequence[str]) -> None:
    # pg_ctl leaves the server running with our pipes: a file, or reading its output would never end.
    with tempfile.TemporaryFile() as output:
        ended = subprocess.run(
            command, stdout=output, stderr=output, user=_owner(), cwd="/", timeout=_SECONDS + 30, check=False
        )
        if ended.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]}: {output.read().decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
