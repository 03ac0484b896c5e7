"""Kannel, an SMS gateway over modems or SMPP lines: unsigned, so it proves itself by Basic credentials."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

from canary.errors import CanaryError
from canary.listen.providers.base import (
    Attested,
    Channel,
    Event,
    Phone,
    Provider,
    RawRequest,
    Reply,
    Signature,
    has_basic,
    storable,
)

_CHARSET = re.compile(r'charset\s*=\s*"?([A-Za-z0-9_.:-]+)')


class KannelProvider(Provider):
    """A `post-url` with user, password and `?from=%p&to=%P&id=%I&ts=%t&cs=%C`; the words are the body."""

    name = "kannel"
    endpoints = frozenset({"sms"})
    attested = Attested.GATEWAY

    def __init__(self, basic: str) -> None:
        self._basic = basic

    def verify(self, request: RawRequest) -> Signature:
        """The credentials: keep Kannel on the same machine or behind a tunnel, for nothing else guards the words."""
        return has_basic(request, self._basic)

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """One text, keyed by Kannel's own id: after a failure it comes again, behind later ones."""
        query = _query(request.url)
        sid = query.get("id", "").strip()[:80]
        if not sid:
            raise CanaryError("Kannel sent a text without id", "use the post-url of docs/operators.md")
        details = {name: query[name] for name in ("ts", "smsc", "cs") if query.get(name)}
        text = storable(_decoded(request, query.get("cs", "")))
        to, sender = query.get("to", "").strip(), query.get("from", "").strip()
        return (Event(sid, "contact", Channel.TEXT, to, sender, text, None, details),)

    def reply(self, endpoint: str) -> Reply:
        """Nothing: Kannel sends what it is answered to whoever wrote."""
        return Reply(200, "", "text/plain")

    def health(self, phones: Sequence[Phone] = ()) -> tuple[str, ...]:
        """Whether anything could verify."""
        return () if ":" in self._basic else ("no Basic credentials user:password: every request is refused",)


def _query(url: str) -> Mapping[str, str]:
    try:
        query = urlsplit(url).query
    except ValueError as error:
        raise CanaryError(f"Kannel called an address that is none: {error}") from None
    return {name: storable(value) for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")}


def _decoded(request: RawRequest, named: str) -> str:
    header = _CHARSET.search(request.headers.get("content-type", ""))
    for charset in filter(None, (named, header and header[1])):
        with suppress(LookupError, ValueError):
            return request.body.decode(charset)
    return request.body.decode("utf-8", "replace")
