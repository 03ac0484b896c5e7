"""`canary prove`: is the ledger whole."""

import click

from canary.cli.output import format_option, show_list
from canary.prove.chain import first_break
from canary.settings import load
from canary.store import ledger


@click.group()
def prove() -> None:
    """What others can check without trusting us."""


@prove.command()
def verify() -> None:
    """Check the ledger's hash chain. Exit 1 if an entry was changed, removed or reordered."""
    with load().store().reading() as session:
        entries = list(ledger.entries(session))
    broken = first_break(entries)
    if broken is not None:
        click.echo(f"ledger broken at entry {broken} of {len(entries)}")
        raise SystemExit(1)
    click.echo(f"ledger whole: {len(entries)} entries, head {entries[-1].hash if entries else '-'}")


@prove.command("ledger")
@format_option
def ledger_(style: str) -> None:
    """The ledger's entries; their payloads hold no secrets."""
    with load().store().reading() as session:
        lines = [{**e.__dict__, "payload": dict(e.payload)} for e in ledger.entries(session)]
    if style == "table":
        lines = [{"seq": e["seq"], "at": e["at"], "kind": e["kind"], "hash": str(e["hash"])[:16]} for e in lines]
    show_list("ledger", lines, style)


COMMANDS = (prove,)
