"""The command as a process: exit codes, streams, code pages, and the traceback of -v."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from canary import __version__
from canary.cli import main
from canary.cli.main import cli
from tests.cli.conftest import Shell


def process(shell: Shell, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "canary", *arguments], cwd=shell.folder, env=env, capture_output=True, timeout=60
    )


def test_a_registry_is_made_and_read_by_the_real_command(bare: Shell) -> None:
    made = process(bare, "init")
    assert made.returncode == 0
    assert made.stdout.startswith(b"registry ready: sqlite:") and made.stdout.count(b"\n") == 1
    assert b"keep a copy" in made.stderr
    listed = process(bare, "recipient", "list", "--format", "json")
    assert json.loads(listed.stdout) == {"format": "canary-recipients/1", "recipients": []}
    assert listed.stderr == b""


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_a_terminal_of_an_old_code_page_loses_characters_but_not_the_command(canary: Shell, encoding: str) -> None:
    canary("recipient", "add", "h1", "--name", "妇幼 🏥", "--kind", "hospital")
    result = process(canary, "recipient", "list", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"h1" in result.stdout


def test_a_reader_that_stops_early_gets_no_traceback(canary: Shell) -> None:
    command = f"{sys.executable} -m canary prove ledger --format json | head -c 1"
    result = subprocess.run(["sh", "-c", command], cwd=canary.folder, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [("fly",), ("copy", "fly"), ("--fly",), ("status", "fly"), ("number", "import")])
def test_unknown_commands_are_wrong_use(canary: Shell, arguments: tuple[str, ...]) -> None:
    result = canary(*arguments, code=2)
    assert result.stdout == "" and "Usage: " in result.stderr


def test_an_error_is_one_line_and_verbose_shows_where_it_came_from(canary: Shell) -> None:
    quiet, verbose = (process(canary, *flags, "copy", "show", "none") for flags in ((), ("-v",)))
    assert quiet.returncode == 2
    assert quiet.stderr.decode().splitlines() == [
        "canary: no copy 'none'",
        "  hint: see `canary copy list`, or `canary copy add` it first",
    ]
    assert b"Traceback" in verbose.stderr and b"no copy 'none'" in verbose.stderr
    assert quiet.stdout == verbose.stdout == b""


def test_verbose_keeps_the_exit_code(canary: Shell) -> None:
    assert process(canary, "-v", "copy", "show", "none").returncode == 2


def test_version_and_help(bare: Shell) -> None:
    assert bare("--version").stdout == f"canary, version {__version__}\n"
    text = bare("--help").stdout
    assert all(f"  {name} " in text for name in cli.commands)


def test_every_module_of_commands_is_entered_with_all_it_holds() -> None:
    folder = Path(main.__file__).parent
    found = {path.stem: import_module(f"canary.cli.{path.stem}") for path in folder.glob("*.py")}
    held = {name: module.COMMANDS for name, module in found.items() if hasattr(module, "COMMANDS")}
    assert {name: tuple(c.name for c in commands) for name, commands in held.items()} == main.MODULES


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself_without_a_registry(bare: Shell, name: str) -> None:
    assert bare(name, "--help").stdout.startswith(f"Usage: cli {name}")
