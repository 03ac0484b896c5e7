"""Chinese characters, one by one: how each is simplified (OpenCC) and read (pypinyin); both tables are made when first
asked for, as that takes a while."""

import os
import unicodedata
from collections.abc import Mapping
from functools import cache

HAN = range(0x3400, 0xA000)


@cache
def simplified() -> Mapping[int, str]:
    """Each traditional character or variant, by its code, with its simplified one; the others are left out."""
    from opencc import OpenCC

    characters = [chr(code) for code in HAN]
    plain = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(old): new for old, new in zip(characters, plain, strict=True) if old != new}


@cache
def _readings() -> Mapping[int, str]:
    # Without its 47,000 words, which would take a tenth of a second and 45 MB: characters are read one by one.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    from pypinyin.constants import PINYIN_DICT

    found: Mapping[int, str] = PINYIN_DICT
    return found


def readings(character: str) -> tuple[str, ...]:
    """How a character is read, the commonest first, tones marked; () if it is no Chinese one."""
    return tuple(filter(None, _readings().get(ord(character), "").split(",")))


def toneless(reading: str) -> str:
    """A reading without marks of tone; ü as v, as it is typed."""
    marked = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(c for c in marked if not unicodedata.combining(c))
