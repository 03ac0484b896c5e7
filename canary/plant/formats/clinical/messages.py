"""HL7 v2 text taken apart: where its messages stand, which of them tell of which woman, and her six cells."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Row
from canary.plant.formats.clinical.model import adults, day_of
from canary.plant.formats.clinical.people import joined_address, joined_name
from canary.plant.formats.clinical.splice import Span

_START = re.compile(r"(?:^|(?<=[\r\n\x0b]))\x0b?(FHS|BHS|MSH|BTS|FTS)(?=[^A-Za-z0-9\r\n])")
_BATCH = re.compile(r"(?:^|(?<=[\r\n\x0b]))(BHS|MSH|BTS|FTS)([^A-Za-z0-9\r\n])(\d*)")
_CHARSETS = {
    "UNICODEUTF-8": "utf-8",
    "UTF-8": "utf-8",
    "GB18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "8859/1": "latin-1",
    "8859/15": "iso8859-15",
}
_LIKELY = ("ascii", "utf-8", "gb18030")
_DUE_CODES = frozenset({"11778-8", "11779-6", "11780-4", "11781-2", "EDD", "EDC", "预产期", "DUEDATE"})
_DUE_TEXTS = ("ESTIMATEDDATEOFDELIVERY", "EXPECTEDDATEOFDELIVERY", "DELIVERYDATEESTIMATED", "ESTIMATEDDUEDATE")
_GENDER, _BORN, _ADDRESS, _PHONE = 8, 7, 11, 13


@dataclass(frozen=True)
class Marks:
    """The encoding characters of one message."""

    field: str
    component: str
    repetition: str
    escape: str
    sub: str

    def _names(self) -> dict[str, str]:
        return {"F": self.field, "S": self.component, "R": self.repetition, "E": self.escape, "T": self.sub}

    def plain(self, text: str) -> str:
        """A value without its escapes."""
        if not self.escape or self.escape not in text:
            return text
        e = re.escape(self.escape)
        return re.sub(f"{e}([FSRET]){e}", lambda match: self._names()[match[1]], text)

    def escaped(self, text: str) -> str:
        """A value as it may stand in a component."""
        names = {mark: name for name, mark in self._names().items() if mark}
        return "".join(f"{self.escape}{names[c]}{self.escape}" if c in names else c for c in text)


@dataclass
class Message:
    """One message: `segments` of fields (MSH-n at index n - 1, others at n); `ends[i]` follows segment i."""

    segments: list[list[str]]
    ends: list[str]
    marks: Marks
    lead: str = ""

    @classmethod
    def parse(cls, text: str) -> "Message":
        lead = "\x0b" if text.startswith("\x0b") else ""
        parts = re.split(r"([\r\n]+)", text[len(lead) :])
        signs = re.match(r"MSH(.)([^\r\n]*)", parts[0])
        separator = signs[1] if signs else "|"
        component, repetition, escape, sub = [*(signs[2].split(separator)[0] if signs else ""), *"\0" * 4][:4]
        marks = Marks(separator, component, repetition, escape.strip("\0"), sub.strip("\0"))
        return cls([part.split(separator) for part in parts[::2]], [*parts[1::2], ""], marks, lead)

    def text(self) -> str:
        pairs = zip(self.segments, self.ends, strict=True)
        return self.lead + "".join(self.marks.field.join(fields) + end for fields, end in pairs)

    def first(self, name: str) -> list[str]:
        return next((fields for fields in self.segments if fields[0] == name), [])

    def field(self, name: str, number: int) -> str:
        """Field `number` of the first such segment as it stands, "" if there is none."""
        fields = self.first(name)
        at = number - 1 if name == "MSH" else number
        return fields[at] if at < len(fields) else ""

    def parts(self, text: str) -> list[str]:
        """The components of the first repetition, without escapes."""
        first = text.split(self.marks.repetition)[0]
        return [self.marks.plain(part.split(self.marks.sub)[0]) for part in first.split(self.marks.component)]

    def code(self, fields: Sequence[str]) -> str:
        """What an OBX observes."""
        return self.parts(fields[3])[0] if fields[0] == "OBX" and len(fields) > 3 else ""

    def due_places(self) -> Iterator[tuple[int, int]]:
        """(segment, field) of each due date: an OBX by its code, or a Z segment's date after a label."""
        for at, fields in enumerate(self.segments):
            if fields[0] == "OBX" and len(fields) > 5 and self._says_due(fields[3]) and day_of(fields[5]):
                yield at, 5
            if fields[0].startswith("Z"):
                for number in range(2, len(fields)):
                    if self._says_due(fields[number - 1]) and day_of(fields[number]):
                        yield at, number

    def _says_due(self, text: str) -> bool:
        words = ["".join(filter(lambda c: c.isalnum() or c == "-", part)).upper() for part in self.parts(text)]
        return any(word in _DUE_CODES or word.startswith(_DUE_TEXTS) for word in words)


