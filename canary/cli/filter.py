"""`canary filter`: a keyed filter of our numbers for somebody who may not hold the registry."""

from pathlib import Path

import click

from canary.cli.output import remark
from canary.errors import CanaryError, OutsideError
from canary.scan import bloom
from canary.settings import load
from canary.store import finds


@click.group("filter")
def filters() -> None:
    """Keyed filters: others can search a file with one, and list nothing."""


@filters.command()
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--for", "whom", required=True, help="Who gets it; stands in the ledger.")
@click.option(
    "--rate",
    type=click.FloatRange(1e-6, 0.1),
    default=bloom.RATE,
    show_default=True,
    help="Of all other numbers, the share that it answers yes to.",
)
def export(target: Path, whom: str, rate: float) -> None:
    """Write a filter of all numbers planted and of the controls, for `canary scan --filter`.

    Never for anyone who holds a copy: tested row by row it betrays most canaries.
    """
    settings = load()
    if not whom.strip():
        raise CanaryError("--for: nobody is named", "name who gets it")
    if target.exists():
        raise CanaryError(f"{target} is there already", "name another output file")
    store = settings.store()
    with store.reading() as session:
        phones, secret = finds.phones(session)
    made = bloom.made(phones, secret, rate)
    # The ledger line comes first: nothing is handed out that is not on record.
    with store.writing() as session:
        finds.record_filter(session, settings.now(), made.digest, whom.strip(), rate)
    try:
        target.write_text(made.text(), encoding="utf-8")
    except OSError as error:
        target.unlink(missing_ok=True)
        raise OutsideError(f"{target}: {error.strerror}", "choose another folder") from error
    remark(f"{target}: for {whom.strip()} alone, never for anyone who holds a copy; SHA-256 {made.digest}")


COMMANDS = (filters,)
