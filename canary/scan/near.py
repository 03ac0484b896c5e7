"""Recognises a persona whose name is misspelled or spelled by its sound, or whose number is cut short, by what else
stands in her row: where nothing surer was found, and only as far as chance does not explain it."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from canary.mint.facts import Fact
from canary.scan import chinese, spellings
from canary.scan.blocks import FIELDS, Block, Syntax, records
from canary.scan.index import LONG
from canary.scan.needles import Kind, Needles
from canary.scan.person import Person
from canary.scan.record import Match
from canary.scan.values import DATES, DATES_DEPEND, KEPT, share
from canary.store.e164 import written

MOST_ROWS = 100_000  # of a file so searched: in a larger one chance explains nearly everything
UNLIKELY = 0.02  # real rows expected to agree so well, over all personas: there are many ways to be alike
_MASK = re.compile(r"(?<![0-9])([0-9]{2,4})[*x?•#]{2,9}([0-9]{2,4})(?![0-9])")
_ROUNDED = re.compile(r"(?<![0-9.])[1-9]\.[0-9]{1,6}e\+?[0-9]{2}(?![0-9])")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_PLACE = 6  # characters of an address that are a part of it
SOUND = "sound"  # of a name in Latin letters
_WITH_SOUND = {(Fact.DUE_DATE, ""), (Fact.ADDRESS, "")}

Agreed = frozenset[tuple[Fact, str]]  # a fact, and what shows only a part of it, if not all is shown
Nearness = tuple[int, int, Agreed]  # row, persona's id, in what they agree


@dataclass(frozen=True)
class Near:
    """Look-up tables: whose name or number a text may be, misspelled or cut short, and whose date or (the beginning
    of an) address; how many have a number that begins so, and how many others a name near hers."""

    names: Mapping[str, frozenset[int]]
    sounds: Mapping[str, frozenset[int]]
    phones: Mapping[str, frozenset[int]]
    heads: Mapping[str, int]
    telling: Mapping[str, frozenset[int]]
    namesakes: Mapping[int, int]

    @classmethod
    def of(cls, needles: Needles) -> "Near":
        """The tables of everybody who has a number."""
        people = needles.people.values()
        names = _index((token, who.id) for who in people for token in _of_name(who))
        sounds = _index((sound, who.id) for who in people for sound in who.sounds)
        phones = _index(
            (token, i)
            for number, e164 in needles.hashes.numbers
            for token in _of_number(e164)
            for i in needles.on_number[number]
        )
        heads = {head: len(ids) for head, ids in _index(_heads(phones)).items()}
        telling = _index((text, who.id) for who in people for text in _of_facts(who))
        namesakes = {who.id: len({i for t in _of_name(who) for i in names[t]}) - 1 for who in people}
        return cls(names, sounds, phones, heads, telling, namesakes)


@dataclass
class NearMatcher:
    """Searches the blocks of one text; `counts` says in how many rows a text of ours stands, and a name near hers."""

    needles: Needles
    syntax: Syntax
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    name_rows: Counter[int] = field(default_factory=Counter)
    _kept: Counter[int] = field(default_factory=Counter)

    def search(self, block: Block) -> list[Nearness]:
        """The rows of a block that agree with somebody in her name or number, nearly, and in enough besides."""
        found: list[Nearness] = []
        for record in records(block, self.syntax, begun=self.rows > 0):
            self.rows += 1
            if self.rows <= MOST_ROWS and len(record) <= LONG:
                found += self._of(record, self.rows - 1 + self.syntax.first)
        if block.last and self.rows:
            self.rows += self.syntax.first - 1
        return found

    def _of(self, record: str, row: int) -> Iterator[Nearness]:
        near, values = self.needles.near, self.needles.values
        words = {word for field in FIELDS.split(record) for word in _words(field)}
        self.counts.update(word for word in words if word in values or word in near.telling)
        sounding = _united(near.sounds, chinese.shown_sounds(record))
        named = _united(near.names, _names_in(record)) | sounding
        self.name_rows.update(named)
        phoned = {i: token for token in _numbers_in(record) for i in near.phones.get(token, ())}
        self.counts.update({*phoned.values(), *(f"{head}*" for head, _ in _MASK.findall(record))})
        if not named and not phoned:
            return
        told = _united(near.telling, words)
        for i in sorted(told & named | told & phoned.keys() | named & phoned.keys()):
            self._kept[i] += 1
            if self._kept[i] <= KEPT:
                name = {(Fact.NAME, SOUND if i in sounding else "")} if i in named else set()
                number = {(Fact.PHONE, phoned[i])} if i in phoned else set()
                yield row, i, frozenset(_agreed(self.needles.people[i], words)) | name | number


def _agreed(who: Person, words: set[str]) -> Iterator[tuple[Fact, str]]:
    for fact, spelled in who.facts.items():
        if not spelled.isdisjoint(words):
            yield fact, ""
        elif fact is Fact.ADDRESS and (place := _place(words, spelled)):
            yield fact, place


def recognised(
    found: Iterable[Nearness], rows: int, counts: Counter[str], name_rows: Counter[int], needles: Needles
) -> list[Match]:
    """Those that chance does not explain: over all personas, `UNLIKELY` real rows are expected to agree so well."""
    matches, shares = [], _Shares(needles, rows, counts, name_rows)
    for row, i, agreed in found if rows <= MOST_ROWS else ():
        chance = rows * math.prod(shares.of(i, agreed))
        # By its sound a name is as good as where `read` finds it: believed with her due date or address, chance told.
        sounds = (Fact.NAME, SOUND) in agreed and not agreed.isdisjoint(_WITH_SOUND)
        if sounds or chance <= UNLIKELY / len(needles.people):
            matches.append(Match(frozenset(), frozenset(), {i: (Kind.PINYIN if sounds else Kind.ALIKE,)}, row, chance))
    return matches


@dataclass(frozen=True)
class _Shares:
    """How many of all real rows agree with a persona in one fact, from the file and from all other personas."""

    needles: Needles
    rows: int
    counts: Counter[str]
    name_rows: Counter[int]
    known: dict[frozenset[str], float] = field(default_factory=dict)

    def of(self, i: int, agreed: Agreed) -> Iterator[float]:
        """Taken as independent, but for the second of two dates."""
        dated = False
        for fact, part in sorted(agreed):
            found = self._share(i, fact, part)
            yield max(found, DATES_DEPEND) if dated and fact in DATES else found
            dated |= fact in DATES

    def _share(self, i: int, fact: Fact, part: str) -> float:
        near, values = self.needles.near, self.needles.values
        if fact is Fact.NAME:
            return self._estimate(self.name_rows[i], near.namesakes[i])
        if fact is Fact.PHONE:
            seen = self._estimate(self.counts[part], len(near.phones[part]) - 1)
            head, mark, tail = part.partition("*")
            # The last digits of numbers are evenly spread, whatever numbers the file holds.
            begun = self._estimate(self.counts[head + mark], near.heads.get(head + mark, 1) - 1)
            return min(seen, begun * 10.0 ** -len(tail)) if mark else seen
        if part:
            return self._estimate(self.counts[part], len(near.telling[part]) - 1)
        spelled = self.needles.people[i].facts[fact]
        if spelled not in self.known:
            alike = {who for text in spelled for who, what in values[text] if what is fact}
            shown = sum(self.counts[text] for text in spelled)
            self.known[spelled] = self._estimate(shown, len(alike) - 1, alone=fact is Fact.ADDRESS)
        return self.known[spelled]

    def _estimate(self, seen: int, others: int, alone: bool = False) -> float:
        return share(seen, others, self.rows, self.needles, alone)


def _of_name(who: Person) -> Iterator[str]:
    yield who.name
    yield from _blurred(who.name)
    yield from who.sounds  # of Chinese characters, too


def _blurred(name: str) -> Iterator[str]:
    """A name of three characters and more with one that is not the surname's left open."""
    return (f"{name[:at]}?{name[at + 1 :]}" for at in range(1, len(name)) if len(name) > 2)


