"""Draws new names by recombining the surnames and given names of the host table."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

_COMPOUND = (
    "欧阳 上官 司马 诸葛 皇甫 尉迟 公孙 慕容 司徒 令狐 端木 东方 独孤 南宫 夏侯 申屠 长孙 宇文 闻人 轩辕 澹台 呼延"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
_HAN = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]+")


@dataclass(frozen=True)
class Name:
    """A name taken apart; names of one `shape` may exchange their given names."""

    surname: str
    given: str
    glue: str = ""
    surname_first: bool = True

    @property
    def shape(self) -> tuple[str, bool, int, int]:
        """What must agree before parts are exchanged: order, glue and, in Chinese, the lengths."""
        if self.glue:
            return self.glue, self.surname_first, len(self.surname.split()), len(self.given.split())
        return self.glue, self.surname_first, len(self.surname), len(self.given)

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
        self._names = [split(text) for text in texts]
        self._given: dict[tuple[str, bool, int, int], list[str]] = defaultdict(list)
        for name in self._names:
            self._given[name.shape].append(name.given)

    def draw(self, rng: Random) -> str | None:
        """One host woman's surname with another's given name, both as often as the host has them.

        None where the host has no names.
        """
        if not self._names:
            return None
        name = rng.choice(self._names)
        given = rng.choice(self._given[name.shape])
        return str(Name(name.surname, given, name.glue, name.surname_first))
