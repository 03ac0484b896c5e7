"""One persona as text that may stand in a file: made when asked for, as few of those looked for are ever met."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache, cached_property

from canary.mint.facts import Cell, Fact
from canary.scan import chinese, spellings
from canary.scan.text import plain, plain_all
from canary.store.e164 import Written

Sign = tuple[int, ...]
_NO_FACTS = (Fact.PHONE, Fact.NAME)
_WHOLE = re.compile(rb"(?<![0-9])[0-9]{1,10}+(?![0-9])")
_RUN = re.compile(r"[0-9]+")


class Person:
    """What the registry `told` of a persona, spelled out; texts are `plain`."""

    def __init__(self, id: int, number: str, phone: Written, told: Mapping[Fact, Cell]) -> None:
        self.id, self.number, self.phone, self._told = id, number, phone, told

    @property
    def planted_name(self) -> str:
        """Her name as it was planted."""
        return str(self._told.get(Fact.NAME) or "")

    @property
    def planted_address(self) -> str:
        """Her address as it was planted."""
        return str(self._told.get(Fact.ADDRESS) or "")

    @cached_property
    def name(self) -> str:
        """Her name."""
        return plain(self.planted_name)

    @cached_property
    def address(self) -> str:
        """Her address."""
        return plain(self.planted_address)

    @cached_property
    def sounds(self) -> frozenset[str]:
        """Her name in Latin letters."""
        return chinese.sounds(self.name)

    @cached_property
    def facts(self) -> Mapping[Fact, frozenset[str]]:
        """Every spelling of each fact but number and name."""
        return {fact: found for fact in self._told if fact not in _NO_FACTS and (found := self.spelled(fact))}

    def spelled(self, fact: Fact) -> frozenset[str]:
        """Every spelling of one fact."""
        if fact not in self._known:
            self._known[fact] = _text(self.address) if fact is Fact.ADDRESS else _spelled(self._told.get(fact))
        return self._known[fact]

    @cached_property
    def _known(self) -> dict[Fact, frozenset[str]]:
        return {}  # made when first asked for: few persons ever are

    @cached_property
    def rounded(self) -> frozenset[str]:
        """Her number with its last digits lost."""
        return frozenset(spellings.rounded(self.phone.bare))

    def signs(self) -> Iterator[Sign]:
        """A record that shows her due date, address or rounded number shows all numbers of one of these."""
        due = self._told.get(Fact.DUE_DATE)
        if isinstance(due, date):
            yield from _of_date(due)
        if self.planted_address:
            yield _numbers(self.address)
        for text in spellings.rounded(self.phone.bare):  # as 1.3812e+10
            yield int(text[0]), int(text[2:-4]), int(text[-2:])


def fold(people: Collection[Person]) -> None:
    """Make the names and addresses of many people ready at once: much quicker than each when it is asked for."""
    new = [person for person in people if "name" not in vars(person)]
    names, addresses = plain_all([p.planted_name for p in new]), plain_all([p.planted_address for p in new])
    for person, name, address in zip(new, names, addresses, strict=True):
        person.name, person.address = name, address


def _spelled(value: Cell) -> frozenset[str]:
    if isinstance(value, date):
        return _dates(value)
    return _text(plain(str(value)) if value is not None else "")


def _text(text: str) -> frozenset[str]:
    return frozenset({text} if text else ())


@cache
def _dates(day: date) -> frozenset[str]:
    return frozenset(map(plain, spellings.dates(day)))


@cache
def _of_date(day: date) -> tuple[Sign, ...]:
    return tuple((int(text),) for text in sorted(spellings.dates(day)) if text.isdecimal())


def shown_numbers(record: bytes) -> frozenset[int]:
    """The whole numbers in a record, of ten digits at most, and the dates that three on end are: as 20260305."""
    found = list(map(int, _WHOLE.findall(record)))
    return frozenset(found).union(*map(_dates_of, found, found[1:], found[2:]))


def _dates_of(a: int, b: int, c: int) -> Iterator[int]:
    for year, month, day in ((a, b, c), (c, b, a), (c, a, b)):
        if 1000 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31:
            yield year * 10000 + month * 100 + day


def _numbers(text: str) -> Sign:
    return tuple(int(run) for run in _RUN.findall(text) if len(run) <= 10)
