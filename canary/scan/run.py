"""Scans files: what was found in each, by one process or several, with progress; nothing is written anywhere."""

import gc
import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from canary.errors import CanaryError, SealedError
from canary.mint.facts import Fact
from canary.scan import STDIN, cells, near, no_collection, size_of
from canary.scan.blocks import SIZE, Block, blocks, views
from canary.scan.cells import CellMatcher, Likeness
from canary.scan.index import Finder
from canary.scan.kernel import Kernel
from canary.scan.lifetime import processes
from canary.scan.matcher import Matcher, finder
from canary.scan.near import NearMatcher, Nearness
from canary.scan.needles import Needles
from canary.scan.readers.base import BROKEN, Part, Source
from canary.scan.readers.detect import parts
from canary.scan.readers.file import source_of
from canary.scan.readers.omop import OBSERVATION, PERSON, place_of, with_joins
from canary.scan.record import DUE_DATES, Match, is_doubtful, merged, parted
from canary.scan.values import Resemblance, ValueMatcher, recognised

SHOWN = {Fact.NAME.value, Fact.PHONE.value}
RANGE = 1 << 26  # bytes of a plain text that one process takes at a time

Progress = Callable[[int, int], None]  # bytes and rows done since the last call


@dataclass(frozen=True)
class Task:
    """A file, or of a plain text the lines that start in [start, stop). With `values` only the parts of these names
    are searched, and by values alone, joined with those of the file `beside`. `content` stands for a file that is none:
    a fragment on stdin."""

    path: Path
    start: int = 0
    stop: int | None = None
    values: frozenset[str] | None = None
    content: bytes | None = None
    beside: Path | None = None


@dataclass
class Scanned:
    """What one part of a file held: `rows` in all, `columns` that its header names, and its matches, persona by
    persona. `error` says why it could not be read to its end."""

    path: str
    rows: int = 0
    seconds: float = 0.0
    columns: tuple[str, ...] = ()
    matches: list[Match] = field(default_factory=list)
    error: str = ""
    name_rows: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    value_rows: Counter[str] = field(default_factory=Counter)
    alike: list[Resemblance] = field(default_factory=list)
    likenesses: list[Likeness] = field(default_factory=list)
    near: list[Nearness] = field(default_factory=list)
    near_rows: tuple[Counter[str], Counter[int]] = field(default_factory=lambda: (Counter(), Counter()))

    def add(self, later: "Scanned") -> None:
        """Take in the lines that follow."""
        self.matches += [match.at(match.row + self.rows) for match in later.matches]
        self.alike += [(row + self.rows, i, facts) for row, i, facts in later.alike]
        self.likenesses += [replace(like, row=like.row + self.rows) for like in later.likenesses]
        self.near += [(row + self.rows, i, agreed) for row, i, agreed in later.near]
        self.near_rows = (self.near_rows[0] + later.near_rows[0], self.near_rows[1] + later.near_rows[1])
        self.rows += later.rows
        self.seconds += later.seconds
        self.error = self.error or later.error
        self.name_rows = self.name_rows + later.name_rows if len(self.name_rows) else later.name_rows
        self.value_rows += later.value_rows


