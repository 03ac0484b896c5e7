"""OMOP person + observation: what was there is there, what was added is found, taking it away restores the bytes."""

import csv
import io
import random
import zipfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.facts import Row, Table
from canary.mint.ruled import RuledHost
from canary.plant.formats.base import Insertion
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.detect import format_of
from canary.plant.formats.omop import OBSERVATION, PERSON, OmopFormat, omop_profile

PERSONS = ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "race_concept_id", "care_site_id")
OBSERVED = (
    *("observation_id", "person_id", "observation_concept_id", "observation_date", "observation_datetime"),
    *("observation_type_concept_id", "value_as_number", "value_as_string", "visit_occurrence_id"),
)
GRAVIDITY, SMOKING, RISK = "4060186", "4275495", "4184637"


def extract(size: int, seed: int, step: int = 7, grouped: bool = True) -> tuple[list[Row], list[Row]]:
    """Invented women and what was observed of them: gravidity once, smoking now and then, risk up to three times."""
    rng = random.Random(seed)
    persons: list[Row] = []
    seen: list[list[str]] = []
    for at in range(size):
        key = str(1_000 + at * step + rng.randrange(step))
        born = rng.randrange(1975, 2006)
        persons.append((key, "8532", str(born), str(rng.randrange(1, 13)), "38003579", str(rng.randrange(3))))
        told = [(GRAVIDITY, str(rng.randrange(1, 5)), "")]
        told += [(SMOKING, "", rng.choice(["never", "former", "current"]))] * (rng.random() < 0.6)
        told += [(RISK, "", "high" if born < 1985 else "low") for _ in range(rng.randrange(4))]
        for concept, number, text in told:
            day = (date(2026, 1, 1) + timedelta(rng.randrange(150))).isoformat()
            visit = str(rng.randrange(9_999))
            seen.append([key, concept, day, f"{day} 00:00:00", "32817", number, text, visit])
    if not grouped:
        rng.shuffle(seen)
    return persons, [(str(50 + at * step), *row) for at, row in enumerate(seen)]


def text(header: Sequence[str], rows: Sequence[Row], **dialect: object) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **dialect).writerows([header, *rows])  # type: ignore[arg-type]
    return out.getvalue().encode()


def write(path: Path, persons: bytes, observations: bytes) -> Path:
    parts = {
        "cdm/person.csv": persons,
        "cdm/observation.csv": observations,
        "cdm/visit_occurrence.csv": b"a,b\r\n1,2\r\n",
    }
    if path.suffix:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
            for name, content in parts.items():
                package.writestr(name, content)
        return path
    for name, content in parts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def parts(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def without(content: bytes, column: int, keys: set[str], delimiter: str) -> bytes:
    """The file with the lines of these persons taken out."""
    lines = content.decode().splitlines(keepends=True)
    fields = [next(csv.reader([line], delimiter=delimiter)) for line in lines]
    return "".join(line for line, row in zip(lines, fields, strict=True) if row[column] not in keys).encode()


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(0, 999), st.sampled_from([1, 7, 90]), st.booleans()),
    picks=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 99)), max_size=5),
    delimiter=st.sampled_from(",\t"),
    ending=st.sampled_from(["\r\n", "\n"]),
    zipped=st.booleans(),
)
def test_what_was_there_is_there_what_was_added_is_found_and_undo_restores(
    tmp_path_factory, shape, picks, delimiter, ending, zipped
):
    folder = tmp_path_factory.mktemp("omop")
    persons, observations = extract(*shape)
    dialect = {"delimiter": delimiter, "lineterminator": ending}
    both = text(PERSONS, persons, **dialect), text(OBSERVED, observations, **dialect)
    source = write(folder / ("in.zip" if zipped else "in"), *both)
    target = folder / ("out.zip" if zipped else "out")
    before = OmopFormat().read(source)
    donors = [before.rows[like % len(before.rows)] for _, like in picks]
    new = [Insertion(min(at, len(before.rows)), (None, *row[1:])) for (at, _), row in zip(picks, donors, strict=True)]
    OmopFormat().insert(source, target, new)
    after = format_of(target).read(target)
    known = {row[0] for row in before.rows}
    added = [row for row in after.rows if row[0] not in known]
    assert after.header == before.header
    assert [row for row in after.rows if row[0] in known] == list(before.rows)
    assert sorted(map(repr, (row[1:] for row in added))) == sorted(map(repr, (new.cells[1:] for new in new)))
    fresh, old, now = {str(row[0]) for row in added}, parts(source), parts(target)
    assert without(now["cdm/person.csv"], 0, fresh, delimiter) == old["cdm/person.csv"]
    assert without(now["cdm/observation.csv"], 1, fresh, delimiter) == old["cdm/observation.csv"]
    assert now["cdm/visit_occurrence.csv"] == old["cdm/visit_occurrence.csv"]


