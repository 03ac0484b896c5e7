"""`canary seed --all`: a month for every recipient in one go."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import click

from canary.cli.output import remark, show_json, table
from canary.errors import CanaryError, OutsideError
from canary.plant import batch
from canary.plant.batch import Done
from canary.plant.before import Befores
from canary.plant.seed import Order
from canary.settings import Settings

_SUFFIXES = frozenset((".xlsx", ".xls", ".csv", ".tsv", ".tab", ".txt"))


@dataclass(frozen=True)
class Given:
    """What the command line says: the month's files, those of the month before, and which month."""

    files: Sequence[Path]
    last: Sequence[Path]
    month: datetime | None


def run(settings: Settings, model: Order, given: Given, style: str) -> None:
    """Seed the month into the folder `model.target` and print a line a copy."""
    store, now = settings.store(), settings.now()
    month = (given.month or now).date().replace(day=1)
    files, last = list(_files(given.files)), list(_files(given.last))
    if not files:
        raise CanaryError("no files for the month", "name them with --from")
    with store.reading() as session:
        work = batch.tasks(session, files, month)
    try:
        model.target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(f"{model.target}: {error.strerror}", "choose another folder") from error
    steps = batch.seed_all(store, now, work, replace(model, copy=""), Befores(last))
    with click.progressbar(steps, length=len(work), label=f"seed {month:%Y-%m}", file=sys.stderr) as shown:
        found = [_line(done) for done in shown]
    for line in found:
        for text in line["remarks"]:  # type: ignore[attr-defined]
            remark(f"remark: {line['copy']}: {text}")
    if style == "json":
        show_json("seed-all", {"month": f"{month:%Y-%m}", "copies": found})
    else:
        click.echo(table([{key: value for key, value in line.items() if key != "remarks"} for line in found]))


def _line(done: Done) -> dict[str, object]:
    task, followed = done.task, done.followed
    line: dict[str, object] = {"copy": task.copy, "recipient": task.recipient, "file": str(done.target)}
    if followed is None:
        why = ["sealed already: passed over"]
        names = ("new", "carried", "gone", "inherited", "rows", "continues")
        return {**line, "seeded": False, **dict.fromkeys(names), "remarks": why}
    return {
        **line,
        "seeded": True,
        "new": followed.canaries,
        "carried": followed.carried,
        "gone": followed.gone,
        "inherited": followed.inherited,
        "rows": followed.rows,
        "continues": followed.continues,
        "remarks": list(followed.remarks),
    }


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named."""
    for path in paths:
        if path.is_dir():
            inside = (p for p in sorted(path.iterdir()) if p.suffix.lower() in _SUFFIXES)
            yield from (p for p in inside if not p.name.startswith((".", "~$")))
        else:
            yield path
