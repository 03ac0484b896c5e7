"""Writes the messages of a new woman from those of another: her facts, fresh numbers, times that fit the place."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from canary.errors import CanaryError
from canary.mint.facts import Cell, Row
from canary.plant.formats.clinical import messages as hl7
from canary.plant.formats.clinical.fresh import FreshIds, Habits, is_resident_id, is_time, week_shift
from canary.plant.formats.clinical.messages import Document, Marks, Message, Woman
from canary.plant.formats.clinical.model import ADDRESS, BIRTH, DUE, HOSPITAL, NAME, PHONE, days_between
from canary.plant.formats.clinical.people import Addresses, Names

_NOT_COPIED = frozenset({"NK1", "GT1", "IN1", "IN2", "IN3", "MRG", "NTE"})
_IDS = frozenset({"PID-2", "PID-3", "PID-4", "PID-18", "PV1-5", "PV1-19", "PV1-50", "ORC-2", "ORC-3", "OBR-2", "OBR-3"})
_PERSON_IDS = frozenset({"NI", "NNCHN", "NNXXX", "SS", "PPN", "DL", "NH", "HC"})
_WORDS = frozenset({"MSH", "OBX-1", "OBX-2", "OBX-3", "DG1-3", "EVN-1"})


class Host:
    """What the women of a file have in common, and the numbers that are taken."""

    def __init__(self, document: Document, women: Sequence[Woman], rng: Random) -> None:
        self.document, self.women, self.rng = document, women, rng
        self.habits = Habits(rng)
        self.ids = FreshIds(rng, (message.field("MSH", 10) for message in document.messages))
        self._taken: dict[str, FreshIds] = {}
        self.times = [_time(message) for message in document.messages]
        known = [time for time in self.times if time is not None]
        self.in_time = len(known) == len(self.times) and known == sorted(known)
        for woman in women:
            values: list[tuple[str, str]] = []
            for at in woman.records:
                for place, text, number in leaves(document.messages[at]):
                    values.append((place, text))
                    if number:
                        self.habits.note_numbers(place, {place: text})
            self.habits.note(values, woman.cells[DUE])
        self.names = Names(message.parts(message.field("PID", 5))[0] for message in document.messages)
        self.addresses = Addresses(map(hl7.address_parts, document.messages))
        homes = [(hl7.address_parts(m), (m.parts(m.field("PID", 11)) + [""] * 5)[4]) for m in document.messages]
        self.postal = {tuple(parts[1:]): code for parts, code in homes if code}
        self.latest: dict[int, datetime] = {}

    def number(self, place: str, like: str) -> str:
        """A fresh patient, visit or order number."""
        if place not in self._taken:
            all_leaves = (leaf for message in self.document.messages for leaf in leaves(message))
            firsts = ((leaf[0], leaf[1].split(self.document.messages[0].marks.component)[0]) for leaf in all_leaves)
            self._taken[place] = FreshIds(self.rng, [text for there, text in firsts if there == place])
        return self._taken[place].draw(like)

    def fits(self, at: int, new: Row) -> bool:
        """Whether copies of woman `at`'s messages can hold the cells."""
        woman = self.women[at]
        mine = [self.document.messages[record] for record in woman.records]
        if woman.cells[HOSPITAL] != new[HOSPITAL] or any(message.first("MRG") for message in mine):
            return False
        likes = [hl7.address_parts(message) for message in mine if message.field("PID", 11)]
        return new[ADDRESS] is None or all(self.addresses.split(str(new[ADDRESS]), like) for like in likes)

    def plain(self, at: int) -> bool:
        """Whether copies of woman `at`'s messages would lack nothing that she shows."""
        mine = [self.document.messages[record] for record in self.women[at].records]
        return not any(fields[0] in _NOT_COPIED for message in mine for fields in message.segments)


