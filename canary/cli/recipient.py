"""`canary recipient`: who is handed data."""

from pathlib import Path

import click

from canary.cli.output import format_option, show_list, show_one
from canary.cli.rows import rows
from canary.errors import CanaryError
from canary.settings import load
from canary.store import registry
from canary.store.schema import Recipient


@click.group()
def recipient() -> None:
    """Who was handed data: hospitals, bureaus, vendors, and units inside them."""


@recipient.command()
@click.argument("slug")
@click.option("--name", required=True, help="Name as it should stand in reports.")
@click.option("--kind", required=True, help="hospital, bureau, vendor, app, research, ward, …")
@click.option("--parent", help="Slug of the recipient this one belongs to.")
def add(slug: str, name: str, kind: str, parent: str | None) -> None:
    """Record a recipient."""
    settings = load()
    with settings.store().writing() as session:
        registry.add_recipient(session, settings.now(), slug, name, kind, parent)
    click.echo(slug)


@recipient.command("list")
@format_option
def list_(style: str) -> None:
    """All recipients."""
    with load().store().reading() as session:
        lines = [_line(r) for r in registry.recipients(session)]
    show_list("recipients", lines, style)


@recipient.command()
@click.argument("slug")
@format_option
def show(slug: str, style: str) -> None:
    """One recipient and its copies."""
    with load().store().reading() as session:
        line = _line(registry.recipient(session, slug))
        copies = [c.slug for c in registry.copies(session) if c.recipient.slug == slug]
    show_one("recipient", {**line, "copies": copies}, style)


@recipient.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_(file: Path) -> None:
    """Record recipients from a CSV with the columns slug,name,kind,parent (parents first); all or none."""
    settings = load()
    count = 0
    with settings.store().writing() as session:
        for place, row in rows(file, "slug,name,kind,parent", ("slug", "name", "kind")):
            parent = row.get("parent") or None
            try:
                registry.add_recipient(session, settings.now(), row["slug"], row["name"], row["kind"], parent)
            except CanaryError as error:
                raise CanaryError(f"{place}: {error.message}", error.hint) from error
            count += 1
    click.echo(f"{count} recipients")


def _line(found: Recipient) -> dict[str, str | None]:
    above = found.parent.slug if found.parent else None
    return {"slug": found.slug, "name": found.name, "kind": found.kind, "parent": above}


COMMANDS = (recipient,)
