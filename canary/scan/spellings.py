"""How a fact may be spelled in a file that turned up: telephone numbers, their hashes and masks, dates."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta

from canary.store.e164 import Written, written

ENCODINGS = ("utf-8", "gb18030", "big5")
_EXCEL_DAY_0 = date(1899, 12, 30)
HASHES = (("phone-md5", hashlib.md5), ("phone-sha1", hashlib.sha1), ("phone-sha256", hashlib.sha256))
_TRUNCATED = 16  # hex digits that short columns keep
_MASK_KEEPS = 2, 3, 4  # digits at either end


def hashed_spellings(phone: Written) -> set[str]:
    """The spellings of a number that people hash: digits with and without prefixes, with +, and grouped."""
    country, bare = phone.country, phone.bare
    found = phone.digit_forms() | {phone.e164, phone.national, phone.international}
    found |= {f"+{country} {bare}", f"+{country}-{bare}", f"{bare}.0"}
    if len(bare) == 11:
        found |= {mark.join((bare[:3], bare[3:7], bare[7:])) for mark in "- "}
    return found


def digests(e164: str) -> Iterator[tuple[str, str]]:
    """(kind, lower-case hex) of every usual hash, whole, cut to 16, and the middle 16 that is called "16-bit md5"."""
    for spelled in hashed_spellings(written(e164)):
        for kind, function in HASHES:
            whole = function(spelled.encode()).hexdigest()
            yield kind, whole
            yield kind, whole[:_TRUNCATED]
            if kind == "phone-md5":
                yield kind, whole[8 : 8 + _TRUNCATED]


def masks(phone: Written) -> list[str]:
    """What a mask may leave of a number, as beginning*end, without country code."""
    bare = phone.bare
    tails = [bare[-tail:] for tail in _MASK_KEEPS if len(bare) > tail + 4]
    return [f"{bare[:head]}*{tail}" for head in _MASK_KEEPS for tail in tails]


def rounded(bare: str) -> Iterator[str]:
    """What a narrow column of a spreadsheet leaves of a number, as 1.3812e+10: five to seven digits."""
    return (f"{int(bare):.{digits - 1}e}" for digits in (5, 6, 7) if digits < len(bare))


def dates(day: date) -> frozenset[str]:
    """A day as tables write it: year first or last, padded or not, compact, in Chinese, as Excel's serial."""
    y, m, d = day.year, day.month, day.day
    found = {
        f"{y}{m:02}{d:02}",
        f"{y}年{m}月{d}日",
        f"{y}年{m:02}月{d:02}日",
        str((day - _EXCEL_DAY_0) // timedelta(1)),
    }
    for mark in "-/.":
        for month, dom in ((f"{m:02}", f"{d:02}"), (f"{m}", f"{d}")):
            found |= {mark.join(parts) for parts in ((f"{y}", month, dom), (dom, month, f"{y}"), (month, dom, f"{y}"))}
    return frozenset(found)
