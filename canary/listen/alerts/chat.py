"""Slack and Teams, by their incoming webhooks."""

from typing import Any

from canary.listen.alerts.base import Message, Severity, post

MARKS = {Severity.HIGH: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🟢"}
COLOURS = {Severity.HIGH: "Attention", Severity.WARNING: "Warning", Severity.INFO: "Good"}


class Slack:
    """An incoming webhook of Slack, or of whoever speaks its JSON (Mattermost, Rocket.Chat)."""

    name = "slack"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post it as text, with Slack's control characters made harmless."""
        words = f"{MARKS[message.severity]} *{_plain(message.title)}*\n{_plain(message.text)}\n`{message.key}`"
        post(self.name, self._url, json={"text": words})


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Teams:
    """A workflow of Microsoft Teams that takes adaptive cards ("when a webhook request is received")."""

    name = "teams"

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post it as an adaptive card."""
        heading = {"weight": "Bolder", "size": "Medium", "color": COLOURS[message.severity]}
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": [_block(message.title, **heading), _block(message.text), _block(message.key, isSubtle=True)],
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        post(self.name, self._url, json={"type": "message", "attachments": [attachment]})


def _block(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **look}
