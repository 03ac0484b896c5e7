"""What a provider rents to us: its ids for our numbers, and purchases whose outcome is not known yet."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from canary.store.database import insert_once, vault_of
from canary.store.ledger import append
from canary.store.numbers import by_code, e164
from canary.store.operation import Purchase, Rental
from canary.store.schema import Number, NumberState


@dataclass(frozen=True)
class Held:
    """A number of ours that has not been given back, and the id under which we rent it, "" if we know none."""

    code: str
    number: str
    sid: str


def held(session: Session) -> list[Held]:
    """Every number not given back, by code."""
    query = select(Number, Rental.sid).outerjoin(Rental, Rental.number_id == Number.id).order_by(Number.code)
    rows = session.execute(query.where(Number.state != NumberState.RELEASED))
    return [Held(number.code, e164(session, number), sid or "") for number, sid in rows]


def sid(session: Session, code: str) -> str:
    """The provider's id of a number, "" if we know none."""
    return session.scalar(select(Rental.sid).join(Number).where(Number.code == code)) or ""


def adopt(session: Session, at: datetime, found: dict[str, str]) -> None:
    """Note ids, by code, of numbers that were imported without."""
    for code, known in found.items():
        session.merge(Rental(number_id=by_code(session, code).id, sid=known))
    if found:
        append(session, at, "rented", {"numbers": found})


@dataclass(frozen=True)
class Order:
    """A number to buy: E.164, the provider word it gets, its price a month."""

    number: str
    provider: str
    monthly_cost: Decimal


def intend(session: Session, at: datetime, order: Order) -> None:
    """Remember what is about to be bought."""
    vault = vault_of(session)
    sealed = vault.seal([order.number, order.provider, str(order.monthly_cost)])
    insert_once(session, Purchase, {"fingerprint": vault.fingerprint(order.number), "sealed": sealed, "at": at})


def intended(session: Session) -> list[Order]:
    """What was about to be bought when we last were stopped, oldest first."""
    opened = [vault_of(session).open(row.sealed) for row in session.scalars(select(Purchase).order_by(Purchase.at))]
    return [Order(number, provider, Decimal(cost)) for number, provider, cost in opened]


def settle(session: Session, number: str) -> None:
    """The outcome of a purchase is known."""
    if row := session.get(Purchase, vault_of(session).fingerprint(number)):
        session.delete(row)
