"""Finds canaries in blocks of bytes: first by look-ups of whole words in sets, then by reading the few records that
hold one. Nothing of any other record is kept."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from canary.scan.blocks import Block, Syntax
from canary.scan.needles import Kind, Needles
from canary.scan.record import Clues, Match, read

# Repetitions are bounded: a megabyte of digits must not be tried from each of its places to its end.
_GROUPED = re.compile(rb"[0-9]{1,13}(?:[ \-.()/]{1,2}[0-9]{1,13}){1,8}")
_MARKS = b" -.()/"
_PART = re.compile(rb"[0-9]+")
_SCIENTIFIC = re.compile(rb"(?<![0-9])[0-9]\.[0-9]{5,}[eE]\+?[0-9]{1,2}(?![0-9])")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_MASKED = re.compile(rb"([0-9]{2,6})[*xX#]{2,8}([0-9]{2,4})(?![0-9])")
_MOST_PARTS = 6  # of a grouped number, country code included
_WINDOW = 1000  # bytes to either side that count as the same record where records cannot be told apart
_LONG = 1 << 16
_FEW = 16  # words of which each may be looked for on its own

_DIGITS = frozenset(b"0123456789")
_HEXES = frozenset(b"0123456789abcdefABCDEF")


@dataclass
class Matcher:
    """Searches the blocks of one text in order; `rows` counts its records, `name_rows` those that show a name."""

    needles: Needles
    syntax: Syntax
    rows: int = 0
    name_rows: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._runs = frozenset(self.needles.digits)
        shortest = min(map(len, self._runs), default=7)
        self._run = re.compile(rb"[0-9]{%d,}" % shortest)
        self._anchors = frozenset(self.needles.anchors)
        bar = b"" if self.syntax.pipe else b"|"
        inside = rb"0-9\x40-\x7b\x7d-\xff" + bar
        self._word = re.compile(rb"[\x80-\xff\\][%s]{2,}|[A-Za-z][A-Za-z'\-]+" % inside)
        if not any(anchor.isalpha() and anchor.isascii() for anchor in self._anchors):
            self._word = re.compile(rb"[\x80-\xff\\][%s]{2,}" % inside)
        self._inside = frozenset(b for b in range(256) if re.match(rb"[%s]" % inside, bytes([b])))

    def search(self, block: Block) -> list[Match]:
        """The records of the block that hold a canary, or the shadow of a control, in order."""
        data = block.data
        breaks = None if self.syntax.separator is None else [m.start() for m in self.syntax.separator.finditer(data)]
        found: defaultdict[tuple[int, int], Clues] = defaultdict(Clues)
        for at, end, clue in self._clues(data):
            touches = (block.open_left and at == 0) or (block.open_right and end == len(data))
            if not touches and not (end < block.fresh):
                found[_bounds(data, at, end, breaks)].add(clue)
        matches = []
        for (start, stop), clues in sorted(found.items()):
            match = read(data[start:stop], clues, self.needles, self.name_rows)
            if match is not None:
                matches.append(match.at(self._row(block, start, breaks)))
        self._count(block, breaks)
        return matches

    def _clues(self, data: bytes) -> Iterator[tuple[int, int, Clues]]:
        known = self.needles.digits
        for run in self._runs.intersection(self._run.findall(data)):
            yield from _at(data, run, _DIGITS, Clues.of_numbers(Kind.PHONE, known[run]))
        if not self.needles.hashes:
            return
        yield from self._grouped(data)
        for token in set(_SCIENTIFIC.findall(data)):
            if (run := b"%d" % int(Decimal(token.decode()))) in known:
                yield from _at(data, token, _DIGITS, Clues.of_numbers(Kind.PHONE, known[run]))
        for token in set(_HEX.findall(data)):
            if hashed := self.needles.hashes.get(token.lower()):
                kind, number = hashed
                yield from _at(data, token, _HEXES, Clues.of_numbers(Kind(kind), frozenset({number})))
        for masked in _MASKED.finditer(data):
            if numbers := self.needles.masks.get((masked[1], masked[2])):
                yield masked.start(), masked.end(), Clues(masked=set(numbers))
        yield from self._words(data)

    def _words(self, data: bytes) -> Iterator[tuple[int, int, Clues]]:
        words = self._anchors.intersection(self._word.findall(data))
        if len(words) <= _FEW:
            for word in words:
                yield from _at(data, word, self._around(word), Clues(people=set(self.needles.anchors[word])))
            return
        for match in self._word.finditer(data):
            if (word := match[0]) in words and not (match.start() and data[match.start() - 1] in self._around(word)):
                yield match.start(), match.end(), Clues(people=set(self.needles.anchors[word]))

    def _around(self, word: bytes) -> frozenset[int]:
        return _ASCII_WORD if word[0] < 0x80 and word[:1] != b"\\" else self._inside

    def _grouped(self, data: bytes) -> Iterator[tuple[int, int, Clues]]:
        tokens = list(set(_GROUPED.findall(data)))
        joined = b"\n".join(tokens).translate(None, _MARKS).split(b"\n")
        shortest = min(map(len, self._runs), default=7)
        for token, whole in zip(tokens, joined, strict=bool(tokens)):
            if whole in self._runs:
                yield from _at(data, token, _DIGITS, Clues.of_numbers(Kind.PHONE, self.needles.digits[whole]))
            elif len(whole) > shortest:
                yield from self._inside_of(data, token)

    def _inside_of(self, data: bytes, token: bytes) -> Iterator[tuple[int, int, Clues]]:
        """Numbers that are some of the groups of a longer token, as between a date and an age."""
        parts = [(m.start(), m.end()) for m in _PART.finditer(token)]
        for i, (start, _) in enumerate(parts):
            for _, end in parts[i + 1 : i + _MOST_PARTS]:
                whole = token[start:end].translate(None, _MARKS)
                if whole in self._runs:
                    clues = Clues.of_numbers(Kind.PHONE, self.needles.digits[whole])
                    yield from _at(data, token[start:end], _DIGITS, clues)

    def _row(self, block: Block, start: int, breaks: list[int] | None) -> int:
        if breaks is None:
            return self.rows + block.data.count(b"\n", block.fresh, start) + self.syntax.first
        return self.rows + bisect_right(breaks, start) - bisect_left(breaks, block.fresh) + self.syntax.first

    def _count(self, block: Block, breaks: list[int] | None) -> None:
        if breaks is not None:
            self.rows += len(breaks) - bisect_left(breaks, block.fresh)
            self.rows += self.syntax.first if block.last and (self.rows or block.data.strip()) else 0
            return
        data = block.data.rstrip() if block.last else block.data
        self.rows += data.count(b"\n", block.fresh) + bool(block.last and data)
        if block.last:
            self.rows = max(0, self.rows - 1 + self.syntax.first)


_ASCII_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'-")


def _at(data: bytes, token: bytes, inside: frozenset[int], clues: Clues) -> Iterator[tuple[int, int, Clues]]:
    """Every place where a token stands whole: what touches it is not of its own kind."""
    at, size = data.find(token), len(token)
    while at >= 0:
        end = at + size
        if not ((at and data[at - 1] in inside) or (end < len(data) and data[end] in inside)):
            yield at, end, clues
        at = data.find(token, at + 1)


def _bounds(data: bytes, at: int, end: int, breaks: list[int] | None) -> tuple[int, int]:
    """The record around a place, or its surroundings where the record is longer than any record."""
    if breaks is None:
        start, stop = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", end)
        stop = len(data) if stop < 0 else stop
    else:
        i = bisect_right(breaks, at)
        start, stop = breaks[i - 1] if i else 0, breaks[i] if i < len(breaks) else len(data)
    return (start, stop) if stop - start <= _LONG else (max(start, at - _WINDOW), min(stop, end + _WINDOW))
