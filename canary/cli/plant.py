"""`canary seed` and `canary mint`: canaries into a copy's file, or personas on their own."""

import csv
import random
import secrets
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from canary.cli import seed_all
from canary.cli.database import FileOrUrl, database_options, refuse_database_options, seed_database
from canary.cli.output import format_option, remark, show_one
from canary.errors import CanaryError, OutsideError
from canary.mint import cold
from canary.mint.columns import Profile, recognise
from canary.mint.facts import Row
from canary.plant.draft import Request, host_of
from canary.plant.formats.detect import format_of
from canary.plant.seed import Order
from canary.plant.seed import seed as plant
from canary.settings import load
from canary.trace.law import Law

in_file = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)
in_path = click.Path(path_type=Path, exists=True, readable=True)
out_path = click.Path(path_type=Path)
out_file = click.Path(path_type=Path, dir_okay=False)
profile_option = click.option("--profile", "profile_file", type=in_file, help="How its columns map: a TOML file.")


@click.command()
@click.argument("copy", required=False)
@click.argument(
    "source", metavar="IN_FILE|URL", type=FileOrUrl(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option("-o", "--output", "target", help="The file to hand out; in a database, a new view; with --all, a folder.")
@click.option("--all", "everybody", is_flag=True, help="Seed a month for every recipient; canaries live on.")
@click.option("--from", "files", multiple=True, type=in_path, help="With --all: the month's file, files or folder.")
@click.option("--last", multiple=True, type=in_path, help="With --all: file, files or folder of the month before.")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="With --all: which. [default: this month]")
@profile_option
@database_options
@click.option("--canaries", type=click.IntRange(min=1), help="How many. [default: setting canaries_per_copy]")
@click.option("--law", type=click.Choice([law.value for law in Law]), help="[default: setting law]")
@click.option("--check/--no-check", default=None, help="Refuse if canaries stand out. [default: setting check]")
@click.option("--force", is_flag=True, help="Hand it out even so; what stands out is a remark.")
@format_option
def seed(
    copy: str | None,
    source: Path | str | None,
    target: str | None,
    everybody: bool,
    files: tuple[Path, ...],
    last: tuple[Path, ...],
    month: datetime | None,
    profile_file: Path | None,
    canaries: int | None,
    law: str | None,
    check: bool | None,
    force: bool,
    style: str,
    **database: Any,
) -> None:
    """Plant canaries in one copy's file, or in a table of a database: a secret draw, committed to the ledger before
    the file (the view, the rows) appears.

    With --all, in a month's copies of every recipient. A file called like a recipient or a copy is for that one; a
    single file called otherwise is for all. Canaries of the month before live on and age.
    """
    if everybody == bool(copy or source) or everybody != bool(files) or (not everybody and (last or month)):
        raise click.UsageError("either COPY IN_FILE, or --all --from FILE (then also --last, --month)")
    if not everybody and source is None:
        raise click.UsageError("Missing argument 'IN_FILE'.")
    settings = load()
    request = Request(
        copy=copy or "",
        count=canaries or settings.canaries_per_copy,
        window=timedelta(days=settings.window_days),
        profile=read_profile(profile_file),
        law=Law(law) if law else settings.law,
    )
    if isinstance(source, str):
        return seed_database(settings, request, source, {**database, "view": target}, style)
    refuse_database_options(database)
    if target is None:
        raise click.UsageError("Missing option '-o' / '--output'.")
    goal = (out_path if everybody else out_file).convert(target, None, None)
    order = Order(
        request.copy,
        source or goal,
        goal,
        request.count,
        request.window,
        request.profile,
        law=request.law,
        check=settings.check if check is None else check,
        force=force,
    )
    if everybody:
        return seed_all.run(settings, order, seed_all.Given(files, last, month), style)
    done = plant(settings.store(), settings.now(), order)
    for text in done.remarks:
        remark(f"remark: {text}")
    show_one("seed", {**done.__dict__, "remarks": list(done.remarks), "file": str(target)}, style)
    return None


@click.command()
@click.argument("source", metavar="[IN_FILE]", type=in_file, required=False)
@click.option("--count", required=True, type=click.IntRange(min=1), help="How many personas.")
@click.option("-o", "--output", "target", required=True, type=out_file, help="The CSV to write.")
@profile_option
@click.option("--seed", "number_seed", type=int, help="For repeatable output.")
def mint(source: Path | None, count: int, target: Path, profile_file: Path | None, number_seed: int | None) -> None:
    """Mint personas fitted to a table and write them as CSV in its own columns. Phones are not dialable.

    Without a table, a maternal profile's facts are invented cold: for trials, not for hiding in a real table.
    """
    profile = read_profile(profile_file)
    rng = random.Random(secrets.randbits(64) if number_seed is None else number_seed)
    header, rows = _minted(rng, source, profile, count)
    try:
        with target.open("x", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(header)
            writer.writerows(["" if c is None else c for c in row] for row in rows)
    except FileExistsError as error:
        raise CanaryError(f"{target} is there already", "name another output file") from error
    except OSError as error:
        raise OutsideError(f"{target}: {error.strerror}", "choose another folder") from error
    click.echo(f"{count} personas in {target}")


def _minted(rng: random.Random, source: Path | None, profile: Profile | None, count: int) -> tuple[Row, list[Row]]:
    """The header and the rows of `count` personas, fitted to the table in `source` if there is one."""
    if source is None:
        if profile is None:
            raise click.UsageError("give IN_FILE, or a --profile to start cold from.")
        table = cold.invented(rng, profile, count, date.today())
        return table.header, list(table.rows)
    table = format_of(source).read(source)
    host = host_of(table, recognise(table, profile), profile)
    if profile and not profile.phones:
        return table.header, [persona.cells for persona in host.anonymous_personas(rng, count)]
    phones = cold.nobodys_numbers(rng, profile.country if profile else "CN", count)
    return table.header, [persona.cells for persona in host.personas(rng, phones)]


def read_profile(path: Path | None) -> Profile | None:
    """The profile of a TOML file. Raises CanaryError naming the file and what is wrong."""
    if path is None:
        return None
    try:
        return Profile.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CanaryError(f"{path}: {error}", "see config/profiles/ for examples") from error


COMMANDS = (seed, mint)
