"""`canary drill`: a text to ourselves, from the provider to the verdicts."""

import click

from canary import drill as drills
from canary.cli.output import format_option, show_list
from canary.settings import load


@click.command()
@click.option("--number", "code", help="The code of the number. [default: the one drilled longest ago]")
@click.option("--wait", type=click.FloatRange(min=0), help="Seconds to wait for the webhook. [default: setting]")
@format_option
def drill(code: str | None, wait: float | None, style: str) -> None:
    """Text one of our numbers and follow it: sent, stored, sorted, judged. Exit 1 if the chain is broken."""
    settings = load()
    done = drills.drill(settings, settings.store(), code, wait)
    show_list("drill", drills.lines(done), style)
    if done.problem:
        raise SystemExit(1)


COMMANDS = (drill,)
