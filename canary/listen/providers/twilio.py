"""Twilio: checks its signatures, reads its webhooks, answers calls with notice and recorder."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from types import MappingProxyType
from urllib.parse import urlsplit

from twilio.twiml.messaging_response import MessagingResponse

from canary.errors import CanaryError
from canary.listen.providers.base import (
    Archive,
    Attested,
    Channel,
    Event,
    Phone,
    Provider,
    RawRequest,
    Reply,
    Signature,
    storable,
)
from canary.listen.providers.twilio_log import TwilioLog
from canary.listen.providers.twilio_signature import Signatures, is_json, parsed_form
from canary.listen.providers.twilio_voice import TURNS, Script
from canary.listen.voice import Desk, Greeting, Way

_CALL_SIDS = ("CallSid",)
_TEXT_SIDS = ("MessageSid", "SmsSid", "SmsMessageSid")
_PART_SIDS = ("RecordingSid", "TranscriptionSid")
# Held by the event's own fields, or a credential (CallToken lets its holder place a call).
_NOT_DETAILS = frozenset(
    {*_CALL_SIDS, *_TEXT_SIDS, "AccountSid", "ApiVersion", "Body", "CallToken", "From", "To"}
    | {"SpeechResult", "TranscriptionData", "TranscriptionText"}
)


_TURNS = {f"turn-{number}": number for number in range(1, TURNS + 1)}
INBOUND = "com.twilio.messaging.inbound-message.received"


class TwilioProvider(Provider):
    """Webhooks of Twilio numbers; `callback_base` is where the endpoints hang, "https://host/hooks/twilio",
    `shared_keys` are secrets by key id, for numbers whose webhooks are signed by such keys, `log` is the account's."""

    name = "twilio"
    endpoints = frozenset({"sms", "voice", "status", "recording", "transcription", "events", *_TURNS})
    attested = Attested.PROVIDER

    def __init__(
        self,
        auth_token: str,
        callback_base: str = "",
        script: Script | None = None,
        shared_keys: Mapping[str, str] = MappingProxyType({}),
        log: TwilioLog | None = None,
        archive: Archive | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._log = log
        self.archive = archive
        self._signatures = Signatures(auth_token, shared_keys)
        self._replies = {endpoint: Reply(200, MessagingResponse().to_xml()) for endpoint in self.endpoints}
        self._script, self.desk = script or Script(callback_base), desk
        usual = desk.usual if desk else Greeting()
        self._replies |= {name: self._say(name, usual) for name in ("voice", *_TURNS)}

    def verify(self, request: RawRequest) -> Signature:
        """Compare the signature with the one our token gives; never raises."""
        return self._signatures.verify(request)

    def parse(self, endpoint: str, request: RawRequest) -> tuple[Event, ...]:
        """The events of a request: what Twilio adds without notice is kept, what it leaves out is blank."""
        if endpoint == "events":
            return _stream(request)
        if (reader := _READERS.get(endpoint)) is None:
            raise CanaryError(f"Twilio has no endpoint {endpoint!r}", f"use {', '.join(sorted(self.endpoints))}")
        return reader(_parameters(request))

    def reply(self, endpoint: str) -> Reply:
        """TwiML made at start-up: a call is answered even while the database is away."""
        return self._replies[endpoint]

    def answer(self, endpoint: str, request: RawRequest) -> Reply:
        """As `reply`, but in the words of the number that is called, and not to somebody who calls too often."""
        if self.desk is None or endpoint not in ("voice", *_TURNS):
            return self.reply(endpoint)
        try:
            named = _parameters(request)
            greeting = self.desk.greeting(named.get("To", ""))
            if endpoint == "voice":
                way = self.desk.way(named.get("CallSid", ""), named.get("From", ""), request.at)
                if way is Way.GOODBYE:
                    return Reply(200, self._script.goodbye(greeting))
                if way is Way.REFUSE:
                    return Reply(200, self._script.refuse())
            return self._say(endpoint, greeting)
        except CanaryError:
            return self.reply(endpoint)

    def _say(self, endpoint: str, greeting: Greeting) -> Reply:
        turn = _TURNS.get(endpoint)
        return Reply(200, self._script.turn(greeting, turn) if turn else self._script.begin(greeting))

    def backfill(self, since: datetime) -> Iterator[Event] | None:
        """Texts, calls and recordings of the account, once it is known, and what its alerts say of requests that failed
        on the way to us."""
        return chain(self._log.since(since), self._failures(self._log, since)) if self._log else None

    def _failures(self, log: TwilioLog, since: datetime) -> Iterator[Event]:
        for url, variables, at in log.failures(since):
            path = urlsplit(url.partition("#")[0]).path
            hooks, _, endpoint = path.rpartition("/")
            if not hooks.endswith("/hooks/twilio") or endpoint not in _READERS:
                continue
            request = RawRequest(url, {"content-type": "json" if variables.startswith("{") else ""}, variables.encode())
            with suppress(CanaryError):  # without a SID, or none of our addresses
                yield from (replace(event, path="alert", at=at) for event in _READERS[endpoint](_parameters(request)))

    def health(self, phones: Sequence[Phone] = ()) -> tuple[str, ...]:
        """Whether anything could verify."""
        return () if self._signatures else ("no token: every request is refused",)


def _parameters(request: RawRequest) -> Mapping[str, str]:
    if not is_json(request):
        return {name: storable(values[0]) for name, values in parsed_form(request.body).items()}
    found = _json_object(request.body.decode("utf-8", "replace"))
    if found is None:
        raise CanaryError("Twilio sent a body that is no JSON object")
    return {storable(name): _plain(value) for name, value in found.items()}


def _plain(value: object) -> str:
    # Forms know only texts: JSON numbers and truth values are spelled as a form would.
    return storable(value) if isinstance(value, str) else "" if value is None else json.dumps(value)


def _json_object(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # too deep to be Twilio's
        return None
    return found if isinstance(found, dict) else None


def _sid(parameters: Mapping[str, str], *names: str) -> str:
    for name in (*names, *_CALL_SIDS, *_TEXT_SIDS, *_PART_SIDS):
        if sid := parameters.get(name, "").strip():
            return sid
    raise CanaryError("Twilio sent a request without any SID", "the raw request is kept, look at it there")


def _seconds(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def _event(parameters: Mapping[str, str], sid: str, part: str, channel: Channel) -> Event:
    details = {name: value for name, value in parameters.items() if value and name not in _NOT_DETAILS}
    sender = parameters.get("From", "").strip()
    return Event(sid, part, channel, parameters.get("To", "").strip(), sender, details=MappingProxyType(details))


def _text(parameters: Mapping[str, str]) -> tuple[Event, ...]:
    sender = parameters.get("From", "")
    media = "MediaUrl0" in parameters or (_seconds(parameters.get("NumMedia", "")) or 0) > 0
    # "whatsapp:+44…", "messenger:…", "rcs:…": only a plain text message has no scheme.
    channel = Channel.MESSAGE if media or ":" in sender else Channel.TEXT
    contact = _event(parameters, _sid(parameters, *_TEXT_SIDS), "contact", channel)
    return (replace(contact, text=parameters.get("Body") or parameters.get("ButtonText", "")),)


def _voice(parameters: Mapping[str, str]) -> tuple[Event, ...]:
    return (_event(parameters, _sid(parameters), "contact", Channel.CALL),)


def _status(parameters: Mapping[str, str]) -> tuple[Event, ...]:
    sid = _sid(parameters)
    channel = Channel.CALL if parameters.get("CallSid") else Channel.TEXT
    state = parameters.get("CallStatus") or parameters.get("MessageStatus") or parameters.get("SmsStatus", "")
    # One call passes the same state twice (a retry) or two in one second: the number tells them apart.
    part = ":".join(filter(None, ("status", state or "unknown", parameters.get("SequenceNumber", ""))))
    # "Duration" is the same in billed minutes.
    seconds = _seconds(parameters.get("CallDuration", ""))
    status = replace(_event(parameters, sid, part, channel), duration=seconds)
    inbound = channel is Channel.CALL and not parameters.get("Direction", "").startswith("outbound")
    if inbound and status.sender and status.to:
        return (replace(status, part="contact", duration=None), status)
    return (status,)


def _recording(parameters: Mapping[str, str]) -> tuple[Event, ...]:
    # The action of <Record> comes here too, and has no RecordingStatus.
    state = parameters.get("RecordingStatus") or "ended"
    part = f"recording:{parameters.get('RecordingSid', '')}:{state}"
    return (_event(parameters, _sid(parameters), part, Channel.CALL),)


def _said(turn: int, parameters: Mapping[str, str]) -> tuple[Event, ...]:
    """What a caller said to a question, and the call itself, should its own request never have come."""
    contact = _event(parameters, _sid(parameters), "contact", Channel.CALL)
    said = parameters.get("SpeechResult", "")
    words = (replace(contact, part=f"speech:{turn}", text=said),) if said.strip() else ()
    return (contact, *words) if contact.to and contact.sender else words


def _transcription(parameters: Mapping[str, str]) -> tuple[Event, ...]:
    sid = _sid(parameters)
    if "TranscriptionData" in parameters:
        final = parameters.get("Final", "true").lower() != "false"
        said = (_json_object(parameters["TranscriptionData"]) or {}).get("transcript", "")
    else:  # the older <Record transcribe>
        final = parameters.get("TranscriptionStatus", "completed") == "completed"
        said = parameters.get("TranscriptionText", "")
    if not final or not isinstance(said, str) or not said.strip():
        return ()
    part = f"transcription:{parameters.get('TranscriptionSid', '')}:{parameters.get('SequenceId', '0')}"
    return (replace(_event(parameters, sid, part, Channel.CALL), text=storable(said)),)


def _stream(request: RawRequest) -> tuple[Event, ...]:
    """Event Streams: a JSON array of CloudEvents, at least once and in any order, texts among them."""
    try:
        events = json.loads(request.body)
    except (ValueError, RecursionError):
        events = None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise CanaryError("Twilio sent a stream that is no JSON array of events")
    received = [event.get("data") for event in events if event.get("type") == INBOUND]
    found: list[Event] = []
    for data in received:
        if isinstance(data, dict):
            named = {storable(name[:1].upper() + name[1:]): _plain(value) for name, value in data.items()}
            found += _text(named)
    return tuple(found)


_READERS: dict[str, Callable[[Mapping[str, str]], tuple[Event, ...]]] = {
    "sms": _text,
    "voice": _voice,
    "status": _status,
    "recording": _recording,
    "transcription": _transcription,
    **{name: partial(_said, turn) for name, turn in _TURNS.items()},
}
