"""The design-based score of a copy: a betting martingale whose law is our own draw, not the noise.

Theorem (docs/mathematics.md). Fix every other copy's draw and everything heard. If nothing leaked at copy j
or below it, nobody in the world knew how the release's numbers were split into planted and control, nor which
of its personas stands on which number: given the rest, both are uniform. Reveal them one by one, in an order
that depends on the calls alone. Number i is planted with probability p = (planted left) / (left); its persona
is one of the k named ones with probability k / (personas left). Each factor
`f(seen | truth) / E[f(seen | truth)]` under that law has mean exactly 1 whatever f and whatever the noise, the
running product is a martingale, and by Ville P(sup E_j >= n/alpha) <= alpha/n: whoever else leaked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from canary.trace.evidence import Channel, Event, Mark, Outcome, Release, Step

Floats = NDArray[np.float64]


def steps(release: Release, as_of: datetime) -> list[Step]:
    """Every factor of a release by `as_of`: those counted at earlier looks first, in their order, then fresh
    ones. Once counted a factor stays as it was, though a late transcript may change its contact."""
    return [s for s in release.counted if s.at <= as_of] + fresh(release, as_of)


def fresh(release: Release, as_of: datetime) -> list[Step]:
    """The factors due by `as_of` that no earlier look has counted, by time; ties by number, never by draw."""
    known = {(s.number, s.event) for s in release.counted}
    found = [s for mark in release.marks for s in _due(mark, release, as_of) if (s.number, s.event) not in known]
    return sorted(found, key=lambda s: (s.at, s.number, s.event is Event.NAME))


def _due(mark: Mark, release: Release, as_of: datetime) -> Iterator[Step]:
    heard = [h for h in mark.hits if release.start <= h.at <= as_of]
    if heard and heard[0].at <= release.end:
        first = heard[0]
        yield Step(first.at, mark.number, Event.PRESENCE, first.outcome, contact=first.contact)
    elif release.end <= as_of:
        yield Step(release.end, mark.number, Event.PRESENCE, Outcome.SILENT)
    # Silence at the close told where the number stands, not whose persona stands on it: a late name still counts.
    named = next((h for h in heard if h.names), None)
    if named is not None:
        yield Step(named.at, mark.number, Event.NAME, Outcome.NAMED, named.names, named.contact)


@dataclass(frozen=True)
class Score:
    """`log_e` now and `log_sup`, its running maximum (nats); `sup_at` is when the maximum was reached."""

    log_e: float = 0.0
    log_sup: float = 0.0
    sup_at: datetime | None = None


def score(release: Release, channel: Channel, as_of: datetime, without: frozenset[str] = frozenset()) -> Score:
    """The score of one release, leaving out the numbers in `without` (those another leak already explains).

    What earlier looks counted stays counted; but if triage has since changed its mind (a caller now on the
    allow-list, say) the score as it would be now also has to reach as far. The lesser of a valid score and
    anything else is valid, and an error found later exonerates.
    """
    ways = [release] if not release.counted else [release, replace(release, counted=())]
    return min((_summit(climb(way, channel, as_of, without)) for way in ways), key=lambda s: s.log_sup)


def _summit(climbed: Iterable[tuple[Step, float]]) -> Score:
    now, best, best_at = 0.0, 0.0, None
    for step, log_e in climbed:
        now = log_e
        if log_e > best:
            best, best_at = log_e, step.at
    return Score(now, best, best_at)


def climb(
    release: Release, channel: Channel, as_of: datetime, without: frozenset[str] = frozenset()
) -> list[tuple[Step, float]]:
    """Every factor of a release in the order it counts, with ln E after it."""
    marks = [m for m in release.marks if m.number not in without]
    kept = [s for s in steps(release, as_of) if s.number not in without]
    return list(zip(kept, path(marks, kept, channel), strict=True))


def path(marks: Sequence[Mark], kept: Sequence[Step], channel: Channel) -> Iterator[float]:
    """ln E after each step: the mean over `channel.hit_rates` of the product of factors.

    A mean of martingales is a martingale, so not knowing the hit rate costs at most ln(len(hit_rates)).
    """
    presence, naming = _Presence(marks, channel), _Naming(marks, channel)
    log_bets: Floats = np.zeros(len(channel.hit_rates))
    for step in kept:
        log_bets += presence.factor(step) if step.event is Event.PRESENCE else naming.factor(step)
        yield float(np.logaddexp.reduce(log_bets) - np.log(len(log_bets)))


class _Presence:
    """ln f(rang or not | planted or not) over its mean under the draw; each number is revealed once."""

    def __init__(self, marks: Sequence[Mark], channel: Channel) -> None:
        self._planted = {m.number: m.planted for m in marks}
        self._block = {m.number: m.block for m in marks}
        self._left = Counter(m.block for m in marks)
        self._planted_left = Counter(m.block for m in marks if m.planted)
        self._rang, self._silent = likelihoods(True, channel), likelihoods(False, channel)

    def factor(self, step: Step) -> Floats:
        block, planted = self._block[step.number], self._planted[step.number]
        p = self._planted_left[block] / self._left[block]
        in_copy, outside = self._silent if step.outcome is Outcome.SILENT else self._rang
        self._left[block] -= 1
        self._planted_left[block] -= planted
        revealed = in_copy if planted else outside
        found: Floats = np.log(revealed) - np.log(p * in_copy + (1 - p) * outside)
        return found


class _Naming:
    """ln f(these names used | the persona on this number) over its mean under the draw of personas.

    Nothing is learnt from a control: whoever rings it cannot hold this copy's row for it.
    """

    def __init__(self, marks: Sequence[Mark], channel: Channel) -> None:
        self._planted = {m.number for m in marks if m.planted}
        self._left = {m.number for m in marks}
        self._right = channel.right_name

    def factor(self, step: Step) -> float:
        share = len(step.names & self._left) / len(self._left)
        own = step.number in step.names
        self._left.discard(step.number)
        if step.number not in self._planted:
            return 0.0
        mean = share * self._right + (1 - share) * (1 - self._right)
        return float(np.log(self._right if own else 1 - self._right) - np.log(mean))


def likelihoods(rang: bool, channel: Channel) -> tuple[Floats, Floats]:
    """P(rang, or not | planted in the leaked copy) and the same for any other number, one value per hit rate.

    Whether a name was used is left to its own factor: controls are named too, by people's commonest names.
    """
    hit_rates = np.array(channel.hit_rates)
    in_copy = hit_rates + (1 - hit_rates) * channel.background
    outside = np.full_like(in_copy, channel.background)
    return (in_copy, outside) if rang else (1 - in_copy, 1 - outside)
