"""Reading the CSV files that commands import: UTF-8 with or without BOM, errors naming file, row and column."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from canary.errors import CanaryError


def rows(file: Path, columns: str, required: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row as (place, cells by column name), `columns` being the header we document.

    Raises CanaryError on a file that is not UTF-8, lacks a required column, or has an empty cell in one.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            lacking = [name for name in required if name not in (reader.fieldnames or ())]
            if lacking:
                raise CanaryError(f"{file}: no column {lacking[0]!r}", f"columns: {columns}")
            for row in reader:
                place = f"{file}: row {reader.line_num}"
                empty = [name for name in required if not row[name]]
                if empty:
                    raise CanaryError(f"{place}: column {empty[0]!r} is empty", f"columns: {columns}")
                yield place, {name: value or "" for name, value in row.items() if name}
    except UnicodeDecodeError as error:
        raise CanaryError(f"{file}: not UTF-8 at byte {error.start}", "save it as CSV UTF-8") from error
