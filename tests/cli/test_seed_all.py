"""`canary seed --all` as a person types it; what a month does inside is tested in tests/plant/test_month.py."""

from datetime import date
from random import Random

import pytest

from canary.demo.city import city_rows, next_month
from canary.demo.world import write_gb18030, write_xlsx
from canary.mint.facts import Table
from tests.cli.conftest import Shell


@pytest.fixture
def months(canary: Shell) -> Shell:
    """Two months of a registry, numbers, and two recipients without copies."""
    june = city_rows(Random(1), 400, date(2026, 6, 1), date(2026, 5, 31))
    for name, table in {"june": june, "july": next_month(Random(2), june, date(2026, 7, 1), date(2026, 6, 30))}.items():
        write_xlsx(canary.folder / f"{name}.xlsx", table)
    for who in ("bureau", "vendor"):
        canary("recipient", "add", who, "--name", who, "--kind", "bureau")
    canary.write("n.csv", "number,provider,monthly_cost", *(f"+861200001{i:04},twilio,1" for i in range(120)))
    canary("number", "import", "n.csv", "--quarantine-days", "0")
    return canary


def seed(shell: Shell, month: str, *more: str) -> list[dict[str, object]]:
    found = shell.json("seed", "--all", "--month", month, "-o", month, "--canaries", "20", *more)
    assert found["format"] == "canary-seed-all/1" and found["month"] == month
    lines: list[dict[str, object]] = found["copies"]
    return lines


def test_a_month_for_everybody_and_the_next_one_carries_on(months: Shell) -> None:
    june = seed(months, "2026-06", "--from", "june.xlsx")
    assert [(c["copy"], c["new"], c["carried"], c["continues"]) for c in june] == [
        ("bureau-2026-06", 20, 0, None),
        ("vendor-2026-06", 20, 0, None),
    ]
    july = seed(months, "2026-07", "--from", "july.xlsx", "--last", "june.xlsx")
    assert [c["continues"] for c in july] == ["bureau-2026-06", "vendor-2026-06"]
    assert all(8 <= c["carried"] == 20 - c["gone"] and 1 <= c["new"] < 12 for c in july)  # type: ignore[operator]
    assert (months.folder / "2026-07" / "vendor-2026-07.xlsx").exists()
    shown = months.json("copy", "show", "bureau-2026-07")
    assert (shown["date"], shown["from"], shown["inherited"]) == ("2026-07-01", ["bureau-2026-06"], july[0]["carried"])
    assert len(shown["canaries"]) == july[0]["new"]


def test_run_again_it_passes_over_what_is_sealed_and_says_so_on_stderr(months: Shell) -> None:
    seed(months, "2026-06", "--from", "june.xlsx")
    again = months("seed", "--all", "--month", "2026-06", "--from", "june.xlsx", "-o", "2026-06")
    assert again.stderr.count("sealed already") == 2 and "sealed already" not in again.stdout
    assert "bureau-2026-06" in again.stdout


def test_a_folder_of_files_called_like_their_recipients(months: Shell) -> None:
    june = city_rows(Random(1), 400, date(2026, 6, 1), date(2026, 5, 31))
    (months.folder / "in").mkdir()
    write_xlsx(months.folder / "in" / "bureau.xlsx", june)
    write_gb18030(months.folder / "in" / "vendor.csv", Table(june.header, june.rows[:200]))
    found = seed(months, "2026-06", "--from", "in")
    assert [(c["copy"], c["rows"]) for c in found] == [("bureau-2026-06", 420), ("vendor-2026-06", 220)]
    assert (months.folder / "2026-06" / "vendor-2026-06.csv").exists()
    july = seed(months, "2026-07", "--from", "july.xlsx", "--last", "2026-06")
    assert all(c["carried"] for c in july)


def test_when_numbers_run_out_the_copies_done_stay_and_the_next_is_not_begun(months: Shell) -> None:
    words = ("--month", "2026-06", "--from", "june.xlsx", "-o", "out", "--canaries", "70")
    assert "canary: vendor-2026-06: 70 canaries wanted" in months("seed", "--all", *words, code=2).stderr
    assert [p.name for p in (months.folder / "out").iterdir()] == ["bureau-2026-06.xlsx"]
    assert [c["file"] for c in months.json("copy", "list")["copies"]] == ["bureau-2026-06.xlsx", None]


@pytest.mark.parametrize(
    "words",
    [
        ("a", "june.xlsx", "--all", "--from", "june.xlsx"),
        ("--all",),
        ("--from", "june.xlsx"),
        ("a", "june.xlsx", "--month", "2026-06"),
        ("a",),
    ],
)
def test_one_copy_or_all_of_a_month_but_not_both(months: Shell, words: tuple[str, ...]) -> None:
    assert "Usage: " in months("seed", *words, "-o", "out", code=2).stderr
