"""`canary allow`: callers who may ring, for good or for some days; who is taken off stays on record."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from canary.cli.output import format_option, remark, show_list
from canary.errors import CanaryError
from canary.listen.providers.base import Channel
from canary.listen.sort import sort_all
from canary.settings import load
from canary.store import ledger, permissions
from canary.store.e164 import normalise
from canary.store.permissions import Permission

region_option = click.option("--region", default="CN", show_default=True, help="Country of a number written without +.")


@click.group()
def allow() -> None:
    """Callers who may ring, such as a clinic's reminder line: their contacts become `authorised`."""


@allow.command("add")
@click.argument("number", default="")
@click.option("--note", required=True, help="Who it is and why it may ring.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day, in UTC. [default: always]")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, in UTC.")
@click.option("--channel", type=click.Choice([c.value for c in Channel]), help="Only contacts that come this way.")
@region_option
def add(
    number: str, note: str, first: datetime | None, last: datetime | None, channel: str | None, region: str
) -> None:
    """Allow a caller, for good or for some days; contacts already heard from it are judged again.

    With days, the number may be left out for everything that comes by one channel.
    """
    settings = load()
    store = settings.store()
    sender = _caller(number, region) if number.strip() or not channel else ""
    entry = _entry(Permission(sender, note, channel or ""), first, last)
    with store.writing() as session:
        if entry.starts:
            permissions.permit(session, entry)
        else:
            permissions.allow(session, sender, note)
        ledger.append(session, settings.now(), "allow", {"note": note, **_days(entry)})
    sort_all(store)
    click.echo(f"allowed: {note}")


def _entry(asked: Permission, first: datetime | None, last: datetime | None) -> Permission:
    """What was asked for, with its days if it is one of the calendar."""
    if first is None and last is None:
        if asked.channel:
            raise CanaryError(
                "--channel without days", "give --from and --to: a whole channel is never allowed for good"
            )
        return asked
    if first is None or last is None or last < first:
        raise CanaryError("--from and --to go together, the first day first", "--from 2026-07-01 --to 2026-07-31")
    if last.date() == date.max:
        raise CanaryError(f"--to {last:%Y-%m-%d}: there is no day after it", "for good: leave --from and --to out")
    ends = last.replace(tzinfo=UTC) + timedelta(days=1)
    return Permission(asked.sender, asked.note, asked.channel, first.replace(tzinfo=UTC), ends)


def _days(entry: Permission) -> dict[str, str]:
    if entry.starts is None or entry.ends is None:
        return {}
    return {"from": entry.starts.date().isoformat(), "before": entry.ends.date().isoformat()}


def _caller(number: str, region: str) -> str:
    # A short code (10086, a 106 gateway) or a sender's name has no E.164 form and is kept as it is written.
    bare = number.strip()
    if not bare:
        raise CanaryError(
            "neither caller nor channel given",
            "a number, a short code, or the sender's name as it was shown; with days, --channel may do",
        )
    return normalise(bare, region) or bare


@allow.command("remove")
@click.argument("number", default="")
@click.option("--entry", type=click.IntRange(1, 2**31 - 1), help="Or the number of an entry of the calendar.")
@click.option("--note", required=True, help="Why; enters the ledger.")
@region_option
def remove(number: str, entry: int | None, note: str, region: str) -> None:
    """Take a caller off the allow-list, or an entry out of the calendar.

    It holds from now on: what came until now stays `authorised`, and the entry stays on record.
    """
    if bool(number.strip()) == (entry is not None):
        raise CanaryError("one caller or one --entry", "see `canary allow list`")
    settings = load()
    store, now = settings.store(), settings.now()
    with store.writing() as session:
        sender = "" if entry is not None else _caller(number, region)
        was = permissions.remove(session, now, sender, entry)
        if was is None:
            raise CanaryError("nothing of that kind is in force", "see `canary allow list`")
        ledger.append(session, now, "disallow", {"note": note, "was": was.note, "entry": was.entry, **_days(was)})
    sort_all(store)
    if was.ends and was.ends <= now:
        remark("its days were over: nothing changes")
    click.echo(f"no longer allowed: {was.note}")


@allow.command("list")
@click.option("--all", "also_removed", is_flag=True, help="Also what was taken off.")
@format_option
def list_(also_removed: bool, style: str) -> None:
    """The allow-list and the calendar."""
    with load().store().reading() as session:
        listed = [one for one in permissions.permissions(session) if also_removed or one.removed is None]
    show_list("allowed", [_line(one) for one in listed], style)


def _line(one: Permission) -> dict[str, Any]:
    return {
        "entry": one.entry,
        "number": one.sender or None,
        "note": one.note,
        "channel": one.channel or None,
        "from": one.starts.date().isoformat() if one.starts else None,
        "to": (one.ends - timedelta(days=1)).date().isoformat() if one.ends else None,
        "removed": one.removed.isoformat(timespec="seconds") if one.removed else None,
    }


COMMANDS = (allow,)
