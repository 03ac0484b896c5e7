"""One persona as text that may stand in a file: made when asked for, as few of those looked for are ever met."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, cached_property

from canary.mint.facts import Cell, Fact
from canary.scan import chinese, spellings
from canary.scan.text import plain
from canary.store.e164 import Written

Sign = tuple[int, ...]
_RUN = re.compile(r"[0-9]+")


class Person:
    """What the registry `told` of a persona, spelled out; texts are `plain`."""

    def __init__(self, id: int, number: str, phone: Written, told: Mapping[Fact, Cell]) -> None:
        self.id, self.number, self.phone, self._told = id, number, phone, told

    @property
    def planted_name(self) -> str:
        """Her name as it was planted."""
        return str(self._told.get(Fact.NAME) or "")

    @cached_property
    def name(self) -> str:
        """Her name."""
        return plain(self.planted_name)

    @cached_property
    def sounds(self) -> frozenset[str]:
        """Her name in Latin letters."""
        return chinese.sounds(self.name)

    @cached_property
    def facts(self) -> Mapping[Fact, frozenset[str]]:
        """Every spelling of each fact but number and name."""
        told = {fact: _spelled(value) for fact, value in self._told.items() if fact not in (Fact.PHONE, Fact.NAME)}
        return {fact: found for fact, found in told.items() if found}

    @cached_property
    def rounded(self) -> frozenset[str]:
        """Her number with its last digits lost."""
        return frozenset(spellings.rounded(self.phone.bare))

    def signs(self) -> Iterator[Sign]:
        """A record that shows her due date, address or rounded number shows all whole numbers of one of these."""
        due, address = self._told.get(Fact.DUE_DATE), self._told.get(Fact.ADDRESS)
        if isinstance(due, date):
            yield from _of_date(due)
        if address:
            yield _numbers(plain(str(address)))
        for text in spellings.rounded(self.phone.bare):  # as 1.3812e+10
            yield int(text[0]), int(text[2:-4]), int(text[-2:])


def _spelled(value: Cell) -> frozenset[str]:
    if isinstance(value, date):
        return _dates(value)
    text = plain(str(value)) if value is not None else ""
    return frozenset({text} if text else ())


@cache
def _dates(day: date) -> frozenset[str]:
    return frozenset(map(plain, spellings.dates(day)))


@cache
def _of_date(day: date) -> tuple[Sign, ...]:
    compact = ((int(text),) for text in sorted(spellings.dates(day)) if text.isdecimal())
    return (day.year, day.month, day.day), *compact


def _numbers(text: str) -> Sign:
    return tuple(int(run) for run in _RUN.findall(text) if len(run) <= 10)
