"""Seeding a copy: what stands in the file, what stands in the registry, and nothing of either when it fails."""

import csv
import errno
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from canary.cli.main import cli
from canary.demo.world import write_gb18030, write_xlsx
from canary.errors import CanaryError, OutsideError
from canary.mint.columns import Profile
from canary.mint.facts import Cell, Row, Table
from canary.plant import draft
from canary.plant import seed as seeding
from canary.plant.formats.detect import format_of
from canary.plant.seed import Order, Seeded, seed
from canary.prove.commitment import commitment
from canary.store import ledger, numbers, placements, registry
from canary.store.base import Base
from canary.store.database import Store, vault_of
from canary.store.numbers import NewNumber
from canary.store.schema import Canary, Inherited, Number, NumberState, Placement, PlacementState
from canary.store.vault import Vault, new_key
from canary.trace.law import draw
from tests.mint import tables
from tests.mint.tables import english

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
SHARED = Path(__file__).parents[3] / "shared" / "data"
PHONE, HOSPITAL, DUE = 4, 5, 6  # columns of the invented city
WRITERS: dict[str, Callable[[Path, Table], None]] = {"city.xlsx": write_xlsx, "city.csv": write_gb18030}
PHONES = {"twilio": [f"+861200000{i:04}" for i in range(1, 41)], "other": [f"+861200001{i:04}" for i in range(1, 31)]}


def city() -> Table:
    """The women of four hospitals of the invented city."""
    table = tables.city()
    return Table(table.header, table.rows[:90])


def prepare(store: Store, *copies: str, held: dict[str, list[str]] = PHONES, control_share: float = 0.1) -> None:
    """Numbers out of quarantine, and copies waiting for their files."""
    with store.writing() as session:
        new = [NewNumber(phone, provider, Decimal(1)) for provider, phones in held.items() for phone in phones]
        numbers.import_numbers(session, NOW, new, timedelta(0))
        numbers.end_quarantine(session, NOW, control_share)
        registry.add_recipient(session, NOW, "hospital", "一医院", "hospital", None)
        for copy in copies:
            registry.add_copy(session, NOW, copy, "hospital", date(2026, 6, 5))


def order(copy: str, source: Path, target: Path, count: int = 12, **more: Any) -> Order:
    return Order(copy, source, target, count, timedelta(days=180), **more)


def host(folder: Path, name: str = "city.xlsx", table: Table | None = None) -> Path:
    path = folder / name
    WRITERS[f"city{path.suffix}"](path, table or city())
    return path


def dump(store: Store) -> dict[str, list[Any]]:
    """Every row of every table."""
    with store.engine.connect() as connection:
        return {
            t.name: [tuple(row) for row in connection.execute(select(t).order_by(*t.primary_key))]
            for t in Base.metadata.sorted_tables
        }


def canaries(store: Store, copy: str, planted: bool = True) -> dict[str, Canary]:
    """The canaries of a copy's live placement by the number they stand on."""
    with store.reading() as session:
        live = session.scalars(
            select(Placement).where(Placement.state != PlacementState.VOID, Placement.copy.has(slug=copy))
        ).one()
        found = [c for c in live.canaries if c.planted is planted]
        return {numbers.e164(session, c.number): c for c in found}


def states(store: Store) -> dict[str, int]:
    with store.reading() as session:
        return numbers.counts(session)


def written(cell: Cell) -> str:
    return "+86" + re.sub(r"\D", "", str(cell)).removeprefix("0086").removeprefix("86")


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    """A registry on SQLite, for tests that are about files."""
    made = Store(f"sqlite:///{tmp_path / 'lite.sqlite3'}", Vault(new_key()))
    made.migrate()
    yield made
    made.close()


