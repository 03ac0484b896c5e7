"""OMOP: `person.csv` and `observation.csv` of a CDM 5.4 extract in one zip or folder, as one table of persons."""

import random
import shutil
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from canary.errors import CanaryError
from canary.mint.columns import Profile
from canary.mint.facts import Cell, Row, Table
from canary.mint.identifiers import RunningNumbers
from canary.mint.rules import Rule
from canary.plant.formats.base import Insertion
from canary.plant.formats.delimited import DelimitedFormat
from canary.plant.formats.ooxml import archive

PERSON, OBSERVATION = "person.csv", "observation.csv"
_ID, _KEY, _CONCEPT, _DATE, _MOMENT = (
    *("person_id", "observation_id", "observation_concept_id", "observation_date"),
    "observation_datetime",
)
# Keys of other tables: a canary has no visit and no event of her own, and must not share a real woman's.
_FOREIGN = frozenset({"visit_occurrence_id", "visit_detail_id", "observation_event_id"})
_MOST = 5  # observations of one concept that a person's row has room for; more are there, but not imitated


class OmopFormat:
    """A person's columns, then for each concept she was observed by its date and whatever varies, named
    `4083743.observation_date`, a second observation `4083743#2.observation_date`. Files keep their dialect.

    A new person brings her own observations, under keys that go on as the host's do.
    """

    def read(self, path: Path) -> Table:
        """The table of persons; raises CanaryError naming file and row on bad input."""
        with _opened(path) as folder:
            return _Extract(folder).table

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target`, a zip or folder as `source` is, with new persons and their observations in place."""
        with _opened(source) as old, tempfile.TemporaryDirectory() as made:
            extract = _Extract(old)
            in_order = sorted(insertions, key=lambda each: each.before)
            persons, observations = extract.planned(in_order)
            new = {PERSON: persons, OBSERVATION: observations}
            for part in (PERSON, OBSERVATION):
                DelimitedFormat().insert(_part(old, part), Path(made, part), new[part])
            _packed(source, target, Path(made))

    def profile(self, table: Table) -> Profile:
        """See `omop_profile`."""
        return omop_profile(table)


def omop_profile(table: Table) -> Profile:
    """What must hold for a person's row to be one: no value without its date, no second observation without a first.

    `table` is one that `OmopFormat.read` gave; minting takes the profile, for nothing else can say this.
    """
    dated = {name.rpartition(".")[0]: at for at, name in enumerate(table.header) if name.endswith(f".{_DATE}")}
    names = {at: f"c{at}" for at in range(len(table.header))}
    filled, chained, valued = (list[tuple[int, int]]() for _ in range(3))  # in the order in which rows are mended
    for slot, at in dated.items():
        concept, _, number = slot.partition("#")
        if number:
            chained.append((at, dated[concept if number == "2" else f"{concept}#{int(number) - 1}"]))
    for at, name in enumerate(table.header):
        date = dated.get(name.rpartition(".")[0], at)
        if date != at:
            valued.append((at, date))
            if all(row[date] is None or row[at] is not None for row in table.rows):
                filled.append((date, at))
    needs = [*filled, *chained, *valued]
    rules = tuple(Rule("needs", f"{table.header[a]} needs {table.header[b]}", (names[a], names[b])) for a, b in needs)
    return Profile("omop", phones=False, columns={names[at]: (table.header[at],) for at in names}, rules=rules)


@dataclass(frozen=True)
class _Slot:
    """The n-th observation of one concept in a person's row: its columns, and a row of the host to write it like."""

    concept: str
    number: int
    columns: tuple[str, ...]
    like: Row

    @property
    def names(self) -> list[str]:
        head = self.concept if self.number == 1 else f"{self.concept}#{self.number}"
        return [f"{head}.{column}" for column in self.columns]


class _Extract:
    """Both files of one extract, and how they go together."""

    def __init__(self, folder: Path) -> None:
        self._person, self._observed = (DelimitedFormat().read(_part(folder, name)) for name in (PERSON, OBSERVATION))
        self._id = _column(self._person, PERSON, _ID)
        self._at = {name: _column(self._observed, OBSERVATION, name) for name in (_KEY, _ID, _CONCEPT, _DATE)}
        self._of: dict[Cell, list[int]] = defaultdict(list)
        for at, row in enumerate(self._observed.rows):
            self._of[row[self._at[_ID]]].append(at)
        ids = [row[self._id] for row in self._person.rows]
        if len(set(ids)) < len(ids) or None in ids or not self._of.keys() <= set(ids):
            raise CanaryError(
                f"{PERSON}: {_ID} is empty, stands there twice, or {OBSERVATION} speaks of others",
                "export both tables for the same persons",
            )
        self._slots = self._found_slots()
        names = [name for slot in self._slots for name in slot.names]
        self.table = Table((*self._person.header, *names), tuple(map(self._wide, self._person.rows)))

    def _found_slots(self) -> list[_Slot]:
        rows: dict[str, list[Row]] = defaultdict(list)
        most: dict[str, int] = defaultdict(int)
        for own in self._of.values():
            count: dict[str, int] = defaultdict(int)
            for row in (self._observed.rows[at] for at in own):
                concept = str(row[self._at[_CONCEPT]])
                rows[concept].append(row)
                count[concept] += 1
                most[concept] = min(_MOST, max(most[concept], count[concept]))
        free = set(self._observed.header) - {_KEY, _ID, _CONCEPT, _MOMENT, *_FOREIGN}
        found = []
        for concept in sorted(rows):
            varying = [
                name
                for at, name in enumerate(self._observed.header)
                if name in free and (name == _DATE or len({row[at] for row in rows[concept]}) > 1)
            ]
            found += [_Slot(concept, n, tuple(varying), rows[concept][0]) for n in range(1, most[concept] + 1)]
        return found

    def _wide(self, person: Row) -> Row:
        own: dict[tuple[str, int], Row] = {}
        count: dict[str, int] = defaultdict(int)
        for row in (self._observed.rows[at] for at in self._of.get(person[self._id], ())):
            concept = str(row[self._at[_CONCEPT]])
            count[concept] += 1
            own[concept, count[concept]] = row
        places = {name: at for at, name in enumerate(self._observed.header)}
        nothing: Row = (None,) * len(self._observed.header)
        rows = [(slot, own.get((slot.concept, slot.number), nothing)) for slot in self._slots]
        return (*person, *(row[places[column]] for slot, row in rows for column in slot.columns))

    def planned(self, insertions: Sequence[Insertion]) -> tuple[list[Insertion], list[Insertion]]:
        """The rows to insert into either file; raises CanaryError where an identifier is taken or no number."""
        width = len(self._person.header)
        taken = {row[self._id] for row in self._person.rows}
        fresh = iter(RunningNumbers([row[self._id] for row in self._person.rows]).draw(_RANDOM, 2 * len(insertions)))
        keys = _Keys([row[self._at[_KEY]] for row in self._observed.rows])
        persons, observations = [], []
        for new in insertions:
            person, cells = list(new.cells[:width]), new.cells[width:]
            if len(cells) != len(self.table.header) - width:
                raise CanaryError(f"{PERSON}: a new row does not fit the table")
            if person[self._id] is None:
                person[self._id] = next(each for each in fresh if each not in taken)
            elif person[self._id] in taken:
                raise CanaryError(f"{PERSON}: {_ID} {person[self._id]} is taken")
            taken.add(person[self._id])
            persons.append(Insertion(new.before, tuple(person)))
            rows = list(self._observations(person[self._id], cells))
            for before, key, row in zip(*keys.take(self._after(new.before), len(rows)), rows, strict=True):
                row[self._at[_KEY]] = key
                observations.append(Insertion(before, tuple(row)))
        return persons, sorted(observations, key=lambda each: (each.before, keys.rank(each.cells[self._at[_KEY]])))

    def _observations(self, person: Cell, cells: Row) -> Iterator[list[Cell]]:
        places = {name: at for at, name in enumerate(self._observed.header)}
        rest = iter(cells)
        for slot in self._slots:
            told = {column: next(rest) for column in slot.columns}
            if told[_DATE] is None:
                continue
            row = list(slot.like)
            row[self._at[_ID]] = person
            for column, cell in told.items():
                row[places[column]] = cell
            for column in _FOREIGN & places.keys():
                row[places[column]] = None
            if _MOMENT in places:
                row[places[_MOMENT]] = _moved(slot.like[places[_MOMENT]], slot.like[self._at[_DATE]], told[_DATE])
            yield row

    def _after(self, person: int) -> int:
        """Where observations of somebody in front of this person belong: behind those of the one before her."""
        for row in reversed(self._person.rows[:person]):
            if own := self._of.get(row[self._id]):
                return own[-1] + 1
        return 0


class _Keys:
    """The observations' keys: new ones fit in where the host's count up, else they go on after its last."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        if any(not str(cell).isdecimal() for cell in cells):
            raise CanaryError(f"{OBSERVATION}: {_KEY} is no number in every row", "export it as the CDM has it")
        self._numbers = [int(str(cell)) for cell in cells]
        self._rising = all(a < b for a, b in pairwise(self._numbers))
        self._taken = set(self._numbers)

    def take(self, at: int, count: int) -> tuple[list[int], list[Cell]]:
        """Places and keys for `count` rows that belong in front of row `at`."""
        low = self._numbers[at - 1] if at else 0
        high = self._numbers[at] if at < len(self._numbers) else None
        drawn: list[int] = []
        if self._rising and high is not None:
            gap = [number for number in range(low + 1, min(high, low + 1 + 50 * count)) if number not in self._taken]
            drawn = sorted(_RANDOM.sample(gap, count)) if len(gap) >= count else []
        if not drawn:
            at = len(self._numbers) if self._rising else at
            last = max(self._taken, default=0)
            drawn = [*range(last + 1, last + 1 + count)]
        self._taken.update(drawn)
        return [at] * count, [str(number) for number in drawn]

    def rank(self, key: Cell) -> int:
        """By what new rows in one place are put in order."""
        return int(str(key)) if self._rising else 0


_RANDOM = random.SystemRandom()


def _moved(moment: Cell, day: Cell, to: Cell) -> Cell:
    """A moment of the host's moved to another day: 2026-05-01 00:00:00."""
    text = str(moment or "")
    return f"{to}{text[len(str(day)) :]}" if text.startswith(str(day)) else None


def _column(table: Table, name: str, column: str) -> int:
    if column not in table.header:
        raise CanaryError(f"{name}: no column {column}", "export the table as OMOP CDM 5.4 has it")
    return table.header.index(column)


def is_omop(names: Iterable[str]) -> bool:
    """Whether both tables are among the files of a folder or archive."""
    return {PERSON, OBSERVATION} <= {Path(name).name.lower() for name in names}


def _part(folder: Path, name: str) -> Path:
    return next(path for path in folder.rglob("*") if path.name.lower() == name)


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """The folder with the two files; of an archive, unpacked."""
    if path.is_dir():
        yield path
        return
    with zipfile.ZipFile(path) as package, tempfile.TemporaryDirectory() as folder:
        for info in package.infolist():
            if _named(info) in (PERSON, OBSERVATION):
                Path(folder, _named(info)).write_bytes(package.read(info))
        yield Path(folder)


def _packed(source: Path, target: Path, made: Path) -> None:
    """The source with its two files exchanged, all else as it was."""
    if source.is_dir():
        shutil.copytree(source, target)
        for name in (PERSON, OBSERVATION):
            shutil.copyfile(made / name, _part(target, name))
        return
    with zipfile.ZipFile(source) as package:
        changed: dict[str, Callable[[], Iterable[bytes]]] = {
            info.filename: partial(_content, made / _named(info))
            for info in package.infolist()
            if _named(info) in (PERSON, OBSERVATION)
        }
        archive.rewrite(package, source, target, changed)


def _named(info: zipfile.ZipInfo) -> str:
    return Path(info.filename).name.lower()


def _content(path: Path) -> list[bytes]:
    return [path.read_bytes()]
