"""The kinds a contact can be: what it tells us about a leak, in one word."""

from enum import StrEnum


class Kind(StrEnum):
    """What a contact turned out to be; derived by rules and recomputable, never edited."""

    NAMED = "named"
    MATERNAL = "maternal"
    MARKETING = "marketing"
    SERVICE = "service"
    SILENT = "silent"
    AUTHORISED = "authorised"
    OTHER = "other"
