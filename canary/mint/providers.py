"""Faker providers of ours, which start cold from public facts, by country."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random

from faker import Factory, Generator
from faker.providers import BaseProvider

from canary.mint.locales import zh_CN
from canary.mint.locales.english import English


class _Shares:
    """Things that do not come equally often."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self.things, self.cumulated = list(shares), list(accumulate(shares.values()))


def _heavy(things: Sequence[str]) -> _Shares:
    """Things in order of frequency, falling off as frequencies of given names do."""
    return _Shares({thing: 1 / (rank + 1) ** 0.9 for rank, thing in enumerate(things)})


_SURNAMES = _Shares(zh_CN.SURNAMES)
_WHOLE, _FIRST, _SECOND = map(_heavy, (zh_CN.GIVEN_WHOLE, zh_CN.GIVEN_FIRST, zh_CN.GIVEN_SECOND))
_HOSPITALS = _Shares({name: hospital.share for name, hospital in zh_CN.HOSPITALS.items()})
_HUKOU = _Shares(zh_CN.HUKOU)
_STREETS = {
    district: [(street, communities.split()) for street, communities in streets.items()]
    for district, streets in zh_CN.STREETS.items()
}
_PREFIXES = _Shares({"深圳市": 0.45, "广东省深圳市": 0.3, "": 0.25})
_AT_HOME = 0.8


class ColdStartProvider(BaseProvider):
    """Women of an invented Shenzhen registry; where there is a table, fit that instead."""

    def maternal_name(self) -> str:
        """A woman's name: a fifth have a one-character given name."""
        rng = self.generator.random
        given = self._one(_WHOLE) if rng.random() < 0.2 else self._one(_FIRST) + self._one(_SECOND)
        return self._one(_SURNAMES) + given

    def hospital(self) -> str:
        """An obstetric hospital, the large ones more often."""
        return self._one(_HOSPITALS)

    def hukou(self) -> str:
        """A household-registration type."""
        return self._one(_HUKOU)

    def home_address(self, hospital: str) -> str:
        """An address most often in the hospital's own district; a fifth stop at the community."""
        rng = self.generator.random
        district = zh_CN.HOSPITALS[hospital].district
        if rng.random() >= _AT_HOME:
            district = rng.choice(list(_STREETS))
        street, communities = rng.choice(_STREETS[district])
        community = rng.choice(communities)
        stem = f"{self._one(_PREFIXES)}{district}{street}街道"
        named = f"{stem}{community}{rng.choice(['社区', '社区', ''])}"
        kind = rng.random()
        if kind < 0.2:
            return named
        if kind < 0.55:
            return f"{named}{self._village_door()}"
        return f"{named if rng.random() < 0.3 else stem}{self._estate_door()}"

    def _village_door(self) -> str:
        rng = self.generator.random
        lane, house = rng.randint(1, 39), rng.randint(1, 29)
        return f"{rng.choice(zh_CN.VILLAGES)}{lane}巷{house}号{rng.randint(2, 8)}0{rng.randint(1, 6)}"

    def _estate_door(self) -> str:
        rng = self.generator.random
        estate = rng.choice(zh_CN.ESTATE_FIRST) + rng.choice(zh_CN.ESTATE_LAST)
        wing = rng.choice("ABC") if rng.random() < 0.3 else ""
        room = f"{wing}{rng.randint(1, 31)}0{rng.randint(1, 6)}{rng.choice(['', '', '室'])}"
        return f"{estate}{rng.randint(1, 21)}{rng.choice(['栋', '座', '号楼'])}{room}"

    def _one(self, shares: _Shares) -> str:
        rng = self.generator.random
        thing: str = rng.choices(shares.things, cum_weights=shares.cumulated)[0]
        return thing


class EnglishProvider(BaseProvider):
    """Women of an invented English register: Faker's names of the locale, in streets and towns that do not exist."""

    def __init__(self, generator: Generator, country: English) -> None:
        super().__init__(generator)
        self._hospitals = _Shares(country.hospitals)
        self._american = country.locale == "en_US"

    @classmethod
    def of(cls, rng: Random, country: English) -> "EnglishProvider":
        """The provider on a generator of the country's locale that draws with `rng`."""
        generator = Factory.create(country.locale)
        generator.random = rng
        return cls(generator, country)

    def maternal_name(self) -> str:
        """A woman's name; in America first and last names as often as people bear them."""
        return f"{self.generator.first_name_female()} {self.generator.last_name()}"

    def hospital(self) -> str:
        """A maternity unit, the large ones more often."""
        hospital: str = self.generator.random.choices(self._hospitals.things, cum_weights=self._hospitals.cumulated)[0]
        return hospital

    def hukou(self) -> None:
        """Nobody has one here."""

    def home_address(self, hospital: str) -> str:
        """An address on one line; street and town are Faker's inventions."""
        make = self.generator
        street = f"{make.random.randint(1, 240)} {make.street_name()}, {make.city()}"
        if not self._american:
            return f"{street} {make.postcode()}"
        state = make.state_abbr(include_territories=False, include_freely_associated_states=False)
        return f"{street}, {state} {make.postcode()}"
