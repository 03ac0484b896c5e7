"""`canary seed` with a database's URL as a person types it; what it does inside is tested in tests/plant."""

import sqlite3

import pytest

from tests.cli.conftest import Shell, canaries
from tests.mint.tables import city

URL = "sqlite:///host.sqlite3"
VIEW = ("--table", "register", "-o", "handout")


@pytest.fixture
def hosted(stocked: Shell) -> Shell:
    """Beside the stocked registry, a database with the table register and its 90 women."""
    with sqlite3.connect(stocked.folder / "host.sqlite3") as connection:
        columns = ", ".join(f'"{name}"' for name in city().header)
        connection.execute(f"CREATE TABLE register ({columns})")
        rows = [[None if c is None else str(c) for c in row] for row in city().rows[:90]]
        connection.executemany(f"INSERT INTO register VALUES ({', '.join('?' * len(city().header))})", rows)
    connection.close()
    return stocked


def names(shell: Shell) -> set[str]:
    with sqlite3.connect(shell.folder / "host.sqlite3") as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    return found


def test_seed_says_what_it_did_and_undo_takes_it_out(hosted: Shell) -> None:
    done = hosted.json("seed", "a", URL, *VIEW, "--canaries", "5")
    assert (done["canaries"], done["rows"], done["table"]) == (5, 95, "handout")
    assert names(hosted) == {"register", "register_late", "handout"}
    shown = hosted.json("copy", "show", "a")
    assert shown["file"] == "handout" and {c["row"] for c in shown["canaries"]} == {None}
    result = hosted("seed", "a", URL, "--undo")
    assert result.stdout == "a: taken out\n" and "5 rows taken out" in result.stderr
    assert names(hosted) == {"register"}
    assert len(canaries(hosted, "a")) == 5, "a copy that may have been read stays watched"
    hosted("prove", "verify")


def test_a_dry_run_prints_the_statements(hosted: Shell) -> None:
    told = hosted.json("seed", "a", URL, *VIEW, "--side", "addenda", "--dry-run")
    assert told["format"] == "canary-seed-dry-run/1"
    assert "UNION ALL" in told["statements"][2] and "addenda" in told["statements"][0]
    assert names(hosted) == {"register"} and hosted.json("copy", "show", "a")["file"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((URL,), "--table is missing"),
        ((URL, "--table", "register"), "no name for the view"),
        ((URL, *VIEW, "--insert"), "--insert plants in the table itself"),
        ((URL, "--table", "register", "--insert", "--without", "x"), "--insert plants in the table itself"),
        (("sqlite:///canary.sqlite3", *VIEW), "registry itself"),
        (("city.xlsx", "-o", "a.xlsx", "--dry-run"), "--dry-run is for tables in a database"),
        (("city.xlsx", "-o", "a.xlsx", "--table", "x"), "--table is for tables in a database"),
        ((URL, "--undo"), "was not seeded in a database"),
    ],
)
def test_options_that_do_not_go_together_are_refused(hosted: Shell, arguments: tuple[str, ...], words: str) -> None:
    assert words in hosted.refused("seed", "a", *arguments)
    assert names(hosted) == {"register"}
