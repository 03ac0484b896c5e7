"""Which copy explains everything best: a posterior over "copy v leaked" for every v, and "none did".

Unlike the score this rests on the assumed noise: it ranks rivals, it never accuses on its own.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from canary.trace import season
from canary.trace.evidence import Channel, Evidence, Outcome, Release

PRIOR_NONE = 0.5


@dataclass(frozen=True)
class Posterior:
    """Probabilities that add up to 1 over the copies and `none`."""

    copies: Mapping[str, float]
    none: float


def posterior(evidence: Evidence, channel: Channel, beside: Mapping[str, float] | None = None) -> Posterior:
    """One leak or none: prior 1/2 for none, the rest shared equally; hit rate averaged over the channel's grid.
    `beside` are log ratios of copies by other evidence, as if independent given who leaked."""
    releases = evidence.releases
    if not releases:
        return Posterior({}, 1.0)
    more = beside or {}
    log_odds = np.array([log_ratio(r, channel, evidence.as_of) + more.get(r.copy, 0.0) for r in releases])
    log_weights = np.append(log_odds + np.log((1 - PRIOR_NONE) / len(releases)), np.log(PRIOR_NONE))
    weights = np.exp(log_weights - log_weights.max())
    shares = weights / weights.sum()
    return Posterior({r.copy: float(s) for r, s in zip(releases, shares, strict=False)}, float(shares[-1]))


def log_ratio(release: Release, channel: Channel, as_of: datetime) -> float:
    """ln of P(heard | this copy leaked) / P(heard | no leak), over its own and its inherited canaries."""
    exposed = [m for m in release.marks if m.planted] + list(release.carried)
    channel = replace(channel, background=background(release, channel, as_of))
    total = np.zeros(len(channel.hit_rates))
    heard = Counter((mark.outcome(release.start, as_of), mark.due) for mark in exposed)
    for (outcome, due), times in heard.items():  # most are silent, and many are due on one day
        # Silence so far is only as telling as the share of her season that has passed.
        passed = max(LEAST_SHARE, season.elapsed(due, release.start, as_of, release.end))
        rates = [1 - (1 - q) ** passed for q in channel.hit_rates]
        leak = np.log([channel.given_leak(outcome, q) for q in rates])
        total += times * (leak - np.log(channel.given_none(outcome)))
    return float(np.logaddexp.reduce(total) - np.log(len(total)))


PRIOR_WEIGHT = 20
LEAST_SHARE = 1e-3


def background(release: Release, channel: Channel, as_of: datetime) -> float:
    """How often a number of this release has rung by now without being planted in it, from its controls: a
    beta mean around the assumed background, worth `PRIOR_WEIGHT` controls."""
    spared = [m for m in release.marks if not m.planted]
    rang = sum(m.outcome(release.start, as_of) is not Outcome.SILENT for m in spared)
    passed = max(LEAST_SHARE, season.elapsed(None, release.start, as_of, release.end))
    expected = channel.background * passed
    return (PRIOR_WEIGHT * expected + rang) / (PRIOR_WEIGHT + len(spared))
