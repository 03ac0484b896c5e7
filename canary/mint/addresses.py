"""Takes addresses apart: where they lie, which building they name, and the door behind it."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from canary.mint.levels import Bools, Ints, Levels

_HAN = re.compile(r"[㐀-鿿]")
_STEM = re.compile(
    r"(?:[^省区市]{2,8}(?:省|自治区))?(?:[^省区市县]{2,8}市)?"
    r"(.{2,14}?(?:街道|镇|乡|办事处)|.{2,8}?[区县旗])?"
)
_COMMUNITY = re.compile(r".{1,12}?(?:社区|居委会|村委会)")
_LANES = frozenset("巷弄号条")  # 新村3巷 stands in every community: such a name means nothing without it
_HOUSE = re.compile(r"\s*(\d+)[A-Za-z]?(?:[-/]\d+[A-Za-z]?)?(\s+[^\W\d].*)")
_FLAT = re.compile(r"\s+(?:apt|apartment|unit|flat|suite|ste|#).*", re.IGNORECASE)
_DOOR = re.compile(r"([^\dA-Za-z]*)\D*(\d+)?")
_BEFORE = re.compile(r"(\D*)(\d+)(.*)", re.DOTALL)
FLOORS = 10**5  # a height is building × FLOORS + floor
_HIGHEST = 10**12
_NAMED = re.compile(r"([^区市道镇乡]{2,6})(?:社区|居委会|村委会)")


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
    match = _BEFORE.fullmatch(text)
    if not match:
        area, place = _stem(text, False)
        return Address(text, "", "", "", area, place)
    before, number, door = match.groups()
    return Address(before, number, door, "", *_stem(before, door[:1] not in _LANES))


def _stem(text: str, bare: bool) -> tuple[str, str]:
    """The area of an address and the place in it; `bare` leaves the community out of the place."""
    match = _STEM.match(text)
    area, place = (match[1] or "", text[match.end() :]) if match else ("", text)
    if bare and ("社区" in place or "委会" in place):
        place = _COMMUNITY.sub("", place, count=1)
    return area, place


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


class Apart:
    """Many different addresses taken apart, column by column, as `split` does one by one.

    `area`, `place` and `unit` are numbered; places are freed of a community written without its suffix (红星锦绣家园),
    and those of one name in two areas are two.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        stems = dict[tuple[str, bool], int]()
        places = list[tuple[str, str]]()
        parts = [_cut(text, stems, places) for text in texts]
        columns = [list(column) for column in zip(*parts, strict=True)] if parts else [[], [], [], [], []]
        self.before, self.number, self.door, self.after, stem = columns
        self.has_door = np.array([number != "" for number in self.number], dtype=bool)
        doors = Levels[str](self.door)
        known = [_door(door) for door in doors.distinct]
        units = Levels([unit for unit, _ in known])
        self.unit, self.units = units.codes[doors.codes], units.distinct
        buildings = np.array([min(int(number or 0), _HIGHEST) for number in self.number], dtype=np.int64)
        floors = np.array([min(floor, FLOORS - 1) for _, floor in known], dtype=np.int64)[doors.codes]
        self.height = np.where(self.has_door, buildings * FLOORS + floors, -1)
        whole = self.has_door & ~np.array([unit in _LANES for unit in units.distinct], dtype=bool)[self.unit]
        self._place(np.array(stem, dtype=np.intp), whole, places, stems)

    def _place(
        self, stem: Ints, whole: Bools, places: Sequence[tuple[str, str]], stems: Mapping[tuple[str, bool], int]
    ) -> None:
        """Number the areas and places; those of a `whole` address are freed of their community."""
        suffixed = [(places[i][0], before) for (before, _), i in stems.items() if "社区" in before or "委会" in before]
        known = defaultdict[str, set[str]](set)
        for area, before in suffixed:
            if match := _NAMED.search(before):
                known[area].add(match[1])
        keys, each = np.unique(2 * stem + whole, return_inverse=True)
        named = [(places[key // 2], bool(key % 2)) for key in keys.tolist()]
        freed = Levels([(area, _freed(place, known[area]) if free else place) for (area, place), free in named])
        self.estate, self.estates = freed.codes[each], len(freed.distinct)
        areas = Levels([area for (area, _), _ in named])
        self.area, self.areas = areas.codes[each], areas.distinct


def _cut(
    text: str, stems: dict[tuple[str, bool], int], places: list[tuple[str, str]]
) -> tuple[str, str, str, str, int]:
    """What stands before, in, behind and after the building number, and which of `places` it is."""
    if not _HAN.search(text):
        *parts, area, place = _split_western(text)
        places.append((area, place))
        return parts[0], parts[1], parts[2], parts[3], len(places) - 1
    match = _BEFORE.fullmatch(text)
    before, number, door = match.groups() if match else (text, "", "")
    key = before, bool(match) and door[:1] not in _LANES
    if key not in stems:
        stems[key] = len(places)
        places.append(_stem(*key))
    return before, number, door, "", stems[key]


def _freed(place: str, communities: set[str]) -> str:
    for size in range(min(6, len(place) - 2), 1, -1) if communities else ():
        if place[:size] in communities:
            return place[size:]
    return place
