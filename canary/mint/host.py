"""Fits a host table and mints personas that could be more of its rows without being any of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import chain
from random import Random
from typing import NamedTuple, TypeVar

import numpy as np

from canary.errors import CanaryError
from canary.mint import phones as phone_style
from canary.mint.claims import Claims
from canary.mint.dates import DateColumn
from canary.mint.estates import AddressPool
from canary.mint.facts import Cell, Fact, Persona, Table
from canary.mint.identifiers import MaskedIds, RunningNumbers
from canary.mint.levels import Bools, Ints, Levels
from canary.mint.names import NamePool
from canary.mint.pairing import Seats, pair
from canary.mint.strangers import Strangers
from canary.mint.timeline import NO_DAY, Moments, Timeline, joined

T = TypeVar("T")

FEWEST_ROWS = 20
NEVER = frozenset({Fact.RESIDENT_ID})
_POOL, _MOST, _TABLE = 600, 20_000, 40_000_000  # drafted at once: at least, at most, times the number of days at most
_DOORS = 30


def fit(table: Table, columns: Mapping[Fact, int], region: str, never: frozenset[Fact] = NEVER) -> "Host":
    """A host ready to mint from, its phones of `region` ("CN"); facts in `never` stay empty.

    Raises CanaryError on fewer than 20 rows, a column that is not what its fact says, or open resident IDs.
    """
    if len(table.rows) < FEWEST_ROWS:
        raise CanaryError(f"too few rows to fit: {len(table.rows)}", f"a table needs at least {FEWEST_ROWS}")
    return Host(table, dict(columns), region, never)


class _Women(NamedTuple):
    """Who is settled before the cells are written: whose rows they resemble, when they are due, and who they are."""

    donors: Ints
    moments: Moments
    names: Sequence[str | None]
    addresses: Sequence[str | None]


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
        self._timeline = Timeline(self._dues, self._births, Levels(self._cells(Fact.HOSPITAL)).codes + 1)
        self._known_names = Levels(_texts(self._cells(Fact.NAME)))
        self._known_addresses = Levels(_texts(self._cells(Fact.ADDRESS)))
        self._names, self._addresses = NamePool(self._known_names), AddressPool(self._known_addresses)
        ids = self._cells(Fact.RESIDENT_ID) if Fact.RESIDENT_ID in columns else []
        self._ids = MaskedIds(self._header(Fact.RESIDENT_ID), ids)
        self._phone_rows = np.flatnonzero([cell is not None for cell in self._cells(Fact.PHONE)])
        self._claims = Claims(self._known_names, self._dues, self._known_addresses)

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
        if not phones:
            return []
        women = self._women(draws, len(phones))
        rest = self._strangers.draw(rng, draws, women.donors, women.moments)
        facts = self._facts(rng, women, phones)
        columns: dict[int, Sequence[Cell]] = dict(zip(self._unknown, rest, strict=True))
        columns |= {self._columns[fact]: self._written(draws, fact, cells, women) for fact, cells in facts.items()}
        rows = zip(*(columns[i] for i in range(len(columns))), strict=True)
        told: Iterable[tuple[Cell, ...]] = zip(*facts.values(), strict=True) if facts else [()] * len(phones)
        known = list(facts)
        return [Persona(row, dict(zip(known, values, strict=True))) for row, values in zip(rows, told, strict=True)]

    def _women(self, draws: np.random.Generator, count: int) -> _Women:
        """`count` women, each of whom could stand in the host and is nobody in it."""
        doors, pairs, used = set[str](), set[tuple[str, int | str]](), np.zeros(self._addresses.estates, dtype=bool)
        found, have, barren, seats = list[_Women](), 0, 0, Seats(self._claims, self._names)
        while have < count:
            seats = seats if seats.taken.size < _TABLE else Seats(self._claims, self._names)
            some = self._drafted(draws, seats, min(count - have, _MOST, 1 + _TABLE // (1 + len(self._claims.days))))
            kept = self._housed(draws, some, used, doors, pairs)
            found.append(kept)
            have += len(kept.donors)
            barren = 0 if len(kept.donors) else barren + 1
            if barren == 3:
                raise CanaryError(
                    "the table has no room for another persona", "every name tried is too close to a real row's"
                )
        return found[0] if len(found) == 1 else _joined(found)

    def _drafted(self, draws: np.random.Generator, seats: Seats, wanted: int) -> _Women:
        """At most so many women, named and due where they collide with nobody, not housed yet."""
        size = max(_POOL, wanted + wanted // 8 + 50)
        # No row twice before every row once: personas alike in their street would give each other away.
        donors = np.concatenate([draws.permutation(self._size) for _ in range(-(-size // self._size))])[:size]
        moments = self._timeline.draw(draws, donors)
        named = np.flatnonzero(self._known_names.codes[donors] >= 0)
        fits = np.ones(size, dtype=bool)
        names: list[str | None] = [None] * size
        if len(named):
            given, fits[named] = pair(draws, seats, moments.due[named])
            for i, name in zip(named.tolist(), given, strict=True):
                names[i] = name
        return _some(_Women(donors, moments, names, [None] * size), np.flatnonzero(fits)[:wanted])

    def _housed(
        self,
        draws: np.random.Generator,
        women: _Women,
        used: Bools,
        doors: set[str],
        pairs: set[tuple[str, int | str]],
    ) -> _Women:
        """Those of the women for whom there is an address and who share no pair with anybody minted before them."""
        addresses = self._homes(draws, women, used, doors)
        homeless = self._known_addresses.codes[women.donors] >= 0
        kept = []
        for i, (name, due, address) in enumerate(zip(women.names, women.moments.due.tolist(), addresses, strict=True)):
            if address is None and homeless[i]:
                continue
            if name is not None:
                keys = {(name, key) for key in (due, address) if key is not None and key != NO_DAY}
                if not keys.isdisjoint(pairs):
                    continue
                pairs |= keys
            kept.append(i)
        return _some(women._replace(addresses=addresses), np.array(kept, dtype=np.intp))

    def _homes(self, draws: np.random.Generator, women: _Women, used: Bools, doors: set[str]) -> list[str | None]:
        """Doors that are nobody's, or coarse addresses where nobody of nearly such a name lives; None: none found."""
        homes: list[str | None] = [None] * len(women.donors)
        waiting = np.flatnonzero(self._known_addresses.codes[women.donors] >= 0)
        for _ in range(_DOORS):
            if not len(waiting):
                break
            drawn = self._addresses.draw(draws, women.donors[waiting], used)
            told = [(i, address) for i, address in zip(waiting.tolist(), drawn, strict=True) if address is not None]
            named = [(i, address) for i, address in told if women.names[i] is not None]
            free = self._claims.addresses_are_free([str(women.names[i]) for i, _ in named], [a for _, a in named])
            taken = {i for (i, _), fits in zip(named, free.tolist(), strict=True) if not fits}
            for i, address in told:
                if i not in taken and (address not in doors or address in self._known_addresses):
                    doors.add(address)
                    homes[i] = address
            waiting = waiting[[homes[i] is None for i in waiting.tolist()]]
        return homes

    def _facts(self, rng: Random, women: _Women, phones: Sequence[str | None]) -> dict[Fact, Sequence[Cell]]:
        """What is told of the personas, fact by fact, as plain values."""
        donors = women.donors.tolist()
        made: dict[Fact, Callable[[], Sequence[Cell]]] = {
            Fact.NAME: lambda: women.names,
            Fact.PHONE: lambda: phones,
            Fact.ADDRESS: lambda: women.addresses,
            Fact.HOSPITAL: lambda: _picked(self._cells(Fact.HOSPITAL), donors),
            Fact.DUE_DATE: lambda: _dates(women.moments.due),
            Fact.INFANT_BIRTH_DATE: lambda: _dates(women.moments.birth),
            Fact.HUKOU: lambda: _picked(self._cells(Fact.HUKOU), donors),
            Fact.RESIDENT_ID: lambda: [self._ids.draw(rng, donor) for donor in donors],
            Fact.RUNNING_NUMBER: lambda: RunningNumbers(self._cells(Fact.RUNNING_NUMBER)).draw(rng, len(donors)),
        }
        empty = self._never - {Fact.RESIDENT_ID}
        return {fact: [None] * len(donors) if fact in empty else made[fact]() for fact in self._columns}

    def _written(self, draws: np.random.Generator, fact: Fact, values: Sequence[Cell], women: _Women) -> Sequence[Cell]:
        """A fact's plain values as the host writes them."""
        if fact is Fact.DUE_DATE:
            return _as_written(self._due_style, values, _picked(self._cells(fact), women.moments.due_like.tolist()))
        if fact is Fact.INFANT_BIRTH_DATE:
            return _as_written(self._birth_style, values, _picked(self._cells(fact), women.moments.birth_like.tolist()))
        return self._phones(draws, values) if fact is Fact.PHONE else values

    def _phones(self, draws: np.random.Generator, phones: Sequence[Cell]) -> list[Cell]:
        """The numbers written each like some row's; a number of another country is written in full."""
        cells = self._cells(Fact.PHONE)
        written: list[Cell] = [None] * len(phones)
        waiting = [i for i, phone in enumerate(phones) if phone is not None]
        for _ in range(50 if len(self._phone_rows) else 0):
            likes = _picked(cells, draws.choice(self._phone_rows, len(waiting)).tolist())
            shown = phone_style.render_all([str(phones[i]) for i in waiting], likes, self._region)
            for i, cell in zip(waiting, shown, strict=True):
                written[i] = cell
            waiting = [i for i in waiting if written[i] is None]
            if not waiting:
                break
        for i in waiting:
            written[i] = phone_style.render_plain(str(phones[i]), self._region)
        return written

    @cached_property
    def _unknown(self) -> list[int]:
        """The columns that no fact explains."""
        return sorted(set(range(len(self._cells_of))) - set(self._columns.values()))

    @cached_property
    def _strangers(self) -> Strangers:
        unknown = [self._cells_of[i] for i in self._unknown]
        traits = [self._cells(Fact.HOSPITAL), self._cells(Fact.HUKOU)]
        if unknown:
            traits.append([self._addresses.area(row) for row in range(self._size)])
        dated = self._cells(Fact.DUE_DATE), self._cells(Fact.INFANT_BIRTH_DATE), self._dues, self._births
        return Strangers(unknown, dated, traits, anonymous=Fact.PHONE not in self._columns)

    def _cells(self, fact: Fact) -> Sequence[Cell]:
        return self._cells_of[self._columns[fact]] if fact in self._columns else self._nothing

    def _header(self, fact: Fact) -> str:
        return self._header_row[self._columns[fact]] if fact in self._columns else fact.value


