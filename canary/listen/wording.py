"""Brings a text to one plain form, and finds the phrases of the triage rules in it."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import Final

from canary.characters import simplified
from canary.listen.sound import as_syllables, loose, syllable

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
# Marks of tone, accents, strokes through letters.
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
# Put between Chinese characters throughout, they hide words: "奶1粉2特3价"; elsewhere they are numbers and clauses.
_BETWEEN: Final = re.compile(r"(?<=[\u3400-\u9fff])[^\u3400-\u9fff]{1,3}(?=[\u3400-\u9fff])")
_FEW, _THROUGHOUT = 5, 0.8
_SENTENCE_END: Final = re.compile(r"(?<=[。！？!?；;\n])|(?<=[a-z\d]\.)(?=\s)")
# So many parts has a text at most, and so many of them are judged together: else a long text would take seconds. What
# is shorter than this says too little, in Chinese characters or in words.
_PARTS, _TOGETHER, _SHORTEST, _FEWEST = 16, 4, 6, 4
Words = Mapping[str, tuple[str, ...]]


@cache
def phrases(language: str) -> Words:
    """The phrase lists of one language and its marks, read once from the package."""
    folder = files("canary.listen").joinpath("phrases")
    sources = (
        folder.joinpath(file).read_text(encoding="utf-8") for file in (f"{language}.toml", f"{language}_marks.toml")
    )
    return {name: tuple(listed) for source in sources for name, listed in tomllib.loads(source).items()}


@cache
def _simplified() -> Mapping[int, str]:
    """Each traditional or variant character with its simplified one; OpenCC keeps the feminine 妳."""
    return {**simplified(), ord("妳"): "你"}


@cache
def _unseen() -> re.Pattern[str]:
    """What takes no room: zero-width spaces and joiners, soft hyphens, marks of direction, style and accent."""
    formats = (chr(code) for code in range(0x10000) if unicodedata.category(chr(code)) == "Cf")
    return re.compile(f"[{''.join(formats)}\u0300-\u036f\ufe00-\ufe0f\U000e0000-\U000e007f]+")


@lru_cache(maxsize=256)  # one text is held against many personas
def plain(text: str) -> str:
    """Half-width, lower-case, simplified characters, without accents, none of them invisible; spacing and punctuation
    as they were, unless they stand between nearly all Chinese characters. Cut when huge."""
    seen = unicodedata.normalize("NFKD", _unseen().sub("", text)[:_LONGEST])[:_LONGEST]  # one may become 18
    seen = unicodedata.normalize("NFC", _ACCENTS.sub("", seen)).casefold()[:_LONGEST].translate(_simplified())
    between = len(_BETWEEN.findall(seen))
    return _BETWEEN.sub("", seen) if between > max(_FEW, _THROUGHOUT * len(_HAN.findall(seen))) else seen


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


def runs(text: str, at_numbers: bool) -> Iterator[str]:
    """The runs of up to four sentences of a text, but none too short to judge; with `at_numbers` they end at a number
    of 4 to 8 digits too, and hold none. Of a long text stretches of a sixteenth stand for sentences."""
    seen = plain(text)
    for stretch in _NUMBER.split(seen) if at_numbers else [seen]:
        parts = list(_sentences(stretch, len(seen) // _PARTS))
        for first, size in product(range(len(parts)), range(1, _TOGETHER + 1)):
            found = "".join(parts[first : first + size]).strip()
            long_enough = len(_HAN.findall(found)) >= _SHORTEST or len(found.split()) >= _FEWEST
            if first + size <= len(parts) and long_enough:
                yield found


def _sentences(seen: str, shortest: int) -> Iterator[str]:
    """Sentences, or as many of them together as make the shortest that is wanted."""
    found = ""
    for sentence in _SENTENCE_END.split(seen):
        found += sentence
        if len(found) > shortest and found.strip():
            yield found
            found = ""
    if found.strip():
        yield found


@cache
def _english(wanted: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(wanted, key=len, reverse=True)
    spelled = "|".join(re.escape(phrase).replace(r"\ ", r"[\s\-_]*").replace(r"\*", r"\w+") for phrase in longest_first)
    return re.compile(rf"(?<![a-z0-9])(?:{spelled})(?:'?s)?(?![a-z0-9])")


@cache
def _chinese(wanted: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(wanted, key=len, reverse=True))))


@cache
def _marks(wanted: tuple[str, ...]) -> re.Pattern[str]:
    spelled = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in sorted(wanted, key=len, reverse=True))
    return re.compile(rf"(?<![a-z0-9])(?:{spelled or '(?!)'})(?![a-z0-9])")


@cache
def _spelled(wanted: tuple[str, ...]) -> re.Pattern[str]:
    """Chinese phrases of two characters or more as their syllables, between blanks."""
    han = (phrase for phrase in wanted if len(phrase) > 1 and all(map(is_han, phrase)))
    return re.compile(f" (?:{'|'.join(' '.join(syllable(c) for c in phrase) for phrase in han) or '(?!)'})(?= )")


@cache
def _heard(wanted: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(loose(phrase)) for phrase in wanted if len(phrase) > 1))


class Text:
    """A text made ready for the rules of both languages."""

    def __init__(self, text: str) -> None:
        self._plain = plain(text).replace("\u2019", "'").replace("%", " percent")
        self._compact = compact(self._plain)
        self.spelled = as_syllables(self._plain)  # " yue zi can " if it is Chinese in Latin letters, else ""

    @property
    def han(self) -> int:
        """How many Chinese characters it has."""
        return sum(map(is_han, self._compact))

    @property
    def words(self) -> int:
        """How many words, those of Chinese not counted."""
        return len(self._plain.split())

    def marks(self, name: str) -> int:
        """How many different marks of one list it has, those spelled in Latin letters among them."""
        chinese = phrases("zh")[name]
        found = set(_chinese(chinese).findall(self._compact))
        if self.spelled:
            return len(found | set(_spelled(chinese).findall(self.spelled)))
        return len(found | set(_marks(phrases("en").get(name, ())).findall(self._plain)))

    def sounds_like(self, name: str) -> bool:
        """Whether it has what is spelled, or sounds, like a Chinese phrase of a list: what recognisers write."""
        wanted = phrases("zh")[name]
        if self.spelled and _spelled(wanted).search(self.spelled):
            return True
        return _heard(wanted).search(loose(self._compact)) is not None

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
