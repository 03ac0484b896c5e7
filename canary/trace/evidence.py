"""What the arithmetic sees: the marks of every release and what was heard on their numbers."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from canary.trace.law import Law


class Outcome(StrEnum):
    """What one number gave: nothing recognised, a caller who sells to mothers, one who knew the persona."""

    SILENT = "silent"
    MATERNAL = "maternal"
    NAMED = "named"


@dataclass(frozen=True)
class Hit:
    """A recognised contact on one number. `names` are the numbers of this release whose personas it used: the
    number's own if the caller holds this copy, another's or none otherwise."""

    at: datetime
    outcome: Outcome
    contact: int
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mark:
    """One number as one release sees it: planted in the copy, or a control of the same block.

    `hits` are the recognised contacts since the hand-over, oldest first. Every number of a release, control or
    planted, has a persona, and which persona stands on which number is drawn too: so both are judged alike.
    `due` is that persona's due date, if the table has any: it tells when calls are to be expected.
    """

    number: str
    block: str
    planted: bool
    hits: tuple[Hit, ...] = ()
    due: date | None = None

    def outcome(self, start: datetime, end: datetime) -> Outcome:
        """What this number gave between two moments: the first recognised contact, told by its own persona."""
        hit = next((h for h in self.hits if start <= h.at <= end), None)
        if hit is None:
            return Outcome.SILENT
        return Outcome.NAMED if self.number in hit.names else Outcome.MATERNAL


class Merge(StrEnum):
    """How two leakers merge their files: `union` keeps all rows of each, `interleaved` takes every row from one of
    them, drawn by lot."""

    UNION = "union"
    INTERLEAVED = "interleaved"


class Event(StrEnum):
    """What a number may reveal about a release, once each: that it rang (or not), and which name was used."""

    PRESENCE = "presence"
    NAME = "name"


@dataclass(frozen=True)
class Step:
    """One factor of a score: counted at `at`, once per (release, number, event), and never counted again."""

    at: datetime
    number: str
    event: Event
    outcome: Outcome
    names: frozenset[str] = frozenset()
    contact: int | None = None


@dataclass(frozen=True)
class Release:
    """One copy handed over at `start`, its marks, and `carried`: the canaries it inherited from its sources,
    as marks whose hits are those since this copy's own hand-over. The window closes at `end`. `counted` are
    the factors of earlier looks, in the order they were counted. `law` is how its numbers were drawn."""

    copy: str
    recipient: str
    start: datetime
    end: datetime
    marks: tuple[Mark, ...]
    sources: tuple[str, ...] = ()
    carried: tuple[Mark, ...] = ()
    counted: tuple[Step, ...] = ()
    law: Law = Law.EXCLUSIVE


@dataclass(frozen=True)
class Evidence:
    """Everything a trace reads, as of one moment."""

    as_of: datetime
    releases: tuple[Release, ...]


@dataclass(frozen=True)
class Channel:
    """The assumed noise: P(outcome | in the leaked copy or not) within one window.

    Used for power and the posterior; a wrong one never raises the false-accusation rate. `right_name` is
    P(the name used is the number's own | the caller used one and holds this copy). The score averages
    over `hit_rates`; the smallest is for a leak of few rows.
    """

    background: float = 0.02
    named_share: float = 0.3
    named_in_background: float = 0.005
    right_name: float = 0.999
    hit_rates: tuple[float, ...] = (0.01, 0.1, 0.3, 0.6, 0.9)

    @property
    def named_background(self) -> float:
        """P(named by chance): a small share of the background, however large that is found to be."""
        return self.background * self.named_in_background

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
