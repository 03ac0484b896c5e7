"""Reads and writes the dates of a column in whatever type or text format the host uses."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from canary.errors import CanaryError
from canary.mint.facts import Cell

_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_FIRST = re.compile(r"(\d{4})(\s*[-/.年]\s*)(\d{1,2})(\s*[-/.月]\s*)(\d{1,2})(日?(?:[T ].*)?)")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})([-/. ])(\d{4})([T ].*)?")


@dataclass(frozen=True)
class DateColumn:
    """How one column writes its dates: which part comes first and whether 3 is written 03."""

    day_first: bool = True
    padded: bool = True

    @classmethod
    def fit(cls, header: str, cells: Sequence[Cell]) -> "DateColumn":
        """The column's habits; raises CanaryError when more than a tenth of its cells are no dates."""
        counts = Counter(cells)
        shown = len(cells) - counts.pop(None, 0)
        column = cls.of_texts({cell for cell in counts if isinstance(cell, str)})
        bad = {cell for cell in counts if column.read(cell) is None}
        if sum(counts[cell] for cell in bad) > 0.1 * shown:
            row, cell = next((row, cell) for row, cell in enumerate(cells, start=2) if cell in bad)
            raise CanaryError(
                f"column '{header}' does not hold dates: row {row} is {cell!r}",
                "name the right column in a profile (--profile)",
            )
        return column

    @classmethod
    def of_texts(cls, texts: set[str]) -> "DateColumn":
        """The habits that these texts show, dates or not."""
        return cls(day_first=_day_first(texts), padded=not any(map(_unpadded, texts)))

    def read(self, cell: Cell) -> date | None:
        """The day a cell names, or None."""
        if isinstance(cell, datetime):
            return cell.date()
        if isinstance(cell, date):
            return cell
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        return parse_text(str(cell), self.day_first) if isinstance(cell, str | int) else None

    def write(self, value: date, like: Cell) -> Cell:
        """`value` in the type and format of the host cell `like`."""
        if isinstance(like, datetime):
            return like.replace(year=value.year, month=value.month, day=value.day)
        if isinstance(like, int | float):
            return type(like)(f"{value:%Y%m%d}")
        return self._write_text(value, like) if isinstance(like, str) else value

    def _write_text(self, value: date, like: str) -> str:
        day, month, year = self._number(value.day), self._number(value.month), f"{value.year:04}"
        if match := _YEAR_FIRST.fullmatch(like.strip()):
            return f"{year}{match[2]}{month}{match[4]}{day}{match[6]}"
        if match := _YEAR_LAST.fullmatch(like.strip()):
            first, second = (day, month) if self.day_first else (month, day)
            return f"{first}{match[2]}{second}{match[4]}{year}{match[6] or ''}"
        return f"{value:%Y%m%d}"

    def _number(self, value: int) -> str:
        return f"{value:02}" if self.padded else str(value)


@lru_cache(maxsize=100_000)
def parse_text(text: str, day_first: bool) -> date | None:
    """The day that text names in any format we know, or None."""
    text = text.strip()
    if match := _COMPACT.fullmatch(text):
        return _day(match[1], match[2], match[3])
    if match := _YEAR_FIRST.fullmatch(text):
        return _day(match[1], match[3], match[5])
    if match := _YEAR_LAST.fullmatch(text):
        month, day = (match[3], match[1]) if day_first else (match[1], match[3])
        return _day(match[5], month, day)
    return None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return value if 1900 <= value.year <= 2100 else None


def _day_first(texts: set[str]) -> bool:
    """13/04 settles it for the whole column; a column that never settles it is read day first."""
    return sum(parse_text(t, True) is None for t in texts) <= sum(parse_text(t, False) is None for t in texts)


def _unpadded(text: str) -> bool:
    if match := _YEAR_FIRST.fullmatch(text.strip()):
        return min(len(match[3]), len(match[5])) == 1
    match = _YEAR_LAST.fullmatch(text.strip())
    return match is not None and min(len(match[1]), len(match[3])) == 1
