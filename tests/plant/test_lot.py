"""Canaries of tables without phones: the draw among all that were minted, and how a found file shows it."""

import csv
import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from canary import findings, turned_up
from canary.demo.volunteers import volunteers
from canary.errors import CanaryError
from canary.mint.columns import Profile
from canary.mint.facts import Row, Table
from canary.mint.identifiers import identifies
from canary.plant import lot
from canary.plant.formats.detect import format_of
from canary.plant.known import find
from canary.plant.lot import Lot
from canary.plant.seed import Order, Seeded, seed
from canary.scan.needles import needles
from canary.scan.run import Scan, Scanned
from canary.store import exclusion, finds, lots, placements, registry
from canary.store.database import Store
from canary.store.schema import Find
from canary.store.vault import Vault, new_key
from canary.trace.judge import Terms
from canary.trace.law import draw
from canary.trace.verdict import Findings, Word
from tests.plant import test_omop

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
EXTRACT = Profile(phones=False)
COPIES = ("north", "south", "west")
ROWS, CANARIES = 500, 6


@pytest.fixture(scope="module")
def host() -> Table:
    return volunteers(random.Random(7), ROWS)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, host: Table) -> Iterator[Store]:
    """Three groups, each with its own canaries in the same extract."""
    folder = tmp_path_factory.mktemp("extract")
    kept = Store(f"sqlite:///{folder / 'canary.sqlite3'}", Vault(new_key()))
    kept.migrate()
    write(folder / "extract.csv", host.header, host.rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lot, "SHADOWS", 100)  # minting takes longer than all else here
        for copy in COPIES:
            hand_out(kept, folder, copy)
    yield kept
    kept.close()


def hand_out(store: Store, folder: Path, copy: str, source: str = "extract.csv") -> Seeded:
    with store.writing() as session:
        registry.add_recipient(session, NOW, copy, copy.title(), "research", None)
        registry.add_copy(session, NOW, copy, copy, date(2026, 6, 5))
    order = Order(copy, folder / source, folder / f"{copy}.csv", CANARIES, timedelta(days=180), profile=EXTRACT)
    return seed(store, NOW, order)


def folder_of(store: Store) -> Path:
    return Path(str(store.engine.url.database)).parent


def write(path: Path, header: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerows([header] if header else [])
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)


def members(store: Store, copy: str, planted: bool = True) -> list[lots.Member]:
    with store.reading() as session:
        return [m for m in lots.members(session) if m.copy == copy and m.planted == planted]


def scanned(store: Store, path: Path) -> tuple[list[Scanned], Findings]:
    with store.reading() as session:
        looked = finds.sought(session)
    found = Scan(needles(looked)).files([path])
    return found, turned_up.judged(store, NOW, Terms(0.001, 100), looked, found)


def words(said: Findings) -> dict[str, Word]:
    return {v.copy: v.word for v in said.verdicts}


def listing(store: Store, host: Table, path: Path, canaries: int, columns: Sequence[int], titled: bool = True) -> Path:
    """Some canaries of the copy `south` among rows of real people, in some of the columns but the participant's ID."""
    rng, titles = random.Random(3), host.header[1:]
    rows = [m.cells for m in members(store, "south")[:canaries]] + rng.sample([row[1:] for row in host.rows], 12)
    rng.shuffle(rows)
    header = [titles[at] for at in columns] if titled else []
    write(path, header, [tuple(row[at] for at in columns) for row in rows])
    return path


def test_a_lot_is_drawn_as_its_opened_commitment_says(store: Store) -> None:
    with store.reading() as session:
        copy = registry.copy(session, "north")
        assert copy.placement is not None
        opened = store.vault.open(copy.placement.sealed_opening)
        codes = {canary.label for canary in copy.placement.canaries}
    blocks = opened["blocks"][lot.BLOCK]
    assert codes == draw(bytes.fromhex(opened["seed"]), blocks["ready"], blocks["planted"])
    assert len(codes) == CANARIES and len(blocks["ready"]) == 101 * CANARIES == len(opened["personas"])


