"""Words of names as bytes, which show the rows worth reading: in every encoding, and by their sound."""

import json
import re
from collections.abc import Iterable, Iterator

import numpy as np

from canary.scan import chinese, spellings
from canary.scan.keys import LONGEST_KEY, Keys
from canary.scan.text import plain

SIDES = WRITTEN, SOUNDING = 0, 1  # a name's words are of two owners: those in Latin letters are looked for otherwise
_WORD = re.compile(r"[^\W\d_]+")


def longest(name: str) -> str:
    """The longest word of a name."""
    words: list[str] = _WORD.findall(name)
    return max(words or [name], key=len)


def anchors(names: Iterable[str]) -> Keys:
    """The longest word of each name: in every encoding and case, simplified and traditional, as JSON escapes it, by its
    sound. Owners are twice the place of a name, one more for words in ASCII letters, which are `folded`."""
    words = [(word, 2 * place) for place, name in enumerate(names) for word in _words(name)]
    latin = [(folded(word.encode()), owner + SOUNDING) for word, owner in words if word.isascii()]
    other = [(word, owner) for word, owner in words if not word.isascii()]
    ways = _encoded([word for word, _ in other])
    tokens = [(token, owner) for way in ways for token, (_, owner) in zip(way, other, strict=True)]
    kept = [(token, owner) for token, owner in tokens + latin if 0 < len(token) <= LONGEST_KEY]
    return Keys.of([token for token, _ in kept], np.array([owner for _, owner in kept], np.uint32))


def folded(word: bytes) -> bytes:
    """A word in Latin letters without differences of case, hyphens and apostrophes."""
    return word.lower().translate(None, b"-'")


def _words(name: str) -> list[str]:
    spelled = plain(name)
    word = longest(spelled)
    found = {longest(name), *chinese.written_forms(word), word.upper(), word.title(), *chinese.sound_words(spelled)}
    return [word for word in found if _WORD.fullmatch(word)]


def _encoded(words: list[str]) -> Iterator[list[bytes]]:
    """All words in each way; one that an encoding lacks is empty there. In one piece: much quicker than one by one."""
    text = "\n".join(words)
    for encoding in spellings.ENCODINGS if words else ():
        yield [b"" if b"?" in word else word for word in text.encode(encoding, "replace").split(b"\n")]
    if words:
        yield json.dumps(text)[1:-1].encode().split(b"\\n")
