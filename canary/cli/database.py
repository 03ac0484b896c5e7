"""`canary seed` where the table to seed stands in a database: its options, and what it prints."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from canary.cli.output import remark, show_one
from canary.errors import CanaryError
from canary.plant.draft import Request
from canary.plant.sql import SqlOrder, rehearse, seed_table, undo
from canary.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


class FileOrUrl(click.Path):
    """A path, or the URL of a database as text."""

    name = "file or URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The URL unchanged; anything else as a Path."""
        return value if isinstance(value, str) and "://" in value else super().convert(value, param, ctx)


def database_options(command: Command) -> Command:
    """The options of `canary seed` that only a database takes."""
    for option in (
        click.option("--undo", "undoing", is_flag=True, help="Database: take out exactly what was planted."),
        click.option("--dry-run", is_flag=True, help="Database: say what would be done, and do nothing."),
        click.option("--without", multiple=True, help="Database: a column the view leaves out; may be repeated."),
        click.option("--insert", is_flag=True, help="Database: plant in the table itself, not by a view."),
        click.option("--side", help="Database: the new table that holds the canaries. [default: TABLE_late]"),
        click.option("--table", help="Database: the table to seed, [SCHEMA.]TABLE."),
    ):
        command = option(command)
    return command


def seed_database(settings: Settings, request: Request, url: str, options: dict[str, Any], style: str) -> None:
    """Seed, rehearse or undo, as the options say. Raises CanaryError on options that do not go together."""
    store, now = settings.store(), settings.now()
    if options["undoing"]:
        remark(f"{undo(store, now, request.copy, url)} rows taken out; a sealed copy stays watched")
        click.echo(f"{request.copy}: taken out")
        return
    order = _order(request, url, options)
    if options["dry_run"]:
        show_one("seed-dry-run", asdict(rehearse(store, order)), style)
        remark("nothing was done")
        return
    done = seed_table(store, now, order)
    for text in done.remarks:
        remark(f"remark: {text}")
    show_one("seed", {**done.__dict__, "remarks": list(done.remarks), "table": order.handed}, style)


def refuse_database_options(options: dict[str, Any]) -> None:
    """Raises CanaryError if an option was given that a file does not take."""
    given = [name.replace("undoing", "undo").replace("_", "-") for name, value in options.items() if value]
    if given:
        raise CanaryError(f"--{given[0]} is for tables in a database", "give a database URL instead of a file")


def _order(request: Request, url: str, options: dict[str, Any]) -> SqlOrder:
    table, view = options["table"], options["view"]
    if not table:
        raise CanaryError("which table? --table is missing", "--table [SCHEMA.]TABLE")
    if options["insert"] and (view or options["side"] or options["without"]):
        raise CanaryError("--insert plants in the table itself", "leave out -o, --side and --without")
    if not options["insert"] and not view:
        raise CanaryError("no name for the view to hand out", "-o VIEW, or --insert to plant in the table itself")
    side = "" if options["insert"] else options["side"] or f"{table}_late"
    return SqlOrder(request, url, table, view, side, options["without"])
