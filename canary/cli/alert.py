"""`canary alert`: whether alerts get through, and what was said."""

from uuid import uuid4

import click

from canary import watch
from canary.cli.output import format_option, remark, show_list
from canary.errors import CanaryError, OutsideError
from canary.listen.alerts.base import Message, Severity
from canary.settings import load
from canary.store import incidents, outbox


@click.group()
def alert() -> None:
    """One alert an incident: new senders, verdicts, silence, drift, drills."""


@alert.command()
@click.option("--channel", help="Only this one. [default: all that are set up]")
def test(channel: str | None) -> None:
    """Send a test alert at once, past the outbox. Exit 3 if a channel did not take it."""
    settings = load()
    ways = watch.channels(settings)
    if channel is not None and channel not in ways:
        raise CanaryError(f"no channel {channel!r}", f"set up: {', '.join(ways) or 'none'}")
    if not ways:
        raise CanaryError("no channel is set up", "see alert_… in config/canary.example.toml")
    words = "This is a test. If you can read it, alerts of the canary registry reach you here."
    said = Message(uuid4().hex, settings.now(), "test", Severity.INFO, "Test alert", words)
    problems = []
    for name in [channel] if channel else ways:
        try:
            ways[name].send(said)
            click.echo(f"{name}: sent")
        except OutsideError as error:
            problems.append(error.message)
    if problems:
        raise OutsideError("; ".join(problems), "see alert_… in the settings")


@alert.command("list")
@click.option("--limit", type=click.IntRange(1, 10000), default=100, show_default=True, help="The newest so many.")
@format_option
def list_(limit: int, style: str) -> None:
    """The alerts that were raised, newest first, and whether they were delivered."""
    with load().store().reading() as session:
        lines = [
            {
                "id": a.key,
                "at": a.at.isoformat(timespec="seconds"),
                "channel": a.channel,
                "severity": a.severity,
                "scope": a.scope,
                "title": a.title,
                "sent": a.sent_at.isoformat(timespec="seconds") if a.sent_at else None,
                "tries": a.attempts + (a.sent_at is not None),
                "error": a.error,
            }
            for a in outbox.alerts(session, limit)
        ]
    show_list("alerts", lines, style)


@alert.command("incidents")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@format_option
def incidents_(everything: bool, style: str) -> None:
    """What is wrong or new, whether or not there was a channel to say it."""
    with load().store().reading() as session:
        lines = [
            {
                "scope": i.scope,
                "title": i.title,
                "since": i.opened_at.isoformat(timespec="seconds"),
                "over": i.closed_at.isoformat(timespec="seconds") if i.closed_at else None,
                "count": i.count,
            }
            for i in incidents.incidents(session, not everything)
        ]
    show_list("incidents", lines, style)
    if not watch.channels(load()):
        remark("no channel is set up: nobody is told")


COMMANDS = (alert,)