@dataclass(frozen=True)
class Scan:
    """How to scan: for what, by how many processes, telling whom how far it is."""

    needles: Needles
    jobs: int = 1
    progress: Progress = lambda done, rows: None
    range: int = RANGE
    stdin: bytes = b""

    @cached_property
    def _finder(self) -> Finder:
        with no_collection():
            found = finder(self.needles)
        gc.freeze()  # needles stay to the end: the collector need not walk them, nor a child so copy them
        return found

    def files(self, paths: Sequence[Path]) -> list[Scanned]:
        """Every part of every file, in order. What cannot be read has an `error`, the rest is read all the same."""
        found = self._all([task for path in paths for task in self._tasks(path)])
        if self.needles.holders or self.needles.rosters:
            self._values(paths, found)
        for part in found:
            part.matches = self._with_chances(merged(part.matches), part)
        return found

    def _with_chances(self, matches: list[Match], part: Scanned) -> list[Match]:
        """Matches by name and due date alone get theirs, apart from surer ones of the same row: namesakes in the file
        share a due date by chance."""
        told = [each for match in matches for each in ([match] if match.chance else parted(match))]
        if not any(is_doubtful(match) for match in told):
            return told
        rows = self._finder.index.name_rows(part.name_rows)
        return [
            replace(match, chance=max(rows[i] for i in match.by) / DUE_DATES) if is_doubtful(match) else match
            for match in told
        ]

    def _values(self, paths: Sequence[Path], found: list[Scanned]) -> None:
        """Where nothing was found, look again for rows that agree in their values: where numbers or names are shown,
        nearly in hers, for else the row is somebody else's."""
        blank = frozenset(
            part.path
            for part in found
            if not (part.matches or part.error or (_shows_whom(part.columns) and part.rows > near.MOST_ROWS))
        )
        if not blank:
            return
        tasks = [replace(t, values=blank) for path in paths for t in self._tasks(path) if _may_hold(t, blank)]
        tasks += _pairs(paths, blank) if self.needles.rosters else ()
        again = {part.path: part for part in self._all(tasks)}
        for part in found:
            if part.path in blank and (second := again.get(part.path)):
                part.seconds += second.seconds
                part.matches = recognised(second.alike, part.rows, second.value_rows, self.needles)
                minted = sum(len(roster.ids) for roster in self.needles.rosters)
                part.matches += cells.recognised(second.likenesses, part.rows, minted)
                part.matches += near.recognised(second.near, part.rows, *second.near_rows, self.needles)

    def _all(self, tasks: Sequence[Task]) -> list[Scanned]:
        found: list[Scanned] = []
        for _, results in groupby(
            zip(tasks, self._each(tasks), strict=True), key=lambda pair: (pair[0].path, pair[0].beside)
        ):
            pieces = [scanned for _, scanned in results]
            for later in pieces[1:]:
                pieces[0][0].add(later[0])
            found += pieces[0]
        return found

    def _each(self, tasks: Sequence[Task]) -> Iterator[list[Scanned]]:
        if self.jobs == 1 or len(tasks) < 2:
            yield from (scan_task(task, self._finder, self.progress) for task in tasks)
            return
        jobs = min(self.jobs, len(tasks))
        # The kernel searches without Python's lock: threads do, unless there is more to do than to search.
        if isinstance(self._finder, Kernel) and all(task.stop and task.values is None for task in tasks):
            with ThreadPoolExecutor(jobs, initializer=_prepare, initargs=(self._finder, True)) as threads:
                yield from self._told(tasks, threads.map(_work, tasks))
        else:
            # Forked, they share the finder's tables.
            with processes(jobs, partial(_prepare, self._finder)) as pool:
                yield from self._told(tasks, pool.map(_work, tasks))

    def _told(self, tasks: Sequence[Task], results: Iterator[list[Scanned]]) -> Iterator[list[Scanned]]:
        for task, found in zip(tasks, results, strict=True):
            self.progress(_size(task), sum(part.rows for part in found))
            yield found

    def _tasks(self, path: Path) -> list[Task]:
        if path == STDIN:
            return [Task(path, content=self.stdin)]
        if self.jobs == 1 or (size := size_of(path)) < 2 * self.range or not _is_plain(path):
            return [Task(path)]
        starts = list(range(0, size, self.range))
        return [Task(path, start, stop) for start, stop in zip(starts, [*starts[1:], size], strict=True)]


def _may_hold(task: Task, names: frozenset[str]) -> bool:
    own = str(task.path) if task.content is None else "stdin"
    return any(name == own or name.startswith(f"{own}!") for name in names)


def _pairs(paths: Sequence[Path], names: frozenset[str]) -> Iterator[Task]:
    """The files of persons beside whom lies a file of their observations."""
    places = {place_of(str(path)): path for path in paths}
    for (place, stem), path in places.items():
        if stem == PERSON and (place, OBSERVATION) in places:
            own = frozenset(name for name in names if _may_hold(Task(path), frozenset({name})))
            if own:
                yield Task(path, values=own, beside=places[place, OBSERVATION])


def _size(task: Task) -> int:
    if task.content is not None:
        return len(task.content)
    return (size_of(task.path) if task.stop is None else task.stop) - task.start


_own = threading.local()  # what a worker searches with


def _prepare(finder: Finder, twin: bool = False) -> None:
    _own.finder = finder.twin() if twin else finder


def _work(task: Task) -> list[Scanned]:
    return scan_task(task, _own.finder, lambda done, rows: None)


