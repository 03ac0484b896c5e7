"""The ledger: append-only, hash-chained record of what we did and heard."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from canary.prove.chain import GENESIS, Entry, link
from canary.store.database import queue
from canary.store.schema import LedgerEntry


def append(session: Session, at: datetime, kind: str, payload: dict[str, Any]) -> Entry:
    """Add one entry inside the caller's transaction. `payload` is JSON and holds no secret."""
    queue(session, "ledger")
    session.flush()
    last = session.scalar(select(LedgerEntry).order_by(LedgerEntry.seq.desc()).limit(1))
    seq, prev = (last.seq + 1, last.hash) if last else (1, GENESIS)
    entry = link(seq, at.isoformat(timespec="seconds"), kind, payload, prev)
    session.add(LedgerEntry(**{**entry.__dict__, "payload": dict(entry.payload)}))
    session.flush()
    return entry


def entries(session: Session, kind: str | None = None) -> Iterator[Entry]:
    """The entries in order, of one kind or all."""
    query = select(LedgerEntry).order_by(LedgerEntry.seq)
    if kind is not None:
        query = query.where(LedgerEntry.kind == kind)
    for row in session.scalars(query):
        yield Entry(row.seq, row.at, row.kind, row.payload, row.prev, row.hash)


def head(session: Session) -> str:
    """The hash of the newest entry: publishing it fixes all that came before."""
    newest = session.scalar(select(LedgerEntry.hash).order_by(LedgerEntry.seq.desc()).limit(1))
    return newest or GENESIS