def test_every_planted_row_stands_in_the_file_and_no_shadow_does(store: Store, host: Table) -> None:
    rows = format_of(folder_of(store) / "north.csv").read(folder_of(store) / "north.csv").rows
    shown = {tuple("" if cell is None else str(cell) for cell in row[1:]) for row in rows}
    as_text = [tuple("" if c is None else str(c) for c in m.cells) for m in members(store, "north")]
    assert len(rows) == ROWS + CANARIES
    assert shown.issuperset(as_text)
    shadows = [tuple("" if c is None else str(c) for c in m.cells) for m in members(store, "north", planted=False)]
    assert shown.isdisjoint(shadows)


def test_codes_that_identify_are_given_to_planted_rows_alone_and_not_compared(store: Store, host: Table) -> None:
    assert identifies([row[0] for row in host.rows])
    assert {m.header for planted in (True, False) for m in members(store, "north", planted)} == {host.header[1:]}
    path = folder_of(store) / "north.csv"
    codes = [row[0] for row in format_of(path).read(path).rows]
    assert None not in codes and len(set(codes)) == ROWS + CANARIES


def test_the_commitment_binds_every_row_of_the_lot(store: Store) -> None:
    with store.reading() as session:
        placement = registry.copy(session, "north").placement
        assert placement is not None
        opened = store.vault.open(placement.sealed_opening)
    assert len(set(opened["personas"])) == 101 * CANARIES, "without facts, the rows tell them apart"


def test_running_codes_of_canaries_show_no_gaps_for_the_shadows() -> None:
    numbered = Table(("no", "sex"), tuple((i, "f") for i in range(1, 200)))
    labels = Lot.drawn(b"seed", 3)
    minted = {label: _persona((10_000 + i, "m")) for i, label in enumerate(labels.labels)}
    personas, own = lot.settled(minted, labels.planted, numbered, {}, b"seed")
    assert own == {0}
    assert sorted(personas[label].cells[0] for label in labels.planted) == [200, 201, 202]


def _persona(cells: Row):
    from canary.mint.facts import Persona

    return Persona(cells, {})


def test_three_rows_of_a_listing_name_the_copy(store: Store, host: Table, tmp_path: Path) -> None:
    path = listing(store, host, tmp_path / "listing.csv", 4, range(len(host.header) - 1))
    found, said = scanned(store, path)
    assert sum(len(part.matches) for part in found) == 4
    assert words(said) == {"south": Word.LEAKED, "north": Word.CANNOT_TELL, "west": Word.CANNOT_TELL}


@pytest.mark.parametrize("titled", [True, False], ids=["titled", "untitled"])
def test_columns_may_be_dropped(store: Store, host: Table, tmp_path: Path, titled: bool) -> None:
    kept = [at for at in range(len(host.header) - 1) if at % 3]
    _, said = scanned(store, listing(store, host, tmp_path / "listing.csv", 5, kept, titled))
    assert words(said)["south"] is Word.LEAKED


def test_columns_may_be_reordered(store: Store, host: Table, tmp_path: Path) -> None:
    order = list(range(len(host.header) - 1))[::-1]
    _, said = scanned(store, listing(store, host, tmp_path / "listing.csv", 4, order))
    assert words(said)["south"] is Word.LEAKED


def test_edited_rows_are_recognised_where_none_is_whole(store: Store, host: Table, tmp_path: Path) -> None:
    rows = [(*m.cells[:2], 99, *m.cells[3:]) for m in members(store, "south")[:4]]
    write(tmp_path / "edited.csv", host.header[1:], rows)
    _, said = scanned(store, tmp_path / "edited.csv")
    assert words(said)["south"] is Word.LEAKED


def test_real_rows_alone_accuse_nobody(store: Store, host: Table, tmp_path: Path) -> None:
    write(tmp_path / "real.csv", host.header, host.rows)
    found, said = scanned(store, tmp_path / "real.csv")
    assert not [match for part in found for match in part.matches]
    assert set(words(said).values()) == {Word.CANNOT_TELL}


