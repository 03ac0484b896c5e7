"""What the arithmetic sees: the marks of every release and what was heard on their numbers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What one number gave: nothing recognised, a caller who sells to mothers, one who knew the persona."""

    SILENT = "silent"
    MATERNAL = "maternal"
    NAMED = "named"


@dataclass(frozen=True)
class Hit:
    """A recognised contact on one number."""

    at: datetime
    outcome: Outcome
    contact: int


@dataclass(frozen=True)
class Mark:
    """One number as one release sees it: planted in the copy, or a control of the same block.

    `hits` are the recognised contacts since the hand-over, oldest first; a control's are judged against the
    shadow persona it would have carried, so that planted and control numbers are judged alike.
    """

    number: str
    block: str
    planted: bool
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True)
class Release:
    """One copy handed over at `start`, its marks, and `carried`: the canaries it inherited from its sources,
    as marks whose hits are those since this copy's own hand-over. The window closes at `end`."""

    copy: str
    recipient: str
    start: datetime
    end: datetime
    marks: tuple[Mark, ...]
    sources: tuple[str, ...] = ()
    carried: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything a trace reads, as of one moment."""

    as_of: datetime
    releases: tuple[Release, ...]


@dataclass(frozen=True)
class Channel:
    """The assumed noise: P(outcome | in the leaked copy or not) within one window.

    Used for power and the posterior; a wrong one never raises the false-accusation rate.
    """

    background: float = 0.02
    named_share: float = 0.3
    named_background: float = 1e-4
    hit_rates: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)

    def given_leak(self, outcome: Outcome, hit_rate: float) -> float:
        """P(outcome | the number stands in the leaked copy), background included."""
        heard = hit_rate + (1 - hit_rate) * self.background
        named = hit_rate * self.named_share + (1 - hit_rate) * self.named_background
        return {Outcome.SILENT: 1 - heard, Outcome.NAMED: named, Outcome.MATERNAL: heard - named}[outcome]

    def given_none(self, outcome: Outcome) -> float:
        """P(outcome | the number stands in no leaked copy)."""
        return {
            Outcome.SILENT: 1 - self.background,
            Outcome.NAMED: self.named_background,
            Outcome.MATERNAL: self.background - self.named_background,
        }[outcome]
