"""Makes personas into rows of a database's table: keys, empty values, and what the database sets itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import sqlalchemy as sa

from canary.errors import CanaryError
from canary.mint.columns import Profile, blank, recognise
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.plant.database import HostTable
from canary.plant.keys import Keys

_NEIGHBOURS = 5_000
_WITHOUT = "leave the column out of what is handed out (--without)"


@dataclass(frozen=True)
class Columns:
    """Which columns get a fresh value in each new row, and which the database fills; the rest come from personas."""

    fresh: tuple[str, ...]
    assigned: tuple[str, ...]
    numbered: str | None = None  # the column that is the personas' running number

    @classmethod
    def of(cls, table: HostTable, personas: Sequence[Persona], profile: Profile | None, insert: bool) -> "Columns":
        """Raises CanaryError on a column that must hold something and for which nothing can be invented."""
        facts = recognise(Table(table.columns, tuple(table.rows)), profile)
        distinct, blanks = _declared_distinct(table), _blanks(table)
        fresh, assigned = [], []
        for at, name in enumerate(table.columns):
            column = table.reflected.c[name]
            lacking = not (column.nullable or blanks[at]) and any(p.cells[at] is None for p in personas)
            numbered = facts.get(Fact.RUNNING_NUMBER) == at or _runs(table, at)
            own = (name in distinct and facts.get(Fact.PHONE) != at) or numbered or lacking
            if insert and _set_by_database(table, column, own):
                assigned.append(name)
            elif column.computed is not None:
                raise CanaryError(f"column {name!r} is computed by the database", f"{_WITHOUT}, or plant with --insert")
            elif own:
                fresh.append(name)
        _refuse_references(table, fresh)
        number = facts.get(Fact.RUNNING_NUMBER)
        return cls(tuple(fresh), tuple(assigned), None if number is None else table.columns[number])

    def filled(self, table: HostTable, personas: Sequence[Persona], rng: Random) -> list[Persona]:
        """The personas with fresh values in place, and empty cells as empty as the host writes them."""
        places = {name: at for at, name in enumerate(table.columns)}
        blanks = _blanks(table)
        rows = [_emptied(persona.cells, blanks, rng) for persona in personas]
        near = [_neighbour(table, row, rng) for row in rows]
        drawn: dict[int, list[Cell]] = {}
        for name in self.fresh:
            at = places[name]
            drawn[at] = Keys(name, (row[at] for row in table.rows)).draw(rng, [row[at] for row in near])
        filled = []
        for i, (persona, row) in enumerate(zip(personas, rows, strict=True)):
            cells = tuple(drawn[at][i] if at in drawn else cell for at, cell in enumerate(row))
            number = {} if self.numbered is None else {Fact.RUNNING_NUMBER: cells[places[self.numbered]]}
            filled.append(replace(persona, cells=cells, facts={**persona.facts, **number}))
        return filled


def _declared_distinct(table: HostTable) -> set[str]:
    """Columns that the table's keys keep distinct; of a key of several columns, the one that tells most apart."""
    inspector = sa.inspect(table.database.connection)
    name, schema = table.reflected.name, table.reflected.schema
    keys = [list(table.reflected.primary_key.columns.keys())]
    if inspector.has_table(name, schema) and name not in inspector.get_view_names(schema):
        keys += [list(unique["column_names"]) for unique in inspector.get_unique_constraints(name, schema)]
        keys += [[c for c in i["column_names"] if c] for i in inspector.get_indexes(name, schema) if i["unique"]]
    found = set()
    for key in keys:
        held = [column for column in key if column in table.columns]
        if held and len(held) == len(key):
            found.add(max(held, key=lambda c: len({row[table.columns.index(c)] for row in table.rows})))
    return found


def _set_by_database(table: HostTable, column: sa.Column[Cell], own: bool) -> bool:
    """Whether the database gives the column its value: always, or where each row needs its `own`."""
    if column.computed is not None or (column.identity is not None and column.identity.always):
        return True
    return own and (column.server_default is not None or column.identity is not None or _is_rowid(table, column))


def _is_rowid(table: HostTable, column: sa.Column[Cell]) -> bool:
    """SQLite numbers a column itself that is declared as INTEGER PRIMARY KEY, in just these words."""
    connection, reflected = table.database.connection, table.reflected
    if connection.dialect.name != "sqlite" or list(reflected.primary_key.columns.keys()) != [column.name]:
        return False
    declared = sa.func.pragma_table_info(reflected.name, reflected.schema or "main").table_valued("name", "type")
    return connection.scalar(sa.select(declared.c.type).where(declared.c.name == column.name)) == "INTEGER"


def _runs(table: HostTable, at: int) -> bool:
    """Whether a column of whole numbers counts the rows, with or without gaps, though no key says so."""
    if table.reflected.c[table.columns[at]].foreign_keys:
        return False
    numbers = [row[at] for row in table.rows]
    if len(numbers) < 3 or not all(isinstance(n, int) and not isinstance(n, bool) for n in numbers):
        return False
    whole = sorted(n for n in numbers if isinstance(n, int))
    return all(a < b for a, b in pairwise(whole)) and whole[-1] - whole[0] < 2 * len(whole)


def _refuse_references(table: HostTable, fresh: Sequence[str]) -> None:
    for name in fresh:
        if table.reflected.c[name].foreign_keys:
            raise CanaryError(f"column {name!r} names another table's row, one for each row here", _WITHOUT)


def _blanks(table: HostTable) -> Mapping[int, Sequence[Cell]]:
    """For each column, the cells that hold nothing: NULL, or a text of spaces."""
    known = [name not in table.unsupported for name in table.columns]
    return {at: [row[at] for row in table.rows if known[at] and blank(row[at])] for at in range(len(known))}


def _emptied(row: Row, blanks: Mapping[int, Sequence[Cell]], rng: Random) -> Row:
    return tuple(rng.choice(blanks[at]) if cell is None and blanks[at] else cell for at, cell in enumerate(row))


def _neighbour(table: HostTable, cells: Row, rng: Random) -> Row:
    """The row of the host most like a new one: a new key stands near its own."""
    rows = rng.sample(table.rows, min(_NEIGHBOURS, len(table.rows)))
    return max(rows, key=lambda row: sum(a == b and a is not None for a, b in zip(row, cells, strict=True)))