# --- what stands in the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_original_rows_stay_and_canaries_stand_in_sort_order_among_them(
    store: Store, tmp_path: Path, name: str
) -> None:
    prepare(store, "june")
    source, target = host(tmp_path, name), tmp_path / f"out-{name}"
    before_bytes = source.read_bytes()
    done = seed(store, NOW, order("june", source, target))
    before, after = (format_of(path).read(path) for path in (source, target))
    ours = set(canaries(store, "june"))
    places = [i for i, row in enumerate(after.rows) if written(row[PHONE]) in ours]
    assert [row for i, row in enumerate(after.rows) if i not in places] == list(before.rows)
    assert after.header == before.header
    assert len(places) == done.canaries == 12
    assert done.rows == len(after.rows) == len(before.rows) + 12
    keys = [(row[HOSPITAL], row[DUE]) for row in after.rows if row[DUE] is not None]
    assert keys == sorted(keys)
    assert sum(b == a + 1 for a, b in pairwise(places)) < 6, "a block of canaries"
    assert source.read_bytes() == before_bytes


@pytest.mark.parametrize(("name", "count"), [("city.xlsx", 12), ("city.csv", 12), ("city.csv", 1), ("city.xlsx", 47)])
def test_every_canary_is_recorded_at_the_row_where_its_phone_stands(
    store: Store, tmp_path: Path, name: str, count: int
) -> None:
    prepare(store, "june")
    target = tmp_path / f"out-{name}"
    done = seed(store, NOW, order("june", host(tmp_path, name), target, count))
    rows = format_of(target).read(target).rows
    planted = canaries(store, "june")
    assert len(planted) == done.canaries == count
    assert {phone: written(rows[c.row][PHONE]) for phone, c in planted.items() if c.row is not None} == {
        phone: phone for phone in planted
    }
    assert {c.row for c in canaries(store, "june", planted=False).values()} == {None}


@pytest.mark.parametrize("name", WRITERS)
def test_the_facts_recorded_are_those_in_the_file(lite: Store, tmp_path: Path, name: str) -> None:
    prepare(lite, "june")
    target = tmp_path / f"out-{name}"
    seed(lite, NOW, order("june", host(tmp_path, name), target))
    table = format_of(target).read(target)
    for canary in canaries(lite, "june").values():
        with lite.reading() as session:
            facts = {fact.value: value for fact, value in placements.facts(session, canary).items()}
        row = dict(zip(table.header, table.rows[canary.row or 0], strict=True))
        assert (facts["name"], facts["address"], facts["hospital"]) == (row["姓名"], row["家庭住址"], row["就诊医院"])
        assert str(facts["due_date"]) == str(row["预产期"])


SPELLINGS: list[tuple[Callable[[str], Cell], str]] = [
    (str, r"12\d{9}"),
    (lambda p: f"+86{p}", r"\+8612\d{9}"),
    (lambda p: f"+86 {p[:3]}-{p[3:7]}-{p[7:]}", r"\+86 12\d-\d{4}-\d{4}"),
    (lambda p: f"0086{p}", r"008612\d{9}"),
    (lambda p: f"{p[:3]} {p[3:7]} {p[7:]}", r"12\d \d{4} \d{4}"),
]


@pytest.mark.parametrize(("spell", "pattern"), SPELLINGS, ids=[pattern for _, pattern in SPELLINGS])
def test_phones_are_pool_numbers_in_the_spelling_of_the_table(
    lite: Store, tmp_path: Path, spell: Callable[[str], Cell], pattern: str
) -> None:
    prepare(lite, "june", "july")
    source, target = host(tmp_path, table=respelled(spell)), tmp_path / "out.xlsx"
    seed(lite, NOW, order("june", source, target))
    rows = format_of(target).read(target).rows
    cells = [rows[c.row or 0][PHONE] for c in canaries(lite, "june").values()]
    assert all(re.fullmatch(pattern, str(cell)) for cell in cells), cells
    pool = {phone for phones in PHONES.values() for phone in phones}
    assert len({written(cell) for cell in cells} & pool) == 12
    # A copy made from this one finds them again, however they are spelled.
    assert seed(lite, NOW, order("july", target, tmp_path / "july.xlsx")).inherited == 12


def respelled(spell: Callable[[str], Cell]) -> Table:
    table = city()
    rows = tuple((*r[:PHONE], spell(str(r[PHONE])) if r[PHONE] else None, *r[PHONE + 1 :]) for r in table.rows)
    return Table(table.header, rows)


