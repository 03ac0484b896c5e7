"""The pool of numbers: import, quarantine, the random split into ready and control, burning, retiring."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from canary.errors import CanaryError
from canary.prove.canonical import digest
from canary.store.contacts import recognised_numbers
from canary.store.database import vault_of
from canary.store.ledger import append
from canary.store.schema import Number, NumberState
from canary.trace.law import controls_for, draw


@dataclass(frozen=True)
class NewNumber:
    """One number to import: E.164, who provides it, cost a month."""

    e164: str
    provider: str
    monthly_cost: Decimal


def import_numbers(session: Session, at: datetime, new: Iterable[NewNumber]) -> list[Number]:
    """Put numbers into quarantine. Raises CanaryError if one is held already: nothing is imported then."""
    vault = vault_of(session)
    count = session.scalar(select(func.count(Number.id))) or 0
    added = []
    for position, item in enumerate(new, start=1):
        if by_e164(session, item.e164):
            raise CanaryError(f"number {item.e164} (row {position + 1}) is held already", "remove the row")
        number = Number(
            code=f"N{count + position:05d}",
            sealed=vault.seal(item.e164),
            fingerprint=vault.fingerprint(item.e164),
            provider=item.provider,
            monthly_cost=item.monthly_cost,
            state=NumberState.QUARANTINE,
            since=at,
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


def end_quarantine(
    session: Session, at: datetime, quarantine: timedelta, control_share: float, seed: bytes | None = None
) -> int:
    """Split the numbers whose quarantine is over into ready and control, by a secret committed draw.

    Numbers that inherited a last owner's baby traffic are set aside (`cooling`) first. Each provider's numbers
    make one block: a score compares planted numbers with controls of the same block only.
    """
    due = [n for n in numbers(session, NumberState.QUARANTINE) if n.since + quarantine <= at]
    noisy = recognised_numbers(session)
    _move(session, at, [n for n in due if n.id in noisy], NumberState.COOLING)
    pools: defaultdict[str, list[Number]] = defaultdict(list)
    for number in due:
        if number.id not in noisy:
            pools[number.provider].append(number)
    for provider, pool in pools.items():
        _split(session, at, f"{provider}-{at:%Y%m%d%H%M%S}", pool, control_share, seed or secrets.token_bytes(32))
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


def burn(session: Session, at: datetime) -> int:
    """Planted numbers that had a recognised contact are burned: they keep ringing and are never planted again."""
    rang = recognised_numbers(session)
    burned = [n for n in numbers(session, NumberState.PLANTED) if n.id in rang]
    _move(session, at, burned, NumberState.BURNED)
    if burned:
        append(session, at, "burned", {"numbers": [n.code for n in burned]})
    return len(burned)


def retire(session: Session, at: datetime, code: str) -> Number:
    """Take a number out of use (`cooling`). Raises CanaryError on an unknown code."""
    number = session.scalar(select(Number).where(Number.code == code))
    if number is None:
        raise CanaryError(f"no number {code!r}", "see `canary number list`")
    _move(session, at, [number], NumberState.COOLING)
    append(session, at, "retired", {"number": code})
    return number


def _move(session: Session, at: datetime, moved: Iterable[Number], state: NumberState) -> None:
    for number in moved:
        number.state, number.since = state, at
    session.flush()
