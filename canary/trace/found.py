"""What a found file says about the copies: its rows as outcomes of the same secret draw that judges calls.

Lemma (docs/mathematics.md §2): of an innocent copy, which of its release's numbers are planted, and which persona
stands on which number, is as random as ever given every file in the world. So a file is read twice over: for planted
canaries and, in the same way, for the control numbers and shadow personas that stand in no file at all.

A release whose *numbers* the file shows is judged by numbers, and by the names beside them, as calls are. One of
which only *personas* are seen (no telephones, or masked) is judged by which of them are planted, and by no names: who
was recognised by her values tells nothing about her number. Which of the two depends on the file and on the
release as a whole, never on its draw.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.trace.evidence import Channel, Hit, Outcome

# A file holds a canary or does not: nothing rings by chance, but a part of a file may be as small as one row in 300.
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 0.99)
CHANNEL = Channel(background=0.001, named_share=0.9, named_in_background=0.05, hit_rates=RATES)
WITHOUT_NAMES = Channel(background=0.001, named_share=0.05, named_in_background=0.05, hit_rates=RATES)


@dataclass(frozen=True)
class Standing:
    """Where one persona stands: in the release of `copy`, on `number`; planted or not is not told here."""

    id: int
    copy: str
    number: str


@dataclass(frozen=True)
class Sighting:
    """One row of a file: `numbers` (codes) read in it, ids of the personas `named` beside them, and ids of those
    `recognised` without their number. `row` only tells sightings apart."""

    row: int
    numbers: frozenset[str] = frozenset()
    named: frozenset[int] = frozenset()
    recognised: frozenset[int] = frozenset()


def hits(standings: Iterable[Standing], sightings: Iterable[Sighting], at: datetime) -> dict[int, tuple[Hit, ...]]:
    """What the rows show of each persona, by id, as hits just before `at`: what a file lacks is counted after."""
    before = at - timedelta(microseconds=1)
    releases: defaultdict[str, list[Standing]] = defaultdict(list)
    on_number: defaultdict[str, set[str]] = defaultdict(set)
    for standing in standings:
        releases[standing.copy].append(standing)
        on_number[standing.number].add(standing.copy)
    copy_of = {standing.id: copy for copy, release in releases.items() for standing in release}
    by_number: defaultdict[str, list[Sighting]] = defaultdict(list)  # by copy, those that show a number of it
    by_person: defaultdict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        for copy in {copy for number in sighting.numbers if number in on_number for copy in on_number[number]}:
            by_number[copy].append(sighting)
        for copy in {copy_of[i] for i in sighting.recognised if i in copy_of}:
            by_person[copy].append(sighting)
    found: dict[int, tuple[Hit, ...]] = {}
    for copy, release in releases.items():
        if copy in by_number:
            found.update(_by_number(release, by_number[copy], before))
        else:
            found.update(_by_person(release, by_person[copy], before))
    return found


def channel(sightings: Iterable[Sighting]) -> Channel:
    """The assumed noise: whether rows are expected to carry the right name is told by whether any does."""
    return CHANNEL if any(s.numbers and s.named for s in sightings) else WITHOUT_NAMES


def _by_number(release: list[Standing], seen: list[Sighting], at: datetime) -> Mapping[int, tuple[Hit, ...]]:
    on_number = {s.number: s.id for s in release}
    number_of = {s.id: s.number for s in release}
    found: defaultdict[int, list[Hit]] = defaultdict(list)
    for sighting in seen:
        names = frozenset(number_of[i] for i in sighting.named & number_of.keys())
        outcome = Outcome.NAMED if names else Outcome.MATERNAL
        for number in sighting.numbers & on_number.keys():
            found[on_number[number]].append(Hit(at, outcome, sighting.row, names))
    return {i: tuple(kept) for i, kept in found.items()}


def _by_person(release: list[Standing], seen: list[Sighting], at: datetime) -> Mapping[int, tuple[Hit, ...]]:
    own = {s.id for s in release}
    found: defaultdict[int, list[Hit]] = defaultdict(list)
    for sighting in seen:
        for i in sighting.recognised & own:
            found[i].append(Hit(at, Outcome.MATERNAL, sighting.row))
    return {i: tuple(kept) for i, kept in found.items()}
