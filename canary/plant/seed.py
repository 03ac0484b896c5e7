"""Planting canaries in one copy's file: draw, mint, insert, read back, commit, and only then let it appear."""

import hashlib
import os
import random
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import phonenumbers

from canary.errors import CanaryError, OutsideError
from canary.mint.cohort import Mint
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Fact, Persona, Row, Table
from canary.mint.host import Host, fit
from canary.plant.formats.base import Insertion, TableFormat
from canary.plant.formats.detect import format_of
from canary.plant.order import insertion_points
from canary.prove.commitment import commitment, opening
from canary.store import placements
from canary.store.appearances import Carried, Written
from canary.store.database import Store
from canary.store.placements import Drawn, Plan, Pool
from canary.store.schema import NumberState
from canary.trace.law import Law, apportion, draw, rank


@dataclass(frozen=True)
class Order:
    """What to seed: `count` canaries for `copy` into `target`, made from `source`. `secret` is the 256-bit seed
    of the draw; leave it None outside simulations."""

    copy: str
    source: Path
    target: Path
    count: int
    window: timedelta
    profile: Profile | None = None
    secret: bytes | None = None
    law: Law = Law.EXCLUSIVE


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
    """A file to be seeded, read and fitted once for every copy that is made of it."""

    path: Path
    file_format: TableFormat
    table: Table
    columns: Mapping[Fact, int]
    host: Host


@dataclass(frozen=True)
class Month:
    """What a month adds to a seeding: the canaries `carried` on from the recipient's copy `continues`, and how new
    personas are minted (by default as any row of the table)."""

    carried: Sequence[Carried] = ()
    continues: str | None = None
    mint: Mint | None = None


def opened(path: Path, profile: Profile | None = None) -> Source:
    """A file's table and the model fitted to it. Raises CanaryError or OutsideError."""
    file_format = format_of(path)
    table = file_format.read(path)
    columns = recognise(table, profile)
    return Source(path, file_format, table, columns, host_of(table, columns, profile))


def seed(store: Store, now: datetime, order: Order, source: Source | None = None, month: Month | None = None) -> Seeded:
    """Plant canaries in one file. Raises CanaryError or OutsideError with nothing written and nothing recorded.

    `source` is `opened(order.source)` where a caller has it already; `month` makes the copy follow on an earlier one.
    """
    if order.target.exists():
        raise CanaryError(f"{order.target} is there already", "name another output file")
    source, month = source or opened(order.source, order.profile), month or Month()
    file_format, table = source.file_format, source.table
    secret = order.secret or secrets.token_bytes(32)
    with store.reading() as session:
        placements.unplanted(session, order.copy)
        pools = placements.pools(session, order.law)
        planted, controls = _draw(pools, order.count, secret, order.law)
        e164 = placements.e164_by_code(session, planted | controls)
        inherited = _inherited(table, source.columns, placements.planted_phones(session))
        undeclared = placements.undeclared(session, order.copy, inherited)
    # Which persona stands on which number is part of the draw: minted one after another, given out at random.
    codes = sorted(planted | controls, key=lambda code: rank(secret, f"persona {code}"))
    rng = random.Random(rank(secret, "personas"))
    mint = month.mint or source.host.personas
    personas = dict(zip(codes, mint(rng, [e164[c] for c in codes]), strict=True))
    # Under the shared law a number may be drawn that stands in the file under a canary that lives on: no second row.
    new = [personas[c].cells for c in codes if c in planted - {each.number for each in month.carried}]
    wanted = [*[None] * len(new), *(each.before for each in month.carried)]
    insertions = insertion_points(table, [*new, *(each.cells for each in month.carried)], rng, wanted)
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
        drawn = _drawn(codes, planted, personas, rows)
        plan = _plan(order, secret, pools, drawn, inherited, hashlib.sha256(part.read_bytes()).hexdigest())
        carried = [Written(each.canary, rows[id(each.cells)], each.cells) for each in month.carried]
        plan = replace(plan, header=table.header, carried=carried, continues=month.continues)
        _appear(store, now, plan, part, order.target)
    finally:
        with suppress(OSError):  # never hide the error that brought us here
            part.unlink(missing_ok=True)
    return Seeded(
        copy=order.copy,
        canaries=len(planted),
        controls=len(controls),
        inherited=len(inherited),
        rows=written,
        commitment=plan.commitment,
        remarks=_remarks(len(controls), undeclared),
    )


def host_of(table: Table, columns: Mapping[Fact, int], profile: Profile | None) -> Host:
    """The model personas are drawn from, fitted to the table on its profile's terms."""
    terms = profile or Profile()
    return fit(table, columns, terms.country, terms.never_issue)


