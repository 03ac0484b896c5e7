"""`canary simulate` and `canary plan`: their JSON, world files and their errors, the plot."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

CONTRACT = {
    *("format", "world", "law", "runs", "false_accusations", "upper95", "power", "right_first"),
    *("mean_numbers_used", "poisson_false_accusations"),
}
HEAD = "def contacts(rng, numbers, days):"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a registry: neither command needs one."""
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


def simulated(shell: Shell, *arguments: str) -> "dict[str, object]":
    return shell.json("simulate", "--runs", "10", "--copies", "10", "--numbers", "60", *arguments)


@pytest.mark.parametrize("law", ["shared", "exclusive"])
def test_simulation_keeps_the_contract_of_its_json(shell: Shell, law: str) -> None:
    found = simulated(shell, "--law", law)
    assert set(found) == CONTRACT
    assert (found["format"], found["law"], found["runs"]) == ("canary-simulate/1", law, 10)


def test_the_table_goes_to_stdout_and_progress_does_not(shell: Shell) -> None:
    result = shell("simulate", "--runs", "3", "--copies", "5", "--numbers", "30", "--world", "storms")
    assert "false accusations" in result.stdout and "world storms" not in result.stdout


def test_the_same_seed_gives_the_same_json(shell: Shell) -> None:
    assert simulated(shell, "--seed", "7") == simulated(shell, "--seed", "7")


def test_a_null_run_has_no_leaker_to_find(shell: Shell) -> None:
    assert simulated(shell, "--leakers", "0")["power"] == 0


def test_a_world_of_ones_own_is_a_file(shell: Shell) -> None:
    shell.write("mine.py", HEAD, "    return [(n, 2.0, 'maternal') for n in range(numbers) if rng.random() < 0.1]")
    assert simulated(shell, "--world", "mine.py")["world"] == "mine.py"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [HEAD, "    yield 0, 1.0, 'maternal'", "    yield 0, 1.0, 'ring'"],
            "bad.py, line 3: the world gave kind 'ring'",
        ),
        ([HEAD, "    yield numbers, 1.0, 'maternal'"], "bad.py, line 2: the world gave number 60"),
        ([HEAD, "    return None"], "bad.py: TypeError"),
        ([HEAD, "    x = 1", "    return x / 0"], "bad.py, line 3: ZeroDivisionError"),
        (["def contacts(:"], "bad.py, line 1: SyntaxError"),
        (["1 / 0"], "bad.py, line 1: ZeroDivisionError"),
        (["x = 1"], "bad.py has no function contacts"),
    ],
)
def test_a_faulty_world_file_is_told_with_its_line(shell: Shell, lines: list[str], said: str) -> None:
    shell.write("bad.py", *lines)
    error = shell("simulate", "--world", "bad.py", "--runs", "2", "--numbers", "60", code=2).stderr
    assert f"canary: {said}" in error and "  hint: " in error


@pytest.mark.parametrize(
    "arguments", [("--world", "nowhere"), ("--world", "missing.py"), ("--law", "exclusive", "--numbers", "50")]
)
def test_what_cannot_be_played_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    shell.refused("simulate", *arguments)


def test_more_leakers_than_copies_are_refused(shell: Shell) -> None:
    error = shell("simulate", "--copies", "2", "--leakers", "3", code=2).stderr
    assert "canary: 3 leakers among 2 copies" in error


def test_a_plan_tells_numbers_density_months_and_cost_of_both_laws(shell: Shell) -> None:
    found = shell.json("plan", "--copies", "20", "--hit-rate", "0.8", "--cost", "2", "--numbers", "40")
    assert found["format"] == "canary-plan/1"
    assert {(o["law"], o["power"]) for o in found["options"]} == {
        (law, power) for law in ("exclusive", "shared") for power in (0.5, 0.8, 0.95)
    }
    assert all(o["monthly_cost"] == 2 * o["numbers"] and 0 < o["months"] <= 6 for o in found["options"])
    assert found["recommended"]["power"] == 0.95
    assert [held["law"] for held in found["with_numbers"]] == ["exclusive", "shared"]
    assert "Exact:" in found["remark"] and "Modelled:" in found["remark"]


def test_a_budget_says_what_its_numbers_can_do(shell: Shell) -> None:
    held = shell.json("plan", "--copies", "5", "--hit-rate", "1", "--budget", "30", "--cost", "1.5")["with_numbers"]
    assert [line["numbers"] for line in held] == [20, 20]
    for wrong in (("--budget", "2"), ("--budget", "30", "--numbers", "20")):
        assert shell("plan", "--copies", "5", *wrong, code=2).stderr.startswith("canary: ")


def test_a_plan_as_a_table_recommends_one_and_draws_it(shell: Shell) -> None:
    given = ("--copies", "20", "--hit-rate", "1", "--colluders", "2", "--plot", "plan.svg")
    result = shell("plan", *given)
    assert "recommended: law shared" in result.stdout
    assert "single-copy decoder" in result.stderr
    assert (shell.folder / "plan.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_plan_that_no_number_fulfils_says_so(shell: Shell) -> None:
    given = ("--copies", "10", "--hit-rate", "0.001", "--noise", "0.5")
    assert "no number up to 20,000" in shell("plan", *given).stdout
    assert json.loads(shell("plan", *given, "--format", "json").stdout)["recommended"] is None
