"""What Chinese characters sound like, so that a name that was only heard is found however it was written down."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Final

from canary.characters import HAN, readings, toneless

# A sound is written as one character of the private use area, so that strings of sounds are searched as strings.
_FIRST: Final = 0xE000
_LONGEST: Final = 6
_SYLLABLE: Final = 6  # letters
_LATIN: Final = re.compile(r"[a-z]{1,24}")
_LONGEST_SPELLED: Final = 2_000
# What southern speakers and recognisers do not tell apart.
_MERGED: Final = ((re.compile("^([zcs])h"), r"\1"), (re.compile("ng$"), "n"), (re.compile("^l(?=v)"), "n"))
# Surnames are read otherwise than the same characters elsewhere.
_SURNAMES: Final = {"单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "任": "ren", "区": "ou"}
# As Hong Kong, Malaysia and Singapore write the commonest surnames.
_SOUTHERN: Final = {
    "王": "wong ong heng",
    "黄": "wong ng ooi",
    "陈": "chan tan chin",
    "李": "lee",
    "张": "cheung chong teo",
    "刘": "lau low",
    "林": "lam lim",
    "吴": "ng goh",
    "周": "chow chew",
    "郑": "cheng tay",
    "谢": "tse chia",
    "梁": "leung leong",
    "杨": "yeung yong",
    "许": "hui koh",
    "郭": "kwok quek",
    "罗": "law lo",
    "叶": "yip yap",
    "蔡": "choi chua",
    "曾": "tsang chan",
    "徐": "tsui chee",
    "朱": "chu choo",
    "胡": "wu woo",
    "何": "ho",
}


def toned(text: str) -> str:
    """Each Chinese character as its commonest sound with tone: 王 and 亡 alike. Length is kept."""
    return text.translate(_sounds(True))


def loose(text: str) -> str:
    """Without tones, and without what many speakers do not tell apart: 陈 and 程 alike. Length is kept."""
    return text.translate(_sounds(False))


@cache
def _sounds(tones: bool) -> Mapping[int, str]:
    numbers: dict[str, str] = {}
    read = ((code, found[0]) for code in HAN if (found := readings(chr(code))))
    keyed = ((code, reading if tones else _merged(reading)) for code, reading in read)
    return {code: numbers.setdefault(sound, chr(_FIRST + len(numbers))) for code, sound in keyed}


def _merged(reading: str) -> str:
    sound = toneless(reading)
    for pattern, merged in _MERGED:
        sound = pattern.sub(merged, sound)
    return sound


@lru_cache(maxsize=4096)
def syllables(han: str) -> tuple[tuple[str, ...], ...]:
    """For each Chinese character the ways its syllable is spelled in Latin letters; () where one has none."""
    return tuple(tuple(_spellings(c)) for c in han[:_LONGEST])


def _spellings(han: str) -> Iterable[str]:
    plain = dict.fromkeys(map(toneless, readings(han)))
    return dict.fromkeys(form for sound in plain for form in (sound, sound.replace("v", "u")))


def syllable(han: str) -> str:
    """The commonest syllable of a Chinese character without tone, "" if it has none."""
    return toneless(next(iter(readings(han)), ""))


def as_syllables(plain_text: str) -> str:
    """The syllables of a text that is Chinese written in Latin letters, with a blank before and behind each; "" if it
    is not: fewer than three words, or three letters in ten, make no syllables."""
    words = _LATIN.findall(plain_text[:_LONGEST_SPELLED])
    chains = [_chain(word) for word in words]
    held = sum(len(word) for word, chain in zip(words, chains, strict=True) if chain)
    if sum(map(bool, chains)) < 3 or held < 0.7 * sum(map(len, words)):
        return ""
    return f" {' '.join(s for chain in chains for s in chain)} "


@lru_cache(maxsize=4096)
def _chain(word: str) -> tuple[str, ...]:
    """A word as a chain of syllables, longest first; () if it is none."""
    for size in range(min(_SYLLABLE, len(word)), 0, -1):
        if word[:size] in _all_syllables():
            rest = _chain(word[size:]) if size < len(word) else ()
            if rest or size == len(word):
                return (word[:size], *rest)
    return ()


@cache
def _all_syllables() -> frozenset[str]:
    common = map(chr, range(0x4E00, 0x9FA6))
    return frozenset(form for han in common for form in _spellings(han) if form.isascii() and form.isalpha())


@lru_cache(maxsize=4096)
def surnames(surname: str) -> tuple[str, ...]:
    """How a Chinese surname is written in Latin letters: pinyin, and as southern families write it."""
    pinyin = _SURNAMES.get(surname) or "".join(next(iter(ways), "") for ways in syllables(surname))
    return (pinyin, *_SOUTHERN.get(surname, "").split()) if pinyin else ()
