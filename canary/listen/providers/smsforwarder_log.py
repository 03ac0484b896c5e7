"""The texts and calls that a phone with SmsForwarder still has, read from the app's own server (`:5000`)."""

import hmac
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from canary.errors import OutsideError
from canary.listen.providers.ask import ask
from canary.listen.providers.base import Channel, Event, legible, storable, text_in
from canary.listen.providers.phone import hour, sims_event, state_event
from canary.store.e164 import normalise

PAGE = 50
MOST_PAGES = 200
_PATIENCE = 600  # seconds for the whole log of a phone
_HINT = "is it on, is its server started, is its secret ours?"
# What is asked for, by its type in the app: texts received; calls that came in, and those that were missed.
_ASKED = (("sms", 1), ("call", 1), ("call", 3))


class PhoneLog:
    """One phone, `device` as its template names it, its server at `url`; `sims` as for the provider."""

    def __init__(self, device: str, url: str, secret: str, sims: Mapping[str, str]) -> None:
        self.device, self._url, self._secret, self._sims = device, url.rstrip("/"), secret, sims

    def since(self, since: datetime) -> Iterator[Event]:
        """Texts and calls since then, with ids of their own, newest first of each. Raises OutsideError."""
        until = time.monotonic() + _PATIENCE
        for what, kind in _ASKED:
            for row in self._rows(what, kind, since):
                yield self._event(what, row)
                if time.monotonic() > until:
                    raise self._failed("too slow to be read to the end")

    def told(self, now: datetime) -> Iterator[Event]:
        """The SIMs it sees and its battery. Raises OutsideError if it does not answer at all."""
        config = self._ask("/config/query", {})
        cards = config.get("sim_info_list") if isinstance(config, dict) else None
        yield sims_event(self.device, hour(now), _cards(cards), now)
        with suppress(OutsideError):  # may be switched off in the app
            battery = self._ask("/battery/query", {})
            level = text_in(battery, "level").removesuffix("%") if isinstance(battery, dict) else ""
            yield state_event(self.device, hour(now), {"battery": level} if level.isdecimal() else {}, now)

    def _rows(self, what: str, kind: int, since: datetime) -> Iterator[Mapping[str, Any]]:
        for page in range(1, MOST_PAGES + 1):
            word = "keyword" if what == "sms" else "phone_number"
            found = self._ask(f"/{what}/query", {"type": kind, "page_num": page, "page_size": PAGE, word: ""})
            rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
            young = [row for row in rows if _at(row) >= since]
            yield from young
            if len(rows) < PAGE or len(young) < len(rows):  # newest first
                return

    def _ask(self, path: str, data: Mapping[str, Any]) -> Any:
        stamp = int(time.time() * 1000)
        made = hmac.new(self._secret.encode(), f"{stamp}\n{self._secret}".encode(), sha256).digest()
        body = {"data": data, "timestamp": stamp, "sign": quote(b64encode(made).decode(), safe="")}
        try:
            found = ask("POST", self._url + path, f"phone {self.device}", _HINT, json=body).read()
        except ValueError as error:
            raise self._failed("no JSON") from error
        if not isinstance(found, dict) or found.get("code") != 200:
            raise self._failed(
                str(found.get("msg", "no answer we know"))[:100] if isinstance(found, dict) else "no object"
            )
        return found.get("data")

    def _failed(self, why: str) -> OutsideError:
        return OutsideError(f"phone {self.device}: {legible(why)}", _HINT)

    def _event(self, what: str, row: Mapping[str, Any]) -> Event:
        slot = f"SIM{int(row['sim_id']) + 1}" if str(row.get("sim_id")) in ("0", "1") else ""
        number, text = (storable(str(row.get(name) or "")) for name in ("number", "content"))
        key = (self.device, slot, number, text, what, _at(row).isoformat())
        sid = f"SL{sha256(repr(key).encode()).hexdigest()}"
        sims = (self._sims.get(name) for name in (f"{self.device}/{slot}", self.device, "*"))
        to = normalise(str(row.get("via_number") or "")) or next(filter(None, sims), "")
        details = {"device": self.device, "sim": slot}
        if what == "sms":
            return Event(sid, "contact", Channel.TEXT, to, number, text, None, details, _at(row))
        seconds = str(row.get("duration") or "")
        duration = int(seconds) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 7 else None
        return Event(sid, "contact", Channel.CALL, to, number, "", duration, details, _at(row))


def _cards(cards: object) -> dict[str, str]:
    found = cards.values() if isinstance(cards, dict) else ()
    known = [(str(card.get("sim_slot_index")), text_in(card, "icc_id")) for card in found if isinstance(card, dict)]
    return {str(int(slot) + 1): number for slot, number in known if slot in ("0", "1")}


def _at(row: Mapping[str, Any]) -> datetime:
    for name in ("date", "dateLong"):
        stamp = str(row.get(name) or "")
        if stamp.isascii() and stamp.isdecimal() and len(stamp) == 13:
            return datetime.fromtimestamp(int(stamp) / 1000, UTC)
    return datetime.min.replace(tzinfo=UTC)
