"""A month for every recipient in one go: which file becomes which copy, and one after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

from sqlalchemy.orm import Session

from canary.errors import CanaryError
from canary.plant.before import Befores, sha256_of
from canary.plant.month import Followed, MonthFile, follow
from canary.plant.seed import Order, opened
from canary.store import placements, registry
from canary.store.database import Store
from canary.store.schema import Copy, PlacementState


@dataclass(frozen=True)
class Task:
    """One copy of the month and the file it is made from; `made` if the copy has to be registered first."""

    copy: str
    recipient: str
    source: Path
    made: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a task: `followed` is None if the copy had been seeded before."""

    task: Task
    target: Path
    followed: Followed | None


def tasks(session: Session, files: Sequence[Path], month: date) -> list[Task]:
    """The copies of a month, file by file.

    A file called like a copy or a recipient is theirs. A single file called like nobody goes to every copy of the
    month, or if none is registered to every recipient. Raises CanaryError when a file is nobody's or a copy's twice.
    """
    copies = [c for c in registry.copies(session) if (c.date.year, c.date.month) == (month.year, month.month)]
    recipients = [r.slug for r in registry.recipients(session)]
    names = {*recipients, *(c.slug for c in copies)}
    if len(files) == 1 and files[0].stem not in names:
        found = [Task(c.slug, c.recipient.slug, files[0]) for c in copies]
        found = found or [_task(slug, [], files[0], month) for slug in recipients]
    else:
        found = [_named(file, copies, recipients, month) for file in files]
    twice = {t.copy for at, t in enumerate(found) if t.copy in {other.copy for other in found[:at]}}
    if twice or not found:
        raise CanaryError(
            f"two files for copy {min(twice)!r}" if twice else "nobody to seed for",
            "one file a copy" if twice else "see `canary recipient add`",
        )
    return sorted(found, key=lambda t: (str(t.source), t.copy))


def _named(file: Path, copies: Sequence[Copy], recipients: Sequence[str], month: date) -> Task:
    for each in copies:
        if each.slug == file.stem:
            return Task(each.slug, each.recipient.slug, file)
    if file.stem not in recipients:
        raise CanaryError(
            f"{file.name}: no recipient and no copy of {month:%Y-%m} is called {file.stem!r}",
            "name the files like recipients or copies, or give one file for all",
        )
    return _task(file.stem, copies, file, month)


def _task(recipient: str, copies: Sequence[Copy], file: Path, month: date) -> Task:
    mine = [c.slug for c in copies if c.recipient.slug == recipient]
    if len(mine) > 1:
        raise CanaryError(f"{recipient} has several copies in {month:%Y-%m}", f"name the file like {mine[0]!r}")
    return Task(mine[0] if mine else f"{recipient}-{month:%Y-%m}", recipient, file, made=not mine)


def seed_all(store: Store, now: datetime, work: Sequence[Task], model: Order, befores: Befores) -> Iterator[Done]:
    """Seed the copies of a month one by one into the folder `model.target`; its other fields hold for each.

    Each copy is done wholly or not at all, so the run can be started again after a crash: copies that are sealed
    already are passed over. Raises CanaryError or OutsideError at the first copy that cannot be seeded.
    """
    _register(store, now, [task for task in work if task.made])
    for path, group in groupby(work, key=lambda t: t.source):
        file: MonthFile | None = None
        for task in group:
            target = model.target / f"{task.copy}{path.suffix}"
            if _sealed(store, now, task, target):
                yield Done(task, target, None)
                continue
            file = file or MonthFile(opened(path, model.profile))
            order = replace(model, copy=task.copy, source=path, target=target)
            try:
                yield Done(task, target, follow(store, now, order, file, befores))
            except CanaryError as error:
                raise type(error)(f"{task.copy}: {error.message}", error.hint) from error


def _register(store: Store, now: datetime, made: Sequence[Task]) -> None:
    """All at once: a run that is started again must find the same copies."""
    with store.writing() as session:
        for task in made:
            year, month = map(int, task.copy[-7:].split("-"))
            day = now.date() if (now.year, now.month) == (year, month) else date(year, month, 1)
            registry.add_copy(session, now, task.copy, task.recipient, day)


def _sealed(store: Store, now: datetime, task: Task, target: Path) -> bool:
    """Whether the copy is seeded. A draw that a crash left unsealed is sealed if its very file did appear."""
    with store.reading() as session:
        placement = registry.copy(session, task.copy).placement
        if placement is None or placement.state == PlacementState.SEALED:
            return placement is not None
    if not target.exists() or sha256_of(target) != placement.file_sha256:
        raise CanaryError(
            f"copy {task.copy!r} has an unfinished draw", f"`canary copy void {task.copy}`, then run this again"
        )
    with store.writing() as session:
        placements.seal(session, now, placement.id)
    return True
