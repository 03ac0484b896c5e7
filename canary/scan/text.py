"""One record's bytes as text: in the encodings it may be in, without case, width, JSON's escapes and traditional
characters."""

import re
import unicodedata
from collections.abc import Sequence

from canary.scan.chinese import simplified

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def plain(text: str) -> str:
    """Text without differences of case, width and traditional characters, spaces at its ends gone."""
    return _folded(text).strip()


def plain_all(texts: Sequence[str]) -> list[str]:
    """Many texts, each as `plain` has it: folded in one piece, which takes a tenth of the time."""
    folded = _folded("\n".join(texts)).split("\n")
    return [text.strip() for text in folded] if len(folded) == len(texts) else list(map(plain, texts))


def _folded(text: str) -> str:
    return simplified(unicodedata.normalize("NFKC", text).casefold())


def readings(record: bytes) -> list[str]:
    """The texts a record may be, all folded: its UTF-8, or else every reading as GB18030 and Big5."""
    try:
        texts = [record.decode("utf-8")]
    except UnicodeDecodeError:
        texts = [record.decode(encoding, "replace") for encoding in ("gb18030", "big5")]
    if b"\\u" in record:
        texts = [_SURROGATE.sub("", _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)) for text in texts]
    return [_folded(text) for text in texts]


def holds_word(text: str, word: str) -> bool:
    """Whether `word` stands in `text` and is not part of a longer word."""
    return any(not text[at - 1 : at].isalpha() and not text[end : end + 1].isalpha() for at, end in _places(text, word))


def holds_value(text: str, value: str) -> bool:
    """Whether `value` stands in `text`, its digits not part of a longer number."""
    return any(
        not (value[0].isdigit() and text[at - 1 : at].isdigit())
        and not (value[-1].isdigit() and text[end : end + 1].isdigit())
        for at, end in _places(text, value)
    )


def _places(text: str, part: str) -> list[tuple[int, int]]:
    if not part:
        return []
    found, at = [], text.find(part)
    while at >= 0:
        found.append((at, at + len(part)))
        at = text.find(part, at + 1)
    return found