@dataclass(frozen=True)
class Document:
    """The text of a file; message i stands at spans[i]."""

    name: str
    encoding: str
    text: str
    spans: Sequence[Span]
    messages: Sequence[Message]


@dataclass
class Woman:
    """Her messages in the order of the file, and her cells."""

    records: list[int] = field(default_factory=list)
    cells: Row = ()


def load(path: Path) -> Document:
    """The file taken apart; raises CanaryError when it holds no HL7 v2 message or no text we can read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    encoding, text = _decoded(path.name, data)
    starts = [(match.start(), match[1]) for match in _START.finditer(text)] + [(len(text), "")]
    spans = []
    for (at, kind), (end, _) in itertools.pairwise(starts):
        if kind == "MSH":
            body = text[at:end].rstrip("\r\n\x0b\x1c \t")
            spans.append((at, at + len(body)))
    if not spans:
        raise CanaryError(f"{path.name}: no HL7 v2 message in it", "export ADT messages, each starting with MSH")
    messages = [Message.parse(text[a:b]) for a, b in spans]
    for number, message in enumerate(messages, 1):
        if "\0" in (message.marks.component, message.marks.repetition):
            raise CanaryError(f"{path.name}: message {number} has no encoding characters in MSH-2", "export it again")
    return Document(path.name, encoding, text, spans, messages)


def women(document: Document) -> list[Woman]:
    """A woman for each patient number, in the order of their first messages."""
    found: dict[str, Woman] = {}
    for at, message in enumerate(document.messages):
        if (key := message.field("PID", 3)) and message.field("PID", _GENDER)[:1].upper() not in ("M", "男"):
            found.setdefault("|".join(message.parts(key)[:4:3]), Woman()).records.append(at)
    for woman in found.values():
        rows = [cells(document.messages[at]) for at in woman.records]
        woman.cells = tuple(next((cell for cell in column if cell), None) for column in zip(*rows, strict=True))
    grown = list(found.values())
    return [grown[at] for at in adults([woman.cells for woman in grown])]


def cells(message: Message) -> list[str]:
    """Name, phone, address, hospital, due date and birth date of one message, "" where it has none."""
    family, *given = ([*message.parts(message.field("PID", 5)), "", "", ""])[:3]
    due = next((message.segments[at][number] for at, number in message.due_places()), "")
    return [
        joined_name(family, given),
        phone(message)[1],
        joined_address(address_parts(message)),
        hospital(message)[1],
        message.parts(due)[0],
        message.parts(message.field("PID", _BORN))[0],
    ]


def phone(message: Message) -> tuple[int, str]:
    """Which component of PID-13 is the number (0-based), and the number."""
    parts = message.parts(message.field("PID", _PHONE))
    return next(((at, parts[at]) for at in (0, 11) if at < len(parts) and parts[at]), (0, ""))


def address_parts(message: Message) -> list[str]:
    """Street, further designation, city and state of PID-11."""
    return (message.parts(message.field("PID", _ADDRESS)) + [""] * 4)[:4]


def hospital(message: Message) -> tuple[str, str]:
    """Where the hospital stands (PV1-3, else MSH-4) and what it is called."""
    location = message.parts(message.field("PV1", 3))
    if len(location) > 3 and location[3]:
        return "PV1", location[3]
    return "MSH", message.parts(message.field("MSH", 4))[0]


def recounted(before: str, after: str) -> str:
    """`after` with the counts of its batches raised where those of `before` were right."""
    old, new = _counts(before), _counts(after)
    out, done = [], 0
    for (_, _, text, was), (start, end, _, count) in zip(old, new, strict=True):
        if text and int(text) == was:
            out += [after[done:start], str(count).zfill(len(text))]
            done = end
    return "".join(out) + after[done:]


def _counts(text: str) -> list[tuple[int, int, str, int]]:
    """(start, end, written, true number) of every message count; a file without batches counts in FTS."""
    found = []
    messages = batches = 0
    for match in _BATCH.finditer(text):
        messages = 0 if match[1] == "BHS" else messages + (match[1] == "MSH")
        batches += match[1] == "BHS"
        if match[1] == "BTS" or (match[1] == "FTS" and not batches):
            found.append((match.start(3), match.end(3), match[3], messages))
    return found


def _decoded(name: str, data: bytes) -> tuple[str, str]:
    separator = data[data.find(b"MSH") + 3 : data.find(b"MSH") + 4] or b"|"
    header = re.split(rb"[\r\n]", data[max(0, data.find(b"MSH")) :], maxsplit=1)[0].split(separator)
    declared = header[17].decode("ascii", "replace").split("~")[0].upper().replace(" ", "") if len(header) > 17 else ""
    for encoding in (*filter(None, [_CHARSETS.get(declared)]), *_LIKELY):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and text.encode(encoding) == data:
            return encoding, text
    raise CanaryError(f"{name}: the text is neither ASCII, UTF-8 nor GB18030", "export it in UTF-8")
