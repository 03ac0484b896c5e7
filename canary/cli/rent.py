"""`canary number search`, `buy`, `configure`, `release`: the numbers that Twilio rents to us."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

import click
import phonenumbers
from phonenumbers import SUPPORTED_REGIONS

from canary.cli.number import number
from canary.cli.output import format_option, remark, show_list
from canary.errors import CanaryError
from canary.listen import lines
from canary.listen.lines import Account
from canary.listen.providers.twilio_numbers import HIDING, KINDS, Offer, TwilioNumbers
from canary.settings import Settings, load
from canary.store import numbers
from canary.store.database import Store
from canary.store.e164 import normalise
from canary.store.rentals import Order
from canary.web.providers import account, shop

_kind = click.option("--type", "kind", type=click.Choice(KINDS), default="local", show_default=True, help="Which kind.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@number.command()
@click.option("--country", required=True, help="Two letters, such as GB.")
@_kind
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@format_option
def search(country: str, kind: str, limit: int, style: str) -> None:
    """Numbers that Twilio has for sale, able to take texts and calls."""
    offers = _shop(load()).search(_country(country), kind, limit)
    show_list("offers", [asdict(offer) for offer in offers], style)


@number.command()
@click.argument("wanted", nargs=-1, metavar="[NUMBER]...")
@click.option("--country", help="Buy whichever are for sale there, from as many ranges as possible.")
@click.option("--count", type=click.IntRange(1, 200), default=1, show_default=True, help="How many, with --country.")
@_kind
@click.option("--bundle", default="", help="The regulatory bundle (BU…) that the country asks for.")
@click.option("--address", default="", help="The address (AD…) that the country asks for.")
@click.option("--monthly-cost", help="The price of one a month. [default: ask Twilio]")
@_yes
def buy(
    wanted: tuple[str, ...],
    country: str | None,
    count: int,
    kind: str,
    bundle: str,
    address: str,
    monthly_cost: str | None,
    yes: bool,
) -> None:
    """Rent numbers from Twilio, point them at this server, and put them into quarantine; asks first.

    A run that was stopped may have bought a number without knowing: the next one finds it again.
    """
    if bool(wanted) == bool(country):
        raise CanaryError("name the numbers, or --country, not both", "see `canary number search`")
    settings = load()
    store, ours = settings.store(), _account(settings)
    for again in lines.resume(store, ours, settings.now()):
        remark(f"{again.code}: bought by a run that was stopped, now held")
    chosen = _chosen(store, ours, _country(country), kind, count) if country else [_e164(n) for n in wanted]
    orders = [Order(n, *_terms(ours, n, kind, monthly_cost)) for n in chosen]
    total = sum((order.monthly_cost for order in orders), Decimal(0))
    _ask(f"rent {len(orders)} numbers for {total:.2f} a month?", yes, "nothing was bought")
    papers = {name: sid for name, sid in (("bundle_sid", bundle), ("address_sid", address)) if sid}
    for order in orders:
        bought = lines.buy(store, ours, settings.now(), order, papers)
        was = "was in the account already, now held" if bought.found_again else "bought"
        click.echo(f"{bought.code}: {was}, in quarantine, {order.monthly_cost.normalize()} a month")


@number.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
def configure(codes: tuple[str, ...]) -> None:
    """Point numbers at this server again, all that the Twilio account has or those named."""
    settings = load()
    changed = lines.configure(settings.store(), _account(settings), settings.now(), codes)
    for code, names in changed.items():
        hidden = [name for name in names if name in HIDING]
        click.echo(f"{code}: set {', '.join(name for name in names if name not in hidden) or 'nothing'}")
        if hidden:
            remark(f"{code}: {', '.join(hidden)} hides its addresses: take it off in the console")
    click.echo(f"{len(changed)} numbers changed")


@number.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--cooled", is_flag=True, help="All that have cooled for cooling_days.")
@_yes
def release(codes: tuple[str, ...], cooled: bool, yes: bool) -> None:
    """Give numbers back for good, after they have cooled; asks first. Never while a copy is watched by them."""
    if bool(codes) == cooled:
        raise CanaryError("name the numbers by code, or --cooled, not both", "see `canary number list`")
    settings = load()
    store, cooling = settings.store(), timedelta(days=settings.cooling_days)
    with store.reading() as session:
        due = [n.code for n in numbers.cooled(session, settings.now(), cooling)] if cooled else list(codes)
        for code in due:
            numbers.check_cooled(session, settings.now(), code, cooling)
    if not due:
        remark("no number has cooled long enough")
        return
    _ask(f"give back {', '.join(due)}? It cannot be undone", yes, "nothing was given back")
    for code in due:
        told = lines.give_back(store, shop(settings), settings.now(), code, cooling)
        click.echo(f"{code}: released" + ("" if told else "; end its contract yourself"))


def _account(settings: Settings) -> Account:
    found = account(settings)
    if found is None:
        _shop(settings)
        raise CanaryError("public_url: not set", "Twilio must know where to send what it hears")
    return found


def _shop(settings: Settings) -> TwilioNumbers:
    found = shop(settings)
    if found is None:
        raise CanaryError("no Twilio account", "set twilio_account_sid and twilio_auth_token")
    return found


def _country(given: str) -> str:
    if given.upper() not in SUPPORTED_REGIONS:
        raise CanaryError(f"--country {given!r} is no country", "two letters, such as GB or US")
    return given.upper()


def _e164(given: str) -> str:
    found = normalise(given)
    if found is None:
        raise CanaryError(f"{given!r} is not a telephone number", "write it as +447700900123")
    return found


def _chosen(store: Store, ours: Account, country: str, kind: str, count: int) -> list[str]:
    offers = ours.shop.search(country, kind, min(1000, 10 * count))
    with store.reading() as session:
        fresh = [offer for offer in offers if not numbers.by_e164(session, offer.number)]
    if len(fresh) < count:
        raise CanaryError(f"{len(fresh)} {kind} numbers for sale in {country}, not {count}", "ask for fewer")
    return _spread(fresh, count)


def _spread(offers: Sequence[Offer], count: int) -> list[str]:
    """So many of them, from as many ranges as possible: numbers in one block give one another away."""
    ranges: defaultdict[str, list[str]] = defaultdict(list)
    for offer in offers:
        ranges[offer.number[:-4]].append(offer.number)
    shuffle = secrets.SystemRandom().shuffle
    for block in ranges.values():
        shuffle(block)
    blocks = list(ranges.values())
    shuffle(blocks)
    turns = max(map(len, blocks), default=0)
    return [block[turn] for turn in range(turns) for block in blocks if turn < len(block)][:count]


def _terms(ours: Account, e164: str, kind: str, given: str | None) -> tuple[str, Decimal]:
    """The provider word, which makes numbers of one country and kind one block, and the price a month."""
    country = phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or "zz"
    return f"twilio-{country.lower()}-{kind}", _price(ours, country, kind, given)


def _price(ours: Account, country: str, kind: str, given: str | None) -> Decimal:
    if given is not None:
        if not given.replace(".", "", 1).isdecimal():
            raise CanaryError(f"--monthly-cost {given!r} is no price", "a number such as 1.15")
        return Decimal(given)
    price = ours.shop.price(country, kind)
    if price is None:
        raise CanaryError(f"Twilio names no price for {kind} numbers in {country}", "give --monthly-cost")
    return price


def _ask(question: str, yes: bool, refused: str) -> None:
    try:
        agreed = yes or click.confirm(question, err=True)
    except click.Abort:  # nobody there to answer
        remark("")
        agreed = False
    if not agreed:
        raise CanaryError(refused, "answer y, or give --yes")


COMMANDS = (number,)
