"""`canary reconcile`: what the providers' own logs have that never reached us."""

from dataclasses import asdict
from datetime import timedelta

import click

from canary.cli.output import format_option, remark, show_list
from canary.errors import OutsideError
from canary.listen import reconcile as logs
from canary.listen.sort import sort_all
from canary.settings import load
from canary.web.providers import providers


@click.command()
@click.option("--days", type=click.IntRange(min=2), help="How many days back to read. [default: setting]")
@format_option
def reconcile(days: int | None, style: str) -> None:
    """Read the providers' own logs: add contacts that never reached us, confirm or refute quarantined requests."""
    settings = load()
    store = settings.store()
    back = timedelta(days=days or settings.reconcile_days)
    found = logs.reconcile(store, providers(settings), settings.now(), back)
    sort_all(store)
    show_list("reconciled", [asdict(result) for result in found], style)
    if not found:
        remark("no provider with a log is set up: see twilio_account_sid")
    if problems := [result.problem for result in found if result.problem]:
        raise OutsideError("; ".join(problems), "what was read until then is stored; run it again")


COMMANDS = (reconcile,)
