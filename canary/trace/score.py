"""The design-based score of a copy: a betting martingale whose law is our own draw, not the noise.

Theorem (docs/mathematics.md). Fix every other copy's draw and everything heard. If nothing leaked at copy j
or below it, nobody in the world knew how the block's remaining numbers were split into "planted in j" and
"control", so given the others that split is a uniform subset. Reveal the numbers one by one in the order they
resolved; number i is planted with probability p = (planted left) / (left), and
`f(Y_i | X_i) / (p f(Y_i | 1) + (1 - p) f(Y_i | 0))` has mean exactly 1 whatever f and whatever the noise. The
running product is a martingale, so by Ville P(sup E_j >= n/alpha) <= alpha/n: whoever else leaked.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from canary.trace.evidence import Channel, Mark, Outcome, Release

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resolved:
    """One (release, number) that has given its one factor: at its first recognised contact, or in silence
    when the window closed."""

    at: datetime
    mark: Mark
    outcome: Outcome


def resolve(release: Release, as_of: datetime) -> list[Resolved]:
    """The marks of a release resolved by `as_of`, in the order they resolved; ties by number, never by X."""
    resolved = []
    for mark in release.marks:
        hit = next((h for h in mark.hits if release.start <= h.at <= min(as_of, release.end)), None)
        if hit is not None:
            resolved.append(Resolved(hit.at, mark, hit.outcome))
        elif release.end <= as_of:
            resolved.append(Resolved(release.end, mark, Outcome.SILENT))
    return sorted(resolved, key=lambda r: (r.at, r.mark.number))


@dataclass(frozen=True)
class Score:
    """`log_e` now and `log_sup`, its running maximum (nats); `sup_at` is when the maximum was reached."""

    log_e: float = 0.0
    log_sup: float = 0.0
    sup_at: datetime | None = None


def score(release: Release, channel: Channel, as_of: datetime, without: frozenset[str] = frozenset()) -> Score:
    """The score of one release, leaving out the numbers in `without` (those another leak already explains)."""
    marks = [m for m in release.marks if m.number not in without]
    kept = [r for r in resolve(release, as_of) if r.mark.number not in without]
    now, best, best_at = 0.0, 0.0, None
    for step, log_e in zip(kept, path(marks, kept, channel), strict=True):
        now = log_e
        if log_e > best:
            best, best_at = log_e, step.at
    return Score(now, best, best_at)


def path(marks: Sequence[Mark], resolved: Sequence[Resolved], channel: Channel) -> Iterator[float]:
    """ln E after each resolved number: the mean over `channel.hit_rates` of the product of factors.

    A mean of martingales is a martingale, so not knowing the hit rate costs at most ln(len(hit_rates)).
    """
    left = Counter(m.block for m in marks)
    planted_left = Counter(m.block for m in marks if m.planted)
    log_bets: Floats = np.zeros(len(channel.hit_rates))
    for step in resolved:
        block = step.mark.block
        p = planted_left[block] / left[block]
        in_copy, outside = likelihoods(step.outcome, channel)
        log_bets += np.log(in_copy if step.mark.planted else outside) - np.log(p * in_copy + (1 - p) * outside)
        left[block] -= 1
        planted_left[block] -= step.mark.planted
        yield float(np.logaddexp.reduce(log_bets) - np.log(len(log_bets)))


def likelihoods(outcome: Outcome, channel: Channel) -> tuple[Floats, Floats]:
    """f(outcome | planted in the leaked copy) and f(outcome | not), one value per assumed hit rate."""
    in_copy = np.array([channel.given_leak(outcome, q) for q in channel.hit_rates])
    return in_copy, np.full(len(channel.hit_rates), channel.given_none(outcome))
