"""Pictures and recordings of contacts: what is still to be downloaded, and what was kept, encrypted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session, undefer

from canary.store import ledger
from canary.store.database import insert_once, vault_of
from canary.store.schema import Contact, Looked, Media, Part

_WORDS = "transcription:local:"
PATIENCE = timedelta(days=1)  # the longest time between two tries


@dataclass(frozen=True)
class Searched:
    """A part that may tell of media, not searched yet."""

    part_id: int
    sid: str
    part: str
    details: Mapping[str, str]


def unsearched(session: Session, provider: str, most: int) -> list[Searched]:
    """Up to so many parts of a provider that nobody searched for media, oldest first."""
    vault, tells = vault_of(session), or_(Part.part.like("contact:%"), Part.part.like("recording:%"))
    query = select(Part).outerjoin(Looked).where(Part.provider == provider, Looked.part_id.is_(None), tells)
    rows = session.scalars(query.order_by(Part.id).limit(most))
    return [Searched(row.id, row.sid, row.part, vault.open(row.sealed)["details"]) for row in rows]


def searched(session: Session, provider: str, part: Searched, keys: Iterable[str], now: datetime) -> None:
    """Note what a part tells of: media by the provider's ids, each to be downloaded once."""
    insert_once(session, Looked, {"part_id": part.part_id})
    about: dict[str, Any] = {"provider": provider, "sid": part.sid, "state": "waiting", "next_at": now, "attempts": 0}
    about |= {"content_type": "", "sha256": ""}
    for key in keys:
        insert_once(session, Media, about | {"key": key})


def waiting(session: Session, provider: str, now: datetime, most: int) -> Sequence[Media]:
    """Media that are due to be downloaded."""
    query = select(Media).where(Media.provider == provider, Media.state == "waiting", Media.next_at <= now)
    return session.scalars(query.order_by(Media.next_at, Media.id).limit(most)).all()


def keep(session: Session, media: Media, content: bytes, content_type: str, now: datetime) -> bool:
    """Keep what was downloaded, and its hash in the ledger; False if another process did so first."""
    digest = sha256(content).hexdigest()
    kept: dict[str, Any] = {"state": "kept", "kept_at": now, "size": len(content), "sha256": digest}
    kept |= {"content_type": content_type[:80], "sealed": vault_of(session).seal_bytes(content)}
    if not _change(session, media, **kept):
        return False
    found = session.scalar(select(Contact.id).where(Contact.provider == media.provider, Contact.sid == media.sid))
    about = {"contact": found, "sha256": digest, "size": len(content), "type": content_type[:80]}
    ledger.append(session, now, "media", about)
    return True


def lose(session: Session, media: Media, state: str) -> None:
    """Give up on media that are `gone`, or `refused` for their size."""
    _change(session, media, state=state)


def later(session: Session, media: Media, now: datetime) -> None:
    """Try again, each time after twice as long, a day at most."""
    wait = min(timedelta(minutes=2 ** min(media.attempts, 12)), PATIENCE)
    _change(session, media, attempts=media.attempts + 1, next_at=now + wait)


def _change(session: Session, media: Media, **values: Any) -> bool:
    statement = update(Media).where(Media.id == media.id, Media.state == "waiting").values(**values)
    return bool(cast(CursorResult[Any], session.execute(statement)).rowcount)


def undiscarded(session: Session, provider: str, most: int) -> Sequence[Media]:
    """Media that are kept here and still stand at the provider."""
    query = select(Media).where(Media.provider == provider, Media.state == "kept", Media.discarded_at.is_(None))
    return session.scalars(query.order_by(Media.id).limit(most)).all()


def discarded(session: Session, media: Media, now: datetime) -> None:
    """Note that the provider deleted its own."""
    session.execute(update(Media).where(Media.id == media.id).values(discarded_at=now))


def of(session: Session, found: Sequence[Contact]) -> dict[int, list[Media]]:
    """By contact id: its media, without their content."""
    by_key: defaultdict[tuple[str, str], list[Media]] = defaultdict(list)
    sids = [c.sid for c in found]
    for first in range(0, len(sids), 500):
        query = select(Media).where(Media.sid.in_(sids[first : first + 500])).order_by(Media.key)
        for row in session.scalars(query):
            by_key[row.provider, row.sid].append(row)
    return {c.id: by_key[c.provider, c.sid] for c in found}


def content(session: Session, media_id: int) -> bytes:
    """The bytes as they came. Raises CanaryError if another key sealed them."""
    row = session.get_one(Media, media_id, options=[undefer(Media.sealed)], populate_existing=True)
    return vault_of(session).open_bytes(row.sealed or b"")


def wordless(session: Session, most: int) -> Sequence[Media]:
    """Recordings that are kept and that nobody here has transcribed, oldest first."""
    words = and_(Part.provider == Media.provider, Part.sid == Media.sid, Part.part == _WORDS + Media.key)
    query = select(Media).outerjoin(Part, words).where(Media.state == "kept", Part.id.is_(None))
    return session.scalars(query.where(Media.content_type.like("audio/%")).order_by(Media.id).limit(most)).all()


def worded(session: Session, row: Media, text: str, now: datetime) -> None:
    """Keep what was said in a recording, "" if nothing was, beside the provider's own words."""
    kept = vault_of(session).seal({"text": text, "duration": None, "details": {}})
    about = {"provider": row.provider, "sid": row.sid, "part": _WORDS + row.key, "at": now}
    insert_once(session, Part, about | {"sealed": kept})
