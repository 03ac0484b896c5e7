"""Says what kind of contact a text or call is, from its words alone: rules, then a small model; recomputable."""

from dataclasses import dataclass
from typing import Final

from canary.listen.kinds import Kind
from canary.listen.model import Weights, likely
from canary.listen.naming import names_persona
from canary.listen.providers.base import Channel
from canary.listen.wording import Text

__all__ = ["TRIAGE_VERSION", "Heard", "Triage", "base_kind", "names_persona"]

# Raise it with every change of rules, phrases or weights: kinds are kept with the version that gave them.
TRIAGE_VERSION: int = 3

# Where the model may speak. Each voice of the texts we wrote left out in turn, it calls 3 of 199 personal texts
# `maternal` beside the 18 that the rules call so (benchmarks/triage.py).
_SURE: Final = 0.6

# A voicemail greeting's length: a robocaller's drop is shorter, a person with something to say stays longer.
_SPEECH_SECONDS: Final = 20


@dataclass(frozen=True)
class Heard:
    """What the rules may look at; `allowed` when the sender is on the allow-list, `permitted` when sender or channel
    and day stand in the calendar of permitted contacts."""

    channel: Channel
    text: str
    duration: int | None
    allowed: bool
    permitted: bool = False


@dataclass(frozen=True)
class Triage:
    """A kind, never `named` (that needs the persona), and the rule and phrase that gave it."""

    kind: Kind
    reason: str


def base_kind(heard: Heard, weights: Weights | None = None) -> Triage:
    """The kind of a contact before anyone asks whether it uses a persona's facts; `weights` instead of our own."""
    if heard.allowed:
        return Triage(Kind.AUTHORISED, "sender is on the allow-list")
    if heard.permitted:
        return Triage(Kind.AUTHORISED, "in the calendar of permitted contacts")
    if not heard.text.strip():
        return _wordless(heard)
    return _worded(Text(heard.text)) or _modelled(heard.text, weights)


def _wordless(heard: Heard) -> Triage:
    if heard.channel is not Channel.CALL:
        return Triage(Kind.OTHER, "no words")
    if heard.duration is None:
        return Triage(Kind.SILENT, "call without words, length unknown")
    if heard.duration < _SPEECH_SECONDS:
        return Triage(Kind.SILENT, f"call without words, under {_SPEECH_SECONDS} s")
    return Triage(Kind.OTHER, f"call without transcript, {_SPEECH_SECONDS} s or longer")


def _modelled(text: str, weights: Weights | None) -> Triage:
    kind, probability = likely(text, weights)
    if probability < _SURE:
        return Triage(Kind.OTHER, "no rule matched")
    return Triage(kind, f"model {probability:.2f}")


def _worded(text: Text) -> Triage | None:
    # First, because a recycled number inherits its last owner's baby-formula club and that club's codes.
    if phrase := text.without("not_codes").beside_number("codes"):
        return Triage(Kind.SERVICE, f"one-time code: {phrase}")
    if phrase := text.first("notices"):
        return Triage(Kind.SERVICE, f"notice: {phrase}")
    unmasked = text.without("masks")
    if phrase := unmasked.first("products"):
        return Triage(Kind.MATERNAL, f"sold to mothers: {phrase}")
    if (phrase := unmasked.first("people")) and not text.first("jobs"):
        return Triage(Kind.MATERNAL, f"speaks to mothers: {phrase}")
    if phrase := text.first("marketing"):
        return Triage(Kind.MARKETING, f"promotion: {phrase}")
    return None