def test_phones_kept_as_numbers_stay_numbers(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june", "july")
    target = tmp_path / "out.xlsx"
    seed(lite, NOW, order("june", host(tmp_path, table=respelled(int)), target))
    rows = format_of(target).read(target).rows
    assert {type(row[PHONE]) for row in rows} <= {int, type(None)}
    assert seed(lite, NOW, order("july", target, tmp_path / "july.xlsx")).inherited == 12


def test_an_english_register_gets_its_own_spelling_by_profile(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june", held={"twilio": [f"+447700901{i:03}" for i in range(40)]})
    source, target = english_csv(tmp_path), tmp_path / "out.csv"
    profile = Profile.from_mapping({"country": "GB", "headers": {"running_number": []}})
    seed(lite, NOW, order("june", source, target, profile=profile))
    rows = format_of(target).read(target).rows
    planted = [rows[c.row or 0] for c in canaries(lite, "june").values()]
    assert len(rows) == 132 and len(planted) == 12
    assert all(re.fullmatch(r"07700 901\d{3}", str(row[1])) for row in planted), planted
    assert all(re.fullmatch(r"\d\d/\d\d/2026", str(row[-1])) for row in planted), planted


def test_inherited_canaries_are_found_in_an_english_register(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june", "july", held={"twilio": [f"+447700901{i:03}" for i in range(40)]})
    june, july = tmp_path / "june.csv", tmp_path / "july.csv"
    profile = Profile.from_mapping({"country": "GB"})
    seed(lite, NOW, order("june", english_csv(tmp_path), june, profile=profile))
    assert seed(lite, NOW, order("july", june, july, profile=profile)).inherited == 12


def english_csv(folder: Path) -> Path:
    """The English register without its running number, which seeding refuses."""
    table = english()
    with (folder / "english.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([table.header[1:], *(row[1:] for row in table.rows)])
    return folder / "english.csv"


# --- what stands in the registry --------------------------------------------------------------------------------


def test_planted_numbers_leave_the_pool_and_controls_stay(store: Store, tmp_path: Path) -> None:
    prepare(store, "june")
    before = states(store)
    done = seed(store, NOW, order("june", host(tmp_path), tmp_path / "out.xlsx"))
    assert states(store) == {**before, "ready": before["ready"] - 12, "planted": 12}
    assert done.controls == len(canaries(store, "june", planted=False)) == before["control"]
    assert done.remarks == ()


def test_the_commitment_is_in_the_ledger_before_the_file_appears(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(store, "june")
    target = tmp_path / "out.xlsx"
    seen: list[str] = []
    publish = seeding._publish

    def watched(part: Path, to: Path) -> None:
        assert not to.exists()
        with store.reading() as session:
            seen.extend(e.payload["commitment"] for e in ledger.entries(session, "placement"))
        publish(part, to)

    monkeypatch.setattr(seeding, "_publish", watched)
    done = seed(store, NOW, order("june", host(tmp_path), target))
    assert seen == [done.commitment]
    assert target.exists()
    with store.reading() as session:
        assert [e.kind for e in ledger.entries(session)][-2:] == ["placement", "sealed"]


def test_a_file_that_cannot_appear_gives_the_numbers_back_and_says_so_in_the_ledger(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(store, "june")
    before = states(store)
    out = tmp_path / "out"
    out.mkdir()

    def fail(part: Path, to: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patched:
        patched.setattr(seeding, "_publish", fail)
        with pytest.raises(OutsideError, match="Read-only"):
            seed(store, NOW, order("june", host(tmp_path), out / "out.xlsx"))
    assert list(out.iterdir()) == []
    assert states(store) == before
    with store.reading() as session:
        placed, voided = list(ledger.entries(session))[-2:]
        assert [placed.kind, voided.kind] == ["placement", "void"]
        assert placed.payload["commitment"] == voided.payload["commitment"]
        assert placements.unsealed(session) == []
    assert seed(store, NOW, order("june", host(tmp_path), out / "out.xlsx")).canaries == 12


def test_the_opening_repeats_the_draw_and_hashes_to_the_commitment(store: Store, tmp_path: Path) -> None:
    prepare(store, "june")
    target = tmp_path / "out.xlsx"
    done = seed(store, NOW, order("june", host(tmp_path), target))
    with store.reading() as session:
        placement = session.scalars(select(Placement)).one()
        opened = vault_of(session).open(placement.sealed_opening)
        public = next(ledger.entries(session, "placement")).payload
        marks = {c.number.code: (c.planted, c.number.block) for c in placement.canaries}
        digests = Counter(seed_digest(session, c) for c in placement.canaries)
    assert commitment(opened) == placement.commitment == public["commitment"] == done.commitment
    secret = bytes.fromhex(opened["seed"])
    assert len(secret) == 32
    assert opened["copy"] == "june" and opened["law"] == "exclusive"
    assert {block for _, block in marks.values()} == set(opened["blocks"]) and len(opened["blocks"]) == 2
    for block, spec in opened["blocks"].items():
        redrawn = draw(secret, spec["ready"], spec["planted"])
        assert redrawn == {code for code, (planted, b) in marks.items() if planted and b == block}
        assert set(spec["controls"]) == {code for code, (planted, b) in marks.items() if not planted and b == block}
    assert Counter(opened["personas"]) == digests
    assert secret.hex() not in str(dump(store)["ledger"])


def seed_digest(session: Any, canary: Canary) -> str:
    from canary.prove.canonical import digest

    return digest(vault_of(session).open(canary.sealed_persona))


def test_two_seedings_draw_differently(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "a", "b")
    done = [seed(lite, NOW, order(copy, host(tmp_path), tmp_path / f"{copy}.xlsx", 5)) for copy in "ab"]
    assert done[0].commitment != done[1].commitment
    assert not set(canaries(lite, "a")) & set(canaries(lite, "b"))


def test_without_controls_the_copy_is_seeded_with_a_warning(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june", held={"twilio": ["+8612000000001", "+8612000000002"]}, control_share=0)
    done = seed(lite, NOW, order("june", host(tmp_path), tmp_path / "out.xlsx", 2))
    assert done.controls == 0
    assert any("no control numbers" in text for text in done.remarks)


@pytest.mark.parametrize("name", WRITERS)
def test_canaries_of_the_source_are_recognised_and_recorded_as_inherited(
    store: Store, tmp_path: Path, name: str
) -> None:
    prepare(store, "registry", "bureau")
    seed(store, NOW, order("registry", host(tmp_path), tmp_path / "registry.xlsx", 9))
    seeded = format_of(tmp_path / "registry.xlsx").read(tmp_path / "registry.xlsx")
    made_from = host(tmp_path, f"extract{Path(name).suffix}", seeded)
    done = seed(store, NOW, order("bureau", made_from, tmp_path / f"bureau-{name}", 7))
    assert (done.inherited, done.canaries) == (9, 7)
    with store.reading() as session:
        recorded = {(i.copy_id, i.canary_id) for i in session.scalars(select(Inherited))}
        bureau = registry.copy(session, "bureau").id
    assert recorded == {(bureau, c.id) for c in canaries(store, "registry").values()}


def test_a_fresh_file_inherits_nothing(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "a", "b")
    seed(lite, NOW, order("a", host(tmp_path), tmp_path / "a.xlsx"))
    assert seed(lite, NOW, order("b", host(tmp_path), tmp_path / "b.xlsx")).inherited == 0


# --- refusals ---------------------------------------------------------------------------------------------------


def cut(table: Table, rows: int) -> Table:
    return Table(table.header, table.rows[:rows])


def headed(old: str, new: str) -> Table:
    return Table(tuple(new if h == old else h for h in city().header), city().rows)


def garbage(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def truncated(folder: Path) -> Path:
    source = host(folder)
    return garbage(source, source.read_bytes()[:-400])


def bit_rotten(folder: Path) -> Path:
    source = host(folder)
    data = bytearray(source.read_bytes())
    middle = data.index(b"xl/worksheets/sheet1.xml") + 400
    data[middle : middle + 40] = bytes(40)
    return garbage(source, bytes(data))


REFUSED: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "no phone column": (lambda f: host(f, table=headed("联系电话", "备注")), 2, "no phone column"),
    "a phone column of words": (lambda f: host(f, table=worded()), 2, "telephone numbers"),
    "two phone columns": (lambda f: host(f, table=headed("户口性质", "手机")), 2, "could both be"),
    "no rows": (lambda f: host(f, table=cut(city(), 0)), 2, "too few rows"),
    "one row": (lambda f: host(f, table=cut(city(), 1)), 2, "too few rows"),
    "no rows in a CSV": (lambda f: host(f, "x.csv", cut(city(), 0)), 2, "too few rows"),
    "empty file": (lambda f: garbage(f / "x.csv", b""), 2, "empty"),
    "noise called xlsx": (lambda f: garbage(f / "x.xlsx", Random(1).randbytes(5000)), 2, "not a format"),
    "noise called csv": (lambda f: garbage(f / "x.csv", Random(1).randbytes(5000)), 2, "format|neither"),
    "half a workbook": (truncated, 2, "not a format|cannot be read"),
    "a rotten workbook": (bit_rotten, 2, "cannot be read"),
    "the head of an xls": (lambda f: garbage(f / "x.xls", b"\xd0\xcf\x11\xe0" + bytes(600)), 2, "cannot be read"),
    "a missing file": (lambda f: f / "none.xlsx", 3, "No such file"),
    "a folder": (lambda f: f, 3, "directory"),
}


def worded() -> Table:
    return Table(city().header, tuple((*r[:PHONE], "未登记", *r[PHONE + 1 :]) for r in city().rows))


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_source_is_refused_in_one_line_and_nothing_happens(lite: Store, tmp_path: Path, case: str) -> None:
    prepare(lite, "june")
    make, code, words = REFUSED[case]
    (folder := tmp_path / "in").mkdir()
    assert_refused(lite, tmp_path, order("june", make(folder), tmp_path / "out" / "out.xlsx"), code, words)


@pytest.mark.parametrize(
    ("copy", "count", "words"),
    [
        ("june", 1000, "1000 canaries wanted, 47 numbers ready"),
        ("june", 0, "0 canaries"),
        ("nope", 3, "no copy 'nope'"),
    ],
)
def test_a_bad_order_is_refused_and_nothing_happens(
    store: Store, tmp_path: Path, copy: str, count: int, words: str
) -> None:
    prepare(store, "june")
    assert_refused(store, tmp_path, order(copy, host(tmp_path), tmp_path / "out" / "out.xlsx", count), 2, words)


def test_a_copy_is_seeded_once(store: Store, tmp_path: Path) -> None:
    prepare(store, "june")
    seed(store, NOW, order("june", host(tmp_path), tmp_path / "first.xlsx"))
    again = order("june", host(tmp_path), tmp_path / "out" / "out.xlsx")
    assert_refused(store, tmp_path, again, 2, "seeded already .*first.xlsx")


def test_an_output_that_exists_is_never_overwritten(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june")
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "out.xlsx"
    target.write_bytes(b"precious")
    assert_refused(lite, tmp_path, order("june", host(tmp_path), target), 2, "is there already", ["out.xlsx"])
    assert target.read_bytes() == b"precious"


def test_an_output_made_by_somebody_else_meanwhile_is_not_overwritten(
    lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(lite, "june")
    target = tmp_path / "out.xlsx"
    publish = seeding._publish

    def late(part: Path, to: Path) -> None:
        to.write_bytes(b"precious")
        publish(part, to)

    monkeypatch.setattr(seeding, "_publish", late)
    with pytest.raises(OutsideError, match="File exists"):
        seed(lite, NOW, order("june", host(tmp_path), target))
    assert target.read_bytes() == b"precious"
    assert "planted" not in states(lite)


def test_a_folder_that_is_not_there_is_named(lite: Store, tmp_path: Path) -> None:
    prepare(lite, "june")
    missing = tmp_path / "none" / "out.xlsx"
    before = dump(lite)
    with pytest.raises(OutsideError, match="none: No such file"):
        seed(lite, NOW, order("june", host(tmp_path), missing))
    assert dump(lite) == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_no_file_and_no_trace(
    lite: Store, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(lite, "june")
    (tmp_path / "out").mkdir()
    source = host(tmp_path, name)
    with full_disk(tmp_path / "out", monkeypatch):
        assert_refused(lite, tmp_path, order("june", source, tmp_path / "out" / name), 3, "No space left")


class full_disk:
    """A folder with 8 KB left: a real one where we may mount, else fsync that finds no room."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, monkeypatch
        command = ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(folder)]
        self._mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0

    def __enter__(self) -> None:
        if not self._mounted:

            def fail(handle: int) -> None:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            self._patch.setattr(os, "fsync", fail)

    def __exit__(self, *error: object) -> None:
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)


def assert_refused(
    store: Store, folder: Path, refused: Order, exit_code: int, words: str, stays: Sequence[str] = ()
) -> None:
    refused.target.parent.mkdir(exist_ok=True)
    before = dump(store)
    with pytest.raises(CanaryError, match=words) as caught:
        seed(store, NOW, refused)
    assert caught.value.exit_code == exit_code
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert sorted(p.name for p in refused.target.parent.iterdir()) == sorted(stays)
    assert dump(store) == before


# --- at the same time, and in the middle ------------------------------------------------------------------------


def at_once(store: Store, *orders: Order) -> tuple[list[Seeded], list[CanaryError]]:
    start = threading.Barrier(len(orders))
    done: list[Seeded] = []
    failed: list[CanaryError] = []

    def run(each: Order) -> None:
        start.wait(20)
        try:
            done.append(seed(store, NOW, each))
        except CanaryError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) + len(failed) == len(orders), "a seeding died of another error"
    return done, failed


def test_two_seedings_at_once_never_share_a_number(store: Store, tmp_path: Path) -> None:
    prepare(store, "a", "b")
    source = host(tmp_path)
    done, failed = at_once(store, *(order(copy, source, tmp_path / f"{copy}.xlsx", 25) for copy in "ab"))
    assert len(done) <= 1, "47 numbers ready: two draws of 25 must have overlapped"
    assert all("another seeding took" in error.message or "numbers ready" in error.message for error in failed)
    assert {path.name for path in tmp_path.glob("?.xlsx")} == {f"{one.copy}.xlsx" for one in done}
    with store.reading() as session:
        on = Counter(session.scalars(select(Canary.number_id).where(Canary.planted)))
        held = session.scalars(select(Number.id).where(Number.state == NumberState.PLANTED)).all()
    assert set(on.values()) <= {1}
    assert set(on) == set(held) and len(on) == 25 * len(done)
    # Whoever lost runs the command again, with what is left.
    for copy in {"a", "b"} - {one.copy for one in done}:
        seed(store, NOW, order(copy, source, tmp_path / f"{copy}.xlsx", 5))


def test_one_copy_seeded_twice_at_once_gets_one_placement(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(store, "june")
    both_looked = threading.Barrier(2)
    unplanted = placements.unplanted

    def slowly(session: Any, slug: str) -> Any:
        found = unplanted(session, slug)
        try:
            both_looked.wait(1)
        except threading.BrokenBarrierError:  # the database lets only one in at a time, as it should
            both_looked.reset()
        return found

    source = host(tmp_path)
    orders = [
        order("june", source, tmp_path / f"{i}.xlsx", 3, secret=secret)
        for i, secret in enumerate(apart(store, 3), start=1)
    ]
    monkeypatch.setattr(placements, "unplanted", slowly)
    done, failed = at_once(store, *orders)
    assert (len(done), len(failed)) == (1, 1)
    assert len(list(tmp_path.glob("?.xlsx"))) == 1
    with store.reading() as session:
        assert len(session.scalars(select(Placement).where(Placement.state != PlacementState.VOID)).all()) == 1


def apart(store: Store, count: int) -> tuple[bytes, bytes]:
    """Two secrets whose draws have no number in common."""
    with store.reading() as session:
        pools = placements.pools(session)
    first = bytes(32)
    taken, _ = draft._draw(pools, count, first)
    others = (bytes([i]) * 32 for i in range(1, 256))
    return first, next(s for s in others if not taken & draft._draw(pools, count, s)[0])


CRASH = """
import os, sys
from canary.plant import seed

publish = seed._publish

def die(part, target):
    if sys.argv[1] == "after":
        publish(part, target)
    os._exit(9)

seed._publish = die
from canary.cli.main import cli
cli(["seed", "june", "city.xlsx", "-o", "out/june.xlsx"])
"""


@pytest.fixture
def crashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Store]]:
    """A registry whose `canary seed june` died without a word, `before` or `after` its file appeared."""
    for name in [n for n in os.environ if n.startswith("CANARY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CANARY_CONFIG", str(tmp_path / "canary.toml"))
    monkeypatch.chdir(tmp_path)
    key = new_key()
    store = Store(f"sqlite:///{tmp_path / 'canary.sqlite3'}", Vault(key))

    def crash(moment: str) -> Store:
        (tmp_path / "canary.key").write_text(key)
        store.migrate()
        prepare(store, "june", "july")
        host(tmp_path)
        (tmp_path / "out").mkdir()
        ended = subprocess.run([sys.executable, "-c", CRASH, moment], capture_output=True, check=False, timeout=60)
        assert ended.returncode == 9, ended.stderr
        return store

    yield crash
    store.close()


def canary(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_a_crash_before_the_file_appears_is_seen_by_doctor_and_mended_by_void(
    tmp_path: Path, crashed: Callable[[str], Store]
) -> None:
    store = crashed("before")
    assert not (tmp_path / "out" / "june.xlsx").exists()
    assert states(store)["planted"] == 12
    doctor = canary("doctor")
    assert doctor.exit_code == 1
    assert re.search(r"draws .*june.*canary copy void", doctor.stdout), doctor.stdout
    void = canary("copy", "void", "june")
    assert (void.exit_code, void.stdout, void.stderr) == (0, "june: draw taken back\n", "")
    assert "planted" not in states(store)
    assert canary("seed", "june", "city.xlsx", "-o", "out/june.xlsx").exit_code == 0
    assert re.search(r"draws +ok", canary("doctor").stdout)
    assert canary("prove", "verify").exit_code == 0


def test_numbers_in_a_file_that_did_appear_are_never_planted_again(
    tmp_path: Path, crashed: Callable[[str], Store]
) -> None:
    store = crashed("after")
    out = tmp_path / "out" / "june.xlsx"
    given_out = {written(row[PHONE]) for row in format_of(out).read(out).rows} & set(canaries(store, "june"))
    assert len(given_out) == 12
    canary("copy", "void", "june")
    with store.reading() as session:
        plantable = {code for pool in placements.pools(session).values() for code in pool.ready}
        free = set(placements.e164_by_code(session, plantable).values())
    assert not free & given_out


def test_a_file_that_did_appear_is_sealed_by_hand_and_no_other_in_its_place(
    tmp_path: Path, crashed: Callable[[str], Store]
) -> None:
    crashed("after")
    assert re.search(r"draws .*june.*canary copy seal", canary("doctor").stdout)
    wrong = canary("copy", "seal", "june", "city.xlsx")
    assert wrong.exit_code == 2 and "city.xlsx is not the file of that draw" in wrong.stderr
    assert canary("copy", "seal", "june", "out/june.xlsx").exit_code == 0
    assert re.search(r"draws +ok", canary("doctor").stdout)
    assert canary("copy", "void", "june").exit_code == 2
    assert canary("prove", "verify").exit_code == 0


# --- the real thing ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not beside this checkout")
@pytest.mark.parametrize("name", ["city_registry_2026-06.xlsx", "checkin_vendor_2026-06_gbk.csv"])
def test_the_shared_registry_is_seeded_with_every_row_unchanged(lite: Store, tmp_path: Path, name: str) -> None:
    prepare(lite, "june")
    source, target = SHARED / name, tmp_path / name
    done = seed(lite, NOW, order("june", source, target))
    before, after = (format_of(path).read(path) for path in (source, target))
    ours = canaries(lite, "june")
    places = {c.row for c in ours.values()}
    originals: list[Row] = [row for i, row in enumerate(after.rows) if i not in places]
    assert len(originals) == len(before.rows) == done.rows - 12
    for number, (old, new) in enumerate(zip(before.rows, originals, strict=True), start=2):
        assert old == new, f"row {number}"
    phone = after.header.index("联系电话")
    assert {written(after.rows[c.row or 0][phone]) for c in ours.values()} == set(ours)
    if name.endswith(".csv"):
        old_lines, new_lines = source.read_bytes().split(b"\r\n"), target.read_bytes().split(b"\r\n")
        assert [line for i, line in enumerate(new_lines) if i - 1 not in places] == old_lines
