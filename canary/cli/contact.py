"""`canary contact`: what was heard, and sightings by hand."""

import mimetypes
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from canary.cli.output import format_option, show_list, show_one
from canary.cli.rows import rows
from canary.errors import CanaryError
from canary.listen import sighting
from canary.listen.campaign import Campaign, campaigns_of
from canary.listen.kinds import Kind
from canary.listen.providers.every import attested
from canary.listen.sighting import Sighting
from canary.listen.sort import sort_all
from canary.settings import load
from canary.store import contacts, ledger, media, views
from canary.store.schema import Media

WHEN = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


@click.group()
def contact() -> None:
    """Calls, texts, messages and sightings; they can be added, never edited."""


@contact.command()
@click.option("--number", default="", help="The number of ours it came to.")
@click.option("--canary", default="", help="Or the code of the canary it was about.")
@click.option("--via", required=True, help="wechat, hotline, letter, look-up, visit, …")
@click.option("--text", required=True, help="What was said or written, word for word if possible.")
@click.option("--from", "sender", default="", help="Who it came from, as far as known.")
@click.option("--at", type=click.DateTime(WHEN), help="When, in UTC. [default: now]")
@click.option("--by", "entered_by", default="", help="Who enters it.")
def add(at: datetime | None, **fields: str) -> None:
    """Enter a sighting by hand: it counts like a call."""
    settings = load()
    now = settings.now()
    store = settings.store()
    with store.writing() as session:
        sid = sighting.enter(session, now, at.replace(tzinfo=UTC) if at else now, Sighting(**fields))
    sort_all(store)
    click.echo(sid)


@contact.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_(file: Path) -> None:
    """Enter sightings from a CSV (at,number,canary,via,text,sender,entered_by); all or none."""
    settings = load()
    store = settings.store()
    with store.writing() as session:
        seen = list(_read(file))
        for place, at, row in seen:
            try:
                sighting.enter(session, settings.now(), at, row)
            except CanaryError as error:
                raise CanaryError(f"{place}: {error.message}", error.hint) from error
    sort_all(store)
    click.echo(f"{len(seen)} sightings")


def _read(file: Path) -> Iterator[tuple[str, datetime, Sighting]]:
    for place, row in rows(file, "at,number,canary,via,text,sender,entered_by", ("at", "via")):
        try:
            at = datetime.fromisoformat(row["at"])
        except ValueError:
            raise CanaryError(f"{place}: column 'at': not a time", "2026-06-22T10:30") from None
        known = {name: cell for name, cell in row.items() if name in Sighting.__dataclass_fields__}
        yield place, at if at.tzinfo else at.replace(tzinfo=UTC), Sighting(**{"text": "", **known})


@contact.command("list")
@click.option("--kind", type=click.Choice([k.value for k in Kind]), help="Only contacts of this kind.")
@format_option
def list_(kind: str | None, style: str) -> None:
    """All contacts, by code; those of one `campaign` belong together (it is called by its first contact)."""
    settings = load()
    store = settings.store()
    sort_all(store)
    with store.reading() as session:
        together = campaigns_of(session, settings.now())
        sorted_ = views.sorted_contacts(session, settings.now())
        lines = [_line(row, together) for row in sorted_ if kind in (None, row.kind)]
    show_list("contacts", lines, style)


@contact.command()
@click.argument("contact_id", type=int)
@click.option("--reveal", is_flag=True, help="Show caller and words; writes a ledger line.")
@format_option
def show(contact_id: int, reveal: bool, style: str) -> None:
    """One contact."""
    settings = load()
    store = settings.store()
    sort_all(store)
    with store.writing() as session:
        rows = [r for r in views.sorted_contacts(session, settings.now()) if r.contact.id == contact_id]
        if not rows:
            raise CanaryError(f"no contact {contact_id}", "see `canary contact list`")
        together = campaigns_of(session, settings.now())
        line = _line(rows[0], together)
        campaign = together.get(contact_id)
        line |= {
            "campaign_by": list(campaign.by) if campaign else [],
            "campaign_contacts": list(campaign.contacts) if campaign else [],
            "attested": attested(rows[0].contact.provider),
            "paths": contacts.paths(session, [rows[0].contact])[contact_id],
            "media": [_file(each) for each in media.of(session, [rows[0].contact])[contact_id]],
        }
        if reveal:
            opened = views.opened(session, rows[0].contact)
            line |= {"reason": rows[0].reason, "sender": opened.sender, "text": opened.text}
            ledger.append(session, settings.now(), "reveal", {"what": f"contact {contact_id}"})
    show_one("contact", line, style)


@contact.command("media")
@click.argument("contact_id", type=int)
@click.option("-o", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to.")
def media_(contact_id: int, folder: Path) -> None:
    """Write the pictures and recordings of a contact into a folder, in the clear; writes a ledger line."""
    settings = load()
    with settings.store().writing() as session:
        known = contacts.contacts(session, [contact_id])
        kept = [each for each in media.of(session, known).get(contact_id, ()) if each.state == "kept"]
        if not kept:
            raise CanaryError(f"contact {contact_id} has no pictures or recordings", "see `canary contact show`")
        digests = [each.sha256 for each in kept]
        ledger.append(session, settings.now(), "reveal", {"what": f"media of contact {contact_id}", "sha256": digests})
        files = {f"{contact_id}-{each.sha256[:12]}{_ending(each)}": media.content(session, each.id) for each in kept}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        click.echo(folder / name)


def _ending(kept: Media) -> str:
    return mimetypes.guess_extension(kept.content_type.partition(";")[0].strip()) or ".bin"


def _file(kept: Media) -> dict[str, Any]:
    return {"sha256": kept.sha256 or None, "size": kept.size, "type": kept.content_type, "state": kept.state}


def _line(row: views.Sorted, together: Mapping[int, Campaign]) -> dict[str, Any]:
    found = row.contact
    campaign = together.get(found.id)
    return {
        "id": found.id,
        "at": found.at.isoformat(timespec="seconds"),
        "channel": found.channel,
        "kind": row.kind,
        "campaign": campaign.first if campaign else None,
        "number": found.number.code if found.number else None,
        "provider": found.provider,
        "reason": row.reason.split(":")[0],
    }


COMMANDS = (contact,)
