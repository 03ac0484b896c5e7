"""Twilio's numbers through its official client: search, price, buy, point at us, compare, give back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioRestException

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.twilio_client import connect, told

KINDS = ("mobile", "local", "national", "toll_free")
PAGE = 1000
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # where a stand-in for Twilio runs


@dataclass(frozen=True)
class Hooks:
    """Where Twilio turns with what comes to a number, by the names its API has for these addresses."""

    sms_url: str
    sms_fallback_url: str
    voice_url: str
    voice_fallback_url: str
    status_callback: str


def hooks(public_url: str, voice_fallback_url: str = "") -> Hooks:
    """Our addresses under `public_url`. Raises CanaryError when that is none that Twilio can reach safely."""
    asked = urlsplit(public_url)
    if asked.scheme != "https" and asked.hostname not in LOOPBACK:
        raise CanaryError("public_url: not an https address", "Twilio must know where to send what it hears")
    base = f"{public_url.rstrip('/')}/hooks/twilio"
    voice, text = f"{base}/voice", f"{base}/sms"
    return Hooks(text, text, voice, voice_fallback_url or voice, f"{base}/status")


@dataclass(frozen=True)
class Offer:
    """A number that is for sale; `address` says whose address Twilio asks for: none, any, local or foreign."""

    number: str
    place: str
    sms: bool
    voice: bool
    address: str


# What a number may have instead of addresses of its own, which Twilio then ignores.
HIDING = ("sms_application_sid", "voice_application_sid", "trunk_sid")
METHODS = ("sms_method", "voice_method")


@dataclass(frozen=True)
class Rented:
    """A number of the account: E.164, Twilio's id, and how it is set up now, by the names of Twilio's API."""

    number: str
    sid: str
    points_at: Mapping[str, str]

    def differs(self, wanted: Hooks) -> list[str]:
        """The names of the settings by which what comes to it would not reach us as it should."""
        found = [name for name, url in asdict(wanted).items() if self.points_at.get(name, "") != url]
        found += [name for name in METHODS if self.points_at.get(name, "") not in ("", "POST")]
        return found + [name for name in HIDING if self.points_at.get(name)]


class TwilioNumbers:
    """The numbers of one account. Every method raises OutsideError when Twilio cannot be asked or refuses."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str = "") -> None:
        self._client = connect(account_sid, auth_token, api_url)

    def search(self, country: str, kind: str, limit: int) -> list[Offer]:
        """Up to `limit` numbers for sale that take texts and calls."""
        shop = getattr(self._client.available_phone_numbers(country), kind)
        with told("Twilio's offers"):
            found = shop.list(sms_enabled=True, voice_enabled=True, limit=limit, page_size=min(limit, PAGE))
        return [_offer(each) for each in found]

    def price(self, country: str, kind: str) -> Decimal | None:
        """What a number of that kind costs a month in the account's currency, None if Twilio sells none there."""
        with told("Twilio's prices"):
            country_prices = self._client.pricing.v1.phone_numbers.countries(country).fetch().phone_number_prices
        named = kind.replace("_", " ")
        prices = (p.get("current_price") for p in country_prices or () if p.get("number_type") == named)
        return next((Decimal(str(price)) for price in prices if price), None)

    def rented(self, number: str | None = None) -> list[Rented]:
        """The account's numbers, or the one that is `number`."""
        wanted = {"phone_number": number, "limit": 1} if number else {}
        with told("Twilio's list of numbers"):
            found = self._client.incoming_phone_numbers.list(page_size=PAGE, **wanted)
        return [_rented(each) for each in found if number in (None, each.phone_number)]

    def buy(self, number: str, wanted: Hooks, papers: Mapping[str, str]) -> Rented:
        """Rent a number; `papers` are the bundle_sid and address_sid that its country asks for."""
        with told(f"buying {number}"):
            return _rented(self._client.incoming_phone_numbers.create(phone_number=number, **asdict(wanted), **papers))

    def point(self, sid: str, wanted: Hooks) -> None:
        """Point a number at us, by POST. What hides its addresses stays: Twilio's specification has no way to take it
        off."""
        with told("setting a number's addresses"):
            self._client.incoming_phone_numbers(sid).update(**asdict(wanted), **dict.fromkeys(METHODS, "POST"))

    def give_back(self, sid: str) -> None:
        """End the rent; a number that is gone already is no error."""
        with told("giving a number back"):
            try:
                self._client.incoming_phone_numbers(sid).delete()
            except TwilioRestException as error:
                if error.status != 404:
                    raise

    def text(self, sender: str, number: str, words: str) -> str:
        """Send a text from one of the account's numbers; its SID."""
        with told("sending a text"):
            return str(self._client.messages.create(to=number, from_=sender, body=words).sid)


def _offer(found: Any) -> Offer:
    can = found.capabilities or {}
    place = ", ".join(part for part in (found.locality, found.region, found.iso_country) if part)
    able = {name.lower(): bool(value) for name, value in can.items()}
    return Offer(found.phone_number, place, able.get("sms", False), able.get("voice", False), _address(found))


def _address(found: Any) -> str:
    return str(found.address_requirements or "none")


def _rented(found: Any) -> Rented:
    if not found.sid:
        raise OutsideError("Twilio answered without a number's id", "see the console; run it again")
    names = (*Hooks.__dataclass_fields__, *METHODS, *HIDING)
    points_at = {name: getattr(found, name) or "" for name in names}
    return Rented(found.phone_number or "", found.sid, points_at)


def drift(listed: Sequence[Rented], held: Mapping[str, str], wanted: Hooks) -> dict[str, list[str]]:
    """What is wrong at Twilio, by the code of the number: settings that were changed, "gone" for a number that
    the account no longer has. `held` are codes by E.164."""
    there = {each.number: each for each in listed}
    found = {code: there[n].differs(wanted) if n in there else ["gone"] for n, code in held.items()}
    return {code: wrong for code, wrong in found.items() if wrong}
