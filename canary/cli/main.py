"""The command `canary`: its groups, and the one place where an error becomes a line and an exit code."""

import gc
import sys
import traceback
from collections import UserDict
from importlib import import_module
from itertools import chain
from typing import Any

import click

from canary import __version__
from canary.cli.output import one_line
from canary.errors import CanaryError

MODULES = {  # of this package, with the commands each holds or adds to
    "setup": ("init", "status", "doctor"),
    "recipient": ("recipient",),
    "copy": ("copy",),
    "number": ("number",),
    "rent": ("number",),
    "greet": ("number",),
    "plant": ("seed", "mint"),
    "check": ("check",),
    "exclude": ("exclude",),
    "contact": ("contact",),
    "allow": ("allow",),
    "reconcile": ("reconcile",),
    "alert": ("alert",),
    "drill": ("drill",),
    "scan": ("scan",),
    "filter": ("filter",),
    "trace": ("trace", "report"),
    "prove": ("prove",),
    "plan": ("plan",),
    "simulate": ("simulate",),
    "run": ("serve", "schedule", "job"),
    "demo": ("demo",),
}


class Commands(UserDict[str, click.Command]):
    """All commands by name, each imported when it is asked for: no other's libraries are waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.data = dict.fromkeys(chain.from_iterable(MODULES.values()))  # type: ignore[assignment]

    def __getitem__(self, name: str) -> click.Command:
        modules = [module for module, names in MODULES.items() if name in names]
        held: list[click.Command] = [
            each for module in modules for each in import_module(f"canary.cli.{module}").COMMANDS
        ]
        found = (command for command in held if command.name == name)
        try:
            return next(found)
        except StopIteration:
            raise KeyError(name) from None


class Door(click.Group):
    """Prints CanaryError as one line with its hint; -v lets the traceback through."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and turn our errors into exit codes 2 and 3."""
        try:
            return super().invoke(ctx)
        except CanaryError as error:
            if ctx.params.get("verbose"):
                traceback.print_exc()
            click.echo(f"canary: {one_line(error.message)}", err=True)
            if error.hint:
                click.echo(f"  hint: {error.hint}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Door, commands=Commands())
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="canary")
def cli(verbose: bool) -> None:
    """Which copy leaked? Plant canaries in every copy you hand out, listen, trace, report."""


def main() -> None:
    """The console entry point."""
    for stream in (sys.stdout, sys.stderr):
        # Chinese names must not crash a terminal set to an old code page.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        cli(prog_name="canary")
    finally:
        gc.freeze()  # memory ends with the process: to look for cycles in all of it takes a tenth of a second
