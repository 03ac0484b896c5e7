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
from canary.store.schema import Canary, Inherited, Number, NumberState, Placement, PlacementState
from canary.trace.law import controls_for, draw


@dataclass(frozen=True)
class NewNumber:
    """One number to import: E.164, who provides it, cost a month; `place` says where it was read."""

    e164: str
    provider: str
    monthly_cost: Decimal
    place: str = "number"


def import_numbers(
    session: Session, at: datetime, new: Iterable[NewNumber], quarantine: timedelta = timedelta(days=28)
) -> list[Number]:
    """Put numbers into quarantine for that long. Raises CanaryError if one is held already; nothing is kept then."""
    vault = vault_of(session)
    count = session.scalar(select(func.count(Number.id))) or 0
    added = []
    for position, item in enumerate(new, start=1):
        if by_e164(session, item.e164):
            raise CanaryError(f"{item.place}: {item.e164} is held already", "remove the row")
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
    number = session.scalar(select(Number).where(Number.code == code))
    if number is None:
        raise CanaryError(f"no number {code!r}", "see `canary number list`")
    if (until := _watched_until(session, number)) and until > at:
        raise CanaryError(f"{code} is watched until {until:%Y-%m-%d}", "keep paying for it until then")
    _move(session, at, [number], NumberState.COOLING)
    append(session, at, "retired", {"number": code})
    return number


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
