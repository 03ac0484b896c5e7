"""What a leak adds to the background in a simulated world: who calls which leaked rows, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from canary.trace.design import Draw
from canary.trace.evidence import Merge
from canary.trace.field import Bools, Floats, Ints

STAGES = 3


@dataclass(frozen=True)
class Leak:
    """`leakers` copies leak a random `fraction` of their rows; each leaked canary is called and recognised with
    probability `hit_rate` in the window, and its caller uses the planted name with `named_share`.

    `staged`: calls follow each persona's due date (classes before, housekeeping at birth, photographs after)
    instead of coming at any time. `branching` > 0 makes the copies a tree, copy i made from copy (i - 1) //
    branching: then a file also brings along the canaries of every copy it was made from.
    """

    leakers: int = 1
    hit_rate: float = 0.3
    fraction: float = 1.0
    named_share: float = 0.3
    merge: Merge = Merge.UNION
    staged: bool = False
    branching: int = 0

    def lineage(self, copy: int) -> list[int]:
        """The copy and every copy it was made from: all whose canaries its file holds."""
        held = [copy]
        while self.branching and held[-1]:
            held.append((held[-1] - 1) // self.branching)
        return held


@dataclass(frozen=True)
class Calls:
    """First calls to the rows of the copies in a leak: `day` (inf: none) and whether it was `named`; (rows, M)."""

    copies: Ints
    day: Floats
    named: Bools


def calls(rng: np.random.Generator, drawn: Draw, leakers: Sequence[int], leak: Leak, days: int) -> Calls:
    """Calls of one campaign to everything in the leaked files; `days` is the length of the window."""
    files = [(place, held) for place, copy in enumerate(leakers) for held in leak.lineage(copy)]
    places = np.array([place for place, _ in files], dtype=np.intp)
    copies = np.array([held for _, held in files], dtype=np.intp)
    shape = (len(copies), drawn.planted.shape[1])
    leaked = drawn.planted[copies] & (rng.random(shape) < leak.fraction)
    if leak.merge is Merge.INTERLEAVED:
        chosen = rng.integers(len(leakers), size=int(drawn.numbers.max()) + 1)
        leaked &= chosen[drawn.numbers[copies]] == places[:, None]
    called = leaked & (rng.random(shape) < leak.hit_rate)
    day = _staged(rng, shape, days) if leak.staged else rng.uniform(0, days, shape)
    return Calls(copies, np.where(called, day, np.inf), called & (rng.random(shape) < leak.named_share))


def _staged(rng: np.random.Generator, shape: tuple[int, ...], days: int) -> Floats:
    """Days of the first call: three months before the due date, at birth, or a hundred days after (Shenzhen 2008).

    Due dates spread evenly over the window; a stage that would fall outside it is called at its edge.
    """
    due = rng.uniform(0, days, shape)
    stage = np.array([-90.0, 0.0, 100.0])[rng.integers(STAGES, size=shape)]
    found: Floats = np.clip(due + stage + rng.uniform(0, 14, shape), 0, days)
    return found