def _names_in(record: str) -> Iterator[str]:
    for word in _HAN.findall(record):
        if 2 <= len(word) <= 4:
            yield word
            yield from _blurred(word)
            yield chinese.usual_sound(word)


def _of_number(e164: str) -> Iterator[str]:
    phone = written(e164)
    yield from spellings.masks(phone)
    yield from (f"{int(phone.bare):.{digits}e}" for digits in range(1, 7))


def _heads(phones: Mapping[str, frozenset[int]]) -> Iterator[tuple[str, int]]:
    for token, ids in phones.items():
        head, mark, _ = token.partition("*")
        yield from ((head + mark, i) for i in ids if mark)


def _numbers_in(record: str) -> Iterator[str]:
    yield from (f"{head}*{tail}" for head, tail in _MASK.findall(record))
    yield from (text if "+" in text else text.replace("e", "e+") for text in _ROUNDED.findall(record))


def _of_facts(who: Person) -> Iterator[str]:
    for date in DATES & who.facts.keys():
        yield from who.facts[date]
    for address in who.facts.get(Fact.ADDRESS, ()):
        yield from (address[:size] for size in range(_PLACE, len(address) + 1))


def _words(field: str) -> Iterator[str]:
    """A field, its first word (a date before a time), and what stands before a mask."""
    yield field.strip()
    yield from field.split()[:1]
    if "*" in field:
        yield field.partition("*")[0].strip()


def _place(words: Iterable[str], addresses: Iterable[str]) -> str:
    """The longest beginning of an address among some words."""
    kept = (word for word in words if len(word) >= _PLACE and any(a.startswith(word) for a in addresses))
    return max(kept, key=len, default="")


def _united(table: Mapping[str, frozenset[int]], texts: Iterable[str]) -> frozenset[int]:
    return frozenset().union(*(found for text in texts if (found := table.get(text))))


def _index(pairs: Iterable[tuple[str, int]]) -> dict[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for key, i in pairs:
        found[key].add(i)
    return {key: frozenset(ids) for key, ids in found.items() if key}