def _draw(pools: Mapping[str, Pool], count: int, secret: bytes, law: Law = Law.EXCLUSIVE) -> tuple[set[str], set[str]]:
    ready = {block: len(pool.ready) for block, pool in pools.items()}
    if count < 1 or count > sum(ready.values()):
        raise CanaryError(
            f"{count} canaries wanted, {sum(ready.values())} numbers ready",
            "import more (`canary number import`), wait for quarantine to end, or ask for fewer (--canaries)",
        )
    shares = apportion(ready, count)
    planted = {code for block, share in shares.items() for code in draw(secret, pools[block].ready, share)}
    spared = {code for block in shares for code in pools[block].controls}
    if law is Law.SHARED:
        spared |= {code for block in shares for code in pools[block].ready} - planted
    return planted, spared


def _inherited(
    table: Table, columns: Mapping[Fact, int], planted: Mapping[str, Sequence[tuple[int, str]]]
) -> list[int]:
    # Full parsing of 40,000 phones costs seconds; digits with and without country code are enough to find ours.
    known = {form: canaries for e164, canaries in planted.items() for form in digit_forms(e164)}
    phone, name = columns[Fact.PHONE], columns.get(Fact.NAME)
    found = []
    for row in table.rows:
        canaries = known.get(re.sub(r"\D", "", str(row[phone] or "")), ())
        # A shared number stands under another persona in each copy: the name tells which canary this row is.
        alike = [i for i, persona in canaries if name is not None and persona == str(row[name] or "")]
        found += alike or [i for i, _ in canaries]
    return found


def digit_forms(e164: str) -> set[str]:
    """The digits a register may hold for a number: with country code, without, with the trunk prefix."""
    parsed = phonenumbers.parse(e164)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    bare = phonenumbers.national_significant_number(parsed)
    return {e164.lstrip("+"), "00" + e164.lstrip("+"), bare, re.sub(r"\D", "", national)}


def _write(file_format: TableFormat, source: Path, part: Path, insertions: Sequence[Insertion]) -> None:
    try:
        file_format.insert(source, part, insertions)
        with part.open("rb") as written:
            os.fsync(written.fileno())
    except OSError as error:
        raise OutsideError(f"{part.parent}: {error.strerror}", "free space or choose another folder") from error


def check_written(file_format: TableFormat, part: Path, before: Table, insertions: Sequence[Insertion]) -> int:
    """Read a written file back: every original row unchanged and in order, every new row in its place.

    Returns the number of data rows. Raises CanaryError if anything differs.
    """
    after = file_format.read(part)
    if after.header != before.header or list(after.rows) != list(expected_rows(before, insertions)):
        raise CanaryError("the written file does not read back as planned", "this is a bug: nothing was handed out")
    return len(after.rows)


def expected_rows(before: Table, insertions: Sequence[Insertion]) -> list[Row]:
    """The rows a file must have once the insertions stand in it."""
    rows: list[Row] = []
    done = 0
    for insertion in sorted(insertions, key=lambda i: i.before):
        rows += [*before.rows[done : insertion.before], insertion.cells]
        done = insertion.before
    return rows + list(before.rows[done:])


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


def _plan(
    order: Order,
    secret: bytes,
    pools: Mapping[str, Pool],
    drawn: Sequence[Drawn],
    inherited: Sequence[int],
    sha256: str,
) -> Plan:
    chosen = {d.number for d in drawn if d.planted}
    blocks = {
        block: {
            "ready": list(pool.ready),
            "controls": list(pool.controls),
            "planted": len(chosen & set(pool.ready)),
        }
        for block, pool in pools.items()
    }
    opened = opening(order.copy, order.law.value, secret, blocks, [placements.persona_digest(d.persona) for d in drawn])
    return Plan(
        copy=order.copy,
        law=order.law,
        opening=opened,
        commitment=commitment(opened),
        drawn=drawn,
        inherited=inherited,
        window=order.window,
        file_name=order.target.name,
        file_sha256=sha256,
    )


def _appear(store: Store, now: datetime, plan: Plan, part: Path, target: Path) -> None:
    """Commit the draw to the ledger, then let the file appear: never the other way round."""
    with store.writing() as session:
        placement = placements.record(session, now, plan)
    try:
        _publish(part, target)
    except OSError as error:
        with store.writing() as session:
            why = f"the file could not appear: {error.strerror}"
            placements.void(session, now, placement, why, back=NumberState.READY)
        raise OutsideError(f"{target}: {error.strerror}", "choose another output file and run again") from error
    with store.writing() as session:
        placements.seal(session, now, placement)


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
