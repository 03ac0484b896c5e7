"""The file under examination: its table, and which of its rows are canaries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canary.mint.columns import Profile, blank
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Row, Table
from canary.plant.check.lights import Line, rule_light

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Subject:
    """A seeded file: `codes` names the canary in each data row (from 0) that holds one."""

    path: Path
    table: Table
    columns: Mapping[Fact, int]
    codes: Mapping[int, str]
    handed_over: date | None = None
    profile: Profile | None = None
    _dates: dict[int, list[date | None]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def canary(self) -> Flags:
        """Which rows are canaries."""
        flags = np.zeros(len(self.table.rows), np.bool_)
        flags[list(self.codes)] = True
        return flags

    @cached_property
    def genuine(self) -> Table:
        """The table without its canaries."""
        return Table(self.table.header, tuple(row for i, row in enumerate(self.table.rows) if i not in self.codes))

    @cached_property
    def planted(self) -> tuple[Row, ...]:
        """The canaries' rows, in order."""
        return tuple(self.table.rows[i] for i in sorted(self.codes))

    @cached_property
    def filled(self) -> list[Row]:
        """The rows with None for whatever is blank."""
        return [tuple(None if blank(cell) else cell for cell in row) for row in self.table.rows]

    def cells(self, fact: Fact) -> Sequence[Cell] | None:
        """A fact's column, or None where the table has none."""
        return [row[self.columns[fact]] for row in self.table.rows] if fact in self.columns else None

    def days(self, fact: Fact) -> list[date | None] | None:
        """A date fact's column as days, or None where the table has none."""
        return self.dates(self.columns[fact]) if fact in self.columns else None

    def dates(self, at: int) -> list[date | None]:
        """A column as days; raises CanaryError when it holds no dates."""
        if at not in self._dates:
            cells = [row[at] for row in self.table.rows]
            column = DateColumn.fit(self.table.header[at], cells)
            self._dates[at] = [column.read(cell) for cell in cells]
        return self._dates[at]

    def rule(self, name: str, broken: Iterable[bool], advice: str) -> Line:
        """The line of a rule: which rows break it, canaries against all others."""
        flags = np.fromiter(broken, np.bool_, len(self.table.rows))
        at = np.flatnonzero(flags & self.canary)
        theirs, others = int(np.sum(flags & ~self.canary)), len(self.table.rows) - len(self.codes)
        light = rule_light(len(at), len(self.codes), theirs, others)
        return Line(
            "rules",
            name,
            light,
            f"{len(at)} of {len(self.codes)} canaries",
            f"{theirs:,} of {others:,} other rows ({theirs / max(others, 1):.2%})",
            advice,
            {"canaries": len(at), "others": theirs, "rate": theirs / max(others, 1)},
            tuple(self.codes[int(i)] for i in at),
        )
