"""The score of many releases at once: `score.path` as arrays, for simulations and for planning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canary.trace.evidence import Channel
from canary.trace.score import likelihoods

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

IMPOSSIBLE = 1e-300  # in place of 0 where a hit rate of 1 forbids silence


@dataclass(frozen=True)
class Heard:
    """What n releases of M numbers heard. Arrays (n, M), columns in the order of the numbers' codes.

    `at`: when the presence factor counts (days): the first recognised contact, or the close of the window in
    silence; inf while neither has come. `rang`: which of the two it was. `named`: when a caller first used a
    persona of this release on this number (days, inf: never). `said`: the column that persona stands on.
    """

    at: Floats
    rang: Bools
    named: Floats
    said: Ints


@dataclass(frozen=True)
class Paths:
    """`log_e` (nats) after each step, `at` (days) and how many numbers had been `counted` by then: all (n, E).

    Steps that a release does not have stand at the end, at inf, and repeat its last score.
    """

    log_e: Floats
    at: Floats
    counted: Ints

    def sup(self) -> Floats:
        """The running maximum over all time, at least 0 (n,). Looking oftener cannot raise it: it is taken over
        every step already."""
        found: Floats = np.maximum(self.log_e.max(axis=1), 0)
        return found

    def now(self) -> Floats:
        """The score after the last step (n,)."""
        return self.log_e[:, -1]


def paths(planted: Bools, heard: Heard, channel: Channel) -> Paths:
    """ln E of n releases after each step, as `score.path` gives it one by one (tests/trace/test_field.py).

    `planted` is (n, M). Each release is one block, and each caller uses one persona at a time. Time and memory
    grow with n x M x hit rates.
    """
    width = planted.shape[1]
    naming = np.flatnonzero(np.isfinite(heard.named).any(axis=0))
    # As score.fresh sorts: by time, then number, and a name after the presence of its number.
    seats = np.argsort(np.concatenate([np.arange(width), naming]), kind="stable")
    at = np.concatenate([heard.at, heard.named[:, naming]], axis=1)[:, seats]
    order = np.argsort(at, axis=1, kind="stable")
    seat = seats[order]
    at = np.take_along_axis(at, order, axis=1)
    column = np.where(seat < width, seat, 0)
    here = (seat < width) & np.isfinite(at)
    log_bets = _presence(np.take_along_axis(planted, column, axis=1), np.take_along_axis(heard.rang, column, axis=1),
                         here, planted, channel)  # fmt: skip
    if len(naming):
        names = np.concatenate([np.zeros(planted.shape), _naming(planted, heard, naming, channel)], axis=1)
        log_bets += np.take_along_axis(names, seat, axis=1)
    log_bets = np.cumsum(log_bets, axis=2, out=log_bets)
    return Paths(_log_mean(log_bets), at, np.cumsum(here, axis=1))


def _presence(planted: Bools, rang: Bools, here: Bools, marks: Bools, channel: Channel) -> Floats:
    """ln f(rang or not | planted or not) over its mean, per hit rate and step in time order (Q, n, E).

    With p = (planted left) / (left), a planted number's factor is 1 / (p + (1 - p) r) for r = outside / in copy,
    a control's 1 / (p / r + 1 - p): one logarithm either way.
    """
    mine = planted & here
    left = marks.shape[1] - np.cumsum(here, axis=1) + here
    planted_left = marks.sum(axis=1, keepdims=True) - np.cumsum(mine, axis=1) + mine
    p = planted_left / np.maximum(left, 1)
    other = np.where(mine, 1 - p, p) * here
    (rang_in, rang_out), (silent_in, silent_out) = likelihoods(True, channel), likelihoods(False, channel)
    silent_in = np.maximum(silent_in, IMPOSSIBLE)
    excess = np.stack([silent_in / silent_out, silent_out / silent_in, rang_in / rang_out, rang_out / rang_in]) - 1
    found = np.take(excess.T, 2 * rang + mine, axis=1)
    found *= other
    found += 1
    np.log(found, out=found)
    return np.negative(found, out=found)


def _naming(planted: Bools, heard: Heard, naming: Ints, channel: Channel) -> Floats:
    """ln f(the persona used | the one on this number) over its mean, for the columns that heard names (n, C)."""
    rows, width = planted.shape
    at = heard.named[:, naming]
    rank = np.argsort(np.argsort(at, axis=1, kind="stable"), axis=1)
    revealed_at = np.full((rows, width), width)
    revealed_at[:, naming] = np.where(np.isfinite(at), rank, width)
    said, own = heard.said[:, naming], heard.said[:, naming] == naming
    open_still = np.take_along_axis(revealed_at, said, axis=1) >= rank
    share = open_still / np.maximum(width - rank, 1)
    right = channel.right_name
    factor = np.log(np.where(own, right, 1 - right)) - np.log(share * right + (1 - share) * (1 - right))
    return np.where(planted[:, naming] & np.isfinite(at), factor, 0.0)


def _log_mean(log_bets: Floats) -> Floats:
    """ln of the mean over the hit rates (first axis)."""
    top: Floats = log_bets.max(axis=0)
    spread = np.exp(log_bets - top)
    mean: Floats = top + np.log(spread.mean(axis=0))
    return mean
