"""The protocol of a telephony provider: verify a request, parse it into events, reply."""

import hmac
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from canary.errors import OutsideError
from canary.listen.voice import Desk


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


class Attested(StrEnum):
    """Who vouches for what a contact says, from strong to weak."""

    PROVIDER = "provider-signed"
    DEVICE_SIGNED = "device-signed"
    DEVICE = "device-attested"
    GATEWAY = "gateway-attested"


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
    `text` is what was said or written; `details` keeps whatever else is worth keeping; `at` is when it happened, if
    the provider says so and can be believed, else None. `path` is how we learned of it, where the endpoint does not
    tell.
    """

    sid: str
    part: str
    channel: Channel
    to: str = ""
    sender: str = ""
    text: str = ""
    duration: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    path: str = ""


@dataclass(frozen=True)
class Reply:
    """What the web server answers."""

    status: int
    body: str
    content_type: str = "text/xml"


@dataclass(frozen=True)
class Phone:
    """A phone that listens for us: when it was heard of last, and what is wrong with it, as a code and in words."""

    device: str
    seen: datetime | None
    wrong: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Fetched:
    """A picture or recording as it was downloaded."""

    content: bytes
    content_type: str


class Gone(OutsideError):
    """The provider has not what was asked of it, or no more."""


class TooLarge(OutsideError):
    """More than we take."""


class Archive(Protocol):
    """Where a provider keeps the pictures and recordings of contacts, by the contact's `sid` and a key of its own."""

    def named(self, sid: str, part: str, details: Mapping[str, str]) -> tuple[str, ...]:
        """The keys of what a part of a contact tells of. Raises OutsideError if the provider must be asked first and
        cannot."""
        ...

    def fetch(self, sid: str, key: str, most: int) -> Fetched:
        """Download one, up to so many bytes. Raises Gone, TooLarge, OutsideError."""
        ...

    def discard(self, sid: str, key: str) -> bool:
        """Let the provider delete its own, for good; False if it is too early for that. Raises OutsideError."""
        ...


class Provider(Protocol):
    """One provider; by the time `parse` may raise CanaryError the raw request is already stored. Whoever inherits need
    not have a log to read back, nor requests that are good for one time only."""

    name: str
    endpoints: frozenset[str]
    attested: Attested
    alike: timedelta | None = (
        None  # its log knows no ids: within so long, the same words of the same caller are the same
    )
    archive: Archive | None = None
    desk: Desk | None = None
    devices: tuple[str, ...] = ()  # the phones that are asked, by name

    def verify(self, request: RawRequest) -> Signature:
        """Whether the request carries the provider's signature; never raises."""
        ...

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """The events a request reports, for one of `endpoints`."""
        ...

    def reply(self, endpoint: str) -> Reply:
        """The static answer to an accepted request: needs no database, and never reaches the sender of a text."""
        ...

    def answer(self, endpoint: str, request: RawRequest) -> Reply:
        """The answer to this very request, once it is kept; needs no database either, and never raises."""
        return self.reply(endpoint)

    def once(self, request: RawRequest) -> str:
        """Of a verified request: what may come with one body only, "" when the body itself is signed."""
        return ""

    def backfill(self, since: datetime) -> Iterator[Event] | None:
        """What the provider's own log holds since then, keyed as its webhooks are, None where there is no log to read.
        Iterating raises OutsideError."""
        return None

    def phones(self, now: datetime) -> Iterator[Event]:
        """What its phones say of themselves (see `phone`), those left out that do not answer; never raises."""
        yield from ()

    def health(self, phones: Sequence[Phone] = ()) -> tuple[str, ...]:
        """What is wrong with how it is set up, and with its phones as they were heard of last, in words."""
        return unwell(phones)


def unwell(phones: Sequence[Phone]) -> tuple[str, ...]:
    """What is wrong with phones, a sentence each."""
    return tuple(f"phone {phone.device}: {words}" for phone in phones for _, words in phone.wrong)


def has_basic(request: RawRequest, user_and_password: str) -> Signature:
    """Whether a request carries these Basic credentials ("user:password"); empty ones let nobody in."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return Signature.MISSING
    try:
        decoded = b64decode(given.strip(), validate=True)
    except ValueError:
        return Signature.BAD
    good = hmac.compare_digest(decoded, user_and_password.encode()) and ":" in user_and_password
    return Signature.GOOD if good else Signature.BAD


def storable(value: str) -> str:
    """A text that every database takes: PostgreSQL refuses NUL, and JSON may smuggle in half a surrogate pair."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def legible(value: str) -> str:
    """A stranger's text for terminals and alerts: without line breaks, and what else either would obey."""
    return "".join(c if c.isprintable() else "?" for c in storable(value))


def text_in(place: Mapping[str, Any], name: str) -> str:
    """A field of a JSON object as a text, "" if it is none."""
    value = place.get(name)
    return "" if value is None or isinstance(value, dict | list) else storable(str(value)).strip()
