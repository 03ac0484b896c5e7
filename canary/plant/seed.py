"""Planting canaries in one copy's file: draw, mint, insert, read back, commit, and only then let it appear."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.mint.cohort import Mint
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Fact, Persona, Row, Table
from canary.plant.before import sha256_of
from canary.plant.bulk import SAMPLE, Minting, SampledHost
from canary.plant.draft import Draft, Request, draw_up, host_of, mint_of, plan_of
from canary.plant.formats.base import Insertion, ProfiledFormat, StreamedFormat, TableFormat
from canary.plant.formats.detect import format_of
from canary.plant.order import insertion_points
from canary.plant.spool import Bulk, Spool
from canary.store import placements
from canary.store.appearances import Carried, Written
from canary.store.database import Store
from canary.store.placements import Drawn, Plan
from canary.store.schema import NumberState
from canary.trace.law import Law

BIG = 64 << 20  # bytes of a table's text from which on it is spooled: some 200,000 rows


@dataclass(frozen=True)
class Order:
    """What to seed: `count` canaries for `copy` into `target`, made from `source`. `secret` is the 256-bit seed
    of the draw; leave it None outside simulations. With `check` a file whose canaries stand out is refused,
    unless forced."""

    copy: str
    source: Path
    target: Path
    count: int
    window: timedelta
    profile: Profile | None = None
    secret: bytes | None = None
    law: Law = Law.EXCLUSIVE
    check: bool = False
    force: bool = False

    @property
    def request(self) -> Request:
        """The order without its files."""
        return Request(self.copy, self.count, self.window, self.profile, self.secret, self.law)


class Unsettled(OutsideError):
    """Publishing broke off and nobody can say whether anything appeared: the draw stays unfinished."""


@dataclass(frozen=True)
class Seeded:
    """What was done: codes of the numbers planted, canaries found already in the file, rows written, remarks."""

    copy: str
    canaries: int
    controls: int
    inherited: int
    rows: int
    commitment: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A file to be seeded, read and fitted once for every copy that is made of it.

    `table` is what the host was fitted to: all of the file's table, or where that is too big to hold a sample of it.
    Then `spooled` has every row."""

    path: Path
    file_format: TableFormat
    table: Table
    columns: Mapping[Fact, int]
    host: Minting
    spooled: Bulk | None = None
    profile: Profile | None = None

    @property
    def whole(self) -> Table | Bulk:
        """Every row of the file."""
        return self.spooled or self.table


@dataclass(frozen=True)
class Month:
    """What a month adds to a seeding: the canaries `carried` on from the recipient's copy `continues`, and how new
    personas are minted (by default as any row of the table)."""

    carried: Sequence[Carried] = ()
    continues: str | None = None
    mint: Mint | None = None


def opened(path: Path, profile: Profile | None = None, held: bool = False) -> Source:
    """A file's table and the model fitted to it; one of more than `BIG` bytes is spooled unless it must be `held`.

    Raises CanaryError or OutsideError.
    """
    file_format = format_of(path)
    if not held and isinstance(file_format, StreamedFormat) and file_format.size(path) > BIG:
        return _spooled(path, file_format, profile or Profile())
    table = file_format.read(path)
    if profile is None and isinstance(file_format, ProfiledFormat):
        profile = file_format.profile(table)
    columns = recognise(table, profile)
    return Source(path, file_format, table, columns, host_of(table, columns, profile), profile=profile)


def _spooled(path: Path, file_format: StreamedFormat, profile: Profile) -> Source:
    header, rows = file_format.stream(path)
    bulk = Bulk(header, Spool(rows))
    table = bulk.sample(SAMPLE)
    columns = recognise(table, profile)
    host = SampledHost(host_of(table, columns, profile), table, bulk.rows, columns, profile)
    return Source(path, file_format, table, columns, host, bulk, profile)


def seed(store: Store, now: datetime, order: Order, source: Source | None = None, month: Month | None = None) -> Seeded:
    """Plant canaries in one file. Raises CanaryError or OutsideError with nothing written and nothing recorded.

    `source` is `opened(order.source)` where a caller has it already; `month` makes the copy follow on an earlier one.
    """
    if order.target.exists():
        raise CanaryError(f"{order.target} is there already", "name another output file")
    source, month = source or opened(order.source, order.profile), month or Month()
    file_format, table = source.file_format, source.whole
    draft = draw_up(store, order.request, table, source.columns, month.mint or mint_of(source.host, source.columns))
    # Under the shared law a number may be drawn that stands in the file under a canary that lives on: no second row.
    fresh = draft.planted - {each.number for each in month.carried}
    new = [draft.personas[code].cells for code in draft.codes if code in fresh]
    wanted = [*[None] * len(new), *(each.before for each in month.carried)]
    insertions = insertion_points(table, [*new, *(each.cells for each in month.carried)], draft.rng, wanted)
    if order.target.suffix.lower() != order.source.suffix.lower():
        raise CanaryError(
            f"{order.target.name} is named for another format than {order.source.name}",
            f"a copy keeps its format: name it *{order.source.suffix}",
        )
    part = order.target.with_name(f".{order.target.name}.{secrets.token_hex(4)}.part")
    try:
        _write(file_format, order.source, part, insertions)
        written = check_written(file_format, part, table, insertions)
        rows = _rows(insertions)
        drawn = _drawn(draft.codes, draft.planted, draft.personas, rows)
        looks = _looks(order, part, source, insertions, drawn) if order.check else []
        plan = plan_of(order.request, draft, drawn, order.target.name, sha256_of(part))
        carried = [Written(each.canary, rows[id(each.cells)], each.cells) for each in month.carried]
        plan = replace(plan, header=table.header, carried=carried, continues=month.continues)
        appear(store, now, plan, lambda: _hand_out(part, order.target))
    finally:
        with suppress(OSError):  # never hide the error that brought us here
            part.unlink(missing_ok=True)
    return seeded_of(plan, draft, written, looks)


