"""Draws new addresses from the host's own streets and estates, at doors that the host does not know."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from canary.mint.claims import within_one_edit

_HAN = re.compile(r"[㐀-鿿]")
_PREFIX = re.compile(r"(?:[^省区市]{2,8}(?:省|自治区))?(?:[^省区市县]{2,8}市)?")
_AREA = re.compile(r".{2,14}?(?:街道|镇|乡|办事处)|.{2,8}?[区县旗]")
_COMMUNITY = re.compile(r".{1,12}?(?:社区|居委会|村委会)")
_LANES = frozenset("巷弄号条")  # 新村3巷 stands in every community: such a name means nothing without it
_HOUSE = re.compile(r"\s*(\d+)[A-Za-z]?(?:[-/]\d+[A-Za-z]?)?(\s+[^\W\d].*)")
_FLAT = re.compile(r"\s+(?:apt|apartment|unit|flat|suite|ste|#).*", re.IGNORECASE)
_TRIES = 8


@dataclass(frozen=True)
class Address:
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
        return re.match(r"[^\dA-Za-z]*", self.door)[0]  # type: ignore[index]

    @property
    def kind(self) -> tuple[str, str]:
        """Addresses of one kind may exchange their numbers and doors."""
        return self.area, self.unit

    @property
    def height(self) -> tuple[int, int]:
        """How far up a place this door is: building, then floor (or the house in a lane)."""
        match = re.search(r"\d+", self.door)
        inner = int(match[0]) if match else 0
        return int(self.number), inner // 100 if inner >= 100 else inner


def split(text: str) -> Address:
    """A Chinese or Western address into its parts."""
    return _split_han(text) if _HAN.search(text) else _split_western(text)


def _split_han(text: str) -> Address:
    rest = text[_PREFIX.match(text).end() :]  # type: ignore[union-attr]
    area = match[0] if (match := _AREA.match(rest)) else ""
    match = re.fullmatch(r"(\D*)(\d+)(.*)", text, re.DOTALL)
    if not match:
        return Address(text, "", "", "", area, rest[len(area) :])
    before, number, door = match.groups()
    place = before[len(text) - len(rest) + len(area) :]
    if door[:1] not in _LANES:
        place = _COMMUNITY.sub("", place, count=1)
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
        self._texts = frozenset(text for text in texts if text is not None)
        self._rows = _without_communities([split(text) if text is not None else None for text in texts])
        self._coarse: dict[str, list[str]] = defaultdict(list)
        self._doors: dict[str, list[Address]] = defaultdict(list)
        self._at: dict[tuple[str, str], list[Address]] = defaultdict(list)
        for row in filter(None, self._rows):
            if not row.number:
                self._coarse[row.area].append(row.before)
                continue
            self._doors[row.unit].append(row)
            self._at[row.area, row.place].append(row)
        self._top = {key: max(row.height for row in rows) for key, rows in self._at.items()}
        self._ladders = self._climb()

    def draw(self, rng: Random, like: int) -> str | None:
        """An address in the street of row `like` and as detailed; None where that row has none.

        One that stops at a community names nobody's door and may be shared; any other is new to the host.
        """
        donor = self._rows[like]
        if donor is None:
            return None
        if not donor.number:
            return rng.choice(self._coarse[donor.area])
        for _ in range(_TRIES):
            door = rng.choice(self._doors[donor.unit])
            if (text := self._at_door(rng, donor, door)) is not None:
                return text
        return self._above(rng, donor)

    def _climb(self) -> dict[tuple[str, str], tuple[list[tuple[int, int]], list[Address]]]:
        """By street and unit: how high each address's estate reaches, lowest first, and the addresses."""
        kinds: dict[tuple[str, str], list[Address]] = defaultdict(list)
        for rows in self._doors.values():
            for row in rows:
                kinds[row.kind].append(row)
        for rows in kinds.values():
            rows.sort(key=self._height)
        return {kind: ([self._height(row) for row in rows], rows) for kind, rows in kinds.items()}

    def _height(self, row: Address) -> tuple[int, int]:
        return self._top[row.area, row.place]

    def _at_door(self, rng: Random, donor: Address, door: Address) -> str | None:
        """The door of one row at an estate of the donor's street that does not reach so high.

        A building beyond the estate's last where there is such an estate, else a floor above the roof.
        """
        heights, rows = self._ladders[donor.kind]
        below = bisect_left(heights, (door.height[0], -1)) or bisect_left(heights, door.height)
        if not below:
            return None
        return self._new(rows[rng.randrange(below)], door.number, door.door)

    def _above(self, rng: Random, donor: Address) -> str:
        """The donor's own estate, a building or more beyond its last."""
        top, text = self._height(donor)[0], None
        while text is None:
            top += rng.randint(1, max(2, top // 10))
            text = self._new(donor, str(top), rng.choice(self._doors[donor.unit]).door)
        return text

    def _new(self, stem: Address, number: str, door: str) -> str | None:
        text = f"{stem.before}{number}{door}{stem.after}"
        if text in self._texts:
            return None
        near = (within_one_edit(number + door, at.number + at.door) for at in self._at[stem.area, stem.place])
        return None if stem.unit and any(near) else text


def _without_communities(rows: list[Address | None]) -> list[Address | None]:
    """The same addresses, their place freed of a community written without its suffix (红星锦绣家园)."""
    known = {
        (row.area, match[1])
        for row in rows
        if row and (match := re.search(r"([^区市道镇乡]{2,6})(?:社区|居委会|村委会)", row.before))
    }
    return [_shorter(row, known) if row and row.number and row.unit not in _LANES else row for row in rows]


def _shorter(row: Address, known: set[tuple[str, str]]) -> Address:
    for size in range(6, 1, -1):
        if len(row.place) > size + 1 and (row.area, row.place[:size]) in known:
            return Address(row.before, row.number, row.door, row.after, row.area, row.place[size:])
    return row
