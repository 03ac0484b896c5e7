"""One reading of a sheet: where its table stands and how its cells are written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from canary.errors import CanaryError
from canary.plant.formats.base import Insertion
from canary.plant.formats.ooxml.ranges import Shift
from canary.plant.formats.ooxml.sheet import Indices, Shape, Sheet
from canary.plant.formats.ooxml.strings import Columns, References

_SAMPLE = 1 << 11  # bytes of each segment from which the columns' usual cells are learnt


def column_number(letters: str) -> int:
    """1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


class _Numbers(dict[bytes, int]):
    def __missing__(self, letters: bytes) -> int:
        return self.setdefault(letters, column_number(letters.decode()))


class _Collector:
    """Gathers the references to shared strings piece by piece."""

    def __init__(self) -> None:
        self._numbers = _Numbers()
        self._columns: list[Columns] = [np.empty(0, np.uint16)]
        self._indices: list[Indices] = [np.empty(0, np.int32)]
        self.count = 0

    def add(self, letters: list[bytes], indices: list[bytes]) -> None:
        self._columns.append(np.fromiter(map(self._numbers.__getitem__, letters), np.uint16, len(letters)))
        self._indices.append(np.fromiter(map(int, indices), np.int32, len(indices)))
        self.count += len(letters)

    def references(self, header: int) -> References:
        return References(np.concatenate(self._columns), np.concatenate(self._indices), header)


@dataclass
class Scan:
    """What a reading finds; `models` and `places` are by insertion: the row to write it like, and the
    number of references to shared strings above it."""

    shift: Shift
    columns: list[str]
    date1904: bool
    references: References
    shapes: Counter[tuple[str, Shape]] = field(default_factory=Counter)
    models: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def usual(self, column: str | None, kinds: Sequence[str] | None) -> Shape | None:
        """The commonest shape of these kinds in the column (None: in any; of any kind)."""
        counts = [
            (count, at, shape)
            for at, ((where, shape), count) in enumerate(self.shapes.items())
            if column in (None, where) and (kinds is None or shape.kind in kinds)
        ]
        return max(counts, key=lambda found: found[0])[2] if counts else None

    def string_in(self, column: str) -> int | None:
        """Some shared string of the column."""
        found = np.flatnonzero(self.references.columns == column_number(column))
        return int(self.references.indices[found[-1]]) if len(found) else None


def all_references(sheet: Sheet) -> References:
    """The cells of a sheet that hold shared strings."""
    collector = _Collector()
    header = 0
    for kind, text in sheet.pieces():
        if kind == "rows":
            header = header or len(sheet.shared(sheet.first_row(text))[0])
            collector.add(*sheet.shared(text))
    return collector.references(header)


def find_header(sheet: Sheet) -> tuple[int, bytes]:
    """The number and the XML of the first row that holds a value; raises CanaryError when none does."""
    for kind, text in sheet.pieces():
        if kind == "rows" and (row := sheet.first_filled(text)):
            return sheet.row_number(row), row
    raise CanaryError(f"{sheet.file_name}: the sheet is empty", "choose the file that holds the table")


def scan(sheet: Sheet, insertions: Sequence[Insertion], date1904: bool, sample: int = _SAMPLE) -> Scan:
    """Read the sheet once; raises CanaryError when rows cannot be moved or the new ones do not fit."""
    header_row, header = find_header(sheet)
    columns = [column for column, shape in sheet.cells(header) if shape.kind]
    _check_width(sheet, columns, insertions)
    before = [header_row + 1 + insertion.before for insertion in insertions]
    collector = _Collector()
    found = Scan(Shift(before, header_row + 1, 0), columns, date1904, collector.references(0))
    last = header_row
    previous = b""
    for kind, done, text in sheet.segments(before):
        if kind == "head":
            continue
        _take_models(sheet, found, done, previous, text if kind == "rows" else b"")
        found.places += [collector.count] * (done - len(found.places))
        if kind == "tail":
            break
        _refuse_formulas(sheet, text)
        collector.add(*sheet.shared(text))
        last = sheet.last_filled(text) or last
        data = text if previous else text[sheet.row_from(header_row + 1, text) or len(text) :]
        found.shapes.update(sheet.cells(data[:sample]))
        previous = text[sheet.last_row(text) :]
    if before and before[-1] > last + 1:
        raise CanaryError(f"{sheet.file_name}: a new row would stand below the table", "read the file again")
    found.shift = Shift(before, header_row + 1, last)
    found.references = collector.references(len(sheet.shared(header)[0]))
    return found


def _check_width(sheet: Sheet, columns: Sequence[str], insertions: Iterable[Insertion]) -> None:
    numbers = [column_number(column) for column in columns]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise CanaryError(f"{sheet.file_name}: the header has an empty cell", "name every column in the first row")
    for insertion in insertions:
        if len(insertion.cells) != len(columns):
            raise CanaryError(
                f"{sheet.file_name}: a new row has {len(insertion.cells)} cells, the table {len(columns)} columns",
                "read the file again",
            )


def _take_models(sheet: Sheet, found: Scan, done: int, previous: bytes, rows: bytes) -> None:
    """The row above is the model of a new row, but below the header it is the row underneath."""
    for at in range(len(found.models), done):
        below = found.shift.before[at] == found.shift.first
        model = sheet.first_row(rows) if below else previous
        if not model:
            raise CanaryError(f"{sheet.file_name}: no data row to take the style from", "choose a table with rows")
        found.models.append(model)


def _refuse_formulas(sheet: Sheet, rows: bytes) -> None:
    if (row := sheet.formula_row(rows)) is not None:
        raise CanaryError(
            f"{sheet.file_name}: row {row} holds a formula, which new rows would break",
            "export the table as values and use that",
        )
