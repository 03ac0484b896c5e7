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


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """The SQLAlchemy URL of a new, empty cluster; it is stopped and deleted afterwards."""
    # Short, because a Unix socket's path holds 107 bytes; and open to user postgres, who runs it for root.
    with tempfile.TemporaryDirectory(prefix="canary-pg-") as folder:
        owner = _owner()
        if owner:
            shutil.chown(folder, owner)
        data = f"{folder}/data"
        _run(
            [
                str(programs / "initdb"),
                "-D",
                data,
                "-U",
                "canary",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
        )
        port = _free_port()
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c max_connections=50"
        pg_ctl = [str(programs / "pg_ctl"), "-D", data, "-w", "-t", str(_SECONDS)]
        _run([*pg_ctl, "-l", f"{folder}/log", "-o", options, "start"])
        try:
            yield f"postgresql+psycopg://canary@127.0.0.1:{port}/postgres"
        finally:
            _run([*pg_ctl, "-m", "fast", "stop"])


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
