"""Telephone numbers in one spelling, so that a number is found however a provider or a person wrote it."""

import re
from dataclasses import dataclass

_MARKS = re.compile(r"\D+")
_CHINESE_MOBILE = re.compile(r"\+86(1\d{2})(\d{4})(\d{4})")


@dataclass(frozen=True)
class Written:
    """A number as it is usually written; `bare` are its digits without any prefix."""

    e164: str
    country: int
    bare: str
    national: str
    international: str

    def digit_forms(self) -> set[str]:
        """Its digits with country code, without, with the trunk prefix."""
        digits = self.e164.lstrip("+")
        return {digits, "00" + digits, self.bare, _MARKS.sub("", self.national)}


def written(e164: str) -> Written:
    """The usual spellings of a number: those of `phonenumbers`, of which it takes 0.1 ms for all but our own kind."""
    if mobile := _CHINESE_MOBILE.fullmatch(e164):
        bare = e164[3:]
        national = " ".join(mobile.groups()) if bare[1] >= "3" else bare
        return Written(e164, 86, bare, national, f"+86 {national}")
    import phonenumbers  # here, for it takes a while and few need it

    parsed = phonenumbers.parse(e164)
    kinds = (phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    national, international = (phonenumbers.format_number(parsed, kind) for kind in kinds)
    bare = phonenumbers.national_significant_number(parsed)
    return Written(e164, parsed.country_code or 0, bare, national, international)


def normalise(text: str, region: str = "CN") -> str | None:
    """E.164 of a number written in any usual way, or None if it is not a possible number.

    Short codes, `anonymous` and 106-gateway senders give None: the raw spelling is kept beside it.
    """
    import phonenumbers

    bare = text.strip().removeprefix("whatsapp:")
    try:
        parsed = phonenumbers.parse(bare, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def digit_forms(e164: str) -> set[str]:
    """The digits a register may hold for a number: with country code, without, with the trunk prefix."""
    return written(e164).digit_forms()
