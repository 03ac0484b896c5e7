"""The pool of numbers: import, quarantine, the random split into ready and control, burning, retiring."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from canary.errors import CanaryError
from canary.prove.canonical import digest
from canary.store.contacts import recognised_numbers
from canary.store.database import vault_of
from canary.store.ledger import append
from canary.store.operation import Rental
from canary.store.schema import Canary, Inherited, Number, NumberState, Placement, PlacementState
from canary.trace.law import controls_for, draw


@dataclass(frozen=True)
class NewNumber:
    """One number to import: E.164, who provides it, cost a month; `place` says where it was read, `sid` is the id
    it has at who rents it to us."""

    e164: str
    provider: str
    monthly_cost: Decimal
    place: str = "number"
    sid: str = ""


def import_numbers(
    session: Session, at: datetime, new: Iterable[NewNumber], quarantine: timedelta = timedelta(days=28)
) -> list[Number]:
    """Put numbers into quarantine for that long. Raises CanaryError if one is held already; nothing is kept then."""
    vault = vault_of(session)
    count = session.scalar(select(func.count(Number.id))) or 0
    added = []
    for position, item in enumerate(new, start=1):
        if held := by_e164(session, item.e164):
            gone = held.state == NumberState.RELEASED
            was = "was given back, callers may still know it" if gone else "is held already"
            raise CanaryError(f"{item.place}: {item.e164} {was}", "remove the row" if not gone else "take another one")
        number = Number(
            code=f"N{count + position:05d}",
            sealed=vault.seal(item.e164),
            fingerprint=vault.fingerprint(item.e164),
            provider=item.provider,
            monthly_cost=item.monthly_cost,
            state=NumberState.QUARANTINE,
            since=at,
            quarantined_until=at + quarantine,
        )
        session.add(number)
        session.flush()
        if item.sid:
            session.add(Rental(number_id=number.id, sid=item.sid))
        added.append(number)
    append(session, at, "numbers", {"imported": [n.code for n in added]})
    return added


def numbers(session: Session, state: str | None = None) -> Sequence[Number]:
    """The numbers by code, of one state or all."""
    query = select(Number).order_by(Number.code)
    return session.scalars(query.where(Number.state == state) if state else query).all()


def e164(session: Session, number: Number) -> str:
    """The number itself: sealed at rest, so only opened where it is needed."""
    opened: str = vault_of(session).open(number.sealed)
    return opened


def by_e164(session: Session, number: str) -> Number | None:
    """The number we hold under that E.164 spelling, or None."""
    return session.scalar(select(Number).where(Number.fingerprint == vault_of(session).fingerprint(number)))


def by_code(session: Session, code: str) -> Number:
    """The number of that code. Raises CanaryError if there is none."""
    number = session.scalar(select(Number).where(Number.code == code))
    if number is None:
        raise CanaryError(f"no number {code!r}", "see `canary number list`")
    return number


def counts(session: Session) -> dict[str, int]:
    """How many numbers stand in each state."""
    return dict(Counter(session.scalars(select(Number.state)).all()))


def end_quarantine(session: Session, at: datetime, control_share: float, seed: bytes | None = None) -> int:
    """Split the numbers whose quarantine is over into ready and control, by a secret committed draw.

    Numbers that inherited a last owner's baby traffic are set aside (`cooling`) first. Each provider's numbers
    make one block: a score compares planted numbers with controls of the same block only.
    """
    due = [n for n in numbers(session, NumberState.QUARANTINE) if n.quarantined_until <= at]
    mark_noisy(session)
    session.expire_all()
    _move(session, at, [n for n in due if n.noisy], NumberState.COOLING)
    pools: defaultdict[str, list[Number]] = defaultdict(list)
    for number in due:
        if not number.noisy:
            pools[number.provider].append(number)
    for provider, pool in pools.items():
        _split(session, at, f"{provider}-{pool[0].code}", pool, control_share, seed or secrets.token_bytes(32))
    return sum(map(len, pools.values()))


def _split(session: Session, at: datetime, block: str, pool: list[Number], control_share: float, seed: bytes) -> None:
    labels = [n.code for n in pool]
    controls = draw(seed, labels, controls_for(len(pool), control_share))
    for number in pool:
        number.block = block
    _move(session, at, [n for n in pool if n.code in controls], NumberState.CONTROL)
    _move(session, at, [n for n in pool if n.code not in controls], NumberState.READY)
    opening = {"block": block, "numbers": labels, "controls": len(controls), "seed": seed.hex()}
    public = {"block": block, "numbers": len(pool), "controls": len(controls), "commitment": digest(opening)}
    append(session, at, "block", {**public, "sealed_opening": vault_of(session).seal(opening).decode()})


def mark_noisy(session: Session) -> None:
    """Mark the numbers that had a recognised contact: for good, so that no later change of mind (an allow-list,
    new rules) readmits numbers to the draw that controls and used-up numbers could not return to."""
    noisy = recognised_numbers(session)
    fresh = [i for i in session.scalars(select(Number.id).where(~Number.noisy)) if i in noisy]
    session.execute(update(Number).where(Number.id.in_(fresh)).values(noisy=True))


def burn(session: Session, at: datetime) -> int:
    """Planted numbers that had a recognised contact are burned: they keep ringing and are never planted again."""
    mark_noisy(session)
    session.expire_all()
    burned = [n for n in numbers(session, NumberState.PLANTED) if n.noisy]
    _move(session, at, burned, NumberState.BURNED)
    if burned:
        append(session, at, "burned", {"numbers": [n.code for n in burned]})
    return len(burned)


def retire(session: Session, at: datetime, code: str) -> Number:
    """Take a number out of use (`cooling`). Raises CanaryError on an unknown code, and while a copy's window is
    open on it: a number given up reads as silent, and silent controls accuse innocent copies."""
    number = by_code(session, code)
    if number.state == NumberState.RELEASED:
        raise CanaryError(f"{code} was given back", "see `canary number list`")
    if (until := _watched_until(session, number)) and until > at:
        raise CanaryError(f"{code} is watched until {until:%Y-%m-%d}", "keep paying for it until then")
    _move(session, at, [number], NumberState.COOLING)
    append(session, at, "retired", {"number": code})
    return number


def cooled(session: Session, at: datetime, cooling: timedelta) -> list[Number]:
    """The numbers that have cooled long enough to be given back."""
    return [n for n in numbers(session, NumberState.COOLING) if n.since + cooling <= at]


def check_cooled(session: Session, at: datetime, code: str, cooling: timedelta) -> Number:
    """The number, if it may be given back. Raises CanaryError while it is in use, while a copy's window is open on
    it, and until it has cooled: whoever got it next would hear the callers that know it from us."""
    number = by_code(session, code)
    if number.state != NumberState.COOLING:
        raise CanaryError(f"{code} is {number.state}", f"`canary number retire {code}` first, and let it cool")
    if (until := _watched_until(session, number)) and until > at:
        raise CanaryError(f"{code} is watched until {until:%Y-%m-%d}", "keep paying for it until then")
    if (free := number.since + cooling) > at:
        raise CanaryError(f"{code} cools until {free:%Y-%m-%d}", "callers still know it; see cooling_days")
    return number


def release(session: Session, at: datetime, code: str) -> None:
    """Note that a number was given back; it stays in the list, for its contacts do."""
    number = by_code(session, code)
    _move(session, at, [number], NumberState.RELEASED)
    append(session, at, "released", {"number": code})


def _watched_until(session: Session, number: Number) -> datetime | None:
    live = Placement.state != PlacementState.VOID
    carries = select(Inherited.copy_id).join(Canary, Canary.id == Inherited.canary_id)
    holds = select(Canary.placement_id).where(Canary.number_id == number.id)
    query = select(Placement).where(
        live, Placement.id.in_(holds) | Placement.copy_id.in_(carries.where(Canary.number_id == number.id))
    )
    return max((p.drawn_at + timedelta(days=p.window_days) for p in session.scalars(query)), default=None)


def _move(session: Session, at: datetime, moved: Iterable[Number], state: NumberState) -> None:
    for number in moved:
        number.state, number.since = state, at
    session.flush()
