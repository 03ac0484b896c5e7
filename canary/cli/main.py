"""The command `canary`: its groups, and the one place where an error becomes a line and an exit code."""

import sys
import traceback
from typing import Any

import click

from canary import __version__
from canary.cli import (
    alert,
    allow,
    check,
    contact,
    copy,
    demo,
    drill,
    exclude,
    filter,
    greet,
    number,
    plan,
    plant,
    prove,
    recipient,
    reconcile,
    rent,
    run,
    scan,
    setup,
    simulate,
    trace,
)
from canary.errors import CanaryError


class Door(click.Group):
    """Prints CanaryError as one line with its hint; -v lets the traceback through."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and turn our errors into exit codes 2 and 3."""
        try:
            return super().invoke(ctx)
        except CanaryError as error:
            if ctx.params.get("verbose"):
                traceback.print_exc()
            click.echo(f"canary: {error.message}", err=True)
            if error.hint:
                click.echo(f"  hint: {error.hint}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Door)
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="canary")
def cli(verbose: bool) -> None:
    """Which copy leaked? Plant canaries in every copy you hand out, listen, trace, report."""


RECORDS = (
    setup,
    recipient,
    copy,
    number,
    rent,
    greet,
    plant,
    check,
    exclude,
    contact,
    allow,
    reconcile,
    alert,
    drill,
    scan,
    filter,
)
for module in (*RECORDS, scan, filter, trace, prove, plan, simulate, run, demo):
    for command in module.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """The console entry point."""
    for stream in (sys.stdout, sys.stderr):
        # Chinese names must not crash a terminal set to an old code page.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    cli(prog_name="canary")
