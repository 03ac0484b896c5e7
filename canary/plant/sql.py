"""Planting canaries in a database's table: by a view over it and a side table, or as rows of the table itself."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from canary.errors import CanaryError, OutsideError
from canary.mint.columns import recognise
from canary.mint.facts import Persona, Row, Table
from canary.plant.database import Database, HostTable, checked_url, first_line, opened, plain, row_digest, same_database
from canary.plant.draft import Draft, Request, draw_up, host_of, mint_of, plan_of
from canary.plant.fill import Columns
from canary.plant.seed import Seeded, Unsettled, appear, seeded_of
from canary.store import placements
from canary.store.database import Store
from canary.store.placements import Drawn
from canary.store.schema import PlacementState

FINISH = "`canary copy seal COPY URL` if its rows are there, else `canary copy void COPY`"


@dataclass(frozen=True)
class SqlOrder:
    """What to seed in the database `url`: canaries for `table`, handed out as a new view of the name `view` over
    it and a new table `side`; without `view`, as rows of the table itself. `without` are columns left out."""

    request: Request
    url: str
    table: str
    view: str | None
    side: str = ""
    without: tuple[str, ...] = ()

    @property
    def handed(self) -> str:
        """The name of what the recipient is given."""
        return self.view or self.table


@dataclass(frozen=True)
class Rehearsal:
    """What seeding would do: rows there and rows to be, where key values come from, and the statements."""

    copy: str
    canaries: int
    controls: int
    inherited: int
    rows: int
    columns: tuple[str, ...]
    fresh: tuple[str, ...]
    assigned: tuple[str, ...]
    empty: tuple[str, ...]
    statements: tuple[str, ...]


@dataclass(frozen=True)
class _Work:
    """One seeding under way inside the host's transaction."""

    order: SqlOrder
    table: HostTable
    draft: Draft
    columns: Columns
    personas: Mapping[str, Persona]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The new rows, without what the database fills in."""
        given = [c for c in self.table.columns if c not in self.columns.assigned]
        cells = [dict(zip(self.table.columns, p.cells, strict=True)) for p in self.personas.values()]
        return [{name: row[name] for name in given} for row in cells]

    @property
    def empty(self) -> tuple[str, ...]:
        """Columns that hold something in the host and nothing in any new row."""
        filled = {name for row in self.rows for name, cell in row.items() if cell is not None}
        bare = set(self.table.columns) - filled - set(self.columns.assigned)
        held = {c for at, c in enumerate(self.table.columns) if any(row[at] is not None for row in self.table.rows)}
        return tuple(c for c in self.table.columns if c in bare & (held | self.table.unsupported))


def seed_table(store: Store, now: datetime, order: SqlOrder) -> Seeded:
    """Plant canaries in a database's table. Raises CanaryError or OutsideError with nothing left in either database,
    or Unsettled when the connection broke while the host's transaction was ending."""
    _refuse_own_registry(store, order.url)
    with opened(order.url) as host:
        work = _prepared(store, host, order)
        written = _inserted(work) if order.view is None else _viewed(work, order.view)
        handed = _check_written(work, written)
        # Of all rows, as of a file: a hash of the new ones alone could be tried out on every row of the copy.
        sha256 = hashlib.sha256("".join(handed).encode()).hexdigest()
        drawn = [Drawn(c, c in work.draft.planted, _persona(work, c), None) for c in work.draft.codes]
        plan = plan_of(order.request, work.draft, drawn, order.handed, sha256)
        receipt = {
            "database": host.name,
            "table": order.table,
            "view": order.view,
            "side": order.side,
            "columns": list(work.table.columns),
            "rows": sorted(map(row_digest, written)),
        }
        appear(store, now, replace(plan, receipt=receipt, header=work.table.columns), lambda: _commit(host))
    done = seeded_of(plan, work.draft, len(handed))
    return replace(done, remarks=(*done.remarks, *_remarks(work, written)))


