"""How a Chinese name may be written otherwise: in traditional characters, and by its sound."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice, product

from canary import characters

MOST = 16  # spellings or readings of one name
_LATIN = re.compile(r"[a-z](?:[a-z '\-]*[a-z])?")
_BETWEEN = re.compile(r"[ '\-]+")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")


def simplified(text: str) -> str:
    """A text in simplified characters."""
    # Few texts hold any traditional one, and to look for one takes a fifth of the time.
    return text.translate(characters.simplified()) if _traditional().search(text) else text


@cache
def _traditional() -> re.Pattern[str]:
    return re.compile(f"[{''.join(map(chr, characters.simplified()))}]")


def written_forms(word: str) -> set[str]:
    """A simplified word, and all ways to write it in traditional characters (at most `MOST`)."""
    return {word, *map("".join, islice(product(*map(_traditional_forms, word)), MOST))}


@cache
def _traditional_forms(character: str) -> str:
    """Those that Big5 holds; itself, too, where that is one (范 is a surname, 範 is not)."""
    forms = _variants().get(character, "")
    return forms + character if not forms or _in_big5(character) else forms


@cache
def _variants() -> Mapping[str, str]:
    """Simplified characters with all in Big5 that are simplified to them."""
    found: defaultdict[str, str] = defaultdict(str)
    for code, plain in characters.simplified().items():
        found[plain] += chr(code) if _in_big5(chr(code)) else ""
    return dict(found)


def _in_big5(character: str) -> bool:
    return bool(character.encode("big5", "ignore"))


@cache
def _syllables(character: str) -> tuple[str, ...]:
    """All readings without tones; with ü as v, u and yu, as passports have it."""
    found = characters.readings(character) or (character,)
    return tuple(dict.fromkeys(form for reading in found for form in _of_umlaut(reading)))


@cache
def _first(character: str) -> tuple[str, ...]:
    return _of_umlaut(_syllables(character)[0])


def _of_umlaut(reading: str) -> tuple[str, ...]:
    plain = characters.toneless(reading)
    return (plain, plain.replace("v", "u"), plain.replace("v", "yu")) if "v" in plain else (plain,)


@cache
def _readings(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(surname, syllables of the given name) for each way to read a name of Chinese characters; else none.

    Characters are read in their first way, but surnames (曾, 单, 解) and what has ü in all."""
    if not 2 <= len(name) <= 4 or not all(ord(c) in characters.HAN for c in name):
        return ()
    cut = 2 if len(name) == 4 else 1
    given = [_first(c) for c in name[cut:]]
    ways = islice(product(*map(_syllables, name[:cut]), *given), MOST)
    return tuple(("".join(way[:cut]), way[cut:]) for way in ways)


def sounds(name: str) -> frozenset[str]:
    """A name by its sound as one lower-case word, surname first or last."""
    ways = [(surname, "".join(given)) for surname, given in _readings(name)]
    return frozenset({first + last for pair in ways for first, last in (pair, pair[::-1])})


def sound_words(name: str) -> Iterator[str]:
    """The longest words that show a name's sound in a table: the given name, or all in one."""
    for surname, given in _readings(name):
        joined = "".join(given)
        yield from (joined, surname + joined)


def shown_sounds(text: str) -> Iterator[str]:
    """What stands in a text in Latin letters, without tones, spaces and hyphens."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return (_BETWEEN.sub("", found) for found in _LATIN.findall(bare))


def usual_sound(word: str) -> str:
    """A word of Chinese characters by its usual sound, as one lower-case word without tones."""
    return "".join(_syllables(character)[0] for character in word)


def resembles(texts: Iterable[str], name: str) -> bool:
    """Whether a word differs from a name in one character, not its surname, or sounds the same."""
    own = frozenset(_readings(name))
    words = {word for text in texts for word in _HAN_RUN.findall(text) if len(word) == len(name)}
    return any(_near(word, name) or not own.isdisjoint(_readings(word)) for word in words)


def _near(word: str, name: str) -> bool:
    return len(name) > 2 and word[0] == name[0] and sum(a != b for a, b in zip(word, name, strict=True)) == 1
