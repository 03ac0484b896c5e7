"""Any JSON webhook, signed: HMAC-SHA256 over timestamp and body, so that a copy of an old one is told."""

import hmac
import json
import time

from canary.listen.alerts.base import Message, post


class Webhook:
    """POSTs `canary-alert/1` to `url`. `X-Canary-Signature` is "sha256=" and the hex HMAC-SHA256, with the secret, of
    the `X-Canary-Timestamp` (Unix seconds), a full stop, and the body; `Idempotency-Key` is the alert's key."""

    name = "webhook"

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._secret = secret.encode()

    def send(self, message: Message) -> None:
        """Post it."""
        body = json.dumps({"format": "canary-alert/1", **_fields(message)}, ensure_ascii=False).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            "X-Canary-Timestamp": stamp,
            "X-Canary-Signature": f"sha256={signature(self._secret, stamp, body)}",
        }
        post(self.name, self._url, data=body, headers=headers)


def signature(secret: bytes, stamp: str, body: bytes) -> str:
    """The signature of a body sent at that time, in hex."""
    return hmac.new(secret, stamp.encode() + b"." + body, "sha256").hexdigest()


def _fields(message: Message) -> dict[str, str]:
    return {
        "id": message.key,
        "at": message.at.isoformat(),
        "scope": message.scope,
        "severity": message.severity.value,
        "title": message.title,
        "text": message.text,
    }
