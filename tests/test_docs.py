"""The documents say what the program does: every command, every setting, every link, and a quick start that runs."""

import math
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from canary.cli.main import cli
from canary.settings import PREFIX, Settings
from canary.trace import score
from canary.trace.evidence import Channel, Event, Mark, Outcome, Step

MOMENT = datetime(2026, 6, 5, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "canary.example.toml"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def commands(command: click.Command, path: str = "canary") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{path} {name}")


COMMANDS = dict(commands(cli))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_says_what_it_does_and_stands_in_the_reference(path):
    assert COMMANDS[path].help
    assert re.search(rf"^#+ {path}$", (ROOT / "docs/commands.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_reference_shows_every_option():
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for path, command in COMMANDS.items():
        section = text.split(f" {path}\n\n```text\n")[1].split("```")[0]
        for parameter in command.params:
            assert all(option in section for option in parameter.opts if option.startswith("-")), path


def uncommented() -> str:
    return re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_example_configuration_has_every_setting_and_no_other():
    assert list(tomllib.loads(uncommented())) == list(Settings.model_fields)
    assert tomllib.loads(EXAMPLE.read_text(encoding="utf-8")) == {}


def test_the_defaults_of_the_example_configuration_are_those_of_the_code(tmp_path, monkeypatch):
    for name in [n for n in os.environ if n.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    config = tmp_path / "canary.toml"
    monkeypatch.setenv("CANARY_CONFIG", str(config))
    defaults = Settings()
    config.write_text(uncommented(), encoding="utf-8")
    assert Settings() == defaults


def quick_start() -> str:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Quick start\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))


def test_the_quick_start_of_the_readme_ends_in_the_right_verdict(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", quick_start()],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert "The leaked data came from copy bureau-2026-06" in done.stdout
    assert "ledger whole" in done.stdout
    assert "District bureau" in (tmp_path / "report.html").read_text(encoding="utf-8")


def targets(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in targets(page):
        path, _, heading = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_shown_in_the_guides_exist(page):
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"(?:`|^ *)canary ((?:[a-z]+ ?)+)", text, re.MULTILINE)
    for words in (s.split() for s in shown):
        command: click.Command = cli
        while words and isinstance(command, click.Group):
            word = words.pop(0)
            assert word in command.commands, f"{page.name}: canary {word}"
            command = command.commands[word]


def operators_table() -> list[list[str]]:
    text = (ROOT / "docs/operators.md").read_text(encoding="utf-8")
    return [[c.strip() for c in row.split("|")] for row in re.findall(r"^\| (\d+ \| \d+ .*) \|$", text, re.MULTILINE)]


@pytest.mark.parametrize("row", operators_table(), ids=" ".join)
def test_the_guide_says_truly_how_many_numbers_must_ring(row):
    planted, controls = int(row[0]), int(row[1])
    marks = [Mark(f"N{i}", "block", i < planted) for i in range(planted + controls)]
    for ringing, said in ((0, row[2]), (2, row[3])):
        calls = [*marks[planted : planted + ringing], *marks[:planted]]
        steps = [Step(MOMENT, m.number, Event.PRESENCE, Outcome.MATERNAL) for m in calls]
        scores = list(score.path(marks, steps, Channel()))[ringing:]
        needed = [n for n, log_e in enumerate(scores, 1) if log_e >= math.log(100 / 0.001)]
        assert said == (str(needed[0]) if needed else "never enough")


def test_changelog_has_a_place_for_what_is_next():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## Unreleased$", text, re.MULTILINE)


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_file_names_a_folder_of_the_machine_it_was_written_on():
    # A checkout straight below / would be found in every path that ends in its name.
    here = [f"{path}/" for path in (ROOT, Path.home(), Path(sys.prefix)) if len(path.parts) > 2]
    here += [f"{Path.home()}/"] if len(Path.home().parts) == 2 else []
    for path in tracked():
        if path.is_file():
            content = path.read_bytes()
            assert not any(folder.encode() in content for folder in here), path.name
