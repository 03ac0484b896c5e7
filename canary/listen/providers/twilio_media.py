"""Pictures and recordings that Twilio keeps: downloaded with our credentials from Twilio alone, and deleted there."""

import re
import time
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from requests import RequestException, Response
from twilio.base.exceptions import TwilioRestException

from canary.errors import OutsideError
from canary.listen.providers.base import Fetched, Gone, TooLarge
from canary.listen.providers.twilio_client import connect, told

_TWILIO = "https://api.twilio.com"
_SID = re.compile(r"[A-Z]{2}[0-9A-Za-z]{1,40}")
_MEDIA = re.compile(r"/Media/(ME[0-9A-Za-z]{1,40})(?:[?#]|$)")
_TOO_EARLY = 20009
WAIT = (5, 30)  # seconds: to connect, and between two pieces
SECONDS = 120  # for the whole
HOPS = 4
CHUNK = 1 << 16


class TwilioArchive:
    """The media of one account; `api_url` is where its API is reached, Twilio itself if empty."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str = "") -> None:
        self._client = connect(account_sid, auth_token, api_url)
        self._base = f"{(api_url or _TWILIO).rstrip('/')}/2010-04-01/Accounts/{account_sid}"
        self._login = (account_sid, auth_token)

    def named(self, sid: str, part: str, details: Mapping[str, str]) -> tuple[str, ...]:
        """The SIDs of pictures (asked of Twilio where only their number is told) and of a finished recording."""
        if part.startswith("recording:"):
            _, key, state = part.split(":", 2)
            return (key,) if state == "completed" and _SID.fullmatch(key) else ()
        urls = [value for name, value in sorted(details.items()) if name.startswith("MediaUrl")]
        if urls:
            # A forged address would be sent our credentials: only the SID in it is believed.
            return tuple(found[1] for url in urls if (found := _MEDIA.search(url)))
        if details.get("NumMedia", "0") in ("", "0") or not sid.startswith(("SM", "MM")):
            return ()
        with told("Twilio's list of pictures"):
            return tuple(each.sid for each in self._client.messages(sid).media.list(limit=50) if each.sid)

    def fetch(self, sid: str, key: str, most: int) -> Fetched:
        """One picture, or one recording as WAV."""
        deadline = time.monotonic() + SECONDS
        try:
            with self._get(self._url(sid, key)) as answer:
                return Fetched(_read(answer, most, deadline), answer.headers.get("Content-Type", ""))
        except RequestException as error:
            raise OutsideError(f"Twilio's media: {type(error).__name__}", "it is tried again") from error

    def _url(self, sid: str, key: str) -> str:
        if not (_SID.fullmatch(sid) and _SID.fullmatch(key)):
            raise Gone(f"{key}: no SID of Twilio's", "")
        return f"{self._base}/Recordings/{key}" if key.startswith("RE") else f"{self._base}/Messages/{sid}/Media/{key}"

    def _get(self, url: str) -> Response:
        """Follow Twilio to where the bytes are; credentials go to its API alone, nothing goes over plain HTTP."""
        home = urlsplit(self._base)
        for _ in range(HOPS):
            there = urlsplit(url)
            at_home = (there.scheme, there.netloc) == (home.scheme, home.netloc)
            if there.scheme != "https" and not at_home:
                raise OutsideError("Twilio's media: sent to an address that is not https", "see the Twilio console")
            auth = self._login if at_home else None
            session = self._client.http_client.session
            answer: Response = session.get(url, auth=auth, stream=True, timeout=WAIT, allow_redirects=False)
            if not answer.is_redirect:
                return answer
            url = urljoin(url, answer.headers["Location"])
            answer.close()
        raise OutsideError("Twilio's media: sent from one address to the next", "it is tried again")

    def discard(self, sid: str, key: str) -> bool:
        """Delete it at Twilio, which cannot be undone; what is gone already is no error."""
        recording = key.startswith("RE")
        there = self._client.recordings(key) if recording else self._client.messages(sid).media(key)
        with told("deleting at Twilio"):
            try:
                there.delete()
            except TwilioRestException as error:
                if error.code == _TOO_EARLY:
                    return False
                if error.status != 404:
                    raise
        return True


def _read(answer: Response, most: int, deadline: float) -> bytes:
    if answer.status_code in (404, 410):
        raise Gone("Twilio's media: not there", "it was deleted, or is not ready yet")
    if answer.status_code != 200:
        raise OutsideError(f"Twilio's media: answered {answer.status_code}", "it is tried again")
    read = bytearray()
    for piece in answer.iter_content(CHUNK):
        read += piece
        if len(read) > most:
            raise TooLarge("Twilio's media: larger than media_max_mb", "raise it")
        if time.monotonic() > deadline:
            raise OutsideError(f"Twilio's media: not read within {SECONDS} seconds", "it is tried again")
    return bytes(read)
