"""`canary number`: the pool of numbers we listen to."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from phonenumbers import SUPPORTED_REGIONS

from canary.cli.output import format_option, remark, show_list
from canary.cli.rows import rows
from canary.errors import CanaryError, OutsideError
from canary.listen.lines import Compared, compare
from canary.settings import Settings, load
from canary.store import ledger, numbers
from canary.store.database import Store
from canary.store.e164 import normalise
from canary.store.numbers import NewNumber
from canary.store.schema import Number, NumberState
from canary.web.providers import account


@click.group()
def number() -> None:
    """Telephone numbers: quarantine → ready / control → planted → burned → cooling → released."""


@number.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--region", default="CN", show_default=True, help="Country of numbers written without +.")
@click.option(
    "--quarantine-days",
    type=click.IntRange(min=0),
    help="Days to listen before planting; 0 splits them into ready and control at once. [default: setting]",
)
def import_(file: Path, region: str, quarantine_days: int | None) -> None:
    """Import numbers from a CSV with the columns number,provider,monthly_cost; all or none."""
    settings = load()
    if region not in SUPPORTED_REGIONS:
        raise CanaryError(f"--region {region!r} is no country", "two letters, such as CN, GB or US")
    quarantine = timedelta(days=settings.quarantine_days if quarantine_days is None else quarantine_days)
    with settings.store().writing() as session:
        added = numbers.import_numbers(session, settings.now(), _read(file, region), quarantine)
        if not quarantine:
            numbers.end_quarantine(session, settings.now(), settings.control_share)
        counts = numbers.counts(session)
    if quarantine_days == 0:
        remark("no quarantine: whatever these numbers' last owners left behind will ring on them")
    click.echo(f"{len(added)} numbers imported; now {', '.join(f'{n} {s}' for s, n in sorted(counts.items()))}")


def _read(file: Path, region: str) -> Iterator[NewNumber]:
    seen: set[str] = set()
    for place, row in rows(file, "number,provider,monthly_cost", ("number",)):
        e164 = normalise(row["number"], region)
        if e164 is None:
            raise CanaryError(
                f"{place}: column 'number': {row['number']!r} is not a telephone number",
                "write it as +8613800138000, or give --region",
            )
        if e164 in seen:
            raise CanaryError(f"{place}: column 'number': {e164} stands above already", "remove the row")
        seen.add(e164)
        yield NewNumber(e164, row.get("provider") or "unknown", _price(place, row.get("monthly_cost") or "0"), place)


def _price(place: str, text: str) -> Decimal:
    try:
        cost = Decimal(text)
    except InvalidOperation:
        cost = Decimal("NaN")
    if not cost.is_finite() or not 0 <= cost < 10**6:
        raise CanaryError(f"{place}: column 'monthly_cost': {text!r} is no price", "a number such as 1.15")
    return cost


@number.command("list")
@click.option("--state", type=click.Choice([s.value for s in NumberState]), help="Only numbers in this state.")
@click.option("--reveal", is_flag=True, help="Show the numbers themselves; writes a ledger line.")
@format_option
def list_(state: str | None, reveal: bool, style: str) -> None:
    """All numbers, as codes unless revealed."""
    settings = load()
    store = settings.store()
    if reveal:
        with store.writing() as session:
            ledger.append(session, settings.now(), "reveal", {"what": "number list"})
    with store.reading() as session:
        lines = [
            {
                "code": n.code,
                **({"number": numbers.e164(session, n)} if reveal else {}),
                "state": n.state,
                "since": n.since.date().isoformat(),
                "provider": n.provider,
                "monthly_cost": str(n.monthly_cost.normalize()),
                "block": n.block,
            }
            for n in numbers.numbers(session, state)
        ]
    show_list("numbers", lines, style)


@number.command()
@click.argument("code")
def retire(code: str) -> None:
    """Take a number out of use."""
    settings = load()
    with settings.store().writing() as session:
        numbers.retire(session, settings.now(), code)
    click.echo(f"{code}: cooling")


@number.command()
@format_option
def health(style: str) -> None:
    """Per provider: numbers by state, what they cost a month, what changed at Twilio. Exit 1 if something did."""
    settings = load()
    store = settings.store()
    with store.reading() as session:
        held = numbers.numbers(session)
    found, problem = _compared(settings, store)
    wrong = found.wrong if found else {}
    lines = []
    for provider in sorted({n.provider for n in held}):
        mine = [n for n in held if n.provider == provider]
        states = {s: sum(n.state == s for n in mine) for s in sorted({n.state for n in mine})}
        drifted = [f"{n.code} {' '.join(wrong[n.code])}" for n in mine if n.code in wrong]
        about = {"provider": provider, "numbers": len(mine), **_cost(mine), "states": _states(states)}
        lines.append({**about, **({"drift": drifted} if found else {})})
    show_list("health", lines, style)
    if problem:
        raise problem
    _drifted(found)


def _compared(settings: Settings, store: Store) -> tuple[Compared | None, OutsideError | None]:
    ours = account(settings)
    try:
        return (compare(store, ours) if ours else None), None
    except OutsideError as error:  # what we know by ourselves is shown all the same
        return None, error


def _drifted(found: Compared | None) -> None:
    if found is None or not (found.wrong or found.strays):
        return
    if found.wrong:
        remark(f"{len(found.wrong)} numbers were changed at Twilio: `canary number configure` sets them again")
    for sid in found.strays:
        remark(
            f"{sid}: points at this server and is paid for, but nobody holds it: `canary number buy` it, or let it go"
        )
    raise SystemExit(1)


def _cost(held: list[Number]) -> dict[str, str]:
    paid = (n.monthly_cost for n in held if n.state != NumberState.RELEASED)
    return {"monthly_cost": f"{sum(paid, Decimal(0)):.2f}"}


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items())


COMMANDS = (number,)
