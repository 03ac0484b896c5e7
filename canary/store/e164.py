"""Telephone numbers in one spelling, so that a number is found however a provider or a person wrote it."""

import re

import phonenumbers


def normalise(text: str, region: str = "CN") -> str | None:
    """E.164 of a number written in any usual way, or None if it is not a possible number.

    Short codes, `anonymous` and 106-gateway senders give None: the raw spelling is kept beside it.
    """
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
    parsed = phonenumbers.parse(e164)
    national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    bare = phonenumbers.national_significant_number(parsed)
    return {e164.lstrip("+"), "00" + e164.lstrip("+"), bare, re.sub(r"\D", "", national)}
