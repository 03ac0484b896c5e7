"""Recognises a persona by her values alone, for tables that show neither telephone numbers nor names.

The registry keeps a persona's facts (dates, hospital, household registration, address), not every cell of her row: so
much, and no more, can be recognised here.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from canary.mint.facts import Fact
from canary.scan.blocks import FIELDS, Block, Syntax, records
from canary.scan.needles import Kind, Needles
from canary.scan.record import Match

ENOUGH = 3  # facts that agree; an address counts two
UNLIKELY = 0.1
KEPT = 100  # rows kept for one persona: whoever matches more matches by chance
DATES_DEPEND = 0.1  # a birth follows its due date: given one, the other is guessed this well at best
DATES = {Fact.DUE_DATE, Fact.INFANT_BIRTH_DATE}

Resemblance = tuple[int, int, frozenset[Fact]]  # row, persona's id, the facts that agree


@dataclass
class ValueMatcher:
    """Searches the blocks of one text for rows that agree with a persona; `value_rows` counts, for our values alone,
    how many rows show each."""

    needles: Needles
    syntax: Syntax
    rows: int = 0
    value_rows: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._ids = sorted(self.needles.people)
        place = {i: at for at, i in enumerate(self._ids)}
        self._bits: dict[str, dict[Fact, int]] = {}
        for text, holders in self.needles.values.items():
            bits = self._bits.setdefault(text, {})
            for i, fact in holders:
                bits[fact] = bits.get(fact, 0) | 1 << place[i]
        self._kept: Counter[int] = Counter()

    def search(self, block: Block) -> list[Resemblance]:
        """The rows of a block that agree with somebody in enough facts."""
        found = []
        for record in records(block, self.syntax, begun=self.rows > 0):
            self.rows += 1
            words = {word for field in FIELDS.split(record) if (word := field.strip()) in self._bits}
            if not words:
                continue
            self.value_rows.update(words)
            for person, facts in self._alike(words):
                self._kept[person] += 1
                if self._kept[person] <= KEPT:
                    found.append((self.rows - 1 + self.syntax.first, person, facts))
        if block.last and self.rows:
            self.rows += self.syntax.first - 1
        return found

    def _alike(self, words: set[str]) -> Iterator[tuple[int, frozenset[Fact]]]:
        by_fact: defaultdict[Fact, int] = defaultdict(int)
        for word in words:
            for fact, bits in self._bits[word].items():
                by_fact[fact] |= bits
        if len(by_fact) + (Fact.ADDRESS in by_fact) < ENOUGH:
            return
        once = twice = thrice = 0
        for bits in [*by_fact.values(), by_fact.get(Fact.ADDRESS, 0)]:
            thrice |= twice & bits
            twice |= once & bits
            once |= bits
        while thrice:
            place = thrice.bit_length() - 1
            thrice ^= 1 << place
            yield self._ids[place], frozenset(fact for fact, bits in by_fact.items() if bits >> place & 1)


def recognised(found: list[Resemblance], rows: int, value_rows: Mapping[str, int], needles: Needles) -> list[Match]:
    """Those resemblances that chance does not explain: over all personas, `UNLIKELY` real rows are expected to."""
    matches = []
    for row, i, facts in found:
        chance = rows * math.prod(_shares(i, facts, rows, value_rows, needles))
        if chance <= UNLIKELY / len(needles.people):
            matches.append(Match(frozenset(), frozenset(), {i: (Kind.VALUES,)}, row, chance))
    return matches


def share(seen: int, others: int, rows: int, needles: Needles, alone: bool = False) -> float:
    """The share of real rows that show a value which `seen` of `rows` show, hers among them, and `others` of all other
    personas. `alone` says that such a value is nearly everybody's own: one that nobody else has is as rare as two
    personas who share theirs are among all pairs."""
    found = (max(0, seen - 1) + others + 0.5) / (rows + len(needles.people))
    return min(found, needles.coincidence) if alone and seen <= 1 and not others else found


def _shares(
    i: int, facts: frozenset[Fact], rows: int, value_rows: Mapping[str, int], needles: Needles
) -> Iterator[float]:
    """For each fact, the share of real rows that show this value: from the file and from all other personas, whose
    values were fitted to such tables. Taken as independent, but for the second of two dates."""
    dated = False
    for fact in sorted(facts):
        spelled = needles.people[i].facts[fact]
        alike = reduce(or_, ({who for who, what in needles.values[t] if what is fact} for t in spelled))
        seen = sum(value_rows.get(text, 0) for text in spelled)
        found = share(seen, len(alike) - 1, rows, needles, alone=fact is Fact.ADDRESS)
        yield max(found, DATES_DEPEND) if dated and fact in DATES else found
        dated |= fact in DATES
