"""An OMOP extract, persons in one table and observations in another, as the one table in which canaries are planted: a
person's columns, then `4083743.observation_date`, and of her second such observation `4083743#2.observation_date`."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from canary.scan.blocks import Syntax, fields, records
from canary.scan.readers.base import Part, table_blocks
from canary.scan.text import plain

PERSON, OBSERVATION = "person", "observation"
HELD = 20_000  # persons whose observations are held at a time: the more there are, the more often both are read
_ID, _CONCEPT = "person_id", "observation_concept_id"
_SLOT = re.compile(r"(.+?)(?:#([0-9]+))?\.([a-z_]+)")
_PLACE = re.compile(r"(.*[!/\\])?([^!/\\.]*)[^!/\\]*")


def with_joins(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts; wherever both tables of one extract came, that of the persons again, which then can be `wide`."""
    seen: dict[tuple[str, str], Part] = {}
    for part in parts:
        yield part
        place, stem = place_of(part.name)
        if stem in (PERSON, OBSERVATION):
            seen[place, stem] = part
            both = [seen.get((place, PERSON)), seen.get((place, OBSERVATION))]
            if both[0] and both[1] and _joinable(both[0], both[1]):
                yield replace(both[0], wide=_wide(both[0], both[1]))


def place_of(name: str) -> tuple[str, str]:
    """Where something of this name lies, and what it is called without ending."""
    found = _PLACE.fullmatch(name)
    return (found[1] or "", found[2].lower()) if found else ("", "")


def _joinable(persons: Part, observations: Part) -> bool:
    return _ID in persons.syntax.titles and {_ID, _CONCEPT} <= {*observations.syntax.titles}


def _wide(persons: Part, observations: Part) -> Callable[[Sequence[str]], Part]:
    def made(titles: Sequence[str]) -> Part:
        join = _Join(persons, observations, [*map(plain, titles)])
        return Part(persons.name, Syntax(first=0, titles=join.titles, mark="\t"), lambda: table_blocks(join.rows()))

    return made


class _Join:
    """The rows of both tables as one, in those columns of given titles that they show."""

    def __init__(self, persons: Part, observations: Part, titles: Sequence[str]) -> None:
        self._persons, self._observations = persons, observations
        self._own = {title: at for at, title in enumerate(persons.syntax.titles)}
        theirs = {title: at for at, title in enumerate(observations.syntax.titles)}
        self._id, self._concept = theirs[_ID], theirs[_CONCEPT]
        least = max(self._id, self._concept)
        self._concepts = {row[self._concept] for row in _rows(observations) if len(row) > least}
        # For the n-th observation of a concept, where its cells come from and where they go.
        self._slots: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        kept: list[str] = []
        for title in titles:
            slot = _SLOT.fullmatch(title)
            if title in self._own:
                kept.append(title)
            elif slot and slot[3] in theirs and slot[1] in self._concepts:
                self._slots[slot[1], int(slot[2] or 1)].append((theirs[slot[3]], len(kept)))
                kept.append(title)
        self.titles = tuple(kept)
        self._concepts = {concept for concept, _ in self._slots}

    def rows(self) -> Iterator[Sequence[str]]:
        """The header and a row for each person, in their order."""
        persons = _rows(self._persons)
        next(persons, None)
        yield self.titles
        while some := list(islice(persons, HELD)):
            yield from self._filled(some)

    def _filled(self, persons: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
        key, width = self._own[_ID], len(self._own)
        whole = [row if len(row) >= width else [*row, *[""] * (width - len(row))] for row in persons]
        rows = [[row[self._own[title]] if title in self._own else "" for title in self.titles] for row in whole]
        by_id = {row[key]: filled for row, filled in zip(whole, rows, strict=True)}
        count: defaultdict[tuple[str, str], int] = defaultdict(int)
        least = max(self._id, self._concept)
        for seen in _rows(self._observations):
            if len(seen) > least and seen[self._concept] in self._concepts and (row := by_id.get(seen[self._id])):
                count[seen[self._id], seen[self._concept]] += 1
                slot = seen[self._concept], count[seen[self._id], seen[self._concept]]
                for at, to in self._slots.get(slot, ()):
                    row[to] = seen[at] if at < len(seen) else ""
        return iter(rows)


def _rows(part: Part) -> Iterator[Sequence[str]]:
    begun = False
    for block in part.blocks():
        for record in records(block, part.syntax, begun):
            yield fields(record, part.syntax)
        begun = True
