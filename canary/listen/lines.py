"""The numbers we rent: bought once whatever breaks in between, pointed at us, compared, given back when cool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.errors import CanaryError
from canary.listen.providers.twilio_numbers import Hooks, Rented, TwilioNumbers, drift
from canary.store import numbers, rentals
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.rentals import Order


@dataclass(frozen=True)
class Account:
    """A provider's account, where its numbers shall point, and how long new ones are only listened to."""

    shop: TwilioNumbers
    wanted: Hooks
    quarantine: timedelta


@dataclass(frozen=True)
class Bought:
    """What a purchase came to: the number's code, and whether it was the account's already."""

    code: str
    number: str
    found_again: bool


def resume(store: Store, account: Account, now: datetime) -> list[Bought]:
    """Settle the purchases that an earlier run was stopped in: those that Twilio lists are ours, the others were
    never made."""
    with store.reading() as session:
        left = rentals.intended(session)
    found = []
    for order in left:
        listed = account.shop.rented(order.number)
        if listed:
            found.append(_keep(store, account, now, order, listed[0], found_again=True))
        else:
            with store.writing() as session:
                rentals.settle(session, order.number)
    return found


def buy(store: Store, account: Account, now: datetime, order: Order, papers: Mapping[str, str]) -> Bought:
    """Rent a number and hold it. The account's own list is asked first, and what is bought is noted before: a lost
    answer costs no second number. Raises CanaryError if we hold it or held it, OutsideError from Twilio."""
    with store.writing() as session:
        if numbers.by_e164(session, order.number):
            raise CanaryError(f"{order.number} is or was held already", "take another one")
        rentals.intend(session, now, order)
    listed = account.shop.rented(order.number)
    rented = listed[0] if listed else account.shop.buy(order.number, account.wanted, papers)
    return _keep(store, account, now, order, rented, found_again=bool(listed))


def _keep(store: Store, account: Account, now: datetime, order: Order, rented: Rented, *, found_again: bool) -> Bought:
    if rented.differs(account.wanted):
        account.shop.point(rented.sid, account.wanted)
    with store.writing() as session:
        held = numbers.by_e164(session, order.number)
        if held is None:
            new = NewNumber(order.number, order.provider, order.monthly_cost, sid=rented.sid)
            (held,) = numbers.import_numbers(session, now, [new], account.quarantine)
            rentals.adopt(session, now, {held.code: rented.sid})
        rentals.settle(session, order.number)
    return Bought(held.code, order.number, found_again)


@dataclass(frozen=True)
class Compared:
    """The account beside our list: by code what is wrong, and ids of numbers that point at us but are not held."""

    wrong: Mapping[str, Sequence[str]]
    strays: Sequence[str]
    rented: Mapping[str, Rented]


def compare(store: Store, account: Account) -> Compared:
    """What changed at Twilio behind our back: addresses, numbers gone, numbers paid for that nobody holds."""
    listed = account.shop.rented()
    with store.reading() as session:
        held = rentals.held(session)
        expected = {order.number for order in rentals.intended(session)}
    there = {each.number: each for each in listed}
    ours = [h for h in held if h.sid or h.number in there]
    known = {h.number for h in held} | expected
    strays = [r.sid for r in listed if r.number not in known and _points_at_us(r, account.wanted)]
    by_code = {h.code: there[h.number] for h in ours if h.number in there}
    return Compared(drift(listed, {h.number: h.code for h in ours}, account.wanted), strays, by_code)


def _points_at_us(rented: Rented, wanted: Hooks) -> bool:
    return wanted.sms_url == rented.points_at["sms_url"] or wanted.voice_url == rented.points_at["voice_url"]


def configure(store: Store, account: Account, now: datetime, codes: Sequence[str] = ()) -> dict[str, Sequence[str]]:
    """Point our numbers at us again, all or those of `codes`, and note the ids of imported ones; by code what was
    changed. Raises CanaryError on a code that the account does not have."""
    found = compare(store, account)
    if missing := [code for code in codes if code not in found.rented]:
        raise CanaryError(f"{', '.join(missing)}: not in the account", "see `canary number list` and the console")
    chosen = [code for code in found.rented if not codes or code in codes]
    changed = {code: found.wrong[code] for code in chosen if code in found.wrong}
    for code in changed:
        account.shop.point(found.rented[code].sid, account.wanted)
    with store.writing() as session:
        known = {h.code: h.sid for h in rentals.held(session)}
        rentals.adopt(session, now, {c: found.rented[c].sid for c in chosen if known.get(c) != found.rented[c].sid})
    return changed


def give_back(store: Store, shop: TwilioNumbers | None, now: datetime, code: str, cooling: timedelta) -> bool:
    """End the rent of a number that has cooled; says whether a provider was told (else it is yours to end). Stopped
    in between, run again. Raises CanaryError while it may not go."""
    with store.reading() as session:
        numbers.check_cooled(session, now, code, cooling)
        sid = rentals.sid(session, code)
    if sid and shop is None:
        raise CanaryError(f"{code} is rented from Twilio", "set twilio_account_sid and twilio_auth_token")
    if sid and shop:
        shop.give_back(sid)
    with store.writing() as session:
        numbers.check_cooled(session, now, code, cooling)
        numbers.release(session, now, code)
    return bool(sid)
