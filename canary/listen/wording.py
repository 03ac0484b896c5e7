"""Brings a text to one plain form, and finds the phrases of the triage rules in it."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

import opencc

# Kept between Chinese characters: a phrase does not reach across the end of a clause or a signature.
_CLAUSE_ENDS: Final = frozenset("。，、！？；：,!?;:【】[]%")
# Ten minutes of speech; a longer text only costs time.
_LONGEST: Final = 20_000
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
# How far a code stands from its word.
_REACH: Final = 24
_NUMBER: Final = re.compile(
    r"(?<![\d.])(?:\d{4,8}|\d{3}[\s\-]\d{3}|\d(?:[\s\-]\d){3,7}|[〇零一二三四五六七八九]{4,8})(?![\d\-])"
)
Words = Mapping[str, tuple[str, ...]]


@cache
def phrases(language: str) -> Words:
    """The phrase lists of one language, read once from the package."""
    source = files("canary.listen").joinpath("phrases", f"{language}.toml").read_text(encoding="utf-8")
    return {name: tuple(listed) for name, listed in tomllib.loads(source).items()}


@cache
def _simplified() -> Mapping[int, str]:
    """Each traditional or variant character with its simplified one, by OpenCC; the feminine 妳 is kept there."""
    han = [chr(code) for code in range(0x3400, 0xA000)]
    simple = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    return {ord(old): new for old, new in zip(han, simple, strict=True) if old != new} | {ord("妳"): "你"}


@lru_cache(maxsize=256)  # one text is held against many personas
def plain(text: str) -> str:
    """Half-width, lower-case, simplified characters; spacing and punctuation as they were. Cut when huge."""
    return unicodedata.normalize("NFKC", text[:_LONGEST]).casefold().translate(_simplified())


def is_han(character: str) -> bool:
    """Whether a character is a Chinese one."""
    return _HAN.match(character) is not None


def compact(plain_text: str) -> str:
    """Without whatever people put between characters to hide a word: "奶 粉", "奶.粉", "奶🍼粉"."""
    kept = (
        ("，" if c == "\n" else c)
        for c in plain_text
        if c in _CLAUSE_ENDS or c == "\n" or unicodedata.category(c)[0] in "LN"
    )
    return "".join(kept)


@cache
def _english(wanted: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(wanted, key=len, reverse=True)
    spelled = "|".join(re.escape(phrase).replace(r"\ ", r"[\s\-_]*").replace(r"\*", r"\w+") for phrase in longest_first)
    return re.compile(rf"(?<![a-z0-9])(?:{spelled})(?:'?s)?(?![a-z0-9])")


@cache
def _chinese(wanted: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(wanted, key=len, reverse=True))))


class Text:
    """A text made ready for the rules of both languages."""

    def __init__(self, text: str) -> None:
        self._plain = plain(text).replace("\u2019", "'").replace("%", " percent")
        self._compact = compact(self._plain)

    def without(self, name: str) -> "Text":
        """The same text with the phrases of one list blanked out."""
        masked = Text("")
        masked._compact = _chinese(phrases("zh")[name]).sub("，", self._compact)
        masked._plain = self._plain
        for pattern in (_chinese(phrases("zh")[name]), _english(phrases("en")[name])):
            masked._plain = pattern.sub(" , ", masked._plain)
        return masked

    def first(self, name: str) -> str | None:
        """The phrase of one list that stands first in the text, if any does."""
        found = _chinese(phrases("zh")[name]).search(self._compact)
        found = found or _english(phrases("en")[name]).search(self._plain)
        return found.group() if found else None

    def beside_number(self, name: str) -> str | None:
        """The phrase of one list that has a number of 4 to 8 digits close by."""
        # In the plain text: who sends a code hides no word, and numbers must not run together.
        numbers = [found.span() for found in _NUMBER.finditer(self._plain)]
        for pattern in (_chinese(phrases("zh")[name]), _english(phrases("en")[name])):
            for found in pattern.finditer(self._plain) if numbers else ():
                start, end = found.span()
                if any(start - _REACH <= b <= start or end <= a <= end + _REACH for a, b in numbers):
                    return found.group()
        return None
