"""`canary reconcile`: what the providers' own logs have that never reached us, and their pictures and recordings."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from canary.cli.output import format_option, remark, show_list
from canary.errors import OutsideError
from canary.listen import reconcile as logs
from canary.listen.media import Collected, collect
from canary.listen.sort import sort_all
from canary.settings import load
from canary.web.providers import media_terms, providers


@click.command()
@click.option("--days", type=click.IntRange(min=2), help="How many days back to read. [default: setting]")
@format_option
def reconcile(days: int | None, style: str) -> None:
    """Read the providers' own logs: add contacts that never reached us, confirm or refute quarantined requests."""
    settings = load()
    store = settings.store()
    back = timedelta(days=days or settings.reconcile_days)
    known = providers(settings)
    found = logs.reconcile(store, known, settings.now(), back)
    brought = {each.provider: each for each in collect(store, known, settings.now(), media_terms(settings))}
    sort_all(store)
    show_list("reconciled", [_line(result, brought.get(result.provider)) for result in found], style)
    if not found:
        remark("no provider with a log is set up: see twilio_account_sid")
    problems = [result.problem for result in found] + [result.problem for result in brought.values()]
    if problems := [problem for problem in problems if problem]:
        raise OutsideError("; ".join(problems), "what was read until then is stored; run it again")


def _line(read: logs.Reconciled, brought: Collected | None) -> dict[str, Any]:
    media = brought.kept if brought else 0
    return asdict(read) | {"media": media, "problem": read.problem or (brought.problem if brought else "")}


COMMANDS = (reconcile,)
