"""`canary copy`: every hand-over, and what was made from what."""

import hashlib
from datetime import datetime
from pathlib import Path

import click
import networkx as nx

from canary.cli.database import FileOrUrl
from canary.cli.output import format_option, show_json, show_list, show_one
from canary.errors import CanaryError
from canary.plant.sql import finish
from canary.settings import load
from canary.store import placements, registry
from canary.store.schema import Canary, Copy


@click.group()
def copy() -> None:
    """One copy = one hand-over: this recipient, this date, this file."""


@copy.command()
@click.argument("slug")
@click.option("--recipient", required=True, help="Slug of who gets it.")
@click.option("--date", "day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day of the hand-over.")
@click.option("--from", "sources", multiple=True, help="Slug of a copy it is made from; may be repeated.")
def add(slug: str, recipient: str, day: datetime, sources: tuple[str, ...]) -> None:
    """Record a copy before its file is seeded."""
    settings = load()
    with settings.store().writing() as session:
        registry.add_copy(session, settings.now(), slug, recipient, day.date(), sources)
    click.echo(slug)


@copy.command("list")
@format_option
def list_(style: str) -> None:
    """All copies."""
    with load().store().reading() as session:
        lines = [_line(c) for c in registry.copies(session)]
    show_list("copies", lines, style)


@copy.command()
@click.argument("slug")
@format_option
def show(slug: str, style: str) -> None:
    """One copy: its sources, its canaries by code, the commitment of its draw."""
    with load().store().reading() as session:
        found = registry.copy(session, slug)
        placement = found.placement
        line = {
            **_line(found),
            "canaries": [_canary(c) for c in placement.canaries if c.planted] if placement else [],
            "inherited": placements.inherited_by(session, found),
            "controls": sum(not c.planted for c in placement.canaries) if placement else 0,
            "commitment": placement.commitment if placement else None,
            "file_sha256": placement.file_sha256 if placement else None,
        }
    show_one("copy", line, style)


@copy.command()
@format_option
def graph(style: str) -> None:
    """The copy graph: what was made from what."""
    with load().store().reading() as session:
        found = registry.graph(session)
    if style == "json":
        edges = [{"from": a, "to": b} for a, b in found.edges]
        show_json("graph", {"copies": list(found.nodes), "edges": edges})
    else:
        click.echo("\n".join(nx.generate_network_text(found)))


@copy.command()
@click.argument("slug")
def void(slug: str) -> None:
    """Take back a draw whose file never got out (see `canary doctor`); its numbers are burned. Rows or a view in a
    database stay there: `canary seed SLUG URL --undo` takes them out."""
    settings = load()
    with settings.store().writing() as session:
        half = [p for p in placements.unsealed(session) if p.copy.slug == slug]
        if not half:
            raise CanaryError(f"copy {slug!r} has no unfinished draw", "a sealed copy cannot be taken back")
        placements.void(session, settings.now(), half[0].id, "voided by hand: the file never got out")
    click.echo(f"{slug}: draw taken back")


@copy.command()
@click.argument("slug")
@click.argument("file", metavar="FILE|URL", type=FileOrUrl(path_type=Path, exists=True, dir_okay=False))
def seal(slug: str, file: Path | str) -> None:
    """Finish a draw whose file did appear before a crash: FILE must be that file, byte for byte. Of a database give
    the URL: its rows must stand there as they were planted."""
    settings = load()
    if isinstance(file, str):
        finish(settings.store(), settings.now(), slug, file)
        click.echo(f"{slug}: sealed")
        return
    with settings.store().writing() as session:
        half = [p for p in placements.unsealed(session) if p.copy.slug == slug]
        if not half:
            raise CanaryError(f"copy {slug!r} has no unfinished draw", "see `canary doctor`")
        if hashlib.sha256(file.read_bytes()).hexdigest() != half[0].file_sha256:
            raise CanaryError(f"{file} is not the file of that draw", f"look for {half[0].file_name}, or void it")
        placements.seal(session, settings.now(), half[0].id)
    click.echo(f"{slug}: sealed")


def _canary(planted: Canary) -> dict[str, object]:
    """Code, number (None in a table without phones) and data row (from 1, without the header; None in a database)."""
    row = None if planted.row is None else planted.row + 1
    return {"canary": planted.code, "number": planted.number and planted.number.code, "row": row}


def _line(found: Copy) -> dict[str, object]:
    seeded = found.placement
    return {
        "slug": found.slug,
        "recipient": found.recipient.slug,
        "date": found.date.isoformat(),
        "from": [s.slug for s in found.sources],
        "file": seeded.file_name if seeded else None,
    }


COMMANDS = (copy,)
