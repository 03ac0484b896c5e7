"""Invents a maternal table where there is none to fit: shipped facts and Faker's locales, in a profile's columns."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Protocol

from faker import Generator

from canary.errors import CanaryError
from canary.mint.columns import Profile
from canary.mint.facts import Cell, Fact, Row, Table
from canary.mint.locales.english import GB, US
from canary.mint.providers import ColdStartProvider, EnglishProvider

_ENGLISH = {"US": US, "GB": GB}
# Age at birth in per cent, Fuzhou's census of 2020: from, to, share.
_AGES = ((17, 19, 0.9), (20, 24, 13.2), (25, 29, 37.7), (30, 34, 33.1), (35, 39, 11.9), (40, 44, 2.6), (45, 47, 0.6))
_BACK, _AHEAD = 90, 180  # days round today in which the women are due
_KNOWN = frozenset(Fact) - {Fact.ENQUIRY_TOPIC}


class People(Protocol):
    """What a country's provider can invent."""

    def maternal_name(self) -> str: ...
    def hospital(self) -> str: ...
    def hukou(self) -> str | None: ...
    def home_address(self, hospital: str) -> str: ...


def nobodys_numbers(rng: Random, country: str, count: int) -> list[str]:
    """`count` different numbers (E.164) that ring at nobody's; raises CanaryError when a country has fewer."""
    if country not in _ENGLISH:
        # 12x is assigned to nobody in China.
        return [f"+8612{n:09d}" for n in rng.sample(range(10**9), count)]
    places = _ENGLISH[country].open_digits
    numbers = [f"{start}{n:0{places}}" for start in _ENGLISH[country].fiction for n in range(10**places)]
    if count > len(numbers):
        raise CanaryError(f"{country} has {len(numbers):,} numbers that ring at nobody's", "mint fewer personas")
    return rng.sample(numbers, count)


def invented(rng: Random, profile: Profile, count: int, today: date) -> Table:
    """`count` women of a maternal register in the columns of the profile's facts, seen on the day `today`.

    Raises CanaryError for a profile that is not maternal, and for a country without shipped facts.
    """
    facts = [fact for fact, texts in profile.headers.items() if texts]
    if not profile.phones or Fact.DUE_DATE not in facts or not _KNOWN.issuperset(facts):
        raise CanaryError(
            f"the profile '{profile.name}' is not maternal: only a table can show its rows", "give IN_FILE"
        )
    people, seen = _people(rng, profile.country), set[Cell]()
    rows: list[Row] = []
    for number, phone in enumerate(nobodys_numbers(rng, profile.country, count), start=1):
        woman = _woman(rng, people, today)
        while woman[Fact.ADDRESS] in seen:
            woman[Fact.ADDRESS] = people.home_address(str(woman[Fact.HOSPITAL]))
        seen.add(woman[Fact.ADDRESS] if any(map(str.isdecimal, str(woman[Fact.ADDRESS]))) else None)
        woman |= {Fact.PHONE: _dialled(phone, profile.country), Fact.RUNNING_NUMBER: number}
        rows.append(tuple(_written(woman[f], profile.country) if f not in profile.never_issue else None for f in facts))
    return Table(tuple(profile.headers[fact][0] for fact in facts), tuple(rows))


def _people(rng: Random, country: str) -> People:
    if country in _ENGLISH:
        return EnglishProvider.of(rng, _ENGLISH[country])
    if country != "CN":
        raise CanaryError(f"no facts are shipped for the country {country}", f"CN, {', '.join(_ENGLISH)}; or IN_FILE")
    generator = Generator()
    generator.random = rng
    return ColdStartProvider(generator)


def _woman(rng: Random, people: People, today: date) -> dict[Fact, Cell]:
    due = today + timedelta(rng.randint(-_BACK, _AHEAD))
    birth = due + timedelta(min(7, round(rng.gauss(-1.5, 6.5))))
    hospital = people.hospital()
    return {
        Fact.NAME: people.maternal_name(),
        Fact.HOSPITAL: hospital,
        Fact.ADDRESS: people.home_address(hospital),
        Fact.DUE_DATE: due,
        Fact.INFANT_BIRTH_DATE: birth if birth <= today else None,
        Fact.HUKOU: people.hukou(),
        Fact.RESIDENT_ID: None,
        Fact.BIRTH_DATE: due - timedelta(_days_old(rng, _AGES)),
    }


def _days_old(rng: Random, ages: Sequence[tuple[int, int, float]]) -> int:
    first, last, _ = rng.choices(ages, weights=[share for *_, share in ages])[0]
    return rng.randrange(round(first * 365.25), round((last + 1) * 365.25))


def _dialled(phone: str, country: str) -> str:
    if country not in _ENGLISH:
        return phone.removeprefix("+86")
    national = phone.removeprefix("+1") if country == "US" else f"0{phone.removeprefix('+44')}"
    digits = iter(national)
    return "".join(next(digits) if sign == "0" else sign for sign in _ENGLISH[country].shape)


def _written(cell: Cell, country: str) -> Cell:
    return cell.strftime(_ENGLISH[country].day) if isinstance(cell, date) and country in _ENGLISH else cell