class Copy:
    """The messages of one new woman with the six cells `new`, modelled on those of `woman`."""

    def __init__(self, host: Host, woman: Woman, new: Row) -> None:
        self._host, self._woman, self._new = host, woman, new
        self._numbers: dict[tuple[str, str], str] = {}
        self._due_days = days_between(woman.cells[DUE], new[DUE])

    def additions(self, before: int) -> Iterator[tuple[int, datetime, str]]:
        """(index to stand in front of, time, text) of each message; `before` is the index of the first."""
        host, (first, *_) = self._host, self._woman.records
        if host.in_time:
            start = self._between(before)
            for at in self._woman.records:
                old = host.times[at] or start
                time = min(start + (old - (host.times[first] or old)), max(start, host.times[-1] or start))
                place = before if at == first else max(before, bisect_right([t or start for t in host.times], time))
                yield place, time, self._text(at, time - old, place)
        else:
            values = [leaf[:2] for at in self._woman.records for leaf in leaves(host.document.messages[at])]
            values = [(place, text) for place, text in values if place != "PID-7" and text != self._woman.cells[DUE]]
            shift = host.habits.fitted(values, week_shift(host.rng, self._due_days))
            for at in self._woman.records:
                place = min(before + at - first, len(host.times))
                yield place, datetime.min, self._text(at, shift, place)

    def _between(self, before: int) -> datetime:
        """A time between those of the messages around the place."""
        times = [time for time in self._host.times if time]
        low = times[before - 1] if before else times[0] - timedelta(minutes=9)
        low = max(low, self._host.latest.get(before, low))
        high = times[before] if before < len(times) else low + timedelta(minutes=9)
        time = low + timedelta(seconds=self._host.rng.randint(0, int((high - low).total_seconds())))
        self._host.latest[before] = time
        return time

    def _text(self, at: int, shift: timedelta, place: int) -> str:
        old = self._host.document.messages[at]
        text = old.text()
        message = Message.parse(text)
        kept = [number for number, fields in enumerate(message.segments) if fields[0] not in _NOT_COPIED]
        message.segments = [message.segments[number] for number in kept]
        message.ends = [message.ends[number] for number in kept[:-1]] + [""]
        due = set(message.due_places())
        for number, fields in enumerate(message.segments):
            for index in range(2 if fields[0] == "MSH" else 1, len(fields)):
                if (number, index) in due:
                    fields[index] = self._due(message, fields[index])
                elif fields[index]:
                    fields[index] = self._field(message, fields, index, shift)
        self._facts(message, old)
        if control := old.field("MSH", 10):
            near = min(place, len(self._host.times) - 1)
            message.segments[0][9] = self._control(control, old, message, near)
        return message.text()

    def _control(self, like: str, old: Message, new: Message, near: int) -> str:
        """A fresh control id; one that holds the message's time gets the new time."""
        was, now = old.field("MSH", 7)[:14], new.field("MSH", 7)[:14]
        head, found, tail = like.partition(was)
        if len(was) < 12 or not found:
            return self._host.ids.draw(like, self._host.document.messages[near].field("MSH", 10))
        digits = "".join(str(self._host.rng.randrange(10)) if c.isdigit() else c for c in tail)
        return head + now + digits

    def _due(self, message: Message, text: str) -> str:
        if self._new[DUE] is None:
            return ""
        first, mark, rest = text.partition(message.marks.component)
        same = first == self._woman.cells[DUE]
        moved = self._host.habits.moved(first, timedelta(self._due_days))
        return (str(self._new[DUE]) if same else moved) + mark + rest

    def _field(self, message: Message, fields: Sequence[str], index: int, shift: timedelta) -> str:
        place = place_of(message, fields, index)
        if (fields[0] in _WORDS and place != "MSH-7") or place in _WORDS:
            return fields[index]
        repetitions = fields[index].split(message.marks.repetition)
        number = fields[0] == "OBX" and index == 5 and fields[2] == "NM"
        new = [self._value(message, place, text, shift, number) for text in repetitions]
        return message.marks.repetition.join(filter(None, new))

    def _value(self, message: Message, place: str, text: str, shift: timedelta, number: bool) -> str:
        first, mark, rest = text.partition(message.marks.component)
        habits = self._host.habits
        if place.partition("@")[0] in _IDS:
            kind = (text.split(message.marks.component) + [""] * 5)[4]
            if is_resident_id(first) or kind.upper() in _PERSON_IDS:
                return ""
            if (place, first) not in self._numbers:
                self._numbers[place, first] = self._host.number(place, first)
            return self._numbers[place, first] + mark + rest
        if number:
            return habits.numbers(place, {place: text})[place]
        if is_time(first):
            days = timedelta(self._due_days) if habits.follows_due(place) else shift
            return habits.moved(first, days) + mark + rest
        other = habits.other(place, text)
        if other is None and place.startswith("PV1-3@"):
            ward, _, _, *hospital = [*text.split(message.marks.component), "", "", ""]
            other = message.marks.component.join([ward, "", "", *hospital]).rstrip(message.marks.component)
        return other or ""

    def _facts(self, message: Message, old: Message) -> None:
        """Puts the new cells where the old message has its own, in PID."""
        pid = message.first("PID")
        name: dict[int, Cell] = dict(enumerate(_name_parts(self._host, old, self._new[NAME])))
        at, _ = hl7.phone(old)
        home: list[str] | None = [""] * 4
        if self._new[ADDRESS] is not None:
            home = self._host.addresses.split(str(self._new[ADDRESS]), hl7.address_parts(old))
        address: dict[int, Cell] = {**dict(enumerate(home or [""] * 4)), 4: self._postal_code(old, home or [])}
        facts: dict[int, dict[int, Cell]] = {5: name, 7: {0: self._new[BIRTH]}, 11: address, 13: {at: self._new[PHONE]}}
        for number, parts in facts.items():
            if number < len(pid) and old.field("PID", number):
                pid[number] = self._replaced(old, old.field("PID", number), parts)

    def _replaced(self, old: Message, text: str, parts: Mapping[int, Cell]) -> str:
        """A field's first repetition with other components; one that names nothing more is empty."""
        marks = old.marks
        if not any(parts.values()):
            return ""
        components = text.split(marks.repetition)[0].split(marks.component)
        for at, cell in parts.items():
            if cell or at < len(components):
                components += [""] * (at + 1 - len(components))
                components[at] = self._escaped(marks, cell)
        while not components[-1] and not text.endswith(marks.component):
            components.pop()
        return marks.component.join(components)

    def _postal_code(self, old: Message, home: Sequence[str]) -> str:
        """The postal code that others of the same area have; none where the host writes none."""
        has = len(old.parts(old.field("PID", 11))) > 4
        return self._host.postal.get(tuple(home[1:]), "") if has else ""

    def _escaped(self, marks: Marks, cell: Cell) -> str:
        text = "" if cell is None else str(cell)
        if "\r" in text or "\n" in text:
            raise CanaryError(f"{self._host.document.name}: a new row holds a line break", "leave it out")
        return marks.escaped(text)


