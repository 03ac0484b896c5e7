"""OMOP extracts that turn up: two tables in whatever container are joined, and tell whose copy they are."""

import csv
import io
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from canary import turned_up
from canary.plant import lot
from canary.plant.seed import Order, seed
from canary.scan import bloom
from canary.scan.needles import Kind, Needles, needles
from canary.scan.readers import omop
from canary.scan.run import Scan, Scanned
from canary.scan.sift import sifted
from canary.store import finds, registry
from canary.store.database import Store
from canary.store.finds import Sought
from canary.store.vault import Vault, new_key
from canary.trace.judge import Terms
from canary.trace.verdict import Word
from tests.plant import test_omop
from tests.scan.packed import seven, zipped

NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
CANARIES = 8


@dataclass(frozen=True)
class Leak:
    """What was handed out: `parts` of the copy that leaks."""

    store: Store
    looked: list[Sought]
    needles: Needles
    parts: dict[str, bytes]

    def accused(self, found: list[Scanned]) -> set[str]:
        said = turned_up.judged(self.store, NOW, Terms(0.001, 100), self.looked, found)
        return {v.copy for v in said.verdicts if v.word is Word.LEAKED}


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Leak]:
    folder = tmp_path_factory.mktemp("omop")
    store = Store(f"sqlite:///{folder / 'canary.sqlite3'}", Vault(new_key()))
    store.migrate()
    persons, observed = test_omop.extract(300, 5)
    tables = test_omop.text(test_omop.PERSONS, persons), test_omop.text(test_omop.OBSERVED, observed)
    test_omop.write(folder / "in.zip", *tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lot, "SHADOWS", 60)  # minting takes longer than all else here
        for copy in ("north", "south"):
            with store.writing() as session:
                registry.add_recipient(session, NOW, copy, copy, "research", None)
                registry.add_copy(session, NOW, copy, copy, date(2026, 6, 5))
            order = Order(copy, folder / "in.zip", folder / f"{copy}.zip", CANARIES, timedelta(days=180))
            seed(store, NOW, order)
    with store.reading() as session:
        looked = finds.sought(session)
    yield Leak(store, looked, needles(looked), test_omop.parts(folder / "south.zip"))
    store.close()


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def sqlite(parts: dict[str, bytes]) -> bytes:
    with sqlite3.connect(":memory:") as database:
        for name, content in parts.items():
            header, *rows = table(content)
            stem = Path(name).stem
            database.execute(f"CREATE TABLE {stem} ({', '.join(header)})")
            database.executemany(f"INSERT INTO {stem} VALUES ({', '.join('?' * len(header))})", rows)
        database.commit()
        return database.serialize()


CONTAINERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "zip": zipped,
    "7z": seven,
    "zip in 7z": lambda parts: seven({"b.zip": zipped(parts)}),
    "sqlite": sqlite,
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_an_extract_in_any_container_names_the_copy(container: str, leak: Leak, tmp_path: Path) -> None:
    (tmp_path / "found").write_bytes(CONTAINERS[container](leak.parts))
    found = Scan(leak.needles).files([tmp_path / "found"])
    own = {who.id for who in leak.looked if who.planted and who.copy == "south"}
    shown = {i: kinds for part in found for match in part.matches for i, kinds in match.by.items()}
    assert shown == dict.fromkeys(own, (Kind.VALUES,))
    assert leak.accused(found) == {"south"}


def test_rows_are_those_of_the_table_of_persons_and_counted_once(leak: Leak, tmp_path: Path) -> None:
    (tmp_path / "found.zip").write_bytes(zipped(leak.parts))
    found = Scan(leak.needles).files([tmp_path / "found.zip"])
    lines = {Path(name).name: len(table(content)) - 1 for name, content in leak.parts.items()}
    assert {part.path.rpartition("/")[2]: part.rows for part in found} == lines
    (persons,) = [part for part in found if part.matches]
    assert persons.path.endswith("!cdm/person.csv")
    before = {row[0] for row in test_omop.extract(300, 5)[0]}
    new = [at for at, row in enumerate(table(leak.parts["cdm/person.csv"])[1:], 1) if row[0] not in before]
    assert [match.row for match in persons.matches] == new


def test_a_filter_searches_each_table_once(leak: Leak, tmp_path: Path) -> None:
    (tmp_path / "found.zip").write_bytes(zipped(leak.parts))
    found = sifted([tmp_path / "found.zip"], bloom.made(["+8613812345678"], b"s" * 32), lambda done, rows: None)
    assert [part.path.rpartition("!")[2] for part in found] == list(leak.parts)


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_of_one_folder_are_joined_in_any_order(
    jobs: int, leak: Leak, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(omop, "HELD", 50)
    paths = [tmp_path / Path(name).name for name in leak.parts]
    for path, content in zip(paths, leak.parts.values(), strict=True):
        path.write_bytes(content)
    for order in (paths, paths[::-1]):
        found = Scan(leak.needles, jobs).files(order)
        assert leak.accused(found) == {"south"}
        assert {part.path for part in found} == set(map(str, paths)) and len(found) == len(paths)


def test_a_listing_of_few_persons_with_columns_dropped_names_the_copy(leak: Leak, tmp_path: Path) -> None:
    before = {row[0] for row in test_omop.extract(300, 5)[0]}
    header, *rows = table(leak.parts["cdm/person.csv"])
    rng = random.Random(1)
    kept = [row for row in rows if row[0] not in before] + rng.sample([row for row in rows if row[0] in before], 5)
    titles, *observed = table(leak.parts["cdm/observation.csv"])
    ids, at = {row[0] for row in kept}, [titles.index(name) for name in titles if name != "value_as_string"]
    seen = [titles, *(row for row in observed if row[1] in ids)]
    told = [[row[i] for i in at] for row in seen]
    files = {"person.csv": [header[:-1], *(row[:-1] for row in kept)], "observation.csv": told}
    for name, lines in files.items():
        (tmp_path / name).write_bytes(test_omop.text(lines[0], lines[1:]))
    found = Scan(leak.needles).files(sorted(tmp_path.iterdir()))
    assert leak.accused(found) == {"south"}


def test_real_persons_alone_accuse_nobody(leak: Leak, tmp_path: Path) -> None:
    persons, observed = test_omop.extract(300, 5)
    tables = test_omop.text(test_omop.PERSONS, persons), test_omop.text(test_omop.OBSERVED, observed)
    found = Scan(leak.needles).files([test_omop.write(tmp_path / "real.zip", *tables)])
    assert not any(part.matches for part in found) and not leak.accused(found)
