"""`canary scan`: which canaries stand in files that turned up, and which copy they came from."""

import hashlib
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import Any

import click

from canary import turned_up
from canary.cli.output import format_option, remark, show_json, table
from canary.errors import CanaryError
from canary.report.json_report import pair_document, verdict_document
from canary.scan.bloom import load as load_filter
from canary.scan.cluster import ClusterScan
from canary.scan.needles import NUMBER_ITSELF, Needles, needles
from canary.scan.run import STDIN, Progress, Scan, Scanned
from canary.scan.sift import sifted
from canary.settings import load
from canary.store import finds
from canary.store.finds import Sought
from canary.trace.verdict import Findings, Word

LAW_ROWS = 5000  # from here the law calls a leak of health data "especially serious" (CASES 3)
FRAGMENT = 1 << 29
BIG = 1 << 26  # bytes from which more processes than one are worth their start
Sums = Mapping[Path, tuple[str, int]]
SHOWN = 200  # rows of canaries printed as a table


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Threads or processes to scan with.  [default: one a core if files are big]",
)
@click.option("--phones-only", is_flag=True, help="Plain telephone numbers alone: faster.")
@click.option(
    "--law-rows",
    type=click.IntRange(min=1),
    default=LAW_ROWS,
    show_default=True,
    help="Say if so many are passed.",
)
@click.option("--no-ledger", is_flag=True, help="A rehearsal: enter nothing in the ledger.")
@click.option(
    "--filter",
    "filter_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Search with this exported filter, without registry: numbers of rows alone.",
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who searches.")
@click.option("--cluster", default="", envvar="RAY_ADDRESS", help="The Ray cluster's address.  [default: this machine]")
@format_option
@click.pass_context
def scan(
    ctx: click.Context,
    files: tuple[Path, ...],
    jobs: int | None,
    phones_only: bool,
    law_rows: int,
    no_ledger: bool,
    filter_file: Path | None,
    engine: str,
    cluster: str,
    style: str,
) -> None:
    """Find canaries in FILES that turned up (folders, archives, - for a pasted fragment) and say which copy leaked.

    Exit code 1 when a canary is found. Nothing of any other row is shown, stored or written anywhere.
    """
    try:
        paths = list(_expanded(files))
        if filter_file:
            report = _sifted(paths, filter_file, style)
        else:
            beyond = cluster if engine == "ray" else None
            wish = Wish(jobs or _jobs(paths), phones_only, law_rows, not no_ledger, beyond)
            report = _scanned(paths, wish, style)
    except KeyboardInterrupt:
        remark("interrupted: nothing was kept")
        ctx.exit(128 + signal.SIGINT)
    if any(shown.get("canaries") or shown.get("hits") for shown in report["files"]):
        ctx.exit(1)
    if any(shown["error"] for shown in report["files"]):
        raise CanaryError("nothing found, but not everything could be read", "see the remarks above")


@dataclass(frozen=True)
class Wish:
    """What was asked for besides the files."""

    jobs: int
    phones_only: bool
    law_rows: int
    ledger: bool
    cluster: str | None  # where Ray is; "" on this machine; None: nowhere

    def scan(self, needles: Needles, progress: Progress, stdin: bytes) -> Scan:
        """The scan by whom it was wished."""
        if self.cluster is None:
            return Scan(needles, self.jobs, progress, stdin=stdin)
        return ClusterScan(needles, max(2, self.jobs), progress, stdin=stdin, address=self.cluster)


def _scanned(paths: Sequence[Path], wish: Wish, style: str) -> dict[str, Any]:
    """Scan, judge, enter it in the ledger, print; returns the report."""
    settings = load()
    store = settings.store()
    with store.reading() as session:
        looked = finds.sought(session)
    fragment = sys.stdin.buffer.read(FRAGMENT) if STDIN in paths else b""
    with _progress(paths) as progress, _hashing(paths if wish.ledger else (), fragment) as hashed:
        scanned = wish.scan(needles(looked, wish.phones_only), progress, fragment).files(paths)
        sums = hashed.result()
    digest = finds.digest_of(sha256 for sha256, _ in sums.values())
    said = turned_up.judged(store, settings.now(), settings.terms, looked, scanned, digest)
    report = _report(looked, scanned, wish.law_rows)
    if wish.ledger:
        words = {v.copy: v.word.value for v in said.verdicts if v.word is not Word.CANNOT_TELL}
        with store.writing() as session:
            finds.record(session, settings.now(), [_entry(path, report, sums) for path in paths], words)
            if any(part.matches for part in scanned):
                finds.keep(session, settings.now(), digest, report["rows"], said.found)
    _remarks(report, looked, scanned)
    if style == "json":
        show_json("scan", {**report, **_said(said)})
    else:
        _print(report, said)
    return report


def _sifted(paths: Sequence[Path], filter_file: Path, style: str) -> dict[str, Any]:
    """Search with a filter alone; returns the report."""
    bloom = load_filter(filter_file)
    fragment = sys.stdin.buffer.read(FRAGMENT) if STDIN in paths else b""
    with _progress(paths) as progress:
        found = sifted(paths, bloom, progress, fragment)
    report = {"filter": bloom.digest, "rate": bloom.rate, "files": [asdict(part) for part in found]}
    for part in found:
        if part.error:
            remark(f"not read to its end: {part.error}")
    if style == "json":
        show_json("filter-scan", report)
    else:
        for part in found:
            click.echo(f"{part.path}: {part.rows:,} rows, {len(part.hits)} for the registry's owner to look at")
            click.echo("".join(f"{row}\n" for row in part.hits), nl=False)
    return report


def _jobs(paths: Sequence[Path]) -> int:
    big = sum(path.stat().st_size for path in paths if path != STDIN) >= BIG
    return len(os.sched_getaffinity(0)) if big else 1


def _expanded(files: Sequence[Path]) -> Iterator[Path]:
    for path in files:
        if path != STDIN and path.is_dir():
            yield from sorted(below for below in path.rglob("*") if below.is_file() and not below.is_symlink())
        else:
            yield path


@contextmanager
def _progress(paths: Sequence[Path]) -> Iterator[Progress]:
    total, rows, begun = sum(path.stat().st_size for path in paths if path != STDIN), 0, time.monotonic()

    def speed(_: object) -> str:
        return f"{rows / max(1e-3, time.monotonic() - begun):,.0f} rows/s"

    with click.progressbar(length=max(1, total), file=sys.stderr, label="scanning", item_show_func=speed) as bar:

        def advance(done: int, more: int) -> None:
            nonlocal rows
            rows += more
            if done:
                bar.update(done)

        yield advance


@contextmanager
def _hashing(paths: Sequence[Path], fragment: bytes) -> Iterator[Future[Sums]]:
    """The files' SHA-256 and sizes, taken beside the scan; given up when the scan is."""
    stop = Event()
    with ThreadPoolExecutor(1) as beside:
        try:
            yield beside.submit(lambda: {path: _hash(path, fragment, stop) for path in paths})
        finally:
            stop.set()


def _hash(path: Path, fragment: bytes, stop: Event) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with io.BytesIO(fragment) if path == STDIN else path.open("rb") as file:
            while not stop.is_set() and (piece := file.read(1 << 20)):
                digest.update(piece)
                size += len(piece)
    except OSError:  # the scan itself says so
        return "", 0
    return digest.hexdigest(), size


def _report(looked: Sequence[Sought], scanned: Sequence[Scanned], law_rows: int) -> dict[str, Any]:
    people = {s.id: s for s in looked}
    rows = sum(part.rows for part in scanned)
    present = {i for part in scanned for match in part.matches for i in match.by if people[i].planted}
    return {
        "files": [_file(part, people) for part in scanned],
        "rows": rows,
        "law": {"rows": law_rows, "passed": rows >= law_rows},
        "copies": _copies(looked, present),
    }


def _file(part: Scanned, people: Mapping[int, Sought]) -> dict[str, Any]:
    found = [(match, people[i], kinds) for match in part.matches for i, kinds in match.by.items() if people[i].planted]
    return {
        "path": part.path,
        "rows": part.rows,
        "seconds": round(part.seconds, 3),
        "columns": list(part.columns),
        "canaries": [
            {
                "canary": who.code,
                "copies": list(who.copies),
                "row": match.row,
                "by": [kind.value for kind in kinds],
                **({} if NUMBER_ITSELF.intersection(kinds) else {"chance": round(match.chance, 9)}),
            }
            for match, who, kinds in found
        ],
        "error": part.error,
    }


def _copies(looked: Sequence[Sought], present: set[int]) -> list[dict[str, Any]]:
    """Each copy of which a canary is there: how many of those its file held are, and which are not."""
    held: dict[str, list[Sought]] = {}
    for who in looked:
        for copy in who.copies:
            held.setdefault(copy, []).append(who)
    return [
        {
            "copy": copy,
            "canaries": len(whose),
            "present": sum(w.id in present for w in whose),
            "absent": [w.code for w in whose if w.id not in present],
        }
        for copy, whose in sorted(held.items())
        if any(w.id in present for w in whose)
    ]


def _entry(path: Path, report: Mapping[str, Any], sums: Sums) -> dict[str, Any]:
    name = "stdin" if path == STDIN else str(path)
    parts = [shown for shown in report["files"] if shown["path"] == name or shown["path"].startswith(f"{name}!")]
    codes = sorted({shown["canary"] for part in parts for shown in part["canaries"]})
    sha256, size = sums[path]
    return {
        "name": "stdin" if path == STDIN else path.name,
        "sha256": sha256,
        "size": size,
        "rows": sum(part["rows"] for part in parts),
        "matches": sum(len(part["canaries"]) for part in parts),
        "canaries": codes,
        "unread": any(part["error"] for part in parts),
    }


def _remarks(report: Mapping[str, Any], looked: Sequence[Sought], scanned: Sequence[Scanned]) -> None:
    for shown in report["files"]:
        if shown["error"]:
            remark(f"not read to its end: {shown['error']}")
    shadows = {who.id for who in looked if not who.planted}
    by_chance = sum(1 for part in scanned for match in part.matches for i in match.by if i in shadows)
    if by_chance:
        remark(f"{by_chance} rows also fit shadow personas, which stand in no file: expect as many chance matches")
    if report["law"]["passed"]:
        remark(f"{report['rows']:,} rows: the law's threshold of {report['law']['rows']:,} is passed")


def _said(said: Findings) -> dict[str, Any]:
    return {
        "verdicts": [verdict_document(v) for v in said.verdicts],
        "none_posterior": said.none_posterior,
        "pair": pair_document(said.pair) if said.pair else None,
    }


def _print(report: Mapping[str, Any], said: Findings) -> None:
    for shown in report["files"]:
        click.echo(f"{shown['path']}: {shown['rows']:,} rows, {len(shown['canaries'])} canaries, {shown['seconds']} s")
        if shown["canaries"]:
            click.echo(table([{**c, "chance": c.get("chance")} for c in shown["canaries"][:SHOWN]]))
    if report["copies"]:
        click.echo()
        click.echo(table([{**c, "absent": len(c["absent"])} for c in report["copies"]]))
    named = [v for v in said.verdicts if v.word is not Word.CANNOT_TELL]
    click.echo()
    if not named:
        click.echo("no copy accused")
    for v in named:
        click.echo(f"{v.word.value}: {v.copy} (ln E {v.log_e:.1f}, bar {v.threshold:.1f}, posterior {v.posterior:.3f})")
    if said.pair:
        click.echo(f"two files merged: {' and '.join(said.pair.copies)} (posterior {said.pair.posterior:.3f})")


COMMANDS = (scan,)