def test_a_copy_made_from_a_seeded_one_inherits_its_canaries(store: Store, tmp_path: Path) -> None:
    (tmp_path / "north.csv").write_bytes((folder_of(store) / "north.csv").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lot, "SHADOWS", 10)
        done = hand_out(store, tmp_path, "branch", source="north.csv")
    assert done.inherited == CANARIES
    assert any("north" in remark for remark in done.remarks)
    with store.writing() as session:  # the other tests know three copies
        placement = registry.copy(session, "branch").placement
        assert placement is not None
        placements.void(session, NOW, placement.id, "a test")


def test_exclude_tells_canaries_by_their_rows(store: Store, host: Table) -> None:
    path = folder_of(store) / "west.csv"
    with store.reading() as session:
        known = exclusion.known(session)
    table = format_of(path).read(path)
    found = find(table, known, EXTRACT)
    assert len(found) == CANARIES and all(match.sure and match.by == "values" for match in found)
    assert {table.rows[match.row] for match in found}.isdisjoint(host.rows)


def test_a_copy_without_phones_is_not_judged_by_silence(store: Store) -> None:
    said = findings.trace(store, NOW + timedelta(days=400), Terms(0.001, 100))
    assert all(v.log_e == 0 and v.word is Word.CANNOT_TELL for v in said.verdicts)
    assert said.smallest_visible_leak is None


def test_more_canaries_than_leave_room_for_shadows_are_refused(store: Store) -> None:
    with pytest.raises(CanaryError, match="is the most without phones"):
        Lot.drawn(b"seed", lot.MOST)


def test_a_find_kept_accuses_in_the_trace_and_counts_once(store: Store, host: Table, tmp_path: Path) -> None:
    terms, path = Terms(0.001, 100), listing(store, host, tmp_path / "listing.csv", 5, range(len(host.header) - 1))
    with store.reading() as session:
        looked = finds.sought(session)
    files = Scan(needles(looked)).files([path])
    for _ in range(2):
        said = turned_up.judged(store, NOW, terms, looked, files, "one")
        with store.writing() as session:
            finds.keep(session, NOW, "one", files[0].rows, said.found)
    with store.reading() as session:
        assert (finds.place(session, "one"), finds.place(session, "two")) == (1, 2)
    joined = findings.trace(store, NOW, terms)
    assert words(joined) == {"south": Word.LEAKED, "north": Word.CANNOT_TELL, "west": Word.CANNOT_TELL}
    (shown,) = joined.found
    assert (shown.copy, shown.present, shown.planted, shown.by_chance) == ("south", 5, CANARIES, 0)
    assert next(v for v in joined.verdicts if v.copy == "south").posterior > 0.99
    assert words(findings.look_back(store, NOW - timedelta(days=1), terms)).get("south") is not Word.LEAKED
    with store.writing() as session:
        session.execute(delete(Find))


def test_the_alpha_of_all_finds_adds_up_to_one(store: Store) -> None:
    said = [turned_up.judged(store, NOW, Terms(0.001, 100), [], [], f"{k}").verdicts[0].threshold for k in range(1)]
    assert said == [pytest.approx(math.log(100 / 0.001) + math.log(math.pi**2 / 6))]
    shares = [6 / (math.pi * k) ** 2 for k in range(1, 100_000)]
    assert 0.9999 < sum(shares) < 1


def test_an_omop_extract_is_seeded_without_a_profile(store: Store, tmp_path: Path) -> None:
    persons, observed = test_omop.extract(150, 5)
    source = tmp_path / "omop.zip"
    test_omop.write(source, test_omop.text(test_omop.PERSONS, persons), test_omop.text(test_omop.OBSERVED, observed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lot, "SHADOWS", 10)
        with store.writing() as session:
            registry.add_copy(session, NOW, "omop", "north", date(2026, 6, 6))
        order = Order("omop", source, tmp_path / "out.zip", 4, timedelta(days=180))
        done = seed(store, NOW, order)
    assert (done.canaries, done.controls, done.rows) == (4, 40, 154)
    before, after = (format_of(path).read(path) for path in (source, tmp_path / "out.zip"))
    new = set(after.rows) - set(before.rows)
    planted = {m.cells for m in members(store, "omop")}
    assert len(new) == 4 and {row[1:] for row in new} == planted
    with store.writing() as session:  # the other tests know three copies
        placement = registry.copy(session, "omop").placement
        assert placement is not None
        placements.void(session, NOW, placement.id, "a test")