def place_of(message: Message, fields: Sequence[str], index: int) -> str:
    """What a field is called: PID-5, OBX[29463-7]-5; PV1 speaks of the hospital's own wards and doctors."""
    name = fields[0]
    number = index + 1 if name == "MSH" else index
    if name == "OBX":
        return f"OBX[{message.code(fields)}]-{number}"
    return f"PV1-{number}@{hl7.hospital(message)[1]}" if name == "PV1" else f"{name}-{number}"


def leaves(message: Message) -> Iterator[tuple[str, str, bool]]:
    """(place, text, whether it is a measurement) of every repetition of every field."""
    for fields in message.segments:
        for index in range(1, len(fields)):
            if fields[index] and (fields[0] != "MSH" or index > 1):
                place = place_of(message, fields, index)
                number = fields[0] == "OBX" and index == 5 and fields[2] == "NM"
                yield from ((place, text, number) for text in fields[index].split(message.marks.repetition))


def _name_parts(host: Host, old: Message, cell: Cell) -> list[str]:
    """Family, given and middle name for the components that the old message fills."""
    if cell is None:
        return ["", "", ""]
    family, given = host.names.split(str(cell))
    like = ([*old.parts(old.field("PID", 5)), "", "", ""])[:3]
    if not like[1] or not like[0]:
        return [str(cell), "", ""] if like[0] else ["", str(cell), ""]
    if like[2] and len(given) > 1:
        return [family, given[0], " ".join(given[1:])]
    return [family, " ".join(given), ""]


def _time(message: Message) -> datetime | None:
    digits = message.field("MSH", 7)
    for length, form in ((14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M")):
        try:
            return datetime.strptime(digits[:length].ljust(length), form)
        except ValueError:
            continue
    return None
