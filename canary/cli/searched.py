"""What `canary scan` does when its options are read: searches, judges, enters it in the ledger, prints."""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from canary import turned_up
from canary.cli.output import one_line, remark, show_json, table
from canary.report.json_report import pair_document, verdict_document
from canary.scan import STDIN, no_collection, size_of
from canary.scan.bloom import load as load_filter
from canary.scan.cluster import ClusterScan
from canary.scan.needles import NUMBER_ITSELF, Needles, needles
from canary.scan.run import Progress, Scan, Scanned
from canary.scan.sift import sifted as filtered
from canary.settings import load
from canary.store import finds
from canary.store.finds import Sought
from canary.trace.verdict import Findings, Word

SHOWN = 200  # rows of canaries printed as a table
Sums = Mapping[Path, tuple[str, int]]


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


def scanned(paths: Sequence[Path], wish: Wish, fragment: bytes, hashed: Future[Sums], style: str) -> dict[str, Any]:
    """Scan, judge, enter it in the ledger, print; returns the report."""
    settings = load()
    store = settings.store()
    with no_collection(), store.reading() as session:
        looked = finds.sought(session)
    wanted = needles(looked, wish.phones_only)
    with _progress(paths) as progress:
        found = wish.scan(wanted, progress, fragment).files(paths)
        sums = hashed.result()
    digest = finds.digest_of(sha256 for sha256, _ in sums.values())
    said = turned_up.judged(store, settings.now(), settings.terms, looked, found, digest)
    report = _report(looked, found, wish.law_rows)
    if wish.ledger:
        words = {v.copy: v.word.value for v in said.verdicts if v.word is not Word.CANNOT_TELL}
        with store.writing() as session:
            finds.record(session, settings.now(), [_entry(path, report, sums) for path in paths], words)
            if any(part.matches for part in found):
                finds.keep(session, settings.now(), digest, report["rows"], said.found)
    _remarks(report, looked, found)
    if style == "json":
        show_json("scan", {**report, **_said(said)})
    else:
        _print(report, said)
    return report


def sifted(paths: Sequence[Path], filter_file: Path, fragment: bytes, style: str) -> dict[str, Any]:
    """Search with a filter alone; returns the report."""
    bloom = load_filter(filter_file)
    with _progress(paths) as progress:
        found = filtered(paths, bloom, progress, fragment)
    report = {"filter": bloom.digest, "rate": bloom.rate, "files": [asdict(part) for part in found]}
    for part in found:
        if part.error:
            remark(f"not read to its end: {part.error}")
    if style == "json":
        show_json("filter-scan", report)
    else:
        for part in found:
            click.echo(
                f"{one_line(part.path)}: {part.rows:,} rows, {len(part.hits)} for the registry's owner to look at"
            )
            click.echo("".join(f"{row}\n" for row in part.hits), nl=False)
    return report


@contextmanager
def _progress(paths: Sequence[Path]) -> Iterator[Progress]:
    total, rows, begun = sum(map(size_of, paths)), 0, time.monotonic()

    def speed(_: object) -> str:
        return f"{rows / max(1e-3, time.monotonic() - begun):,.0f} rows/s"

    with click.progressbar(length=max(1, total), file=sys.stderr, label="scanning", item_show_func=speed) as bar:

        def advance(done: int, more: int) -> None:
            nonlocal rows
            rows += more
            if done:
                bar.update(done)

        yield advance


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
        # A name that is no text could not be entered.
        "name": "stdin" if path == STDIN else os.fsencode(path.name).decode("utf-8", "backslashreplace"),
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
        count, name = len(shown["canaries"]), one_line(shown["path"])
        click.echo(f"{name}: {shown['rows']:,} rows, {count} canaries, {shown['seconds']} s")
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
