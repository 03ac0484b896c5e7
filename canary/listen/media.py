"""Pictures and recordings: downloaded once, hashed, kept encrypted, then deleted at the provider if so wished."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from canary.errors import OutsideError
from canary.listen.providers.base import Archive, Gone, Provider, TooLarge
from canary.store import media
from canary.store.database import Store
from canary.store.schema import Media

SEARCHED = 500  # parts a run
FETCHED = 200  # downloads a run
NOT_THERE = 5  # a recording may be announced before it can be read: so often "not there" is not yet "gone"


@dataclass(frozen=True)
class Collected:
    """What one provider gave: media kept, lost (gone or too large), deleted there, left for the next run; `problem` is
    what went wrong last, "" if nothing did."""

    provider: str
    kept: int = 0
    lost: int = 0
    discarded: int = 0
    left: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Terms:
    """How large one file may be, in bytes, and whether the provider's own is deleted once ours is kept."""

    most: int = 32 << 20
    discard: bool = False


def collect(store: Store, providers: Mapping[str, Provider], now: datetime, terms: Terms) -> list[Collected]:
    """Download what contacts of all providers brought along. Safe to run twice, by anyone, at any time: what another
    process kept first is not kept again."""
    archives = {name: provider.archive for name, provider in providers.items()}
    return [_Run(store, name, archive, now, terms).go() for name, archive in archives.items() if archive]


class _Run:
    def __init__(self, store: Store, name: str, archive: Archive, now: datetime, terms: Terms) -> None:
        self._store, self._name, self._archive, self._now, self._terms = store, name, archive, now, terms
        self._problem = ""

    def go(self) -> Collected:
        self._search()
        with self._store.reading() as session:
            due = media.waiting(session, self._name, self._now, FETCHED)
        done = [self._fetch(row) for row in due]
        discarded = self._discard() if self._terms.discard else 0
        counts = {word: done.count(word) for word in ("kept", "lost", "left")}
        return Collected(self._name, **counts, discarded=discarded, problem=self._problem)

    def _search(self) -> None:
        with self._store.reading() as session:
            parts = media.unsearched(session, self._name, SEARCHED)
        for part in parts:
            try:
                keys = self._archive.named(part.sid, part.part, part.details)
            except OutsideError as error:
                self._problem = error.message
                continue
            with self._store.writing(durable=False) as session:  # it can be searched again
                media.searched(session, self._name, part, keys, self._now)

    def _fetch(self, row: Media) -> str:
        try:
            found = self._archive.fetch(row.sid, row.key, self._terms.most)
        except (Gone, TooLarge) as error:
            state = "refused" if isinstance(error, TooLarge) else "gone"
            final = state == "refused" or row.attempts >= NOT_THERE
        except OutsideError as error:
            state, final, self._problem = "", False, error.message
        else:
            with self._store.writing() as session:
                return "kept" if media.keep(session, row, found.content, found.content_type, self._now) else "other"
        with self._store.writing() as session:
            if final:
                media.lose(session, row, state)
            else:
                media.later(session, row, self._now)
        return "lost" if final else "left"

    def _discard(self) -> int:
        count = 0
        with self._store.reading() as session:
            rows = media.undiscarded(session, self._name, FETCHED)
        for row in rows:
            try:
                done = self._archive.discard(row.sid, row.key)
            except OutsideError as error:
                self._problem = error.message
                continue
            if done:
                with self._store.writing() as session:
                    media.discarded(session, row, self._now)
                count += 1
        return count
