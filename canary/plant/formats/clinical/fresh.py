"""Fresh values in the host's shape for what would point at the neighbour a record is modelled on: ids and times."""

import re
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from math import gcd
from random import Random

from canary.mint.facts import Cell
from canary.mint.phones import looks_like_phone
from canary.plant.formats.clinical.model import days_between

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_RESIDENT_ID = re.compile(r"\d{17}[\dXx]|\d{15}|\d{3}-\d{2}-\d{4}")
_TIME = re.compile(r"(\d{4})(-?)(\d\d)\2(\d\d)(?:([T ]?)(\d\d)(:?)(\d\d)(?:\7(\d\d)(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?")
_ID = re.compile(r"(?=[^\W\d]*\d)[A-Za-z0-9._\-]{3,24}")
_TRIES = 200
_FEWEST_TO_MIX = 20
FEWEST_WOMEN = 3  # what fewer women share points at one of them


class FreshIds:
    """Ids of one file's kinds: uuids, running or scattered numbers with or without prefix, and others."""

    def __init__(self, rng: Random, taken: Iterable[str]) -> None:
        self._rng = rng
        self._taken = set(taken)
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._steps: dict[str, int] = {}
        for text in self._taken:
            if match := _NUMBERED.fullmatch(text):
                self._numbers[match[1]].append(int(match[2]))
        for numbers in self._numbers.values():
            numbers.sort()

    def draw(self, like: str, near: str | None = None) -> str:
        """An id of the shape of `like` that nobody has; a number lies before that of `near` if there is room."""
        if _UUID.search(like):
            return self._claim(_UUID.sub(lambda match: self._uuid(match[0]), like))
        if (match := _NUMBERED.fullmatch(like)) and len(match[2]) < 19:
            beside = _NUMBERED.fullmatch(near or "")
            number = int((beside if beside and beside[1] == match[1] else match)[2])
            return self._claim(match[1] + str(self._number(match[1], number, len(match[2]))).zfill(len(match[2])))
        for extra in range(_TRIES):
            new = "".join(map(self._character, like)) + ("" if extra < _TRIES - 1 else str(self._rng.randrange(10**9)))
            if new not in self._taken:
                return self._claim(new)
        raise AssertionError("unreachable: the last try is longer than any other")

    def _claim(self, new: str) -> str:
        self._taken.add(new)
        return new

    def _uuid(self, like: str) -> str:
        digits = "ABCDEF" if like.isupper() else "abcdef"
        alphabet = "0123456789" + digits
        # Hyphens stay, and the two digits that tell version and variant.
        return "".join(c if c == "-" or at in (14, 19) else self._rng.choice(alphabet) for at, c in enumerate(like))

    def _number(self, prefix: str, near: int, width: int) -> int:
        """A free number as close before `near` as there is one, else after the last; all in the host's step."""
        numbers = self._numbers[prefix]
        step = self._step(prefix)
        at = bisect_left(numbers, near)
        free = None
        for reach in (0, 1, 8, 64, len(numbers)):
            low, high = max(0, at - max(reach, 1)), min(len(numbers) - 1, at + reach)
            if free is None and low < high:
                free = self._free((prefix, width), numbers[low], numbers[high], step)
        if free is None:
            free = max(numbers, default=near) + step
            while prefix + str(free).zfill(width) in self._taken:
                free += step
        insort(numbers, free)
        return free

    def _step(self, prefix: str) -> int:
        if prefix not in self._steps:
            numbers = self._numbers[prefix]
            self._steps[prefix] = gcd(*(b - a for a, b in pairwise(numbers))) or 1
        return self._steps[prefix]

    def _free(self, family: tuple[str, int], low: int, high: int, step: int) -> int | None:
        prefix, width = family
        for _ in range(32):
            number = self._rng.randrange(low, high + 1, step)
            if prefix + str(number).zfill(width) not in self._taken:
                return number
        return None

    def _character(self, like: str) -> str:
        for alphabet in ("0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            if like in alphabet:
                return self._rng.choice(alphabet)
        return like


class Habits:
    """What women's records hold at each place: values that several share, and numbers to draw from."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._shared: dict[str, Counter[str]] = defaultdict(Counter)
        self._numbers: dict[tuple[str, frozenset[str]], list[Mapping[str, str]]] = defaultdict(list)
        self._last: dict[str, str] = {}
        self._from_due: dict[str, Counter[int]] = defaultdict(Counter)
        self._ids: dict[str, FreshIds] = {}

    def note(self, values: Iterable[tuple[str, str]], due: Cell) -> None:
        """Counts one woman's values, (place, text) each, and how far her dates are from her due date."""
        for place, text in set(values):
            if due is not None and is_time(text):
                self._from_due[place][days_between(due, text)] += 1
            self._shared[place][text] += 1
            if is_time(text):
                self._last[place] = max(text, self._last.get(place, ""))

    def note_numbers(self, kind: str, numbers: Mapping[str, str]) -> None:
        """The measurements of one record, place -> number."""
        self._numbers[kind, frozenset(numbers)].append(numbers)

    def numbers(self, kind: str, like: Mapping[str, str]) -> Mapping[str, str]:
        """The measurements of some record of that kind that measures the same."""
        return self._rng.choice(self._numbers.get((kind, frozenset(like))) or [like])

    def shared(self, place: str, text: str) -> bool:
        """Whether the value points at nobody: several women have it there."""
        return self._shared[place][text] >= FEWEST_WOMEN

    def usual(self, place: str) -> str | None:
        """A value that several women share there, as often as they do."""
        found = [(text, n) for text, n in self._shared[place].items() if n >= FEWEST_WOMEN and not is_time(text)]
        return self._rng.choices([t for t, _ in found], [n for _, n in found])[0] if found else None

    def other(self, place: str, text: str) -> str | None:
        """What to write in place of a value: itself if it points at nobody, a fresh id, a usual value, or nothing."""
        if self.shared(place, text):
            return text
        if not _ID.fullmatch(text) or looks_like_phone(text) or is_resident_id(text):
            return self.usual(place) or self._recombined(place, text)
        if place not in self._ids:
            self._ids[place] = FreshIds(self._rng, self._shared[place])
        return self._ids[place].draw(text)

    def _recombined(self, place: str, like: str) -> str | None:
        """A short text, such as a name, of words that women have there, each from another of them."""
        count = like.count(" ") + 1
        pool = [words for text in self._shared[place] if len(words := text.split(" ")) == count]
        if not 2 <= count <= 4 or len(pool) < _FEWEST_TO_MIX or any(map(str.isdigit, like)):
            return None
        new = " ".join(words[at] for at, words in enumerate(self._rng.sample(pool, count)))
        return None if new in self._shared[place] else new

    def follows_due(self, place: str) -> bool:
        """Whether a date there stands a fixed number of days from the due date, as a last period does."""
        days = self._from_due[place]
        return bool(days) and max(days.values()) >= max(FEWEST_WOMEN, 0.9 * days.total())

    def moved(self, text: str, shift: timedelta) -> str:
        """A date or time moved by `shift`, a fraction of a second drawn anew."""
        return re.sub(r"(?<=\.)\d+", lambda match: self._digits(len(match[0])), moved(text, shift))

    def fitted(self, values: Iterable[tuple[str, str]], shift: timedelta) -> timedelta:
        """`shift`, less as many weeks as keep every time within what the file knows at its place."""
        times = [(text, self._last[place]) for place, text in values if is_time(text) and place in self._last]
        while any(moved(text, shift)[:16] > last for text, last in times):
            shift -= timedelta(14 if shift.days == 7 else 7)
        return shift

    def _digits(self, count: int) -> str:
        return "".join(str(self._rng.randrange(10)) for _ in range(count))


def is_time(text: str) -> bool:
    """Whether a text is a date or time of FHIR or HL7, to the day at least."""
    try:
        return _TIME.fullmatch(text) is not None and bool(_day(text))
    except ValueError:
        return False


def moved(text: str, shift: timedelta) -> str:
    """A date or time moved by `shift`, in its own precision; what is to the day moves by whole days."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    year, dash, month, day, mark, hour, colon, minute, second, fraction, zone = match.groups()
    at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    at += shift if hour else timedelta(shift.days)
    new = f"{at:%Y}{dash}{at:%m}{dash}{at:%d}"
    if hour:
        new += f"{mark}{at:%H}{colon}{at:%M}" + (f"{colon}{at:%S}{fraction or ''}" if second else "")
    return new + (zone or "")


def week_shift(rng: Random, days: int) -> timedelta:
    """About `days`, in whole weeks and never nothing, with minutes: visits keep their weekday and differ."""
    weeks = round(days / 7)
    weeks += rng.choice([step for step in (-1, 0, 1) if weeks + step])
    return timedelta(days=7 * weeks, seconds=rng.randrange(60, 2400))


def is_resident_id(text: str) -> bool:
    """Whether a text has the form of a state's number for a person: never issued."""
    return _RESIDENT_ID.fullmatch(text) is not None


def _day(text: str) -> datetime:
    digits = text.replace("-", "", 2)[:8] if "-" in text[:5] else text[:8]
    return datetime.strptime(digits, "%Y%m%d")
