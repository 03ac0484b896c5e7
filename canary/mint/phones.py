"""Writes a monitored number the way the host table writes its own telephone numbers."""

import re
from collections.abc import Sequence
from functools import lru_cache

from canary.errors import CanaryError
from canary.mint.dates import parse_text
from canary.mint.facts import Cell

_SHAPE = re.compile(r"\+?[\d\s().\-/]+")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def looks_like_phone(cell: Cell) -> bool:
    """Whether a cell could be one telephone number: 7 to 15 digits and the usual punctuation, not a date."""
    text = _text(cell)
    if text is None or not _SHAPE.fullmatch(text) or parse_text(text, day_first=True):
        return False
    return 7 <= len(_digits(text)) <= 15


def check_e164(phone: str) -> str:
    """The number itself; anything but +<country><number> raises CanaryError."""
    if not _E164.fullmatch(phone):
        raise CanaryError(f"'{phone}' is not an international number", "write it as +8613800000000")
    return phone


def render(phone: str, like: Cell, region: str) -> Cell | None:
    """E.164 `phone` in the type and punctuation of the host cell `like`; None where they cannot match."""
    text = _text(like)
    digits = _dialled(phone, _digits(text or ""), _code(region))
    if text is None or digits is None:
        return None
    if isinstance(like, int | float):
        return type(like)(digits)
    if len(text) == len(digits):
        return digits
    supply = iter(digits)
    return re.sub(r"\d", lambda _: next(supply), text)


def render_all(phones: Sequence[str], likes: Sequence[Cell], region: str) -> list[Cell | None]:
    """`render`, number by number."""
    home = f"+{_code(region)}"
    written: list[Cell | None] = []
    for phone, like in zip(phones, likes, strict=True):
        # Most numbers stand as bare national digits in tables: no more to do than to leave the country's code out.
        bare = isinstance(like, str) and len(like) == len(phone) - len(home) and like.isdecimal()
        written.append(phone[len(home) :] if bare and phone.startswith(home) else render(phone, like, region))
    return written


def render_plain(phone: str, region: str) -> str:
    """National digits for a number of the host's own country, the full international form for any other."""
    return phone.removeprefix(f"+{_code(region)}")


@lru_cache
def _code(region: str) -> str:
    from phonenumbers import country_code_for_region  # here, for it takes a while and few need it

    return str(country_code_for_region(region))


def _dialled(phone: str, host: str, code: str) -> str | None:
    """The digits of `phone` with the prefix that the host's digits carry, if the lengths agree."""
    if not phone.startswith(f"+{code}"):
        return None
    national = phone[1 + len(code) :]
    # A Chinese 0-prefixed number is a landline with its area code: no pattern for a mobile.
    trunk = "0" if code not in ("86", "1") else code
    for prefix in ("", code, f"00{code}", trunk):
        if len(host) == len(prefix) + len(national) and host.startswith(prefix):
            return prefix + national
    return None


def _text(cell: Cell) -> str | None:
    if isinstance(cell, bool):
        return None
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else None
    return str(cell).strip() if isinstance(cell, str | int) else None


def _digits(text: str) -> str:
    return text if text.isdecimal() else re.sub(r"\D", "", text)
