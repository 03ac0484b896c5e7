"""What Twilio signs of a request and how: forms and JSON, by the account's token or by a shared key."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qs, unquote_to_bytes

from twilio.request_validator import HMAC_SHA256, SIGNATURE_SETTINGS_HEADER, RequestValidator

from canary.listen.providers.base import RawRequest, Signature


class Signatures:
    """Those that `auth_token` gives, and shared keys by their ids; false if it holds neither."""

    def __init__(self, auth_token: str, shared_keys: Mapping[str, str]) -> None:
        self._validator = RequestValidator(auth_token) if auth_token else None
        self._shared = {key: RequestValidator(secret) for key, secret in shared_keys.items() if secret}

    def __bool__(self) -> bool:
        return self._validator is not None or bool(self._shared)

    def verify(self, request: RawRequest) -> Signature:
        """Compare a request's signature with the one our keys give; never raises."""
        signature = request.headers.get("x-twilio-signature", "")
        if not signature:
            return Signature.MISSING
        settings = request.headers.get(SIGNATURE_SETTINGS_HEADER.lower(), "")
        try:
            good = self._shared_match(request, signature, settings) if settings else self._matches(request, signature)
        except (TypeError, ValueError):  # the validator's own: bad port, JSON without bodySHA256, stray bytes
            good = False
        return Signature.GOOD if good else Signature.BAD

    def _shared_match(self, request: RawRequest, signature: str, settings: str) -> bool:
        # The header names a key, never an algorithm of its choice: a key of ours signs by HMAC-SHA256 and nothing else.
        named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
        validator = self._shared.get(named.get("key", ""))
        return (
            validator is not None
            and named.get("algorithm") == HMAC_SHA256
            and _match(validator, request, signature, HMAC_SHA256)
        )

    def _matches(self, request: RawRequest, signature: str) -> bool:
        if self._validator is None:
            return False
        plain = plain_signature(self._validator.token, request)
        good = plain is not None and hmac.compare_digest(plain, signature.encode())
        return good or _match(self._validator, request, signature)


def plain_signature(token: bytes, request: RawRequest) -> bytes | None:
    """How Twilio signs a form (HMAC-SHA1 over the URL and the fields in order of name), at a fifth of the validator's
    work; None for a form that could be read in more than one way, and for JSON: these are left to the validator."""
    if is_json(request) or not request.body.isascii():
        return None
    fields = [field.partition(b"=") for field in request.body.split(b"&")]
    form = {name: value for name, equals, value in fields if equals and name.isalnum()}
    signed = b"".join(name + unquote_to_bytes(form[name].replace(b"+", b" ")) for name in sorted(form))
    if len(form) < len(fields) or not _is_utf8(signed):
        return None
    return b64encode(hmac.digest(token, request.url.encode() + signed, "sha1"))


def _is_utf8(text: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        text.decode()
        return True
    return False


def _match(validator: RequestValidator, request: RawRequest, signature: str, algorithm: str | None = None) -> bool:
    if is_json(request):
        return bool(validator.validate(request.url, request.body.decode(), signature, algorithm))
    form = parsed_form(request.body, strict=True)
    # First the URL as it is: nearly always this is what was signed, and the validator computes two others. It would
    # also drop "user:password@" from the URL, which Twilio signs as given.
    expected = validator.compute_signature(request.url, form, algorithm)
    if hmac.compare_digest(expected.encode(), signature.encode()):
        return True
    return bool(validator.validate(request.url, form, signature, algorithm))


class Form(dict[str, list[str]]):
    """A form as the validator wants it: repeated parameters through `getlist`."""

    def getlist(self, name: str) -> list[str]:
        """The values of a parameter, in order."""
        return self[name]


def parsed_form(body: bytes, *, strict: bool = False) -> Form:
    """The parameters of a form. `strict` raises ValueError on a field without "=": the signature joins names and values
    without it, so "a&b" would pass for a signed "a=b"."""
    if not body:
        return Form()
    text = body.decode("utf-8", "replace")
    return Form(parse_qs(text, keep_blank_values=True, strict_parsing=strict, errors="replace"))


def is_json(request: RawRequest) -> bool:
    """Whether the body calls itself JSON."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower().endswith("json")