def _some(women: _Women, at: Ints) -> _Women:
    names, addresses = (_picked(texts, at.tolist()) for texts in (women.names, women.addresses))
    return _Women(women.donors[at], women.moments.at(at), names, addresses)


def _joined(some: Sequence[_Women]) -> _Women:
    """All of them together."""
    donors = np.concatenate([women.donors for women in some])
    names, addresses = (
        [*chain.from_iterable(texts)] for texts in ([w.names for w in some], [w.addresses for w in some])
    )
    return _Women(donors, joined([women.moments for women in some]), names, addresses)


def _picked(items: Sequence[T], at: Sequence[int]) -> list[T]:
    return [items[i] for i in at]


def _cleaned(cells: Sequence[Cell]) -> Sequence[Cell]:
    """The cells of one column with None for blank ones."""
    blanks = {cell for cell in set(cells) if isinstance(cell, str) and (not cell or cell.isspace())}
    return [None if cell in blanks else cell for cell in cells] if blanks else cells


def _texts(cells: Sequence[Cell]) -> list[str | None]:
    return [cell if cell is None or type(cell) is str else str(cell) for cell in cells]


def _days(style: DateColumn, cells: Sequence[Cell]) -> Ints:
    """The cells as ordinals, NO_DAY where they hold no date."""
    read = {cell: style.read(cell) for cell in set(cells)}
    day = {cell: NO_DAY if value is None else value.toordinal() for cell, value in read.items()}
    return np.fromiter(map(day.__getitem__, cells), np.intp, len(cells))


def _dates(days: Ints) -> list[date | None]:
    day = {ordinal: None if ordinal == NO_DAY else date.fromordinal(ordinal) for ordinal in set(days.tolist())}
    return [day[ordinal] for ordinal in days.tolist()]


def _as_written(style: DateColumn, days: Sequence[Cell], likes: Sequence[Cell]) -> list[Cell]:
    """Days as the cells `likes` write theirs."""
    written: dict[tuple[Cell, type, Cell], Cell] = {}
    cells = []
    for day, like in zip(days, likes, strict=True):
        key = day, type(like), like
        if key not in written:
            written[key] = style.write(day, like) if isinstance(day, date) else None
        cells.append(written[key])
    return cells
