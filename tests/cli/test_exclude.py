"""`canary exclude`: exactly the canaries' rows, from files and query results, each search on record."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from canary.cli.main import cli
from canary.mint.facts import Row
from canary.plant.formats.detect import format_of
from tests.cli.conftest import Shell

NAME, PHONE, DUE = 0, 4, 6


def rows(path: Path) -> Sequence[Row]:
    return format_of(path).read(path).rows


def planted(shell: Shell, copy: str) -> list[int]:
    return sorted(shown["row"] for shown in shell.json("copy", "show", copy)["canaries"])


def test_the_rows_of_a_seeded_file_are_named(seeded: Shell) -> None:
    shown = seeded("exclude", "a.xlsx").stdout
    assert [int(line) for line in shown.splitlines()] == planted(seeded, "a")
    report = seeded.json("exclude", "a.xlsx")
    assert report["format"] == "canary-exclude/1" and report["rows"] == 102 and report["doubtful"] == []
    assert report["exclude"] == [{"row": row, "by": "phone"} for row in planted(seeded, "a")]


@pytest.mark.parametrize("target", ["clean.csv", "clean.xlsx"])
def test_the_file_without_them_is_the_file_before_seeding(seeded: Shell, target: str) -> None:
    result = seeded("exclude", "a.xlsx", "-o", target)
    assert result.stdout == "" and "12 rows left out, 90 kept" in result.stderr
    clean, before = rows(seeded.folder / target), rows(seeded.folder / "city.xlsx")
    assert [[str(c) for c in row] for row in clean] == [[str(c) for c in row] for row in before]


def test_a_query_result_on_stdin_is_searched_by_phone_in_any_column_order(seeded: Shell) -> None:
    found = rows(seeded.folder / "a.xlsx")
    result = piped([("电话", "年龄"), *((f"+86 {row[PHONE]}" if row[PHONE] else "", 30) for row in found)])
    assert [int(line) for line in result.splitlines()] == planted(seeded, "a")


def test_without_telephone_numbers_name_and_due_date_tell(seeded: Shell) -> None:
    found = rows(seeded.folder / "a.xlsx")
    result = piped([("Due date", "姓名"), *((row[DUE], row[NAME]) for row in found)])
    due = [at for at in planted(seeded, "a") if found[at - 1][DUE] and found[at - 1][NAME]]
    assert due and [int(line) for line in result.splitlines()] == due


def piped(table: Sequence[Sequence[object]]) -> str:
    """What `canary exclude -` says to a query's CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(table)
    result = CliRunner().invoke(cli, ["exclude", "-"], input=text.getvalue())
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_real_woman_whose_old_number_is_now_ours_is_kept_and_pointed_at(seeded: Shell) -> None:
    phone = rows(seeded.folder / "a.xlsx")[planted(seeded, "a")[0] - 1][PHONE]
    seeded.write("q.csv", "姓名,联系电话", f"欧阳真,{phone}", "张三,12812345678")
    result = seeded("exclude", "q.csv")
    assert result.stdout == "" and "row 1: a canary's telephone number under another name" in result.stderr
    assert seeded.json("exclude", "q.csv")["doubtful"] == [{"row": 1, "by": "phone"}]


def test_every_search_is_a_ledger_line_of_counts_alone(seeded: Shell) -> None:
    seeded("exclude", "a.xlsx")
    assert seeded.ledger("exclude") == [{"door": "owner", "rows": 102, "excluded": 12, "doubtful": 0}]


def test_canaries_of_every_copy_are_left_out_but_none_of_a_draw_taken_back(seeded: Shell) -> None:
    seeded("seed", "b", "a.xlsx", "-o", "b.xlsx", "--canaries", "3")
    assert len(seeded.json("exclude", "b.xlsx")["exclude"]) == 15
    seeded.sql("UPDATE placement SET state = 'void' WHERE id = (SELECT max(id) FROM placement)")
    assert len(seeded.json("exclude", "b.xlsx")["exclude"]) == 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("q.csv",), "q.csv: no canary can be told here"),
        (("a.xlsx", "-o", "clean.xls"), "written as .csv (UTF-8) or .xlsx only"),
        (("a.xlsx", "-o", "c.xlsx"), "is there already"),
    ],
)
def test_wrong_use_is_refused_and_leaves_no_ledger_line(seeded: Shell, arguments: tuple[str, ...], words: str) -> None:
    seeded.write("q.csv", "年龄,医院", "30,龙岗", "31,福田")
    assert words in seeded.refused("exclude", *arguments)
    assert seeded.ledger("exclude") == []


def test_dates_are_written_as_dates(seeded: Shell) -> None:
    seeded("exclude", "a.xlsx", "-o", "clean.xlsx")
    assert isinstance(rows(seeded.folder / "clean.xlsx")[0][DUE], date)
