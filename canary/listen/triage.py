"""Says what kind of contact a text or call is, from its words alone: rules and a small model; recomputable."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from canary.listen.kinds import Kind
from canary.listen.model import Weights, probabilities
from canary.listen.providers.base import Channel
from canary.listen.wording import Text, runs

# Raise it with every change of rules, phrases or weights: kinds are kept with the version that gave them.
TRIAGE_VERSION: int = 6

# From here the model's word is taken. A text wrongly called `maternal` harms an innocent copy, one that is missed only
# costs time: so high that, each voice of the texts we wrote left out in turn, at most 3 of 100 personal texts are
# called so (benchmarks/triage.py).
_SURE: Final = 0.6

# And from here where a text says less: a part of it, for people speak of many things, and Chinese in Latin letters. So
# high that hardly any personal text is added (benchmarks/disguises.py).
_SURER: Final = 0.85

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
    text = Text(heard.text)
    code = one_time_code(text)
    whole = code or _weighed(heard.text, worded(text), _SURER if text.spelled else _SURE, weights)
    if whole.kind is Kind.MATERNAL:
        return whole
    return _in_part(runs(heard.text, at_numbers=code is not None), weights) or whole


def _in_part(parts: Iterable[str], weights: Weights | None) -> Triage | None:
    """What a part of a text sells the text sells, whatever is put in front of it or behind: a code, a kind word."""
    surest = max((probabilities(part, weights).get(Kind.MATERNAL, 0.0) for part in parts), default=0.0)
    return Triage(Kind.MATERNAL, f"model, a part {surest:.2f}") if surest >= _SURER else None


def _wordless(heard: Heard) -> Triage:
    if heard.channel is not Channel.CALL:
        return Triage(Kind.OTHER, "no words")
    if heard.duration is None:
        return Triage(Kind.SILENT, "call without words, length unknown")
    if heard.duration < _SPEECH_SECONDS:
        return Triage(Kind.SILENT, f"call without words, under {_SPEECH_SECONDS} s")
    return Triage(Kind.OTHER, f"call without transcript, {_SPEECH_SECONDS} s or longer")


def _weighed(text: str, rule: Triage | None, sure: float, weights: Weights | None) -> Triage:
    """What a rule and the model, believed from `sure` on, say together: phrases of sellers are in friends' mouths too,
    so that no rule calls a text `maternal` by itself, and none can keep the model from it."""
    probable = probabilities(text, weights)
    sold = probable.get(Kind.MATERNAL, 0.0)
    if sold >= sure:
        told = rule.reason.partition(": ") if rule and rule.kind is Kind.MATERNAL else ("model", "", "")
        return Triage(Kind.MATERNAL, f"{told[0]} {sold:.2f}{told[1]}{told[2]}")
    if rule and rule.kind is not Kind.MATERNAL:
        return rule
    kind, best = max(((kind, p) for kind, p in probable.items() if kind is not Kind.MATERNAL), key=lambda one: one[1])
    return Triage(kind, f"model {best:.2f}") if best >= _SURE else Triage(Kind.OTHER, "no rule matched")


def one_time_code(text: Text) -> Triage | None:
    """The rule that comes before all but what is sold beside the code."""
    # Because a recycled number inherits its last owner's baby-formula club and that club's codes.
    phrase = text.without("not_codes").beside_number("codes")
    return Triage(Kind.SERVICE, f"one-time code: {phrase}") if phrase else None


def worded(text: Text) -> Triage | None:
    """What the rules say by themselves."""
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
