"""The words a verdict may use and the plain values that carry the findings of a trace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from canary.trace.evidence import Merge


class Word(StrEnum):
    """What is said about a copy; `leaked` means "this copy or one made from it"."""

    LEAKED = "leaked"
    LIKELY = "likely"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Rival:
    """Another copy that could explain the same contacts, with its posterior probability."""

    copy: str
    posterior: float


@dataclass(frozen=True)
class Window:
    """The days between which the leak must have happened: hand-over of the copy to first contact heard."""

    start: date
    end: date


@dataclass(frozen=True)
class Verdict:
    """What is said about one copy: `log_e` (running maximum, nats) against `threshold` = ln(copies/alpha).

    `explained_by` names an accused copy made from this one whose leak already explains what was heard.
    """

    copy: str
    recipient: str
    word: Word
    log_e: float
    threshold: float
    posterior: float
    contacts: tuple[int, ...] = ()
    window: Window | None = None
    rivals: tuple[Rival, ...] = ()
    explained_by: str | None = None


@dataclass(frozen=True)
class Pair:
    """Two merged copies explain what was heard, and no single one does, if at most two leaked and calls come as
    assumed: `posterior` that it was these two, merged as `merge` says; `sure` are the copies that leaked whichever
    the other was. `log_e` (nats, None under the exclusive law) against `threshold` = ln(pairs/alpha) says that at
    least one of the two leaked, whatever the noise and however many leaked."""

    copies: tuple[str, str]
    merge: Merge
    posterior: float
    sure: tuple[str, ...]
    log_e: float | None
    threshold: float


@dataclass(frozen=True)
class Shown:
    """What one find (files that turned up together, `rows` in all) says of one copy: `present` of its `planted`
    canaries stand there, and `by_chance` of the `spared`, its controls and shadows, which were planted nowhere. The
    copy was handed over on the day `since`.

    A find is a test of its own: `log_e` (nats) against its own `threshold`; `log_ratio` is ln of how much likelier the
    find is if this copy leaked (modelled).
    """

    find: int
    at: datetime
    rows: int
    copy: str
    word: Word
    log_e: float
    threshold: float
    log_ratio: float
    present: int
    planted: int
    by_chance: int
    spared: int
    since: date
    explained_by: str | None = None


@dataclass(frozen=True)
class Findings:
    """A whole trace; `smallest_visible_leak` is the smallest fraction of one copy whose leak would have been
    seen with 95 % probability, or None when even a whole copy would not. `found` is what found files say."""

    as_of: datetime
    alpha: float
    verdicts: tuple[Verdict, ...]
    none_posterior: float
    smallest_visible_leak: float | None
    contacts: Mapping[str, int]
    pair: Pair | None = None
    found: tuple[Shown, ...] = ()
