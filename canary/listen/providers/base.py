"""The protocol of a telephony provider: verify a request, parse it into events, reply."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol


class Signature(StrEnum):
    """What verification found; anything but GOOD is kept as quarantine and answered 403."""

    GOOD = "good"
    BAD = "bad"
    MISSING = "missing"


class Channel(StrEnum):
    """How a contact reached us."""

    CALL = "call"
    TEXT = "text"
    MESSAGE = "message"
    SIGHTING = "sighting"


@dataclass(frozen=True)
class RawRequest:
    """One HTTP request as it came, and when: exact URL the provider signed, headers (lower-case names), body bytes."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


@dataclass(frozen=True)
class Event:
    """One thing a request says about one contact, keyed by (`sid`, `part`).

    `part` is "contact" for the contact itself, else e.g. "status:completed", "recording:RE…",
    "transcription:GT…:3". `to` and `sender` are as the provider wrote them, "" when the request omits them.
    `text` is what was said or written; `details` keeps whatever else is worth keeping.
    """

    sid: str
    part: str
    channel: Channel
    to: str = ""
    sender: str = ""
    text: str = ""
    duration: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """What the web server answers."""

    status: int
    body: str
    content_type: str = "text/xml"


class Provider(Protocol):
    """One provider; by the time `parse` may raise CanaryError the raw request is already stored."""

    name: str
    endpoints: frozenset[str]

    def verify(self, request: RawRequest) -> Signature:
        """Whether the request carries the provider's signature; never raises."""
        ...

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """The events a request reports, for one of `endpoints`."""
        ...

    def reply(self, endpoint: str) -> Reply:
        """The static answer to an accepted request: needs no database."""
        ...
