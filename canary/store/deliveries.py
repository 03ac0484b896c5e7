"""Raw deliveries: kept before anything may reject them, then concluded once, whoever judges them."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table, func, insert, or_, select
from sqlalchemy.orm import Session

from canary.store.database import insert_once, vault_of
from canary.store.schema import Delivery, Outcome, Review, Spent
from canary.store.vault import Vault

_INSERT = insert(cast(Table, Delivery.__table__))


@dataclass(frozen=True)
class Delivered:
    """One request as it came. `key` names this arrival: kept twice under one key it is still one delivery."""

    key: str
    at: datetime
    provider: str
    endpoint: str
    request: Mapping[str, Any]


Row = dict[str, Any]


def new_key() -> str:
    """A key nobody else has. It begins with the time: an index of random keys would write a page for every row."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def sealed(vault: Vault, delivered: Delivered) -> Row:
    """A raw request as it is stored: made before a transaction begins, for others wait while it lasts."""
    return {
        "key": delivered.key,
        "at": delivered.at,
        "provider": delivered.provider,
        "endpoint": delivered.endpoint,
        "sealed_request": vault.seal(delivered.request),
    }


def keep(session: Session, delivered: Delivered) -> None:
    """Store a raw request once, however often it is kept under its key."""
    insert_once(session, Delivery, sealed(vault_of(session), delivered))


def keep_all(connection: Connection, rows: Sequence[Row]) -> None:
    """Store raw requests that were never stored before, in one statement."""
    if connection.dialect.name == "postgresql":  # to which a list is sent, and there worked on, row by row
        connection.exec_driver_sql(_together(tuple(rows[0]), len(rows)), tuple(v for row in rows for v in row.values()))
    else:
        connection.execute(_INSERT, list(rows))


@cache
def _together(columns: tuple[str, ...], count: int) -> str:
    """Of `count` rows at once, in psycopg's words: SQLAlchemy would put one together anew each time."""
    row = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {Delivery.__tablename__} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"


def ids(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The ids of stored deliveries by key."""
    rows = session.execute(select(Delivery.key, Delivery.id).where(Delivery.key.in_(list(keys))))
    return {str(row[0]): row[1] for row in rows}


def conclude(session: Session, found: Sequence[tuple[int, str, str]]) -> None:
    """Note what became of each (delivery id, signature, error)."""
    rows = [{"delivery_id": i, "signature": signature, "error": error[:500]} for i, signature, error in found]
    insert_once(session, Outcome, rows)


def spend(session: Session, provider: str, stamp: str, body: str) -> bool:
    """Use a stamp up for this body; False if another body had it first."""
    vault = vault_of(session)
    key, mine = vault.fingerprint(f"{provider} {stamp}"), vault.fingerprint(body)
    insert_once(session, Spent, {"stamp": key, "body": mine})
    return session.scalars(select(Spent.body).where(Spent.stamp == key)).one() == mine


def last_heard(session: Session) -> dict[str, datetime]:
    """By provider: when a request of its own last came, a phone's ping among them."""
    query = select(Delivery.provider, func.max(Delivery.at)).join(Outcome, Outcome.delivery_id == Delivery.id)
    rows = session.execute(query.where(Outcome.signature == "good").group_by(Delivery.provider))
    return dict(rows.all())


def unconcluded(session: Session, at: datetime, after: timedelta) -> list[int]:
    """The ids of deliveries that nobody finished judging though they came so long before: the server died in between.
    Those of later than now among them, for a clock that ran ahead must not put them off till then."""
    query = select(Delivery.id).outerjoin(Outcome, Outcome.delivery_id == Delivery.id)
    old = or_(Delivery.at < at - after, Delivery.at > at + after)
    return list(session.scalars(query.where(Outcome.delivery_id.is_(None), old).order_by(Delivery.id)))


def delivered(session: Session, ids: Sequence[int], providers: Iterable[str]) -> list[Delivered]:
    """The deliveries of these ids that came from these providers, in order."""
    query = select(Delivery).where(Delivery.id.in_(ids), Delivery.provider.in_(list(providers)))
    return [opened(session, row) for row in session.scalars(query.order_by(Delivery.id))]


def waiting(session: Session) -> int:
    """How many deliveries nobody has judged yet."""
    query = select(func.count(Delivery.id)).outerjoin(Outcome, Outcome.delivery_id == Delivery.id)
    return session.scalar(query.where(Outcome.delivery_id.is_(None))) or 0


def opened(session: Session, row: Delivery) -> Delivered:
    """A stored delivery with its request unsealed."""
    request = vault_of(session).open(row.sealed_request)
    return Delivered(row.key or "", row.at, row.provider, row.endpoint, request)


def quarantined(session: Session) -> int:
    """How many deliveries stand in quarantine: stored, not signed by the provider, nor confirmed by its log."""
    confirmed = select(Review.delivery_id).where(Review.result == "confirmed")
    query = select(func.count()).select_from(Outcome).where(Outcome.signature != "good")
    return session.scalar(query.where(Outcome.delivery_id.not_in(confirmed))) or 0


def unreviewed(session: Session, provider: str, since: datetime) -> list[tuple[int, Delivered]]:
    """Deliveries of a provider by id that stand in quarantine since then, and that its log has not judged yet."""
    query = select(Delivery).join(Outcome, Outcome.delivery_id == Delivery.id)
    query = query.outerjoin(Review, Review.delivery_id == Delivery.id)
    query = query.where(Delivery.provider == provider, Delivery.at >= since)
    found = query.where(Outcome.signature != "good", Review.delivery_id.is_(None)).order_by(Delivery.id)
    return [(row.id, opened(session, row)) for row in session.scalars(found)]


def review(session: Session, delivery_id: int, result: str, at: datetime) -> None:
    """Note what the provider's log says of a delivery in quarantine."""
    insert_once(session, Review, {"delivery_id": delivery_id, "result": result, "at": at})