def rehearse(store: Store, order: SqlOrder) -> Rehearsal:
    """What `seed_table` would do, for nothing: the host is opened for reading only, and no draw is kept."""
    _refuse_own_registry(store, order.url)
    with opened(order.url, write=False) as host:
        work = _prepared(store, host, order)
        insert = sa.insert(work.table.clause if order.view is None else _side(work)).values(work.rows[0])
        steps = [insert] if order.view is None else [_side_created(work), insert, _view_created(work, order.view)]
        statements = [" ".join(str(step.compile(dialect=host.connection.dialect)).split()) for step in steps]
        return Rehearsal(
            copy=order.request.copy,
            canaries=len(work.personas),
            controls=len(work.draft.codes) - len(work.personas),
            inherited=len(work.draft.inherited),
            rows=len(work.table.rows) + len(work.personas),
            columns=work.table.columns,
            fresh=work.columns.fresh,
            assigned=work.columns.assigned,
            empty=work.empty,
            statements=tuple(statements),
        )


def undo(store: Store, now: datetime, copy: str, url: str) -> int:
    """Take out of the database exactly what seeding `copy` put there; returns how many rows.

    Raises CanaryError when it is not there as it was put there, with nothing changed.
    """
    with store.reading() as session:
        placement, receipt = placements.hosted(session, copy)
    with opened(url) as host:
        if receipt["view"]:
            _stands(host, copy, receipt)
            for element in (sa.DropView(_named(receipt["view"])), sa.schema.DropTable(_named(receipt["side"]))):
                host.connection.execute(element)
        else:
            _delete(host, copy, receipt)
        # The host first: should we die in between, the registry still counts rows that are gone, not the reverse.
        host.commit()
    with store.writing() as session:
        placements.taken_out(session, now, placement.id)
    return len(receipt["rows"])


def finish(store: Store, now: datetime, copy: str, url: str) -> None:
    """Seal an unfinished draw whose rows did appear. Raises CanaryError unless they stand there as planned."""
    with store.reading() as session:
        placement, receipt = placements.hosted(session, copy)
    if placement.state != PlacementState.DRAWN:
        raise CanaryError(f"copy {copy!r} has no unfinished draw", "see `canary doctor`")
    with opened(url, write=False) as host:
        _stands(host, copy, receipt)
    with store.writing() as session:
        placements.seal(session, now, placement.id)


def _refuse_own_registry(store: Store, url: str) -> None:
    if same_database(store.engine.url, checked_url(url)):
        raise CanaryError("this database is the registry itself", "keep it where no recipient's account can look")


def _prepared(store: Store, host: Database, order: SqlOrder) -> _Work:
    for name in filter(None, (order.view, order.view and order.side)):
        if host.has(name):
            raise CanaryError(f"{host.name}: {name} is there already", "choose another name")
    table = host.table(order.table, order.without)
    seen = Table(table.columns, tuple(table.rows))
    facts = recognise(seen, order.request.profile)
    mint = mint_of(host_of(seen, facts, order.request.profile), facts)
    draft = draw_up(store, order.request, seen, facts, mint)
    codes = [code for code in draft.codes if code in draft.planted]
    minted = [draft.personas[code] for code in codes]
    columns = Columns.of(table, minted, order.request.profile, insert=order.view is None)
    filled = columns.filled(table, minted, draft.rng)
    return _Work(order, table, draft, columns, dict(zip(codes, filled, strict=True)))


def _persona(work: _Work, code: str) -> Persona:
    return work.personas.get(code) or work.draft.personas[code]


def _inserted(work: _Work) -> list[Row]:
    """Insert the new rows and give them back as the database keeps them."""
    table = work.table
    back = [table.clause.c[name] for name in table.columns]
    connection = table.database.connection
    kept = [connection.execute(sa.insert(table.clause).values(row).returning(*back)).one() for row in work.rows]
    return list(map(plain, kept))


def _viewed(work: _Work, view: str) -> list[Row]:
    """Create the side table with the new rows, and the view over both."""
    connection = work.table.database.connection
    connection.execute(_side_created(work))
    connection.execute(sa.insert(_side(work)), work.rows)
    connection.execute(_view_created(work, view))
    return list(work.table.database.table(work.order.side).read())


def _side(work: _Work) -> sa.TableClause:
    schema, _, name = work.order.side.rpartition(".")
    types = (sa.column(c, work.table.clause.c[c].type) for c in work.table.columns)
    return sa.table(name, *types, schema=schema or None)


def _side_created(work: _Work) -> sa.CreateTableAs:
    schema, _, name = work.order.side.rpartition(".")
    return sa.CreateTableAs(_selected(work, work.table.clause).where(sa.false()), name, schema=schema or None)


