"""`canary demo`: a whole leak played offline, through the real server and scheduler."""

import signal
import sys
import tempfile
from pathlib import Path

import click

from canary.cli.output import format_option, remark

CASES = ("shenzhen", "ward", "resale", "biobank", "noise")


@click.command()
@click.option("--case", type=click.Choice(CASES), default="shenzhen", show_default=True, help="What happens.")
@click.option("--seed", type=int, default=2008, show_default=True, help="Another seed, another city.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep everything in this folder.")
@format_option
def demo(case: str, seed: int, keep: Path | None, style: str) -> None:
    """Play a leak end to end in a temporary folder: invented city, real files, real HTTP, real verdict."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        click.echo(_play(case, seed, keep.absolute(), style))
        remark(f"reports, files and registry are in {keep}")
        return
    with tempfile.TemporaryDirectory(prefix="canary-demo-") as folder:
        click.echo(_play(case, seed, Path(folder), style))
    remark("add --keep FOLDER to read the HTML report")


def _play(case: str, seed: int, folder: Path, style: str) -> str:
    from canary.demo import biobank, resale, shenzhen, ward  # heavy, and no other command needs it

    # A demo that is ended must end its server and scheduler too: leave through the context managers.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(128 + signum))
    plays = {"ward": ward.play, "resale": resale.play, "biobank": biobank.play}
    if case in plays:
        return plays[case](seed, folder, style)
    return shenzhen.play(case == "shenzhen", seed, folder, style)


COMMANDS = (demo,)
