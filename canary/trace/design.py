"""How a pool of numbers is dealt out to copies: how many canaries and controls, and the draw as arrays."""

import math
from dataclasses import dataclass

import numpy as np

from canary.errors import CanaryError
from canary.trace.field import Bools, Floats, Ints
from canary.trace.law import Law, controls_for

CONTROL_SHARE = 0.1


@dataclass(frozen=True)
class Design:
    """`numbers` telephone numbers for `copies` copies, `canaries` of them in each; `controls` are never planted
    (`exclusive` law; under `shared` a copy's controls are the numbers its own draw left out)."""

    law: Law
    copies: int
    numbers: int
    canaries: int
    controls: int = 0

    @property
    def marks(self) -> int:
        """How many numbers one release is judged by."""
        return self.numbers if self.law is Law.SHARED else self.canaries + self.controls

    @property
    def cap(self) -> float:
        """The most that presence alone can score (nats): ln of the number of draws there could have been."""
        return math.log(math.comb(self.marks, self.canaries))


def design(law: Law, copies: int, numbers: int, hit_rate: float, noise: float, colluders: int = 1) -> Design:
    """The usual design for a pool: `shared` at the most telling density; `exclusive` with the house's share of
    controls and the rest divided equally. Raises CanaryError if the pool is too small."""
    if law is Law.SHARED:
        if numbers < 2:
            raise CanaryError(f"{numbers} numbers cannot be shared", "give at least 2 numbers")
        canaries = min(numbers - 1, max(1, round(numbers * best_density(hit_rate, noise, colluders))))
        return Design(law, copies, numbers, canaries)
    controls = controls_for(numbers, CONTROL_SHARE)
    canaries = (numbers - controls) // copies
    if canaries < 1:
        hint = f"give more than {copies} numbers, or use the shared law"
        raise CanaryError(f"{numbers} numbers, {controls} of them controls, do not reach for {copies} copies", hint)
    return Design(law, copies, numbers, canaries, controls)


@dataclass(frozen=True)
class Draw:
    """A dealt pool: `numbers` are the indices of each release's numbers, ascending, `planted` which of them
    stand in the copy; both (copies, marks)."""

    numbers: Ints
    planted: Bools


def deal(rng: np.random.Generator, plan: Design) -> Draw:
    """One random draw for every copy, under the law of the design."""
    if plan.law is Law.SHARED:
        numbers = np.broadcast_to(np.arange(plan.numbers), (plan.copies, plan.numbers))
        return Draw(numbers, subsets(rng, plan.copies, plan.numbers, plan.canaries))
    shuffled = rng.permutation(plan.numbers)
    controls, rest = shuffled[: plan.controls], shuffled[plan.controls :]
    own = rest[: plan.copies * plan.canaries].reshape(plan.copies, plan.canaries)
    held = np.concatenate([own, np.broadcast_to(controls, (plan.copies, plan.controls))], axis=1)
    order = np.argsort(held, axis=1)
    return Draw(np.take_along_axis(held, order, axis=1), order < plan.canaries)


def subsets(rng: np.random.Generator, rows: int, width: int, count: int) -> Bools:
    """`rows` independent uniform subsets of `count` out of `width`, as masks."""
    chosen = np.argpartition(rng.random((rows, width)), count - 1, axis=1)[:, :count]
    found = np.zeros((rows, width), dtype=bool)
    np.put_along_axis(found, chosen, True, axis=1)
    return found


def information(density: Floats | float, hit_rate: float, noise: float, colluders: int = 1) -> Floats:
    """Nats one number tells about a leaked copy when a share `density` of the numbers stands in each copy.

    The mutual information between "planted in this copy" and "rang" where `colluders` merged their files
    (attribution.md §2; Wang & Guruswami 2024 for the channel view).
    """
    share = np.asarray(density, dtype=float)
    silent_others = (1 - noise) * (1 - share * hit_rate) ** (colluders - 1)
    inside, outside = 1 - (1 - hit_rate) * silent_others, 1 - silent_others
    mean = share * inside + (1 - share) * outside
    return share * _divergence(inside, mean) + (1 - share) * _divergence(outside, mean)


def best_density(hit_rate: float, noise: float, colluders: int = 1) -> float:
    """The share of the numbers to plant in each copy at which a number tells most."""
    shares = np.linspace(0.02, 0.8, 157)
    return float(shares[np.argmax(information(shares, hit_rate, noise, colluders))])


def _divergence(a: Floats, b: Floats) -> Floats:
    tiny = 1e-300
    found: Floats = a * np.log((a + tiny) / (b + tiny)) + (1 - a) * np.log((1 - a + tiny) / (1 - b + tiny))
    return found
