"""`canary check` and the checked seeding, as a person types them; what the questions find is tested in tests/plant."""

import random
import shutil

import pytest

from canary.demo.city import city_rows
from canary.demo.world import write_xlsx
from canary.mint.facts import Table
from tests.cli.conftest import Shell, canaries
from tests.mint.tables import BORN_UNTIL, JUNE

QUICK = ("--quick", "--format", "json")


@pytest.fixture
def spread(stocked: Shell) -> Shell:
    """Sixty more numbers, out of as many blocks as the host's own."""
    rng = random.Random(6)
    lines = [f"+8612{rng.randrange(10**9):09},spread,1" for _ in range(60)]
    name = stocked.write("spread.csv", "number,provider,monthly_cost", *lines)
    stocked.sql("UPDATE number SET state = 'cooling'")
    stocked("number", "import", name, "--quarantine-days", "0")
    rows = city_rows(random.Random(11), 1_200, JUNE, BORN_UNTIL)  # smaller tables are too small to be fitted well
    write_xlsx(stocked.folder / "city.xlsx", Table(rows.header, rows.rows))
    return stocked


def test_a_file_that_gives_its_canaries_away_is_red_and_exits_1(seeded: Shell) -> None:
    report = seeded.json("check", "a", "a.xlsx", "--source", "city.xlsx", "--other", "c.xlsx", "--quick", code=1)
    assert {key: report[key] for key in ("format", "copy", "file", "rows", "canaries", "light")} == {
        "format": "canary-check/1",
        "copy": "a",
        "file": "a.xlsx",
        "rows": 102,
        "canaries": 12,
        "light": "red",
    }
    assert {tuple(line) for line in report["lines"]} == {
        ("group", "name", "light", "found", "expected", "advice", "figures", "canaries")
    }
    lines = {line["name"]: line for line in report["lines"]}
    assert lines["telephone numbers of one block"]["light"] == "red"  # the numbers stocked for tests are one block
    assert lines["c.xlsx: rows only here"]["figures"]["precision"] == 1.0
    assert lines["xl/worksheets/sheet1.xml"]["light"] == "green"
    codes = {code for line in report["lines"] for code in line["canaries"]}
    assert codes <= set(canaries(seeded, "a"))


def test_a_good_file_is_green_or_amber_and_the_page_says_so(spread: Shell) -> None:
    spread("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "8")
    result = spread("check", "a", "a.xlsx", "--source", "city.xlsx", "--personas", "300", "--html", "page.html")
    assert result.stdout.startswith(("GREEN: a, 1,208 rows, 8 canaries.", "AMBER: a, 1,208 rows, 8 canaries."))
    assert "minted: all columns together" in result.stdout
    page = (spread.folder / "page.html").read_text(encoding="utf-8")
    assert "8 of them canaries" in page and "minted: all columns together" in page
    assert "is there already" in spread.refused("check", "a", "a.xlsx", "--html", "page.html")


def test_telephone_numbers_and_names_stay_in_the_registry(seeded: Shell) -> None:
    shown = seeded("check", "a", "a.xlsx", *QUICK, code=1).stdout
    assert "1200000" not in shown
    assert "赵" not in shown


def test_last_months_copy_shows_canaries_that_are_all_new(seeded: Shell) -> None:
    report = seeded.json("check", "a", "a.xlsx", "--previous", "city.xlsx", "--quick", code=1)
    line = next(line for line in report["lines"] if line["name"] == "city.xlsx: rows new")
    assert line["light"] == "red" and line["figures"]["hits"] == line["figures"]["rows"] == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody", "a.xlsx"), "no copy 'nobody'"),
        (("b", "a.xlsx"), "copy 'b' is not seeded yet"),
        (("a", "city.xlsx"), "no canary stands in this file"),
        (("a", "a.xlsx", "--other", "narrow.csv"), "other columns"),
    ],
)
def test_what_cannot_be_checked_is_refused(seeded: Shell, arguments: tuple[str, ...], words: str) -> None:
    seeded.write("narrow.csv", "姓名,联系电话", "张三,12812345678")
    result = seeded("check", *arguments, "--quick", code=2)
    assert words in result.stderr and result.stdout == ""


def test_a_checked_seeding_refuses_a_file_that_gives_canaries_away_and_records_nothing(stocked: Shell) -> None:
    error = stocked.refused("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "12", "--check")
    assert "canaries stand out: telephone numbers of one block" in error and "--force" in error
    assert not (stocked.folder / "a.xlsx").exists()
    assert stocked.ledger("placement") == []
    assert list(stocked.folder.glob(".*part")) == []


def test_force_hands_it_out_and_remarks_what_stands_out(stocked: Shell) -> None:
    arguments = ("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "12", "--check", "--force")
    assert "check red: telephone numbers of one block" in stocked(*arguments).stderr
    assert len(stocked.ledger("sealed")) == 1


def test_the_setting_checks_every_seeding_unless_told_not_to(stocked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_CHECK", "true")
    stocked.refused("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "12")
    stocked("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "12", "--no-check")


def test_a_good_file_passes_the_checked_seeding(spread: Shell) -> None:
    spread("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "8", "--check")
    assert len(spread.ledger("sealed")) == 1


def test_a_renamed_copy_of_the_file_is_checked_like_the_file(seeded: Shell) -> None:
    shutil.copy(seeded.folder / "a.xlsx", seeded.folder / "found.xlsx")
    assert seeded.json("check", "a", "found.xlsx", "--quick", code=1)["canaries"] == 12
