"""Draws new addresses from the host's own streets and estates, at doors that the host does not know."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from random import Random
from typing import NamedTuple

from canary.mint.claims import Rows, within_one_edit

_HAN = re.compile(r"[㐀-鿿]")
_PREFIX = re.compile(r"(?:[^省区市]{2,8}(?:省|自治区))?(?:[^省区市县]{2,8}市)?")
_AREA = re.compile(r".{2,14}?(?:街道|镇|乡|办事处)|.{2,8}?[区县旗]")
_COMMUNITY = re.compile(r".{1,12}?(?:社区|居委会|村委会)")
_LANES = frozenset("巷弄号条")  # 新村3巷 stands in every community: such a name means nothing without it
_HOUSE = re.compile(r"\s*(\d+)[A-Za-z]?(?:[-/]\d+[A-Za-z]?)?(\s+[^\W\d].*)")
_FLAT = re.compile(r"\s+(?:apt|apartment|unit|flat|suite|ste|#).*", re.IGNORECASE)
_DOOR = re.compile(r"([^\dA-Za-z]*)\D*(\d+)?")
_BEFORE = re.compile(r"(\D*)(\d+)(.*)", re.DOTALL)
_NAMED = re.compile(r"([^区市道镇乡]{2,6})(?:社区|居委会|村委会)")
_TRIES, _STEMS = 8, 4
_GROUND = (-1, -1)


class Address(NamedTuple):
    """An address taken apart round its building number; `number` is "" where it stops before any door."""

    before: str
    number: str
    door: str
    after: str
    area: str
    place: str

    @property
    def unit(self) -> str:
        """What the number counts: 栋, 座, 巷 ..., or "" before a street name."""
        return _door(self.door)[0]

    @property
    def kind(self) -> tuple[str, str]:
        """Addresses of one kind may exchange their numbers and doors."""
        return self.area, _door(self.door)[0]

    @property
    def height(self) -> tuple[int, int]:
        """How far up a place this door is: building, then floor (or the house in a lane)."""
        return int(self.number), _door(self.door)[1]


@lru_cache(maxsize=50_000)
def _door(door: str) -> tuple[str, int]:
    """Unit and floor of what follows a building number."""
    unit, inner = _DOOR.match(door).groups()  # type: ignore[union-attr]
    floor = int(inner) if inner else 0
    return unit, floor // 100 if floor >= 100 else floor


def split(text: str) -> Address:
    """A Chinese or Western address into its parts."""
    return _split_han(text) if _HAN.search(text) else _split_western(text)


def _split_han(text: str) -> Address:
    rest = text[_PREFIX.match(text).end() :]  # type: ignore[union-attr]
    area = match[0] if (match := _AREA.match(rest)) else ""
    match = _BEFORE.fullmatch(text)
    if not match:
        return Address(text, "", "", "", area, rest[len(area) :])
    before, number, door = match.groups()
    place = before[len(text) - len(rest) + len(area) :]
    if door[:1] not in _LANES:
        place = _COMMUNITY.sub("", place, count=1) if "社区" in place or "委会" in place else place
    return Address(before, number, door, "", area, place)


def _split_western(text: str) -> Address:
    chunks = text.split(",")
    for i, chunk in enumerate(chunks):
        if match := _HOUSE.fullmatch(chunk):
            street = _FLAT.sub("", match[2]).strip().casefold()
            lead = len(",".join(chunks[:i])) + (i > 0) + match.start(1)
            after = "".join([match[2], *(f",{more}" for more in chunks[i + 1 :])])
            return Address(text[:lead], match[1], "", after, _locality(chunks[i + 1 :]), street)
    return Address(text, "", "", "", _locality(chunks), text)


def _locality(chunks: Sequence[str]) -> str:
    words = [word for word in " ".join(chunks).casefold().split() if not re.search(r"\d", word)]
    return " ".join(words)


class AddressPool:
    """The addresses of one host, row by row, ready to be recombined within a street."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._known, self._texts = frozenset(text for text in texts if text is not None), texts
        self._rows = _without_communities([split(text) if text is not None else None for text in texts])
        self._coarse: dict[str, list[str]] = defaultdict(list)
        self._doors: dict[str, list[Address]] = defaultdict(list)
        self._top: dict[tuple[str, str], tuple[int, int]] = {}
        places: list[tuple[str, str] | None] = [None] * len(self._rows)
        for i, row in enumerate(self._rows):
            if row is None:
                continue
            if not row.number:
                self._coarse[row.area].append(row.before)
                continue
            unit, floor = _door(row.door)
            self._doors[unit].append(row)
            places[i] = place = row.area, row.place
            self._top[place] = max(self._top.get(place, _GROUND), (int(row.number), floor))
        self._at = Rows(places)
        self._ends = Rows([f"{row.number}{row.door}{row.after}" if row and row.number else None for row in self._rows])
        self._ladders = self._climb()

    def draw(self, rng: Random, like: int, used: set[tuple[str, str]] | None = None) -> str | None:
        """An address in the street of row `like` and as detailed; None where that row has none.

        One that stops at a community names nobody's door and may be shared; any other is new to the host. Estates in
        `used` are avoided while there are others, and those drawn are added.
        """
        used = set() if used is None else used
        donor = self._rows[like]
        if donor is None:
            return None
        if not donor.number:
            return rng.choice(self._coarse[donor.area])
        doors = self._doors[donor.unit]
        for _ in range(_TRIES):
            door = doors[int(rng.random() * len(doors))]
            if (text := self._at_door(rng, donor, door, used)) is not None:
                return text
        return self._above(rng, donor)

    def _climb(self) -> dict[tuple[str, str], tuple[list[tuple[int, int]], list[Address]]]:
        """By street and unit: how high each address's estate reaches, lowest first, and the addresses."""
        kinds: dict[tuple[str, str], list[tuple[tuple[int, int], Address]]] = defaultdict(list)
        for unit, rows in self._doors.items():
            for row in rows:
                kinds[row.area, unit].append((self._top[row.area, row.place], row))
        for pairs in kinds.values():
            pairs.sort(key=itemgetter(0))
        return {kind: ([top for top, _ in pairs], [row for _, row in pairs]) for kind, pairs in kinds.items()}

    def _height(self, row: Address) -> tuple[int, int]:
        return self._top[row.area, row.place]

    def _at_door(self, rng: Random, donor: Address, door: Address, used: set[tuple[str, str]]) -> str | None:
        """The door of one row at an estate of the donor's street that does not reach so high.

        A building beyond the estate's last where there is such an estate, else a floor above the roof.
        """
        heights, rows = self._ladders[donor.kind]
        below = bisect_left(heights, (door.height[0], -1)) or bisect_left(heights, door.height)
        if not below:
            return None
        # Estates that barely fall short of the door: the low ones are kept for low doors, which fit nowhere else.
        for trial in range(_STEMS):
            stem = rows[below - 1 - int(rng.random() * min(below, _STEMS))]
            if (stem.area, stem.place) in used and trial < _STEMS - 1:
                continue
            if (text := self._new(stem, door.number, door.door)) is not None:
                used.add((stem.area, stem.place))
                return text
        return None

    def _above(self, rng: Random, donor: Address) -> str:
        """The donor's own estate, a building or more beyond its last."""
        top, text = self._height(donor)[0], None
        while text is None:
            top += rng.randint(1, max(2, top // 10))
            text = self._new(donor, str(top), rng.choice(self._doors[donor.unit]).door)
        return text

    def _neighbours(self, stem: Address) -> Iterator[Address]:
        """The addresses of the same estate or street."""
        for row in self._at.of((stem.area, stem.place)):
            if (address := self._rows[row]) is not None:
                yield address

    def _new(self, stem: Address, number: str, door: str) -> str | None:
        text = f"{stem.before}{number}{door}{stem.after}"
        if text in self._known:
            return None
        if not stem.unit:
            return text
        near = any(within_one_edit(number + door, at.number + at.door) for at in self._neighbours(stem))
        return None if near or self._misspelt(text, f"{number}{door}{stem.after}") else text

    def _misspelt(self, text: str, end: str) -> bool:
        """Whether a known address with the same end is within one edit: 新村26巷14号 beside 北村26巷14号."""
        known = (self._texts[row] for row in self._ends.of(end))
        return any(other is not None and within_one_edit(text, other) for other in known)


def _without_communities(rows: list[Address | None]) -> list[Address | None]:
    """The same addresses, their place freed of a community written without its suffix (红星锦绣家园)."""
    known = {
        (row.area, match[1])
        for row in rows
        if row and ("社区" in row.before or "委会" in row.before) and (match := _NAMED.search(row.before))
    }
    return [_shorter(row, known) if row and row.number and row.unit not in _LANES else row for row in rows]


def _shorter(row: Address, known: set[tuple[str, str]]) -> Address:
    for size in range(6, 1, -1):
        if len(row.place) > size + 1 and (row.area, row.place[:size]) in known:
            return Address(row.before, row.number, row.door, row.after, row.area, row.place[size:])
    return row
