"""Sealing of secret fields and keyed fingerprints to find them by, from one master key."""

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from canary.errors import CanaryError, SealedError

_JSON = json.JSONEncoder(ensure_ascii=False)
WRONG_KEY = "the key does not open this registry"
WRONG_KEY_HINT = "CANARY_KEY or canary.key must be the one `canary init` made; restore it from your safe"


def new_key() -> str:
    """A fresh master key (256 bits, URL-safe base64)."""
    return Fernet.generate_key().decode()


class Vault:
    """Opens and seals fields. `secret` is one master key or several, comma-separated, newest first: the first
    seals, all open, the oldest makes fingerprints (they must never change). Raises CanaryError on a bad key."""

    def __init__(self, secret: str) -> None:
        masters = [_decode(part) for part in secret.split(",")]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(m, b"canary seal"))) for m in masters])
        self._fingerprint_key = _derive(masters[-1], b"canary fingerprint")

    def seal(self, value: Any) -> bytes:
        """Encrypt any JSON value."""
        return self._fernet.encrypt(_JSON.encode(value).encode())

    def open(self, token: bytes) -> Any:
        """The value that was sealed. Raises SealedError if the key is another one or the token was changed."""
        try:
            return json.loads(self._fernet.decrypt(token))
        except InvalidToken:
            raise SealedError(WRONG_KEY, WRONG_KEY_HINT) from None

    def seal_bytes(self, content: bytes) -> bytes:
        """Encrypt a file; a third longer than it was."""
        return self._fernet.encrypt(content)

    def open_bytes(self, token: bytes) -> bytes:
        """The file that was sealed. Raises SealedError if the key is another one or the token was changed."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise SealedError(WRONG_KEY, WRONG_KEY_HINT) from None

    def fingerprint(self, text: str) -> str:
        """HMAC-SHA256 of `text`, in hex: equal texts can be found without being readable."""
        mac = hmac.HMAC(self._fingerprint_key, hashes.SHA256())
        mac.update(text.encode())
        return mac.finalize().hex()


def _decode(part: str) -> bytes:
    try:
        master = base64.urlsafe_b64decode(part.strip())
    except ValueError:
        master = b""
    if len(master) != 32:
        raise CanaryError("the key is not 32 bytes of URL-safe base64", "use the key that `canary init` made")
    return master


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(master)
