"""Draws new names by recombining the surnames and given names of the host table."""

import re
from typing import NamedTuple

import numpy as np

from canary.mint.levels import Groups, Ints, Levels

_COMPOUND = (
    "欧阳 上官 司马 诸葛 皇甫 尉迟 公孙 慕容 司徒 令狐 端木 东方 独孤 南宫 夏侯 申屠 长孙 宇文 闻人 轩辕 澹台 呼延"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
Shape = tuple[str, bool, int, int]
_HAN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]+")


class Name(NamedTuple):
    """A name taken apart; names of one `shape` may exchange their given names."""

    surname: str
    given: str
    glue: str = ""
    surname_first: bool = True

    @property
    def shape(self) -> Shape:
        """What must agree before parts are exchanged: order, glue and, in Chinese, the lengths."""
        if self.glue:
            return self.glue, self.surname_first, len(self.surname.split()), len(self.given.split())
        return "", self.surname_first, len(self.surname), len(self.given)

    def __str__(self) -> str:
        first, second = (self.surname, self.given) if self.surname_first else (self.given, self.surname)
        return f"{first}{self.glue}{second}"


def split(text: str) -> Name:
    """A Chinese, "First Last" or "Last, First" name into its parts; a lone word is all given name."""
    if _HAN.fullmatch(text):
        cut = 2 if len(text) > 2 and text[:2] in COMPOUND_SURNAMES else 1
        return Name(text[:cut], text[cut:])
    if match := re.fullmatch(r"([^,]+?)(,\s*)(.+)", text):
        return Name(match[1], match[3], match[2])
    if match := re.fullmatch(r"(.+)([\s·•]+)(\S+)", text):
        return Name(match[3], match[1], match[2], surname_first=False)
    return Name("", text)


class Parts(NamedTuple):
    """Names of a pool by number: of their shapes, surnames and given names (n each)."""

    shape: Ints
    surname: Ints
    given: Ints

    def at(self, places: Ints) -> "Parts":
        """Some of them."""
        return Parts(self.shape[places], self.surname[places], self.given[places])


class NamePool:
    """The names of one host, ready to be recombined."""

    def __init__(self, names: Levels[str]) -> None:
        split_up = [split(text) for text in names.distinct]
        self._shapes = Levels[Shape]([name.shape for name in split_up])
        self._surnames = Levels[str]([name.surname for name in split_up])
        self._given = Levels[str]([name.given for name in split_up])
        bearers = names.codes[names.codes >= 0]
        parts = Parts(self._shapes.codes, self._surnames.codes, self._given.codes)
        self._bearers = parts.at(bearers)
        self._alike = Groups(self._bearers.shape, len(self._shapes.distinct))

    def draw(self, rng: np.random.Generator, count: int) -> Parts:
        """`count` names, each one host woman's surname with another's given name, both as often as the host has them.

        Raises ValueError where the host has no names.
        """
        return self.like(rng, self._bearers.shape[rng.integers(0, len(self._bearers.shape), count)])

    def like(self, rng: np.random.Generator, shapes: Ints) -> Parts:
        """Names of these shapes."""
        surnames, given = (self._alike.one(rng, shapes) for _ in range(2))
        return Parts(shapes, self._bearers.surname[surnames], self._bearers.given[given])

    def keys(self, parts: Parts) -> Ints:
        """A number for each name, the same for the same parts."""
        keys: Ints = (parts.shape * len(self._surnames.distinct) + parts.surname) * len(self._given.distinct)
        return keys + parts.given

    def texts(self, parts: Parts) -> list[str]:
        """The names as they are written."""
        surnames, given, shapes = self._surnames.distinct, self._given.distinct, self._shapes.distinct
        written = list[str]()
        for shape, surname, name in zip(*(numbers.tolist() for numbers in parts), strict=True):
            glue, surname_first, *_ = shapes[shape]
            first, second = surnames[surname], given[name]
            written.append(first + glue + second if surname_first else second + glue + first)
        return written

    def __bool__(self) -> bool:
        return len(self._bearers.shape) > 0
