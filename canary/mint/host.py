"""Fits a host table and mints personas that could be more of its rows without being any of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from faker import Generator

from canary.errors import CanaryError
from canary.mint import phones as phone_style
from canary.mint.addresses import AddressPool
from canary.mint.claims import Claims
from canary.mint.columns import blank
from canary.mint.dates import DateColumn
from canary.mint.facts import Cell, Fact, Persona, Table
from canary.mint.identifiers import MaskedIds, RunningNumbers, identifies
from canary.mint.names import NamePool
from canary.mint.providers import HostProvider
from canary.mint.timeline import Moment, Timeline

FEWEST_ROWS = 20
NEVER = frozenset({Fact.RESIDENT_ID})
_DONORS_A_NAME = 300
_NAMES = 150


def fit(table: Table, columns: Mapping[Fact, int], region: str, never: frozenset[Fact] = NEVER) -> "Host":
    """A host ready to mint from, its phones of `region` ("CN"); facts in `never` stay empty.

    Raises CanaryError on fewer than 20 rows, a column that is not what its fact says, or open resident IDs.
    """
    rows = tuple(tuple(None if blank(cell) else cell for cell in row) for row in table.rows)
    if len(rows) < FEWEST_ROWS:
        raise CanaryError(f"too few rows to fit: {len(rows)}", f"a table needs at least {FEWEST_ROWS}")
    return Host(Table(table.header, rows), dict(columns), region, never)


@dataclass(frozen=True)
class _Draft:
    """What is settled before the cells are written: whose row it resembles, and who it is."""

    donor: int
    moment: Moment
    name: str | None
    address: str | None


class Host:
    """One fitted table; `personas` may be called again and again and depends on nothing but its arguments."""

    def __init__(self, table: Table, columns: Mapping[Fact, int], region: str, never: frozenset[Fact]) -> None:
        self._table, self._columns, self._region, self._never = table, columns, region, never | NEVER
        self._column = {fact: [row[i] for row in table.rows] for fact, i in columns.items()}
        due, birth = self._cells(Fact.DUE_DATE), self._cells(Fact.INFANT_BIRTH_DATE)
        self._due_style = DateColumn.fit(self._header(Fact.DUE_DATE), due)
        self._birth_style = DateColumn.fit(self._header(Fact.INFANT_BIRTH_DATE), birth)
        self._dues = [self._due_style.read(cell) for cell in due]
        births = [self._birth_style.read(cell) for cell in birth]
        self._timeline = Timeline(self._dues, births, self._cells(Fact.HOSPITAL))
        self._names = _texts(self._cells(Fact.NAME))
        self._addresses = _texts(self._cells(Fact.ADDRESS))
        self._provider_parts = NamePool(filter(None, self._names)), AddressPool(self._addresses)
        self._known_addresses = frozenset(filter(None, self._addresses))
        self._ids = MaskedIds(self._header(Fact.RESIDENT_ID), self._cells(Fact.RESIDENT_ID))
        self._phone_rows = [row for row, cell in enumerate(self._cells(Fact.PHONE)) if cell is not None]
        self._strangers = self._unknown_columns()
        self._claims = Claims()
        for name, day, address in zip(self._names, self._dues, self._addresses, strict=True):
            if name is not None:
                self._claims.add(name, day, address)

    def personas(self, rng: Random, phones: Sequence[str]) -> list[Persona]:
        """One persona a phone (E.164), all different; raises CanaryError when the table has no room left."""
        if len(set(phones)) < len(phones):
            raise CanaryError("a phone number is given twice", "each persona needs a number of its own")
        generator = Generator()
        generator.random = rng
        people = HostProvider(generator, *self._provider_parts)
        minted, doors = Claims(), set[str]()
        numbers = self._running_numbers(rng, len(phones))
        personas = []
        for phone, number in zip(phones, numbers, strict=True):
            draft = self._draft(rng, people, minted, doors)
            if draft.name is not None:
                minted.add(draft.name, draft.moment.due, draft.address)
            doors.add(draft.address or "")
            personas.append(self._persona(rng, draft, phone_style.check_e164(phone), number))
        return personas

    def _draft(self, rng: Random, people: HostProvider, minted: Claims, doors: set[str]) -> _Draft:
        """A name first and then a place for it: the other way round, common names would hardly ever fit."""
        for _ in range(_NAMES):
            name = people.host_name()
            for _ in range(_DONORS_A_NAME):
                donor = rng.randrange(len(self._table.rows))
                moment = self._timeline.draw(rng, donor)
                own = name if self._names[donor] is not None else None
                if own and not all(claims.due_is_free(own, moment.due) for claims in (self._claims, minted)):
                    continue
                address = people.host_address(donor)
                if address in doors and address not in self._known_addresses:
                    continue
                if not own or all(c.address_is_free(own, address) for c in (self._claims, minted)):
                    return _Draft(donor, moment, own, address)
        raise CanaryError("the table has no room for another persona", "every name tried is too close to a real row's")

    def _persona(self, rng: Random, draft: _Draft, phone: str, number: Cell) -> Persona:
        donor, moment = draft.donor, draft.moment
        twin = self._table.rows[self._timeline.near(rng, donor)]
        row = self._table.rows[donor]
        facts: dict[Fact, Cell] = {
            Fact.NAME: draft.name,
            Fact.PHONE: phone,
            Fact.ADDRESS: draft.address,
            Fact.HOSPITAL: self._cell(row, Fact.HOSPITAL),
            Fact.DUE_DATE: moment.due,
            Fact.INFANT_BIRTH_DATE: moment.birth,
            Fact.HUKOU: self._cell(row, Fact.HUKOU),
            Fact.RESIDENT_ID: self._ids.draw(rng, donor),
            Fact.RUNNING_NUMBER: number,
        }
        facts = {fact: facts[fact] for fact in self._columns}
        facts.update((fact, None) for fact in self._never & facts.keys() if fact is not Fact.RESIDENT_ID)
        cells = [None if i in self._strangers else cell for i, cell in enumerate(twin)]
        for fact, value in facts.items():
            cells[self._columns[fact]] = self._written(fact, value, moment)
        cells[self._columns[Fact.PHONE]] = self._phone(rng, phone)
        return Persona(tuple(cells), facts)

    def _written(self, fact: Fact, value: Cell, moment: Moment) -> Cell:
        """A fact's plain value as the host writes it."""
        if isinstance(value, date) and fact is Fact.DUE_DATE:
            return self._due_style.write(value, self._cells(fact)[moment.due_like])
        if isinstance(value, date) and fact is Fact.INFANT_BIRTH_DATE:
            return self._birth_style.write(value, self._cells(fact)[moment.birth_like])
        return value

    def _phone(self, rng: Random, phone: str) -> Cell:
        """The number written like some row's; a number of another country is written in full."""
        cells = self._cells(Fact.PHONE)
        for row in rng.choices(self._phone_rows, k=50) if self._phone_rows else ():
            cell = phone_style.render(phone, cells[row], self._region)
            if cell is not None:
                return cell
        return phone_style.render_plain(phone, self._region)

    def _running_numbers(self, rng: Random, count: int) -> list[Cell]:
        if Fact.RUNNING_NUMBER not in self._columns:
            return [None] * count
        return RunningNumbers(self._cells(Fact.RUNNING_NUMBER)).draw(rng, count)

    def _unknown_columns(self) -> frozenset[int]:
        """Columns that no fact explains and whose values would point at a real person."""
        unknown = set(range(len(self._table.header))) - set(self._columns.values())
        return frozenset(i for i in unknown if identifies([row[i] for row in self._table.rows]))

    def _cells(self, fact: Fact) -> Sequence[Cell]:
        return self._column.get(fact) or [None] * len(self._table.rows)

    def _cell(self, row: Sequence[Cell], fact: Fact) -> Cell:
        return row[self._columns[fact]] if fact in self._columns else None

    def _header(self, fact: Fact) -> str:
        return self._table.header[self._columns[fact]] if fact in self._columns else fact.value


def _texts(cells: Iterable[Cell]) -> list[str | None]:
    return [None if cell is None else str(cell) for cell in cells]
