"""`canary trace` and `canary report`: verdicts, and what a director reads."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from canary import findings
from canary.cli.output import format_option, remark
from canary.errors import CanaryError, OutsideError
from canary.report.renderers import render
from canary.report.text import trace_table
from canary.settings import Settings, load
from canary.store.database import Store
from canary.trace.verdict import Findings

as_of_option = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="Judge what was heard until then (UTC).",
)


@click.command()
@as_of_option
@format_option
def trace(as_of: datetime | None, style: str) -> None:
    """Which copy leaked? Recomputes the verdicts and enters changes in the ledger."""
    settings = load()
    store = settings.store()
    click.echo(traced(settings, store, as_of, style))


def traced(settings: Settings, store: Store, as_of: datetime | None, style: str) -> str:
    """The findings as table or JSON; a look at the present is entered in the ledger if words changed."""
    found, now = judged(settings, store, as_of), settings.now()
    if as_of is None:
        for what in findings.record(store, now, found).taken_back:
            remark(f"taken back since the last look: {what}")
    if style == "json":
        return render("json", findings.report_view(store, found, now), "en")
    return trace_table(found)


def judged(settings: Settings, store: Store, as_of: datetime | None) -> Findings:
    """The findings now, or as they could have been at an earlier moment."""
    now = settings.now()
    if as_of is None:
        return findings.trace(store, now, settings.terms)
    moment = as_of.replace(tzinfo=UTC)
    if moment > now:
        raise CanaryError(f"--as-of {moment:%Y-%m-%d} is in the future", "silence has to be waited for")
    return findings.look_back(store, moment, settings.terms)


@click.command()
@click.option(
    "--format", "style", type=click.Choice(["html", "text", "json", "csv"]), required=True, help="What to write."
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language.")
@click.option("--reveal", is_flag=True, help="Show numbers, personas and callers; writes a ledger line.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File, or -.")
@as_of_option
def report(style: str, lang: str, reveal: bool, output: Path, as_of: datetime | None) -> None:
    """Write the findings for people: HTML for a director, text, JSON or CSV."""
    settings = load()
    store = settings.store()
    found, now = judged(settings, store, as_of), settings.now()
    write(output, render(style, findings.report_view(store, found, now, reveal), lang))


def write(output: Path, text: str) -> None:
    """Write text to a file whole or not at all; `-` is stdout."""
    if str(output) == "-":
        click.echo(text)
        return
    part = output.with_name(f".{output.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(output)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutsideError(f"{output}: {error.strerror}", "choose another folder") from error
    remark(f"wrote {output}")


COMMANDS = (trace, report)
