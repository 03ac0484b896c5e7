"""Two files laid side by side: are canaries more common among the rows that differ than among all rows?"""

from collections.abc import Iterable
from dataclasses import dataclass

from canary.mint.facts import Cell, Fact, Row, Table
from canary.plant.check.lights import DIFF_GREEN, Light, Line, ratio_light
from canary.plant.check.subject import Subject

_MONTHS = "let canaries live on from month to month, arriving and leaving as women do"
_RECIPIENTS = (
    "rows that stand in one of two otherwise equal copies are its canaries. What helps: hand each recipient another "
    "scope of rows, place canaries by the shared law, and let late entries differ between recipients"
)


@dataclass(frozen=True)
class Other:
    """Another file to compare with, and which of its rows (from 0) are canaries."""

    name: str
    table: Table
    canaries: frozenset[int]


def month_lines(subject: Subject, previous: Other) -> list[Line]:
    """Last month's copy of the same recipient: rows new, gone and changed."""
    here, there = _keyed(subject.table, subject), _keyed(previous.table, subject)
    ours = {key for i, key in enumerate(here) if i in subject.codes}
    theirs = {key for i, key in enumerate(there) if i in previous.canaries}
    new, gone = set(here) - set(there), set(there) - set(here)
    before = dict(zip(there, previous.table.rows, strict=True))
    # Two rows with one key are compared as they come: some are called changed, canaries no more than others.
    changed = {k for k, row in zip(here, subject.table.rows, strict=True) if k in before and before[k] != row}
    base = len(ours) / max(len(set(here)), 1)
    base_before = len(theirs) / max(len(set(there)), 1)
    looks = (("new", new, ours, base), ("gone", gone, theirs, base_before), ("changed", changed, ours | theirs, base))
    return [_line("months", f"{previous.name}: rows {what}", rows, who, rate) for what, rows, who, rate in looks]


def recipient_lines(subject: Subject, other: Other) -> list[Line]:
    """Another recipient's copy of the same month: whole rows that stand in one of the two only."""
    here, there = _plain(subject.table.rows), _plain(other.table.rows)
    ours = {row for i, row in enumerate(here) if i in subject.codes}
    theirs = {row for i, row in enumerate(there) if i in other.canaries}
    only_here, only_there = set(here) - set(there), set(there) - set(here)
    base, base_there = len(ours) / max(len(set(here)), 1), len(theirs) / max(len(set(there)), 1)
    return [
        _line("recipients", f"{other.name}: rows only here", only_here, ours, base),
        _line("recipients", f"{other.name}: rows only there", only_there, theirs, base_there),
    ]


def _keyed(table: Table, subject: Subject) -> list[tuple[Cell, ...]]:
    """By what an attacker knows a woman again: her telephone number, else name and due date, else all cells."""
    for facts in ([Fact.PHONE], [Fact.NAME, Fact.DUE_DATE]):
        if all(fact in subject.columns for fact in facts):
            at = [subject.columns[fact] for fact in facts]
            # A row without a number is known by all it holds.
            return [key if None not in (key := tuple(row[i] for i in at)) else row for row in table.rows]
    return _plain(table.rows)


def _plain(rows: Iterable[Row]) -> list[tuple[Cell, ...]]:
    return [tuple(row) for row in rows]


def _line(group: str, name: str, rows: set[tuple[Cell, ...]], canaries: set[tuple[Cell, ...]], base: float) -> Line:
    hits = len(rows & canaries)
    light = ratio_light(hits, len(rows), base) if base else Light.GREY
    precision = hits / len(rows) if rows else 0.0
    ratio = precision / base if base else 0.0
    found = f"{hits} canaries in {len(rows):,} rows ({precision:.2%})"
    expected = f"{base:.2%} of all rows; here {ratio:.1f} times, {DIFF_GREEN:.0f} at most"
    figures = {"hits": hits, "rows": len(rows), "precision": precision, "base": base, "ratio": ratio}
    return Line(group, name, light, found, expected, _MONTHS if group == "months" else _RECIPIENTS, figures)