def _write(file_format: TableFormat, source: Path, part: Path, insertions: Sequence[Insertion]) -> None:
    try:
        file_format.insert(source, part, insertions)
        with part.open("rb") as written:
            os.fsync(written.fileno())
    except OSError as error:
        raise OutsideError(f"{part.parent}: {error.strerror}", "free space or choose another folder") from error


def check_written(file_format: TableFormat, part: Path, before: Table | Bulk, insertions: Sequence[Insertion]) -> int:
    """Read a written file back: every original row unchanged and in order, every new row in its place.

    Returns the number of data rows. Raises CanaryError if anything differs.
    """
    header, after = _read_back(file_format, part, streamed=isinstance(before, Bulk))
    size = 0
    same = header == before.header
    for row, wanted in zip_longest(after, _expected(before, insertions)):
        same = same and row == wanted
        size += 1
    if not same:
        raise CanaryError("the written file does not read back as planned", "this is a bug: nothing was handed out")
    return size


def _read_back(file_format: TableFormat, path: Path, streamed: bool) -> tuple[tuple[str, ...], Iterable[Row]]:
    if streamed and isinstance(file_format, StreamedFormat):
        return file_format.stream(path)
    table = file_format.read(path)
    return table.header, table.rows


def _looks(
    order: Order,
    part: Path,
    source: Source,
    insertions: Sequence[Insertion],
    drawn: Sequence[Drawn],
) -> list[str]:
    """Remarks on how easily canaries are picked out of the file; raises CanaryError if too easily.

    Of a table too big to hold the sample is examined, with all canaries in it.
    """
    # The libraries behind it take a second to load: only a checked seeding pays for it.
    from canary.plant.check.exam import Material, gate
    from canary.plant.check.subject import Subject

    before, columns = source.table, source.columns
    if source.spooled:
        share = len(before.rows) / len(source.spooled.rows)
        insertions = [replace(each, before=round(each.before * share)) for each in insertions]
        rows = _rows(insertions)
        drawn = [replace(d, row=rows.get(id(d.persona.cells))) for d in drawn]
    after = Table(before.header, tuple(expected_rows(before, insertions)))
    codes = {d.row: d.number for d in drawn if d.row is not None}
    subject = Subject(part, after, columns, codes, profile=source.profile)
    return gate(subject, Material(source=(order.source, before)), order.force)


def expected_rows(before: Table, insertions: Sequence[Insertion]) -> list[Row]:
    """The rows a file must have once the insertions stand in it."""
    return list(_expected(before, insertions))


def _expected(before: Table | Bulk, insertions: Sequence[Insertion]) -> Iterator[Row]:
    rows, done = iter(before.rows), 0
    for insertion in sorted(insertions, key=lambda i: i.before):
        yield from islice(rows, insertion.before - done)
        yield insertion.cells
        done = insertion.before
    yield from rows


def _rows(insertions: Sequence[Insertion]) -> dict[int, int]:
    """The data row of each inserted row in the new file, by the identity of its cells: two may hold the same."""
    in_order = sorted(insertions, key=lambda i: i.before)
    return {id(insertion.cells): insertion.before + shift for shift, insertion in enumerate(in_order)}


def _drawn(
    codes: Sequence[str], planted: set[str], personas: Mapping[str, Persona], rows: Mapping[int, int]
) -> list[Drawn]:
    # Insertions come sorted by place, not in the order of the codes; a persona's cells tell whose they are.
    row_of = {code: rows.get(id(personas[code].cells)) for code in planted}
    return [Drawn(code, code in planted, personas[code], row_of.get(code)) for code in codes]


def seeded_of(plan: Plan, draft: Draft, rows: int, looks: Sequence[str] = ()) -> Seeded:
    """What to tell of a draw that has appeared among `rows` rows."""
    controls = len(draft.codes) - len(draft.planted)
    return Seeded(
        copy=plan.copy,
        canaries=len(draft.planted),
        controls=controls,
        inherited=len(draft.inherited),
        rows=rows,
        commitment=plan.commitment,
        remarks=(*_remarks(controls, draft.undeclared), *looks),
    )


def appear(store: Store, now: datetime, plan: Plan, publish: Callable[[], None]) -> None:
    """Commit the draw to the ledger, then `publish` what carries it: never the other way round.

    `publish` raises OutsideError if nothing appeared (the draw is voided, its numbers stay ready), or Unsettled.
    """
    with store.writing() as session:
        placement = placements.record(session, now, plan)
    try:
        publish()
    except Unsettled:
        raise
    except OutsideError as error:
        with store.writing() as session:
            why = f"could not appear: {error.message}"
            placements.void(session, now, placement, why, back=NumberState.READY)
        raise
    with store.writing() as session:
        placements.seal(session, now, placement)


def _hand_out(part: Path, target: Path) -> None:
    try:
        _publish(part, target)
    except OSError as error:
        raise OutsideError(f"{target}: {error.strerror}", "choose another output file and run again") from error


def _publish(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike rename, fails if somebody made the target in the meantime
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        part.rename(target)


def _remarks(controls: int, undeclared: Sequence[str]) -> tuple[str, ...]:
    found = [f"carries canaries of {slug}, which no --from declares" for slug in undeclared]
    return (*found, *(() if controls else _WITHOUT_CONTROLS))


_WITHOUT_CONTROLS = ("no control numbers in these blocks: only callers who use a planted name can count",)
