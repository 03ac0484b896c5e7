"""Twilio's own log of texts, calls and recordings, and its alerts, read back through its official client."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from twilio.base.exceptions import TwilioException

from canary.listen.providers.base import Channel, Event
from canary.listen.providers.twilio_client import connect, told

PAGE = 1000
ALERTED = timedelta(days=30)  # Twilio keeps alerts no longer
MOST_ALERTS = 500  # each must be fetched by itself
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class TwilioLog:
    """The log of one account; `api_url` is where its API is reached, Twilio itself if empty."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str = "") -> None:
        self._client = connect(account_sid, auth_token, api_url)

    def since(self, since: datetime) -> Iterator[Event]:
        """What came in since then, and up to two days before: Twilio's filters know whole days only. Keyed as the
        webhooks are. Raises OutsideError; what was yielded before is good."""
        day = datetime.combine(since.astimezone(UTC).date(), datetime.min.time(), UTC) - timedelta(days=1)
        with told("Twilio's log"):
            for message in self._client.messages.stream(date_sent_after=day, page_size=PAGE):
                yield from _text(message)
            for call in self._client.calls.stream(start_time_after=day, page_size=PAGE):
                yield from _call(call)
            recordings = self._client.recordings
            for recording in recordings.stream(date_created_after=day, include_soft_deleted=True, page_size=PAGE):
                yield from _recording(recording)

    def failures(self, since: datetime) -> Iterator[tuple[str, str, datetime]]:
        """Requests to a server that failed, newest first: their address, their variables as they were sent, and when.
        Raises OutsideError."""
        start = max(since.astimezone(UTC), datetime.now(UTC) - ALERTED).date()
        with told("Twilio's alerts"):
            for alert in self._alerts(start):
                if not alert.request_url or not alert.sid:
                    continue  # nothing was asked of a server
                whole = self._client.monitor.v1.alerts(alert.sid).fetch()
                at = alert.date_generated or alert.date_created or datetime.now(UTC)
                yield alert.request_url, whole.request_variables or "", at

    def _alerts(self, start: date) -> list[Any]:
        alerts = self._client.monitor.v1.alerts
        try:
            return list(alerts.list(start_date=start, limit=MOST_ALERTS, page_size=MOST_ALERTS))
        except TwilioException as error:
            if any(getattr(each, "status_code", 0) == 404 for each in error.args):
                return []  # not Twilio, but a gateway or an emulator that has none
            raise


def _text(message: Any) -> Iterator[Event]:
    if message.direction != "inbound":
        return
    sender, media = message.from_ or "", int(message.num_media or 0)
    channel = Channel.MESSAGE if media or ":" in sender else Channel.TEXT
    details = {"NumMedia": str(media), "SmsStatus": str(message.status or "")}
    at = message.date_sent or message.date_created
    yield Event(message.sid, "contact", channel, message.to or "", sender, message.body or "", None, details, at)


def _call(call: Any) -> Iterator[Event]:
    if call.direction != "inbound":
        return
    at = call.start_time or call.date_created
    # The client calls it `_from`, for "from" is a word of Python.
    yield Event(call.sid, "contact", Channel.CALL, call.to or "", call._from or "", at=at)
    if call.status in _OVER:
        yield Event(call.sid, f"status:{call.status}", Channel.CALL, duration=int(call.duration or 0), at=at)


def _recording(recording: Any) -> Iterator[Event]:
    if not recording.call_sid:
        return
    named = {
        "RecordingSid": recording.sid,
        "RecordingDuration": recording.duration,
        "RecordingUrl": recording.media_url,
    }
    details = {name: str(value) for name, value in named.items() if value}
    part = f"recording:{recording.sid}:{recording.status}"
    yield Event(recording.call_sid, part, Channel.CALL, details=details, at=recording.date_created)