def _view_created(work: _Work, view: str) -> sa.CreateView:
    """The view is sorted, by the key if it is handed out, else by all: unsorted, the side table would come last."""
    schema, _, name = view.rpartition(".")
    both = sa.union_all(_selected(work, work.table.clause), _selected(work, _side(work)))
    key = list(work.table.reflected.primary_key.columns.keys())
    by = key if key and set(key) <= set(work.table.columns) else [*work.table.columns]
    ordered = both.order_by(*(both.selected_columns[c] for c in by if c not in work.table.unsupported))
    return sa.CreateView(ordered, name, schema=schema or None)


def _selected(work: _Work, table: sa.TableClause) -> sa.Select[Any]:
    return sa.select(*(table.c[name] for name in work.table.columns))


def _check_written(work: _Work, written: Sequence[Row]) -> list[str]:
    """Every new row is kept as given, and what is handed out is the old rows and these: its digests, sorted."""
    given = [c for c in work.table.columns if c not in work.columns.assigned]
    places = [work.table.columns.index(name) for name in given]
    kept = Counter(row_digest(tuple(row[at] for at in places)) for row in written)
    after = work.table.database.table(work.order.handed)
    found = sorted(map(row_digest, after.read()))
    if kept != Counter(row_digest(tuple(row.values())) for row in work.rows):
        raise CanaryError("the database changes new rows (a trigger, a rounding)", "plant with a view instead")
    if found != sorted(map(row_digest, [*work.table.rows, *written])):
        raise CanaryError("the table does not read back as planned", "this is a bug: nothing was handed out")
    return found


def _commit(host: Database) -> None:
    try:
        host.commit()
    except DBAPIError as error:
        said = f"{host.name}: {first_line(error)}"
        if error.connection_invalidated:
            raise Unsettled(f"{said}; nobody can say whether the rows appeared", FINISH) from error
        raise OutsideError(said, "nothing was planted; mend it and run again") from error


def _stands(host: Database, copy: str, receipt: Mapping[str, Any]) -> HostTable:
    """The table that holds the rows of a receipt. Raises CanaryError unless it holds all of them unchanged, and
    nothing else if it is ours."""
    name = receipt["side"] if receipt["view"] else receipt["table"]
    wanted = [n for n in (name, receipt["view"]) if n]
    missing = [n for n in wanted if not host.has(n)]
    if missing and len(missing) < len(wanted):
        raise CanaryError(
            f"{host.name}: {missing[0]} of copy {copy!r} is gone", "look for it, or remove the rest by hand"
        )
    if missing:
        raise CanaryError(
            f"{host.name}: nothing of copy {copy!r} stands here", f"it was planted in {receipt['database']}, or undone"
        )
    table = host.table(name)
    ours, found = Counter(receipt["rows"]), Counter(map(row_digest, replace(table, columns=_columns(receipt)).read()))
    if found != ours if receipt["view"] else ours - found:
        raise CanaryError(
            f"{host.name}: {name} no longer holds the rows of copy {copy!r} as they were put there",
            "somebody changed or removed them: look at the table; nothing was touched",
        )
    return table


def _columns(receipt: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(receipt["columns"])


def _delete(host: Database, copy: str, receipt: Mapping[str, Any]) -> None:
    table = replace(_stands(host, copy, receipt), columns=_columns(receipt))
    ours = Counter(receipt["rows"])
    key = list(table.reflected.primary_key.columns.keys()) or [c for c in table.columns if c not in table.unsupported]
    places = [table.columns.index(name) for name in key]
    for row in [row for row in table.rows if row_digest(row) in ours]:
        same = (table.clause.c[name].is_not_distinct_from(row[at]) for name, at in zip(key, places, strict=True))
        if host.connection.execute(sa.delete(table.clause).where(*same)).rowcount != 1:
            raise CanaryError(
                f"{host.name}: {receipt['table']} holds a row of copy {copy!r} twice", "remove the second one first"
            )


def _named(name: str) -> sa.Table:
    schema, _, table = name.rpartition(".")
    return sa.Table(table, sa.MetaData(), schema=schema or None)


def _remarks(work: _Work, written: Sequence[Row]) -> list[str]:
    found = [f"column {name} is filled in the table and empty in every canary" for name in work.empty]
    for name in work.columns.assigned:
        values = [row[work.table.columns.index(name)] for row in written]
        found.append(f"the database itself filled {name}: {values[0]} to {values[-1]}, one block after all others")
    return found
