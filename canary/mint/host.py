"""Fits a host table and mints personas that could be more of its rows without being any of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from random import Random
from typing import NamedTuple

import numpy as np
from faker import Generator

from canary.errors import CanaryError
from canary.mint import phones as phone_style
from canary.mint.addresses import AddressPool
from canary.mint.claims import Claims, Ints
from canary.mint.columns import blank
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Persona, Row, Table
from canary.mint.identifiers import MaskedIds, RunningNumbers
from canary.mint.names import NamePool
from canary.mint.pairing import pair
from canary.mint.providers import HostProvider
from canary.mint.strangers import Strangers, area
from canary.mint.timeline import NO_DAY, Moments, Timeline

FEWEST_ROWS = 20
NEVER = frozenset({Fact.RESIDENT_ID})
_POOL, _TABLE = 600, 40_000_000  # personas drafted at once: at least, and times the number of days at most
_DOORS = 30


def fit(table: Table, columns: Mapping[Fact, int], region: str, never: frozenset[Fact] = NEVER) -> "Host":
    """A host ready to mint from, its phones of `region` ("CN"); facts in `never` stay empty.

    Raises CanaryError on fewer than 20 rows, a column that is not what its fact says, or open resident IDs.
    """
    if len(table.rows) < FEWEST_ROWS:
        raise CanaryError(f"too few rows to fit: {len(table.rows)}", f"a table needs at least {FEWEST_ROWS}")
    return Host(table, dict(columns), region, never)


class _Draft(NamedTuple):
    """What is settled before the cells are written: whose row it resembles, when it is due, and who it is."""

    donor: int
    due: int
    birth: int
    due_like: int
    birth_like: int
    name: str | None
    address: str | None = None


class Host:
    """One fitted table; `personas` may be called again and again and depends on nothing but its arguments."""

    def __init__(self, table: Table, columns: Mapping[Fact, int], region: str, never: frozenset[Fact]) -> None:
        self._header_row, self._columns, self._region, self._never = table.header, columns, region, never | NEVER
        self._size, self._nothing = len(table.rows), [None] * len(table.rows)
        self._cells_of = [_cleaned(cells) for cells in zip(*table.rows, strict=True)]
        due, birth = self._cells(Fact.DUE_DATE), self._cells(Fact.INFANT_BIRTH_DATE)
        self._due_style = DateColumn.fit(self._header(Fact.DUE_DATE), due)
        self._birth_style = DateColumn.fit(self._header(Fact.INFANT_BIRTH_DATE), birth)
        self._dues, self._births = _days(self._due_style, due), _days(self._birth_style, birth)
        self._timeline = Timeline(self._dues, self._births, _codes(self._cells(Fact.HOSPITAL)))
        self._names, self._addresses = _texts(self._cells(Fact.NAME)), _texts(self._cells(Fact.ADDRESS))
        self._named = np.array([name is not None for name in self._names])
        self._provider_parts = NamePool(filter(None, self._names)), AddressPool(self._addresses)
        self._known_addresses = frozenset(filter(None, self._addresses))
        self._ids = MaskedIds(self._header(Fact.RESIDENT_ID), self._cells(Fact.RESIDENT_ID))
        self._phone_rows = [row for row, cell in enumerate(self._cells(Fact.PHONE)) if cell is not None]
        self._claims = Claims(self._names, self._dues, self._addresses)

    def personas(self, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """One persona a phone (E.164), all different; raises CanaryError when the table has no room left."""
        if len(set(phones)) < len(phones):
            raise CanaryError("a phone number is given twice", "each persona needs a number of its own")
        return self._mint(rng, [phone_style.check_e164(phone) for phone in phones])

    def anonymous_personas(self, rng: Random, count: int) -> list[Persona]:
        """As many personas for a table without a phone column; raises CanaryError when there is no room left."""
        if Fact.PHONE in self._columns:
            raise CanaryError("the table has a phone column", "each persona needs a number")
        return self._mint(rng, [None] * count)

    def _mint(self, rng: Random, phones: Sequence[str | None]) -> list[Persona]:
        draws = np.random.default_rng(rng.getrandbits(128))
        drafts = self._drafts(rng, draws, len(phones))
        moments = Moments(*(np.array([getattr(d, key) for d in drafts], dtype=np.intp) for key in _MOMENT))
        rest = self._strangers.draw(rng, draws, np.array([d.donor for d in drafts], dtype=np.intp), moments)
        numbers = self._running_numbers(rng, len(phones))
        return [self._persona(rng, *parts) for parts in zip(drafts, phones, numbers, rest, strict=True)]

    def _drafts(self, rng: Random, draws: np.random.Generator, count: int) -> list[_Draft]:
        """`count` women, each of whom could stand in the host and is nobody in it."""
        generator = Generator()
        generator.random = rng
        people = HostProvider(generator, *self._provider_parts)
        drafts, doors, pairs, barren = list[_Draft](), set[str](), set[tuple[str | None, Cell]](), 0
        while len(drafts) < count:
            before = len(drafts)
            for woman in self._women(rng, draws, people, count - before):
                address = self._address(people, woman, doors)
                keys = {(woman.name, woman.due if woman.due != NO_DAY else None), (woman.name, address)}
                keys -= {(woman.name, None)}
                if (address is None and self._addresses[woman.donor] is not None) or (woman.name and keys & pairs):
                    continue
                pairs |= keys
                doors.add(address or "")
                drafts.append(woman._replace(address=address))
                if len(drafts) == count:
                    break
            barren = barren + 1 if len(drafts) == before else 0
            if barren == 3:
                raise CanaryError(
                    "the table has no room for another persona", "every name tried is too close to a real row's"
                )
        return drafts

    def _women(self, rng: Random, draws: np.random.Generator, people: HostProvider, wanted: int) -> Iterator[_Draft]:
        """Names given to moments of donors, those that collide with nobody."""
        size = max(_POOL, min(wanted + wanted // 8 + 50, _TABLE // max(1, len(self._claims.days))))
        # No row twice before every row once: personas alike in their street would give each other away.
        donors = np.concatenate([draws.permutation(self._size) for _ in range(-(-size // self._size))])[:size]
        moments = self._timeline.draw(draws, donors)
        named = np.flatnonzero(self._named[donors])
        names = [str(people.host_name()) for _ in named]
        fits = np.ones(size, dtype=bool)
        fits[named] = pair(draws, self._claims, names, moments.due[named], lambda: str(people.host_name()))
        given: dict[int, str] = dict(zip(named.tolist(), names, strict=True))
        when = zip(*(getattr(moments, key).tolist() for key in _MOMENT), strict=True)
        for i, (donor, (due, birth, due_like, birth_like)) in enumerate(zip(donors.tolist(), when, strict=True)):
            if fits[i]:
                yield _Draft(donor, due, birth, due_like, birth_like, given.get(i))

    def _address(self, people: HostProvider, woman: _Draft, doors: set[str]) -> str | None:
        """A door that is nobody's, or a coarse address where nobody of nearly her name lives; None: none found."""
        for _ in range(_DOORS):
            address = people.host_address(woman.donor)
            if address is None:
                return None
            if address in doors and address not in self._known_addresses:
                continue
            if woman.name is None or self._claims.address_is_free(woman.name, address):
                return address
        return None

    def _persona(self, rng: Random, draft: _Draft, phone: str | None, number: Cell, rest: Row) -> Persona:
        facts: dict[Fact, Cell] = {
            Fact.NAME: draft.name,
            Fact.PHONE: phone,
            Fact.ADDRESS: draft.address,
            Fact.HOSPITAL: self._cells(Fact.HOSPITAL)[draft.donor],
            Fact.DUE_DATE: _date(draft.due),
            Fact.INFANT_BIRTH_DATE: _date(draft.birth),
            Fact.HUKOU: self._cells(Fact.HUKOU)[draft.donor],
            Fact.RESIDENT_ID: self._ids.draw(rng, draft.donor),
            Fact.RUNNING_NUMBER: number,
        }
        facts = {fact: facts[fact] for fact in self._columns}
        facts.update((fact, None) for fact in self._never & facts.keys() if fact is not Fact.RESIDENT_ID)
        cells: list[Cell] = [None] * len(self._cells_of)
        for column, cell in zip(self._unknown, rest, strict=True):
            cells[column] = cell
        for fact, value in facts.items():
            cells[self._columns[fact]] = self._written(fact, value, draft)
        if phone is not None:
            cells[self._columns[Fact.PHONE]] = self._phone(rng, phone)
        return Persona(tuple(cells), facts)

    def _written(self, fact: Fact, value: Cell, draft: _Draft) -> Cell:
        """A fact's plain value as the host writes it."""
        if isinstance(value, date) and fact is Fact.DUE_DATE:
            return self._due_style.write(value, self._cells(fact)[draft.due_like])
        if isinstance(value, date) and fact is Fact.INFANT_BIRTH_DATE:
            return self._birth_style.write(value, self._cells(fact)[draft.birth_like])
        return value

    def _phone(self, rng: Random, phone: str) -> Cell:
        """The number written like some row's; a number of another country is written in full."""
        cells = self._cells(Fact.PHONE)
        for _ in range(50 if self._phone_rows else 0):
            cell = phone_style.render(phone, cells[rng.choice(self._phone_rows)], self._region)
            if cell is not None:
                return cell
        return phone_style.render_plain(phone, self._region)

    def _running_numbers(self, rng: Random, count: int) -> list[Cell]:
        if Fact.RUNNING_NUMBER not in self._columns:
            return [None] * count
        return RunningNumbers(self._cells(Fact.RUNNING_NUMBER)).draw(rng, count)

    @cached_property
    def _unknown(self) -> list[int]:
        """The columns that no fact explains."""
        return sorted(set(range(len(self._cells_of))) - set(self._columns.values()))

    @cached_property
    def _strangers(self) -> Strangers:
        unknown = [self._cells_of[i] for i in self._unknown]
        traits = [self._cells(Fact.HOSPITAL), self._cells(Fact.HUKOU)]
        if unknown:
            traits.append([area(address) for address in self._addresses])
        dated = self._cells(Fact.DUE_DATE), self._cells(Fact.INFANT_BIRTH_DATE), self._dues, self._births
        return Strangers(unknown, dated, traits, anonymous=Fact.PHONE not in self._columns)

    def _cells(self, fact: Fact) -> Sequence[Cell]:
        return self._cells_of[self._columns[fact]] if fact in self._columns else self._nothing

    def _header(self, fact: Fact) -> str:
        return self._header_row[self._columns[fact]] if fact in self._columns else fact.value


_MOMENT = ("due", "birth", "due_like", "birth_like")


def _cleaned(cells: Sequence[Cell]) -> Sequence[Cell]:
    """The cells of one column with None for blank ones."""
    blanks = {cell for cell in set(cells) if cell is not None and blank(cell)}
    return [None if cell in blanks else cell for cell in cells] if blanks else cells


def _texts(cells: Sequence[Cell]) -> list[str | None]:
    return [cell if cell is None or type(cell) is str else str(cell) for cell in cells]


def _codes(cells: Sequence[Cell]) -> Ints:
    """Equal cells as equal numbers from 0."""
    place: dict[Cell, int] = {}
    return np.fromiter((place.setdefault(cell, len(place)) for cell in cells), np.intp, len(cells))


def _days(style: DateColumn, cells: Sequence[Cell]) -> Ints:
    """The cells as ordinals, NO_DAY where they hold no date."""
    read = {cell: style.read(cell) for cell in set(cells)}
    day = {cell: NO_DAY if value is None else value.toordinal() for cell, value in read.items()}
    return np.fromiter((day[cell] for cell in cells), np.intp, len(cells))


def _date(day: int) -> date | None:
    return None if day == NO_DAY else date.fromordinal(day)
