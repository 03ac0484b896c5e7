"""`canary contact` and `canary allow`: what was heard, sightings by hand, callers who may ring."""

import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from canary.cli.output import format_option, show_list, show_one
from canary.cli.rows import rows
from canary.errors import CanaryError
from canary.listen import sighting
from canary.listen.campaign import Campaign, campaigns_of
from canary.listen.kinds import Kind
from canary.listen.providers.base import Channel
from canary.listen.providers.every import attested
from canary.listen.sighting import Sighting
from canary.listen.sort import sort_all
from canary.settings import load
from canary.store import contacts, ledger, media, views
from canary.store.contacts import Permission
from canary.store.e164 import normalise
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


@click.group()
def allow() -> None:
    """Callers who may ring, such as a clinic's reminder line: their contacts become `authorised`."""


@allow.command("add")
@click.argument("number", default="")
@click.option("--note", required=True, help="Who it is and why it may ring.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC. [default: always]")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC.")
@click.option("--channel", type=click.Choice([c.value for c in Channel]), help="Only contacts that come this way.")
@click.option("--region", default="CN", show_default=True, help="Country of a number written without +.")
def allow_add(
    number: str, note: str, first: datetime | None, last: datetime | None, channel: str | None, region: str
) -> None:
    """Allow a caller, for good or for some days; contacts already heard from it are judged again.

    With days, the number may be left out for everything that comes by one channel.
    """
    settings = load()
    store = settings.store()
    entry = _entry(number, first, last, channel, region)
    with store.writing() as session:
        if entry:
            contacts.permit(session, replace(entry, note=note))
        else:
            contacts.allow(session, _caller(number, region), note)
        days = {"from": entry.starts.date().isoformat(), "before": entry.ends.date().isoformat()} if entry else {}
        ledger.append(session, settings.now(), "allow", {"note": note, **days})
    sort_all(store)
    click.echo(f"allowed: {note}")


def _entry(
    number: str, first: datetime | None, last: datetime | None, channel: str | None, region: str
) -> Permission | None:
    """The entry of the calendar that was asked for; None if the caller is to be allowed for good."""
    if first is None and last is None:
        if channel:
            raise CanaryError(
                "--channel without days", "give --from and --to: a whole channel is never allowed for good"
            )
        return None
    if first is None or last is None or last < first:
        raise CanaryError("--from and --to go together, the first day first", "--from 2026-07-01 --to 2026-07-31")
    if not number.strip() and not channel:
        raise CanaryError("neither caller nor channel given", "a number as shown, or --channel call, or both")
    sender = _caller(number, region) if number.strip() else ""
    ends = last.replace(tzinfo=UTC) + timedelta(days=1)
    return Permission(sender, channel or "", first.replace(tzinfo=UTC), ends, "")


def _caller(number: str, region: str) -> str:
    # A short code (10086, a 106 gateway) or a sender's name has no E.164 form and is kept as it is written.
    bare = number.strip()
    if not bare:
        raise CanaryError("no caller given", "a number, a short code, or the sender's name as it was shown")
    return normalise(bare, region) or bare


@allow.command("list")
@format_option
def allow_list(style: str) -> None:
    """The allow-list and the calendar."""
    with load().store().reading() as session:
        lines = [_permission(number, note) for number, note in contacts.allowed(session)]
        lines += [_permission(entry.sender, entry.note, entry) for entry in contacts.permitted(session)]
    show_list("allowed", lines, style)


def _permission(number: str, note: str, entry: Permission | None = None) -> dict[str, Any]:
    return {
        "number": number or None,
        "note": note,
        "channel": (entry.channel or None) if entry else None,
        "from": entry.starts.date().isoformat() if entry else None,
        "to": (entry.ends - timedelta(days=1)).date().isoformat() if entry else None,
    }


COMMANDS = (contact, allow)
