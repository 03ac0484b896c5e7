"""What numbers say when they are called, where it is not the usual."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from canary.errors import CanaryError
from canary.store import ledger, numbers
from canary.store.database import vault_of
from canary.store.operation import Greeted
from canary.store.schema import Number


def keep(session: Session, at: datetime, number: Number, said: Mapping[str, Any] | None) -> None:
    """Let a number answer in its own way, or as usual (None)."""
    row = session.get(Greeted, number.id)
    if said is None:
        if row:
            session.delete(row)
    else:
        session.merge(Greeted(number_id=number.id, sealed=vault_of(session).seal(dict(said))))
    ledger.append(session, at, "greeting", {"number": number.code, "usual": said is None})


def of(session: Session, number: Number) -> dict[str, Any] | None:
    """How a number answers, None if as usual."""
    row = session.get(Greeted, number.id)
    return None if row is None else dict(vault_of(session).open(row.sealed))


def kept(session: Session) -> dict[str, dict[str, Any]]:
    """All of them, by the number's keyed fingerprint."""
    vault = vault_of(session)
    rows = session.execute(select(Number.fingerprint, Greeted.sealed).join(Greeted, Greeted.number_id == Number.id))
    return {row[0]: vault.open(row[1]) for row in rows}


def named(session: Session, name: str) -> Number:
    """The number of ours by its code or by itself. Raises CanaryError when there is none."""
    found = session.scalar(select(Number).where(Number.code == name)) or numbers.by_e164(session, name)
    if found is None:
        raise CanaryError(f"no number {name!r}", "see `canary number list`")
    return found
