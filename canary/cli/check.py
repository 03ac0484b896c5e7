"""`canary check`: how easily would somebody without the registry pick the canaries out of a seeded file?"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from canary.cli.output import format_option, remark, show_json, table
from canary.cli.plant import in_file, out_file, profile_option, read_profile
from canary.errors import CanaryError, OutsideError
from canary.mint.columns import Profile, by_header
from canary.plant.draft import host_of
from canary.plant.formats.detect import format_of
from canary.plant.known import find
from canary.settings import Settings, load
from canary.store import exclusion, registry
from canary.store.exclusion import Known

if TYPE_CHECKING:
    from canary.plant.check.diffs import Other
    from canary.plant.check.exam import Report
    from canary.plant.check.subject import Subject

_SHORT = 20  # lines of a group that are printed even if all are green


@click.command()
@click.argument("copy")
@click.argument("file", type=in_file)
@click.option("--source", type=in_file, help="The file it was seeded from: compares what surrounds the canaries.")
@click.option("--previous", type=in_file, multiple=True, help="Last month's copy of the same recipient; repeatable.")
@click.option("--other", type=in_file, multiple=True, help="Another recipient's copy of this month; repeatable.")
@profile_option
@click.option("--personas", type=click.IntRange(min=100), default=3000, show_default=True, help="Minted to compare.")
@click.option("--quick", is_flag=True, help="Leave the classifier out: seconds instead of a minute or two.")
@click.option("--seed", type=int, default=1, show_default=True, help="For repeatable samples.")
@click.option("--html", type=out_file, help="Write the report as a page, too.")
@format_option
@click.pass_context
def check(
    ctx: click.Context,
    copy: str,
    file: Path,
    source: Path | None,
    previous: tuple[Path, ...],
    other: tuple[Path, ...],
    profile_file: Path | None,
    personas: int,
    quick: bool,
    seed: int,
    html: Path | None,
    style: str,
) -> None:
    """Detectability of the canaries in COPY's seeded FILE: green, amber, or red (exit code 1)."""
    # The classifier's library takes a second to load: only this command pays for it.
    from canary.plant.check import exam, show

    if html and html.exists():
        raise CanaryError(f"{html} is there already", "name another page")
    settings, profile = load(), read_profile(profile_file)
    known = _known(settings)
    subject = _subject(settings, copy, file, profile, known)
    material = exam.Material(
        source=(source, format_of(source).read(source)) if source else None,
        previous=[_other(path, known, profile) for path in previous],
        others=[_other(path, known, profile) for path in other],
        personas=personas,
        seed=seed,
    )
    if quick:
        lines = exam.quick(subject, material) + exam.compared(subject, material)
    else:
        lines = exam.whole(subject, material, lambda table: host_of(table, subject.columns, profile))
    report = exam.Report(copy, file.name, len(subject.table.rows), len(subject.codes), lines)
    if html:
        _write(html, show.page(report))
    if style == "json":
        show_json("check", show.values(report))
    else:
        _print(report, show.WORDS[report.light])
    ctx.exit(1 if report.light == "red" else 0)


def _known(settings: Settings) -> list[Known]:
    with settings.store().reading() as session:
        return exclusion.known(session)


def _subject(settings: Settings, copy: str, file: Path, profile: Profile | None, known: list[Known]) -> "Subject":
    """The file with its canaries, found by what the registry knows; a file as it was sealed, also by their rows."""
    from canary.plant.check.subject import Subject

    table = format_of(file).read(file)
    with settings.store().reading() as session:
        found = registry.copy(session, copy)
        placement, handed_over = found.placement, found.date
        if placement is None:
            raise CanaryError(f"copy {copy!r} is not seeded yet", "`canary seed` first, then check what it wrote")
        own = {c.code: c.row for c in placement.canaries if c.planted}
    codes = {}
    if hashlib.sha256(file.read_bytes()).hexdigest() == placement.file_sha256:
        codes = {row: code for code, row in own.items() if row is not None}
    try:
        codes |= {match.row: match.canary.code for match in find(table, known, profile) if match.sure}
    except CanaryError:  # a table that shows neither number nor name and due date: only its own rows are known
        if not codes:
            raise
    if lost := len(own.keys() - set(codes.values())):
        remark(f"remark: {lost} of {len(own)} canaries of {copy} do not stand in {file.name}")
    return Subject(file, table, by_header(table, profile), codes, handed_over, profile)


def _other(path: Path, known: list[Known], profile: Profile | None) -> "Other":
    from canary.plant.check.diffs import Other

    table = format_of(path).read(path)
    return Other(path.name, table, frozenset(m.row for m in find(table, known, profile) if m.sure))


def _print(report: "Report", verdict: str) -> None:
    """The lines that are not green, and the green ones of a group where they are few."""
    click.echo(f"{report.light.upper()}: {report.copy}, {report.rows:,} rows, {report.canaries} canaries. {verdict}")
    for title, light, lines in report.groups():
        standing = [line for line in lines if line.light != "green"]
        shown = lines if len(lines) <= _SHORT else standing
        click.echo(f"\n{light.upper()}: {title}")
        if shown:
            click.echo(
                table([{"": n.light, "question": n.name, "found": n.found, "expected": n.expected} for n in shown])
            )
        if len(shown) < len(lines):
            click.echo(f"{len(lines) - len(shown)} green lines (all of them with --format json or --html)")
        for advice in dict.fromkeys(n.advice for n in standing if n.advice):
            click.echo(f"  what helps: {advice}")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "choose another folder") from error


COMMANDS = (check,)
