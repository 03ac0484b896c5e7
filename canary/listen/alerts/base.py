"""The protocol of an alert channel, and what an alert says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from canary.errors import CanaryError, OutsideError

SECONDS = 10
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Severity(StrEnum):
    """How much it hurries: evidence and verdicts, a chain that broke, a thing that is over."""

    HIGH = "high"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Message:
    """One alert; `key` is the same for every try, so that whoever gets it twice can tell. Codes only: no name, no
    number, no word that was said."""

    key: str
    at: datetime
    scope: str
    severity: Severity
    title: str
    text: str


class Channel(Protocol):
    """One way out."""

    name: str

    def send(self, message: Message) -> None:
        """Hand a message over. Raises OutsideError while that fails, for whatever reason outside us."""
        ...


def secure(setting: str, url: str) -> str:
    """The address itself. Raises CanaryError unless it is https or on this machine: it is a secret."""
    try:
        asked = urlsplit(url)
        good = bool(asked.hostname) and (asked.scheme == "https" or asked.hostname in LOOPBACK)
    except ValueError:
        good = False
    if not good:
        raise CanaryError(f"{setting}: not an https address", "copy it whole")
    return url


def post(channel: str, url: str, **what: Any) -> None:
    """POST to a webhook, following no redirect. Raises OutsideError, without the address, for it is a secret."""
    try:
        answer = requests.post(url, timeout=SECONDS, allow_redirects=False, **what)
    except (requests.RequestException, ValueError) as error:
        raise OutsideError(f"{channel}: {type(error).__name__}", "see the address in the settings") from error
    if not 200 <= answer.status_code < 300:
        raise OutsideError(f"{channel}: answered {answer.status_code}", "see the address in the settings")
