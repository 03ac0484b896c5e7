"""Finds the canaries in a table by what the registry knows of them: their number, else name and due date, or in a
table without either their whole row."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from canary.errors import CanaryError
from canary.mint.columns import Profile, by_header
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Table
from canary.store.e164 import digit_forms
from canary.store.exclusion import Known

MOST = 0.75  # of the columns of the table she was planted in: fewer leave many rows alike


@dataclass(frozen=True)
class Match:
    """A data row (from 0) that holds a canary. It is in doubt when the number is a canary's, but not the name: a number
    may have belonged to a real woman before it was ours. Or when several rows agree with her in all that is shown."""

    row: int
    canary: Known
    by: Literal["phone", "name+due", "values"]
    sure: bool = True


def find(table: Table, known: Iterable[Known], profile: Profile | None = None) -> list[Match]:
    """The rows of a table that are canaries, in order.

    Raises CanaryError when the table shows neither telephone numbers nor names with due dates, and is not one in
    which canaries are known by their rows.
    """
    known, columns = list(known), by_header(table, profile)
    alike = [canary for canary in known if len(_shared(table, canary)) >= MOST * len(canary.header) > 0]
    if alike:
        return _by_row(table, alike)
    if Fact.PHONE in columns:
        return _by_phone(table, columns, known)
    if Fact.NAME in columns and Fact.DUE_DATE in columns:
        return _by_person(table, columns, known)
    raise CanaryError(
        "no canary can be told here: no column of telephone numbers, nor of names and due dates",
        "keep one of them in the query, or name the columns in a profile (--profile)",
    )


def _by_phone(table: Table, columns: Mapping[Fact, int], known: Iterable[Known]) -> list[Match]:
    forms: defaultdict[str, list[Known]] = defaultdict(list)
    for canary in known:
        for form in digit_forms(canary.phone):
            forms[form].append(canary)
    phone, name = columns[Fact.PHONE], columns.get(Fact.NAME)
    found = []
    for at, row in enumerate(table.rows):
        if not (holders := forms.get(_digits(row[phone]))):
            continue
        # A shared number stands under another persona in each copy: the name tells which canary this row is.
        named = [holder for holder in holders if name is not None and holder.name == _text(row[name])]
        sure = bool(named) or name is None or not any(holder.name for holder in holders)
        found.append(Match(at, (named or holders)[0], "phone", sure))
    return found


def _by_person(table: Table, columns: Mapping[Fact, int], known: Iterable[Known]) -> list[Match]:
    name, due = columns[Fact.NAME], columns[Fact.DUE_DATE]
    dates = DateColumn.fit(table.header[due], [row[due] for row in table.rows])
    people: dict[tuple[str, date | None], Known] = {}
    people.update(((canary.name, canary.due), canary) for canary in known if canary.name and canary.due)
    rows = ((at, people.get((_text(row[name]), dates.read(row[due])))) for at, row in enumerate(table.rows))
    return [Match(at, canary, "name+due") for at, canary in rows if canary]


def _by_row(table: Table, known: Iterable[Known]) -> list[Match]:
    found = []
    for header, whose in _by_header(known).items():
        shared = _shared(table, whose[0])
        ours, theirs = [header.index(title) for title in shared], [table.header.index(title) for title in shared]
        rows: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, row in enumerate(table.rows):
            rows[tuple(_text(row[column]) for column in theirs)].append(at)
        for canary in whose:
            places = rows.get(tuple(_text(canary.cells[column]) for column in ours), [])
            found += [Match(at, canary, "values", len(places) == 1) for at in places]
    return sorted(found, key=lambda match: match.row)


def _by_header(known: Iterable[Known]) -> Mapping[tuple[str, ...], list[Known]]:
    found: defaultdict[tuple[str, ...], list[Known]] = defaultdict(list)
    for canary in known:
        found[canary.header].append(canary)
    return found


def _shared(table: Table, canary: Known) -> list[str]:
    return [title for title in canary.header if title in table.header]


def _digits(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return re.sub(r"\D", "", "" if cell is None else str(cell))


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip()
