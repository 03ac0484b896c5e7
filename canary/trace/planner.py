"""How many numbers a placement needs: power under each law, by simulation, and the cheapest that reaches it.

The false-accusation bound is exact and needs no plan. Power is modelled: calls come to each leaked number with
the hit rate, to others with the noise, independently, on any day of the window.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from canary.trace.design import Design, best_density, information, subsets
from canary.trace.evidence import Channel
from canary.trace.field import Bools, Floats, Heard, paths
from canary.trace.law import Law

POWERS = (0.5, 0.8, 0.95)
WINDOW = 180.0  # days
MOST_NUMBERS = 20_000
CONTROLS = (20, 40, 80, 160, 320)
RARE = 1e-6  # the density of a canary among endless controls: what it tells then is the most it can tell
AT_ONCE = 200_000  # numbers scored in one pass: bounds the memory


@dataclass(frozen=True)
class Task:
    """What is planned for: `copies` at `alpha`; P(a leaked number is called) `hit_rate`, another `noise`;
    `colluders` merge their files (union); a share `named` of their callers uses the planted name."""

    copies: int
    alpha: float = 1e-3
    hit_rate: float = 0.3
    noise: float = 0.02
    colluders: int = 1
    named: float = 0.0
    channel: Channel = field(default_factory=Channel)

    @property
    def threshold(self) -> float:
        """ln(n / alpha) in nats."""
        return math.log(self.copies / self.alpha)


@dataclass(frozen=True)
class Power:
    """P(a leaker is accused) and, of the accused, the median `day` of the accusation (inf: none was)."""

    accused: float
    day: float


@dataclass(frozen=True)
class Option:
    """A way to do it: the design, whose `power` was asked for (`reached` in the simulation), and the median day of
    the verdict."""

    power: float
    design: Design
    reached: Power


def options(task: Task, law: Law, runs: int = 1000) -> Iterator[Option]:
    """The smallest design of a law for 50, 80 and 95 % power; none where it takes more than 20,000 numbers."""
    for share in POWERS:
        found = smallest(task, law, share, runs)
        if found is not None:
            yield Option(share, found, power(found, task, runs))


def smallest(task: Task, law: Law, share: float, runs: int = 1000) -> Design | None:
    """The design with the fewest numbers whose power is at least `share`, to about 1 %, or None.

    The same random numbers serve every size (common seed), so that bisection sees power rise with size.
    """

    def enough(plan: Design) -> bool:
        if not task.named and plan.cap < task.threshold:
            return False
        far_off = power(plan, task, max(20, runs // 20)).accused < share / 3
        return not far_off and power(plan, task, runs).accused >= share

    def shared(numbers: int) -> Design:
        return Design(Law.SHARED, task.copies, numbers, max(1, round(density * numbers)))

    def exclusive(controls: int) -> Callable[[int], Design]:
        return lambda w: Design(Law.EXCLUSIVE, task.copies, w * task.copies + controls, w, controls)

    if law is Law.SHARED:
        density = best_density(task.hit_rate, task.noise, task.colluders)
        return _least(shared, enough, 2 + _too_few(task, density))
    start = 1 + math.floor(_too_few(replace(task, colluders=1), RARE) * RARE)
    found = [plan for c in CONTROLS if (plan := _least(exclusive(c), enough, start)) is not None]
    return min(found, key=lambda plan: plan.numbers, default=None)


def _too_few(task: Task, density: float) -> int:
    """So many numbers cannot be enough: half of what the information they give would need. Names give more."""
    told = float(information(density, task.hit_rate, task.noise, task.colluders))
    return 0 if task.named else math.floor(task.threshold / told / 2)


def _least(make: Callable[[int], Design], enough: Callable[[Design], bool], start: int) -> Design | None:
    """The smallest size that is enough: doubling, then halving the interval."""
    low, high = start - 1, start
    if make(start).numbers > MOST_NUMBERS:
        return None
    while not enough(make(high)):
        if make(high).numbers > MOST_NUMBERS:
            return None
        low, high = high, 2 * high
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(make(middle)) else (middle, high)
    return make(high) if make(high).numbers <= MOST_NUMBERS else None


def curve(task: Task, option: Option, runs: int = 400) -> list[tuple[int, float]]:
    """Power (0 to 1) against the number of numbers, from a tenth of an option's size to a quarter more."""
    plan, found = option.design, []
    for scale in np.linspace(0.1, 1.25, 12):
        canaries = max(1, round(plan.canaries * scale))
        pool = canaries * task.copies + plan.controls if plan.law is Law.EXCLUSIVE else round(plan.numbers * scale)
        smaller = replace(plan, numbers=pool, canaries=min(canaries, pool - 1))
        found.append((pool, power(smaller, task, runs).accused))
    return found


def releases_needed(accused: float, share: float = 0.95) -> int | None:
    """How many leaked releases until one of them is accused with probability `share`, each judged alone by the
    same power and with fresh numbers; None where the power is 0."""
    if accused <= 0:
        return None
    return 1 if accused >= share else math.ceil(math.log(1 - share) / math.log(1 - accused))


def power(plan: Design, task: Task, runs: int = 1000) -> Power:
    """How often at least one leaker of `colluders` is accused by its own score (the single-copy decoder)."""
    rng = np.random.default_rng(20080610)
    batch = max(1, AT_ONCE // (plan.marks * task.colluders))
    days: list[Floats] = [_verdict_days(rng, plan, task, min(batch, runs - done)) for done in range(0, runs, batch)]
    first = np.concatenate(days)
    accused = np.isfinite(first)
    return Power(float(accused.mean()), float(np.median(first[accused])) if accused.any() else math.inf)


def _verdict_days(rng: np.random.Generator, plan: Design, task: Task, runs: int) -> Floats:
    """The day on which the first leaker is accused, inf if none is (runs,)."""
    rows, width = runs * task.colluders, plan.marks
    planted = subsets(rng, rows, width, plan.canaries)
    found = paths(planted, _heard(rng, plan, task, planted), task.channel)
    crossed = found.log_e >= task.threshold
    day = np.where(crossed.any(axis=1), np.take_along_axis(found.at, crossed.argmax(axis=1)[:, None], 1)[:, 0], np.inf)
    earliest: Floats = day.reshape(runs, task.colluders).min(axis=1)
    return earliest


def _heard(rng: np.random.Generator, plan: Design, task: Task, planted: Bools) -> Heard:
    """What the leakers' releases hear. Under the shared law they hear one another's calls too: same numbers."""
    rows, width = planted.shape
    called = planted & (rng.random((rows, width)) < task.hit_rate)
    calls = np.where(called, rng.uniform(0, WINDOW, (rows, width)), np.inf)
    stray = np.where(rng.random((rows, width)) < task.noise, rng.uniform(0, WINDOW, (rows, width)), np.inf)
    first = np.minimum(calls, stray)
    if plan.law is Law.SHARED:
        together = np.minimum(calls.reshape(-1, task.colluders, width).min(axis=1), stray[:: task.colluders])
        first = np.repeat(together, task.colluders, axis=0)
    named = np.where(called & (rng.random((rows, width)) < task.named), calls, np.inf)
    own = np.broadcast_to(np.arange(width), (rows, width))
    return Heard(np.minimum(first, WINDOW), np.isfinite(first), named, own)
