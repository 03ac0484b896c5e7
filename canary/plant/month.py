"""Seeding a recipient's copy as the month after an earlier one: canaries live on, and new ones enter as women do."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from random import Random

from canary.mint.ageing import Ageing, OneMonth, TwoMonths, in_columns
from canary.mint.cohort import Calendar, Cohort
from canary.mint.columns import Profile, blank
from canary.mint.facts import Cell, Fact, Row, Table
from canary.mint.people import People
from canary.plant.before import Before, Befores
from canary.plant.seed import Month, Order, Seeded, Source, opened, seed
from canary.store import appearances, registry
from canary.store.appearances import Carried, Living
from canary.store.database import Store
from canary.store.e164 import digit_forms
from canary.trace.law import rank


@dataclass(frozen=True)
class Followed(Seeded):
    """A copy seeded in its month: `canaries` new ones, `carried` from the copy `continues`, and `gone` since."""

    continues: str | None = None
    carried: int = 0
    gone: int = 0


@dataclass(frozen=True)
class _Past:
    """The recipient's last copy: its slug, whose it is, how long ago it was, its file's hash, its canaries."""

    slug: str
    recipient: str
    elapsed: timedelta
    sha256: str
    living: Sequence[Living]
    held: frozenset[int]


class MonthFile:
    """One file of a month, and how its rows came out of the month before: worked out once for all its copies."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._last: tuple[object, Ageing] | None = None
        self._claims: People | None = None

    def hold(self, profile: Profile | None) -> None:
        """Read the whole table: to follow on another month takes every row, a sample of them does not do."""
        if self.source.spooled:
            self.source = opened(self.source.path, profile, held=True)

    def ageing(self, past: _Past, before: Before | None) -> Ageing:
        """How canaries of the past age into this file, from the month before or (None) from this file alone."""
        own = before is not None and before.sha256 == past.sha256
        key = (before.path if before else past.elapsed, own)
        if self._last is None or self._last[0] != key:
            self._last = key, self._ageing(past, before, own)
        return self._last[1]

    def _ageing(self, past: _Past, before: Before | None, own: bool) -> Ageing:
        table, columns = self.source.table, self.source.columns
        if before is None:
            return OneMonth(table, columns, past.elapsed)
        planted = {each.row for each in past.living} if own else set()
        rows = tuple(row for at, row in enumerate(before.table.rows) if at not in planted)
        return TwoMonths(Table(before.table.header, rows), table, columns)

    def takes(self, each: Living, cells: Row, calendar: Calendar) -> bool:
        """Whether a canary may stand in the file: not there already (it may be made from one that was seeded), no
        running number that a row got since, and nobody new who is nearly she."""
        columns = self.source.columns
        number = cells[columns[Fact.RUNNING_NUMBER]] if Fact.RUNNING_NUMBER in columns else None
        if number in self._numbers or not self._phones.isdisjoint(digit_forms(each.e164)):
            return False
        name, address = (cells[columns[f]] if f in columns else None for f in (Fact.NAME, Fact.ADDRESS))
        if name is None:
            return True
        where = None if address is None else str(address)
        people = self._people(calendar)
        return people.due_is_free(str(name), calendar.due(cells)) and people.address_is_free(str(name), where)

    def _people(self, calendar: Calendar) -> People:
        if self._claims is None:
            self._claims = People()
            columns = self.source.columns
            for row, due in zip(self.source.table.rows, calendar.dues, strict=True):
                name, address = (row[columns[f]] if f in columns else None for f in (Fact.NAME, Fact.ADDRESS))
                if not blank(name):
                    self._claims.add(str(name), due, None if blank(address) else str(address))
        return self._claims

    @cached_property
    def _numbers(self) -> frozenset[Cell]:
        column = self.source.columns.get(Fact.RUNNING_NUMBER)
        return frozenset(() if column is None else (row[column] for row in self.source.table.rows)) - {None}

    @cached_property
    def _phones(self) -> frozenset[str]:
        """The digits of every telephone number in the file."""
        column = self.source.columns[Fact.PHONE]
        return frozenset(re.sub(r"\D", "", str(row[column] or "")) for row in self.source.table.rows)


def follow(store: Store, now: datetime, order: Order, file: MonthFile, befores: Befores) -> Followed:
    """Seed a copy so that it follows on its recipient's last one; the first of all is seeded as a whole.

    `order.count` is how many canaries the file should hold in the long run: new ones enter in the share of the
    rows that are new. Raises CanaryError or OutsideError with nothing written and nothing recorded.
    """
    past = _past(store, order.copy)
    if past is None or not past.living:
        done = seed(store, now, order, file.source)
        why = () if past is None else (f"carries none on: {past.slug} was seeded before canaries lived on",)
        return Followed(**{**done.__dict__, "remarks": (*why, *done.remarks)})
    file.hold(order.profile)
    order = replace(order, secret=order.secret or secrets.token_bytes(32))
    ageing = file.ageing(past, befores.of(past.sha256, {past.slug, past.recipient}))
    carried = _carried(order, file, past, ageing)
    cohort = Cohort(ageing.calendar, ageing.entered())
    mint = partial(cohort.mint, file.source.host.personas) if cohort.share else None
    month = Month(carried, past.slug, mint)
    done = seed(store, now, replace(order, count=max(1, round(order.count * cohort.share))), file.source, month)
    why = () if cohort.share else (f"no row is new since {past.slug}: a new canary stands out there",)
    found = {**done.__dict__, "remarks": (*why, *done.remarks)}
    return Followed(**found, continues=past.slug, carried=len(carried), gone=len(past.living) - len(carried))


def _past(store: Store, slug: str) -> _Past | None:
    with store.reading() as session:
        last = appearances.predecessor(session, slug)
        if last is None:
            return None
        living = appearances.written(session, last)
        elapsed = registry.copy(session, slug).date - last.copy.date
        held = frozenset(appearances.held(session, living))
        return _Past(last.copy.slug, last.copy.recipient.slug, elapsed, last.file_sha256, living, held)


def _carried(order: Order, file: MonthFile, past: _Past, ageing: Ageing) -> list[Carried]:
    """The canaries that live on, in the order of their rows. Who does is decided by a stream of its own of the
    copy's seed, and by nothing that was heard."""
    rng = Random(rank(order.secret or b"", "ageing"))
    found = []
    for earlier, each in enumerate(past.living):
        cells = ageing.age(rng, in_columns(each.cells, each.header, file.source.table.header))
        if cells is not None and each.canary in past.held and file.takes(each, cells, ageing.calendar):
            # The original of the last file has none of the rows that were planted in front of hers.
            found.append(Carried(each.canary, each.number, cells, ageing.place(each.row - earlier)))
    return found