def scan_task(task: Task, finder: Finder, progress: Progress) -> list[Scanned]:
    """The parts of one file, or the one part that a range is. An error ends the part it stands in, and is kept."""
    found: list[Scanned] = []
    before = _state(task)
    try:
        for part in _parts(task, _source(task, progress)):
            if _is_wanted(part, task, finder.index.needles):
                found.append(Scanned(part.name, columns=part.syntax.columns))
                try:
                    _search(part, found[-1], finder, task.values is not None, progress)
                except (CanaryError, *BROKEN) as error:  # archives are unpacked while their parts are searched
                    found[-1].error = broken(part.name, error)
    except (CanaryError, *BROKEN) as error:
        found.append(Scanned(str(task.path), error=broken(task.path, error)))
    if found and _state(task) != before:
        found[-1].error = found[-1].error or f"{task.path}: changed while it was read (scan a copy of it)"
    return found


def _state(task: Task) -> tuple[int, int] | None:
    """What differs when a file was written to."""
    try:
        told = task.path.stat()
    except OSError:
        return None
    return (told.st_size, told.st_mtime_ns) if task.content is None else None


def _is_wanted(part: Part, task: Task, needles: Needles) -> bool:
    if task.values is None:
        return part.wide is None
    return part.name in task.values and (part.wide is None or bool(needles.rosters))


def _parts(task: Task, source: Source) -> Iterator[Part]:
    if task.beside is not None:
        return with_joins(chain(parts(source_of(task.beside)), parts(source)))
    return _ranged(task, source) if task.stop is not None else parts(source)


def broken(path: Path | str, error: BaseException) -> str:
    """What to say of a file or part that could not be read to its end; raises what is no fault of it."""
    if isinstance(error, SealedError):  # of the registry: personas are opened when first met
        raise error
    return str(error) if isinstance(error, CanaryError) else f"{path}: {getattr(error, 'strerror', None) or error}"


def _source(task: Task, progress: Progress) -> Source:
    content = task.content
    if content is None:
        return source_of(task.path, lambda done: progress(done, 0))
    return Source("stdin", lambda: io.BytesIO(content), len(content))


def _search(part: Part, into: Scanned, finder: Finder, by_values: bool, progress: Progress) -> None:
    begun = time.perf_counter()
    if by_values:
        _search_values(part, into, finder.index.needles, progress)
    else:
        matcher, told = Matcher(finder, part.syntax), 0
        try:
            for block in (part.views or part.blocks)():
                into.matches += matcher.search(block)
                progress(0, matcher.rows - told)
                told = matcher.rows
        finally:  # a file that breaks off has shown what stands before
            into.rows, into.name_rows = matcher.whole_rows, finder.name_rows.copy()
    into.seconds = time.perf_counter() - begun


def _search_values(part: Part, into: Scanned, needles: Needles, progress: Progress) -> None:
    nearly, told = NearMatcher(needles, part.syntax), 0
    facts = None if _shows_whom(part.syntax.columns) else ValueMatcher(needles, part.syntax)
    rows = [CellMatcher(roster, part.syntax) for roster in needles.rosters if facts and part.wide is None]
    for block in part.blocks():
        into.near += nearly.search(block)
        into.alike += facts.search(block) if facts else ()
        for matcher in rows:
            into.likenesses += matcher.search(block)
        progress(0, nearly.rows - told)
        told = nearly.rows
    into.rows, into.near_rows = nearly.rows, (nearly.counts, nearly.name_rows)
    into.value_rows = facts.value_rows if facts else into.value_rows
    if part.wide is not None:
        for roster in needles.rosters:
            wide = part.wide(roster.titles)
            matcher = CellMatcher(roster, wide.syntax)
            into.likenesses += [like for block in wide.blocks() for like in matcher.search(block)]


def _shows_whom(columns: Iterable[str]) -> bool:
    return not SHOWN.isdisjoint(columns)


def _ranged(task: Task, source: Source) -> Iterator[Part]:
    """The lines that start in the range: its first belongs to the range before, unless it starts right there."""
    (whole,) = parts(source)
    syntax = whole.syntax if task.start == 0 else replace(whole.syntax, first=1)

    def read(cut: Callable[[BinaryIO], Iterator[Block]]) -> Iterator[Block]:
        with source.open() as stream:
            if task.start:
                stream.seek(task.start - 1)
                while (piece := stream.readline(SIZE)) and not piece.endswith(b"\n"):
                    pass
            if stream.tell() < (task.stop or 0):
                yield from cut(stream)

    yield Part(
        whole.name,
        syntax,
        partial(read, partial(blocks, syntax=syntax, until=task.stop)),
        partial(read, partial(views, until=task.stop)),
    )


def _is_plain(path: Path) -> bool:
    try:
        found = next(parts(source_of(path)), None)
        return found is not None and found.views is not None
    except (CanaryError, *BROKEN):
        return False
