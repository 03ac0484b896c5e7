"""Words of names as bytes, which show the rows worth reading: in every encoding, and by their sound."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, compress

import numpy as np

from canary.scan import chinese, spellings
from canary.scan.keys import LONGEST_KEY, Keys
from canary.scan.text import plain_all

SIDES = WRITTEN, SOUNDING = 0, 1  # a name's words are of two owners: those in Latin letters are looked for otherwise
_WORD = re.compile(r"[^\W\d_]+")


def longest(name: str) -> str:
    """The longest word of a name."""
    words: list[str] = _WORD.findall(name)
    return max(words or [name], key=len)


def anchors(names: Iterable[str]) -> Keys:
    """The longest word of each name: in every encoding and case, simplified and traditional, as JSON escapes it, by its
    sound. Owners are twice the place of a name, one more for words in ASCII letters, which are `folded`."""
    planted = list(names)
    found = list(map(_words, planted, plain_all(planted)))
    words = list(chain.from_iterable(found))
    owners = 2 * np.repeat(np.arange(len(found), dtype=np.uint32), list(map(len, found)))
    latin = np.fromiter(map(str.isascii, words), bool, len(words))
    ways = list(_encoded(list(compress(words, ~latin))))
    tokens = list(chain.from_iterable(ways))
    owners = np.concatenate([np.tile(owners[~latin], len(ways)), owners[latin] + SOUNDING])
    tokens += map(folded, map(str.encode, compress(words, latin)))
    sizes = np.fromiter(map(len, tokens), np.intp, len(tokens))
    kept = (sizes > 0) & (sizes <= LONGEST_KEY)
    return Keys.of(list(compress(tokens, kept)), owners[kept])


def folded(word: bytes) -> bytes:
    """A word in Latin letters without differences of case, hyphens and apostrophes."""
    return word.lower().translate(None, b"-'")


def _words(name: str, spelled: str) -> list[str]:
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
