"""Chooses the woman whose records a new row's are modelled on: near by, of the same hospital, due about then."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime

from canary.mint.facts import Cell, Row

HEADER = ("name", "phone", "address", "hospital", "edd", "birth date")
NAME, PHONE, ADDRESS, HOSPITAL, DUE, BIRTH = range(len(HEADER))
_DAYS = 14
_CHILD_DAYS = 3650


def choose(
    rows: Sequence[Row], new: Row, before: int, fits: Callable[[int], bool], plain: Callable[[int], bool]
) -> int | None:
    """The nearest row that `fits`, the most alike first: `plain` ones show nothing that a copy must leave out.

    None if no row has all that the new one has. Rows have the six cells of HEADER.
    """
    facts = _facts(new)

    def alike(row: int) -> bool:
        return _facts(rows[row]) == facts

    def near(row: int) -> bool:
        return rows[row][HOSPITAL] == new[HOSPITAL] and abs(days_between(rows[row][DUE], new[DUE])) <= _DAYS

    wishes: list[Callable[[int], bool]] = [
        lambda row: alike(row) and near(row) and plain(row),
        lambda row: alike(row) and near(row),
        lambda row: alike(row) and rows[row][HOSPITAL] == new[HOSPITAL],
        alike,
        lambda row: _facts(rows[row]) >= facts,
    ]
    for wish in wishes:
        for row in _outward(before, len(rows)):
            if wish(row) and fits(row):
                return row
    return None


def days_between(old: Cell, new: Cell) -> int:
    """Days from one FHIR or HL7 date to another; 0 where either is none."""
    a, b = day_of(old), day_of(new)
    return (b - a).days if a and b else 0


def day_of(cell: Cell) -> date | None:
    """The day a FHIR or HL7 date names."""
    try:
        return datetime.strptime(str(cell or "").replace("-", "")[:8], "%Y%m%d").date()
    except ValueError:
        return None


def shown(rows: Sequence[Row]) -> list[int]:
    """The columns of HEADER that a file fills, the telephone number always."""
    return [at for at in range(len(HEADER)) if at == PHONE or any(row[at] is not None for row in rows)]


def adults(rows: Sequence[Row]) -> list[int]:
    """The rows of women: not born within ten years of the first due date, as the infants of a file are."""
    first_due = min((day for row in rows if (day := day_of(row[DUE]))), default=date.max)
    return [at for at, row in enumerate(rows) if (first_due - (day_of(row[BIRTH]) or date.min)).days >= _CHILD_DAYS]


def six(cells: Mapping[int, Cell]) -> Row:
    """A row of all of HEADER from the cells of its shown columns, as texts."""
    found = (cells.get(at) for at in range(len(HEADER)))
    return tuple(None if cell is None else str(cell) for cell in found)


def _facts(row: Row) -> frozenset[int]:
    return frozenset(at for at, cell in enumerate(row) if cell is not None)


def _outward(start: int, size: int) -> Iterator[int]:
    for distance in range(size + 1):
        for row in {start - 1 - distance, start + distance}:
            if 0 <= row < size:
                yield row
