"""Block dialling: one caller who rings numbers in a row knows nothing about any of our copies."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

FEWEST = 6
DENSITY = 0.5


@dataclass(frozen=True)
class Dialled:
    """One contact as a storm sees it: who rang, on which day, at which place among our numbers in order."""

    contact: int
    sender: str
    day: date
    place: int


def block_dialled(heard: Iterable[Dialled]) -> set[int]:
    """Contacts of callers who on one day reached at least `FEWEST` of our numbers, and at least half of all
    that lie between the lowest and the highest of them.

    The rule looks at callers and digits, never at which number is planted where, so leaving these contacts out
    changes nothing about the score's guarantee. A buyer who dials a leaked file hits numbers far apart.
    """
    days: defaultdict[tuple[str, date], list[Dialled]] = defaultdict(list)
    for one in heard:
        days[one.sender, one.day].append(one)
    return {one.contact for rung in days.values() if _in_a_row(rung) for one in rung}


def _in_a_row(rung: list[Dialled]) -> bool:
    places = {one.place for one in rung}
    return len(places) >= FEWEST and len(places) >= DENSITY * (max(places) - min(places) + 1)
