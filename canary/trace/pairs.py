"""Two leakers who merged their files: which pair explains everything best, and that one of the two did leak.

The posterior assumes at most two leakers, rows merged by `union` (all of both) or `interleaved` (each row from one
of them, by lot), and the channel. That at least one of a pair leaked needs none of that: under the shared law two
copies are drawn independently, so the product of their scores is itself a score (docs/mathematics.md §4).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate, product

import numpy as np

from canary.trace import season
from canary.trace.evidence import Channel, Evidence, Mark, Merge, Outcome, Release
from canary.trace.field import Bools, Floats, Ints
from canary.trace.law import Law
from canary.trace.score import climb

NOISES = (0.02, 0.1, 0.3)
PRIOR_NONE, PRIOR_ONE = 0.5, 0.4
TINY = 1e-12  # in place of 0, where a hit rate of 1 forbids silence
OUTCOMES = tuple(Outcome)


@dataclass(frozen=True)
class Exposed:
    """What stands in which file: entry e says that copy `row[e]` holds number `column[e]`, which gave `outcome[e]`
    (place in `OUTCOMES`) with the share `passed[e]` of its season gone. `rang` tells of every number, also those
    in no file, whether it rang. Arrays (entries,) and (numbers,)."""

    copies: int
    row: Ints
    column: Ints
    outcome: Ints
    passed: Floats
    rang: Bools


@dataclass(frozen=True)
class Beliefs:
    """Probabilities of "none leaked" and of every single copy (n,), and of every pair and merge (n, n), upper half."""

    none: float
    single: Floats
    pair: dict[Merge, Floats]

    @property
    def two(self) -> float:
        """The probability that two copies leaked."""
        return float(sum(found.sum() for found in self.pair.values()))

    def each(self) -> Floats:
        """The probability that a copy leaked, alone or with another (n,)."""
        both = sum(self.pair.values(), np.zeros((len(self.single),) * 2))
        return np.asarray(self.single + both.sum(axis=0) + both.sum(axis=1))

    def best(self) -> tuple[int, int, Merge, float]:
        """The most probable pair: its places, how it was merged (the likelier way), its probability either way."""
        both = sum(self.pair.values(), np.zeros((len(self.single),) * 2))
        i, j = (int(place) for place in np.unravel_index(np.argmax(both), both.shape))
        return i, j, max(Merge, key=lambda merge: self.pair[merge][i, j]), float(both[i, j])


def believe(seen: Exposed, channel: Channel, noises: Sequence[float] = NOISES) -> Beliefs:
    """The posterior over none, one and two leakers; hit rate, noise and share of naming callers averaged over.

    Prior: 1/2 none, 4/10 one, 1/10 two, equal within each. Time grows with n² x numbers that stand in two files.
    """
    upper = np.triu(np.ones((seen.copies, seen.copies), dtype=bool), 1)
    # Callers may use names or not: assuming that some do would make a hundred who do not look like noise.
    naming = [replace(channel, named_share=share) for share in sorted({0.0, channel.named_share})]
    ways = product(channel.hit_rates, noises, naming)
    grid = [_log_likelihoods(seen, way, q, b) for q, b, way in ways]
    none = _log_mean(np.array([base for base, _, _ in grid])) + math.log(PRIOR_NONE)
    single = _log_mean(np.stack([base + one for base, one, _ in grid])) + math.log(PRIOR_ONE / seen.copies)
    each = math.log((1 - PRIOR_NONE - PRIOR_ONE) / max(1, int(upper.sum())) / len(Merge))
    pair = {
        merge: np.where(upper, _log_mean(np.stack([base + two[merge] for base, _, two in grid])) + each, -np.inf)
        for merge in Merge
    }
    top = max(float(none), float(single.max()), *(float(found.max()) for found in pair.values()))
    total = math.exp(none - top) + sum(float(np.exp(found - top).sum()) for found in (single, *pair.values()))
    shares = {merge: np.exp(found - top) / total for merge, found in pair.items()}
    return Beliefs(math.exp(none - top) / total, np.exp(single - top) / total, shares)


def _log_likelihoods(seen: Exposed, channel: Channel, q: float, b: float) -> tuple[float, Floats, dict[Merge, Floats]]:
    """ln P(heard | none) over all numbers, then ln of the ratio to it for one leaker (n,) and two (n, n)."""
    rang = int(seen.rang.sum())
    base = rang * math.log(b) + (len(seen.rang) - rang) * math.log1p(-b)
    one, half = _alone(seen, channel, q, b), _alone(seen, channel, q / 2, b)
    return base, one, {
        Merge.UNION: one[:, None] + one + _together(seen, _union(seen, q, b)),
        Merge.INTERLEAVED: half[:, None] + half + _together(seen, _interleaved(seen, q, b)),
    }  # fmt: skip


def _alone(seen: Exposed, channel: Channel, q: float, b: float) -> Floats:
    """ln of the ratio for one file whose rows are called with probability `q`, summed over its rows (n,)."""
    rang = 1 - (1 - q) * (1 - b)
    by_name = channel.named_share * q + channel.named_in_background * (rang - q)
    told = {
        Outcome.NAMED: math.log(max(by_name, TINY) / (b * channel.named_in_background)),
        Outcome.MATERNAL: math.log((rang - by_name) / (b * (1 - channel.named_in_background))),
        Outcome.SILENT: math.log(max(1 - q, TINY)),
    }
    entries = np.array([told[outcome] for outcome in OUTCOMES])[seen.outcome]
    silent = seen.outcome == OUTCOMES.index(Outcome.SILENT)
    found: Floats = np.zeros(seen.copies)
    np.add.at(found, seen.row, np.where(silent, entries * seen.passed, entries))
    return found


def _union(seen: Exposed, q: float, b: float) -> Floats:
    """What a number in both files adds to the two sums: two rows, each called on its own (numbers,)."""
    one, two = 1 - (1 - q) * (1 - b), 1 - (1 - q) ** 2 * (1 - b)
    return np.where(seen.rang, math.log(two * b / one**2), 0.0)


def _interleaved(seen: Exposed, q: float, b: float) -> Floats:
    """The same where one of the two rows was left out: the number stands in the merged file for sure."""
    half, one = 1 - (1 - q / 2) * (1 - b), 1 - (1 - q) * (1 - b)
    shares = np.bincount(seen.column, weights=seen.passed, minlength=len(seen.rang))
    passed = shares / np.maximum(1, np.bincount(seen.column, minlength=len(seen.rang)))
    silent = (math.log(max(1 - q, TINY)) - 2 * math.log(1 - q / 2)) * passed
    return np.where(seen.rang, math.log(one * b / half**2), silent)


def _together(seen: Exposed, both: Floats) -> Floats:
    """Sum of `both` over the numbers that two copies have in common (n, n)."""
    shared = np.bincount(seen.column, minlength=len(seen.rang)) > 1
    place = np.cumsum(shared) - 1
    held = np.zeros((seen.copies, int(shared.sum())))
    inside = shared[seen.column]
    held[seen.row[inside], place[seen.column[inside]]] = 1
    found: Floats = (held * both[shared]) @ held.T
    return found


def _log_mean(found: Floats) -> Floats:
    top: Floats = found.max(axis=0)
    mean: Floats = top + np.log(np.exp(found - top).mean(axis=0))
    return mean


def exposed(evidence: Evidence) -> Exposed:
    """The evidence as arrays: own and inherited canaries of every copy, and what every number gave."""
    places: dict[str, int] = {}
    rang: dict[int, bool] = {}
    entries = []
    for row, release in enumerate(evidence.releases):
        for mark in _all(release):
            column = places.setdefault(mark.number, len(places))
            outcome = mark.outcome(release.start, evidence.as_of)
            rang[column] = rang.get(column, False) or outcome is not Outcome.SILENT
            if mark.planted:
                passed = season.elapsed(mark.due, release.start, evidence.as_of, release.end)
                entries.append((row, column, OUTCOMES.index(outcome), passed))
    row_, column_, outcome_, passed_ = np.array(entries or [(0, 0, 0, 0.0)], dtype=float)[: len(entries)].T
    return Exposed(
        copies=len(evidence.releases),
        row=row_.astype(np.intp),
        column=column_.astype(np.intp),
        outcome=outcome_.astype(np.intp),
        passed=passed_,
        rang=np.array([rang[column] for column in range(len(places))], dtype=bool),
    )


def _all(release: Release) -> Iterator[Mark]:
    yield from release.marks
    yield from release.carried


def either_leaked(one: Release, other: Release, channel: Channel, as_of: datetime) -> float | None:
    """ln of the highest product of two scores (nats): that neither leaked, nor anything made from them, has at most
    the chance 1 / its exponential. None under the exclusive law, whose two draws are not independent.

    As with one copy, what earlier looks counted stays, and the score as it would be now has to reach as far.
    """
    if not one.law is other.law is Law.SHARED:
        return None
    anew = (replace(one, counted=()), replace(other, counted=()))
    return min(_highest(both, channel, as_of) for both in ((one, other), anew))


def _highest(both: tuple[Release, Release], channel: Channel, as_of: datetime) -> float:
    """The highest sum of the two scores, each going through its factors in the order they were counted."""
    found = []
    for place, release in enumerate(both):
        climbed = climb(release, channel, as_of)
        # A factor counted at a later look stands later, though its contact may be older.
        counted_at = accumulate((step.at for step, _ in climbed), max)
        found += [
            (at, place, order, log_e) for order, (at, (_, log_e)) in enumerate(zip(counted_at, climbed, strict=True))
        ]
    now, best = [0.0, 0.0], 0.0
    for _, place, _, log_e in sorted(found):
        now[place] = log_e
        best = max(best, sum(now))
    return best
