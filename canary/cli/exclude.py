"""`canary exclude`: the rows to leave out before statistics, follow-up calls or care."""

import csv
import sys
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click
import xlsxwriter

from canary.cli.output import format_option, remark, show_json
from canary.cli.plant import profile_option, read_profile
from canary.errors import CanaryError, OutsideError
from canary.mint.columns import Profile
from canary.mint.facts import Table
from canary.plant.formats.detect import format_of
from canary.plant.known import Match, find
from canary.settings import load
from canary.store import exclusion


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True))
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path, dir_okay=False), help="The table without them."
)
@profile_option
@format_option
def exclude(file: Path, target: Path | None, profile_file: Path | None, style: str) -> None:
    """Name the rows of FILE (or of CSV on stdin: -) that are canaries, or write the table without them (.csv, .xlsx).

    For the registry's owner alone: whoever holds a copy and may test it row by row knows every canary.
    """
    settings, profile = load(), read_profile(profile_file)
    if target is not None:
        _writable(target)
    table = _table(file)
    with settings.store().reading() as session:
        known = exclusion.known(session)
    found = _found(file, table, known, profile)
    sure, doubtful = [m for m in found if m.sure], [m for m in found if not m.sure]
    # The ledger line comes first: nothing is told that is not on record.
    with settings.store().writing() as session:
        exclusion.record(session, settings.now(), len(table.rows), len(sure), len(doubtful))
    for match in doubtful:
        remark(f"remark: row {match.row + 1}: a canary's telephone number under another name; kept, look at it")
    if target is not None:
        gone = {match.row for match in sure}
        _write(target, Table(table.header, tuple(row for at, row in enumerate(table.rows) if at not in gone)))
        remark(f"{len(sure)} rows left out, {len(table.rows) - len(sure)} kept in {target}")
    if style == "json":
        show_json("exclude", _values(table, sure, doubtful))
    elif target is None:
        click.echo("".join(f"{match.row + 1}\n" for match in sure), nl=False)


def _values(table: Table, sure: Sequence[Match], doubtful: Sequence[Match]) -> dict[str, object]:
    return {
        "rows": len(table.rows),
        "exclude": [{"row": match.row + 1, "by": match.by} for match in sure],
        "doubtful": [{"row": match.row + 1, "by": match.by} for match in doubtful],
    }


def _found(file: Path, table: Table, known: Sequence[exclusion.Known], profile: Profile | None) -> list[Match]:
    try:
        return find(table, known, profile)
    except CanaryError as error:
        raise CanaryError(f"{_name(file)}: {error.message}", error.hint) from error


def _name(file: Path) -> str:
    return "stdin" if str(file) == "-" else file.name


def _table(file: Path) -> Table:
    """The table of a file, or of what a query printed as CSV."""
    if str(file) != "-":
        return format_of(file).read(file)
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "stdin.csv"
        kept.write_bytes(sys.stdin.buffer.read())
        return format_of(kept).read(kept)


def _writable(target: Path) -> None:
    if target.suffix.lower() not in (".csv", ".xlsx"):
        raise CanaryError(f"{target.name}: written as .csv (UTF-8) or .xlsx only", "name it so")
    if target.exists():
        raise CanaryError(f"{target} is there already", "name another output file")


def _write(target: Path, table: Table) -> None:
    try:
        (_write_csv if target.suffix.lower() == ".csv" else _write_xlsx)(target, table)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise OutsideError(f"{target}: {error.strerror}", "choose another folder") from error


def _write_csv(target: Path, table: Table) -> None:
    with target.open("x", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(table.header)
        writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)


def _write_xlsx(target: Path, table: Table) -> None:
    options = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        sheet, dated = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        timed = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, table.header)
        for at, row in enumerate(table.rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(at, column, cell, timed if isinstance(cell, datetime) else dated)
                elif cell is not None:
                    sheet.write(at, column, cell)


COMMANDS = (exclude,)
