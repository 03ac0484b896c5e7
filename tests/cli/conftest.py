"""A registry in a temporary folder, driven by commands alone."""

import json
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.cli.main import cli
from canary.demo.world import write_xlsx
from canary.mint.facts import Table
from tests.mint.tables import city

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
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.fixture
def canary(bare: Shell) -> Shell:
    """After `canary init`."""
    bare("init")
    return bare


@pytest.fixture
def stocked(canary: Shell) -> Shell:
    """Two recipients, three copies (b made from a), 60 numbers out of quarantine, the file city.xlsx."""
    canary("recipient", "add", "registry", "--name", "市妇幼信息中心", "--kind", "registry")
    canary("recipient", "add", "bureau", "--name", "区卫生局", "--kind", "bureau", "--parent", "registry")
    for slug, recipient, *more in (["a", "registry"], ["b", "bureau", "--from", "a"], ["c", "bureau"]):
        canary("copy", "add", slug, "--recipient", recipient, "--date", "2026-06-05", *more)
    canary("number", "import", numbers_csv(canary, PHONES), "--quarantine-days", "0")
    write_xlsx(canary.folder / "city.xlsx", Table(city().header, city().rows[:90]))
    return canary


@pytest.fixture
def seeded(stocked: Shell) -> Shell:
    """Copy a seeded with 12 canaries into a.xlsx, copy c with 12 into c.xlsx."""
    for slug in "ac":
        stocked("seed", slug, "city.xlsx", "-o", f"{slug}.xlsx", "--canaries", "12")
    return stocked


@pytest.fixture
def heard(seeded: Shell) -> Shell:
    """Every canary of copy a was sold formula; nothing was heard on those of c."""
    at = datetime.now(UTC).isoformat()
    lines = [f"{at},,{code},wechat,奶粉特价,+8612099999999" for code in canaries(seeded, "a")]
    seeded("contact", "import", seeded.write("heard.csv", "at,number,canary,via,text,sender", *lines))
    return seeded


def canaries(shell: Shell, copy: str) -> list[str]:
    """The codes of a copy's canaries."""
    return [shown.split("/")[0] for shown in shell.json("copy", "show", copy)["canaries"]]


def numbers_csv(shell: Shell, phones: Sequence[str], name: str = "numbers.csv") -> str:
    """An import file of numbers at a dollar a month."""
    return shell.write(name, "number,provider,monthly_cost", *(f"{phone},twilio,1.15" for phone in phones))
