"""Twilio's official client, pointed at Twilio or at a stand-in for it, and its errors in our words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import RequestException
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from canary.errors import OutsideError

SECONDS = 30


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc]
    """The client has no address to set: what it means for Twilio goes to `base`, a gateway or an emulator."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=SECONDS)
        self._base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """One exchange, with another scheme and host."""
        asked = urlsplit(url)
        there = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        return super().request(method, there, *args, **options)


def connect(account_sid: str, auth_token: str, api_url: str = "") -> Client:
    """The client of one account; `api_url` is where its API is reached, Twilio itself if empty."""
    http = _Elsewhere(api_url) if api_url else TwilioHttpClient(timeout=SECONDS)
    return Client(account_sid, auth_token, http_client=http)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Raises OutsideError for whatever goes wrong between us and Twilio; `what` says what was asked of it."""
    try:
        yield
    except (TwilioException, RequestException) as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise OutsideError(f"{what}: {first_line}", "see twilio_account_sid and twilio_auth_token") from error