def observations_of(path: Path, folder: Path) -> Table:
    (folder / "o.csv").write_bytes(parts(path)["cdm/observation.csv"])
    return DelimitedFormat().read(folder / "o.csv")


@pytest.mark.parametrize("step", [1, 40])
def test_new_observations_have_keys_of_their_own_in_order_and_no_visit(tmp_path, step):
    persons, observations = extract(80, 3, step)
    source = write(tmp_path / "in.zip", text(PERSONS, persons), text(OBSERVED, observations))
    table = OmopFormat().read(source)
    OmopFormat().insert(
        source, tmp_path / "out.zip", [Insertion(at, (None, *table.rows[at][1:])) for at in (5, 30, 31)]
    )
    rows = observations_of(tmp_path / "out.zip", tmp_path).rows
    keys = [int(str(row[0])) for row in rows]
    assert keys == sorted(set(keys))
    known = {row[0] for row in table.rows}
    added = [row for row in rows if row[1] not in known]
    assert added
    assert all(row[8] is None and row[4] == f"{row[3]} 00:00:00" for row in added)


def test_minted_persons_keep_what_the_host_keeps(tmp_path):
    persons, observations = extract(400, 5)
    source = write(tmp_path / "in.zip", text(PERSONS, persons), text(OBSERVED, observations))
    table = OmopFormat().read(source)
    made = RuledHost(table, {}, omop_profile(table)).anonymous_personas(random.Random(1), 40)
    OmopFormat().insert(source, tmp_path / "out.zip", [Insertion(9 * at, p.cells) for at, p in enumerate(made)])
    after = OmopFormat().read(tmp_path / "out.zip")
    wanted = {tuple(p.cells) for p in made}
    assert len(after.rows) == 440
    assert wanted <= set(after.rows)
    risk = table.header.index(f"{RISK}.value_as_string")
    told = [(int(str(p.cells[2])) < 1985, p.cells[risk]) for p in made if p.cells[risk]]
    assert told
    assert all((text == "high") == older for older, text in told)


def test_persons_of_another_export_are_refused(tmp_path):
    persons, observations = extract(5, 1)
    source = write(tmp_path / "in.zip", text(PERSONS, persons[1:]), text(OBSERVED, observations))
    with pytest.raises(CanaryError, match="speaks of others"):
        OmopFormat().read(source)


def test_a_taken_person_is_refused_and_nothing_written(tmp_path):
    source = write(tmp_path / "in.zip", *(text(h, r) for h, r in zip((PERSONS, OBSERVED), extract(5, 1), strict=True)))
    table = OmopFormat().read(source)
    with pytest.raises(CanaryError, match="taken"):
        OmopFormat().insert(source, tmp_path / "out.zip", [Insertion(2, table.rows[3])])
    assert not (tmp_path / "out.zip").exists()


def test_a_folder_and_a_zip_are_told_by_their_two_files(tmp_path):
    both = [text(h, r) for h, r in zip((PERSONS, OBSERVED), extract(3, 1), strict=True)]
    assert isinstance(format_of(write(tmp_path / "in.zip", *both)), OmopFormat)
    assert isinstance(format_of(write(tmp_path / "in", *both)), OmopFormat)
    assert {PERSON, OBSERVATION} == {Path(name).name for name in parts(tmp_path / "in") if "visit" not in name}
