"""Draws new names by recombining the surnames and given names of the host table."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import NamedTuple

_COMPOUND = (
    "欧阳 上官 司马 诸葛 皇甫 尉迟 公孙 慕容 司徒 令狐 端木 东方 独孤 南宫 夏侯 申屠 长孙 宇文 闻人 轩辕 澹台 呼延"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
Shape = tuple[str, bool, int, int]
_TRIES = 20
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


class NamePool:
    """The names of one host, ready to be recombined."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = list(texts)
        self._shapes: dict[Shape, list[Name]] | None = None

    def draw(self, rng: Random) -> str | None:
        """One host woman's surname with another's given name, both as often as the host has them.

        None where the host has no names.
        """
        if not self._texts:
            return None
        return self._joined(rng, *_shaped(self._any(rng)))

    def _joined(self, rng: Random, name: Name, shape: Shape) -> str:
        return str(Name(name.surname, self._like(rng, shape).given, name.glue, name.surname_first))

    def _like(self, rng: Random, shape: Shape) -> Name:
        """A host woman's name of this shape."""
        for _ in range(_TRIES):
            other, its = _shaped(self._any(rng))
            if its == shape:
                return other
        if self._shapes is None:  # only rare shapes pay for taking every name apart
            self._shapes = defaultdict(list)
            for text in self._texts:
                name, its = _shaped(text)
                self._shapes[its].append(name)
        return rng.choice(self._shapes[shape])

    def _any(self, rng: Random) -> str:
        return self._texts[int(rng.random() * len(self._texts))]  # a third of what choice costs


@lru_cache(maxsize=100_000)
def _shaped(text: str) -> tuple[Name, Shape]:
    name = split(text)
    return name, name.shape
