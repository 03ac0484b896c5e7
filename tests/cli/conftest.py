"""A registry in a temporary folder, driven by commands alone."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from canary.cli.main import cli
from canary.demo.world import write_xlsx
from canary.mint.facts import Table
from canary.web.app import create_app
from tests.conftest import drawn_from
from tests.listen.receivers import running
from tests.mint.tables import city
from tests.peers.emulate import ACCOUNT, TOKEN, Emulator
from tests.peers.front import Front, fronting

PHONES = [f"+861200000{i:04}" for i in range(1, 61)]


@dataclass
class Shell:
    """Runs `canary …` in a folder of its own; every call names the exit code it expects."""

    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self(*arguments, "--format", "json", code=code).stdout)
        return found

    def refused(self, *arguments: str, code: int = 2) -> str:
        """The error of a command that must fail: one line and a hint on stderr, nothing on stdout."""
        result = self(*arguments, code=code)
        lines = result.stderr.splitlines()
        assert result.stdout == ""
        assert lines and lines[0].startswith("canary: "), result.stderr
        assert len(lines) == 2 and lines[1].startswith("  hint: "), result.stderr
        return "\n".join(lines)

    def write(self, name: str, *lines: str, end: str = "\n", encoding: str = "utf-8") -> str:
        """A text file in the folder; returns its name."""
        (self.folder / name).write_bytes("".join(line + end for line in lines).encode(encoding))
        return name

    def sql(self, statement: str, *values: Any) -> Sequence[Any]:
        """One statement behind the program's back."""
        with sqlite3.connect(self.folder / "canary.sqlite3") as connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's payloads of one kind."""
        return [e["payload"] for e in self.json("prove", "ledger")["ledger"] if e["kind"] == kind]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """An empty folder, and an environment that points nowhere else."""
    return _alone(tmp_path, monkeypatch)


@pytest.fixture
def canary(bare: Shell, stages: Path) -> Shell:
    """After `canary init`."""
    return _at(bare, stages / "init")


@pytest.fixture
def stocked(bare: Shell, stages: Path) -> Shell:
    """Two recipients, three copies (b made from a), 60 numbers out of quarantine, the file city.xlsx."""
    return _at(bare, stages / "stocked")


@pytest.fixture
def seeded(bare: Shell, stages: Path) -> Shell:
    """Sixty days ago copy a was seeded with 12 canaries into a.xlsx, copy c with 12 into c.xlsx."""
    return _at(bare, stages / "seeded")


@pytest.fixture
def heard(bare: Shell, stages: Path) -> Shell:
    """Two days ago every canary of copy a was sold formula; nothing was heard on those of c."""
    return _at(bare, stages / "heard")


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registries that tests start from, each made once by commands and copied for every test."""
    root = tmp_path_factory.mktemp("stages")
    before = None
    for name, stage in {"init": _init, "stocked": _stock, "seeded": _seed, "heard": _hear}.items():
        folder = root / name
        if before:
            shutil.copytree(before, folder)
        folder.mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patched, drawn_from(name):
            shell = _alone(folder, patched)
            stage(shell)
            shell.sql("PRAGMA wal_checkpoint(TRUNCATE)")
        before = folder
    return root


def _alone(folder: Path, patched: pytest.MonkeyPatch) -> Shell:
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        patched.delenv(name)
    patched.setenv("CANARY_CONFIG", str(folder / "canary.toml"))
    patched.chdir(folder)
    return Shell(folder)


def _at(shell: Shell, stage: Path) -> Shell:
    shutil.copytree(stage, shell.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*-wal", "*-shm"))
    return shell


def _init(canary: Shell) -> None:
    canary("init")


def _stock(canary: Shell) -> None:
    canary("recipient", "add", "registry", "--name", "市妇幼信息中心", "--kind", "registry")
    canary("recipient", "add", "bureau", "--name", "区卫生局", "--kind", "bureau", "--parent", "registry")
    for slug, recipient, *more in (["a", "registry"], ["b", "bureau", "--from", "a"], ["c", "bureau"]):
        canary("copy", "add", slug, "--recipient", recipient, "--date", "2026-06-05", *more)
    canary("number", "import", numbers_csv(canary, PHONES), "--quarantine-days", "0")
    write_xlsx(canary.folder / "city.xlsx", Table(city().header, city().rows[:90]))


def _seed(canary: Shell) -> None:
    for slug in "ac":
        canary("seed", slug, "city.xlsx", "-o", f"{slug}.xlsx", "--canaries", "12")
    canary.sql("UPDATE placement SET drawn_at = datetime('now', '-60 days')")


def _hear(canary: Shell) -> None:
    at = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    lines = [f"{at},,{code},wechat,奶粉特价,+8612099999999" for code in canaries(canary, "a")]
    canary("contact", "import", canary.write("heard.csv", "at,number,canary,via,text,sender", *lines))


def canaries(shell: Shell, copy: str) -> list[str]:
    """The codes of a copy's canaries."""
    return [shown["canary"] for shown in shell.json("copy", "show", copy)["canaries"]]


def numbers_csv(shell: Shell, phones: Sequence[str], name: str = "numbers.csv") -> str:
    """An import file of numbers at a dollar a month."""
    return shell.write(name, "number,provider,monthly_cost", *(f"{phone},twilio,1.15" for phone in phones))


@pytest.fixture
def front(twilio_emulator: Emulator) -> Iterator[Front]:
    """The API of the emulator, and nothing left in its account afterwards."""
    with fronting(twilio_emulator.base) as server:
        yield server
    client = twilio_emulator.client
    for kept in (client.incoming_phone_numbers, client.messages, client.calls):
        for each in kept.list(limit=1000):
            each.delete()


def rent_from(shell: Shell, front: Front, public_url: str, *more: str) -> None:
    """Settings that rent from this Twilio and are reached at `public_url`."""
    account = [
        f'twilio_account_sid = "{ACCOUNT}"',
        f'twilio_auth_token = "{TOKEN}"',
        f'twilio_api_url = "{front.base}"',
    ]
    shell.write("canary.toml", f'public_url = "{public_url}"', *account, *more)


_unused = (f"+1415555{n:04}" for n in count(2000))


def unused_number() -> str:
    """A number that no test has had."""
    return next(_unused)


def serving(port: int) -> AbstractContextManager[None]:
    """The server of the settings in force, in a thread."""
    return running(make_server("127.0.0.1", port, create_app(), threaded=True))
