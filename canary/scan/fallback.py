"""Looks for keys in pure Python, where no kernel could be compiled: the same places, in many times the time."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from canary.scan.anchors import folded
from canary.scan.blocks import Block, Syntax
from canary.scan.index import HEX_LENGTHS, Index, Places, bounds
from canary.scan.keys import LONGEST_KEY
from canary.scan.person import shown_numbers

# Quantifiers are possessive: a megabyte of digits must not be tried from each of its places to its end.
_RUN = re.compile(rb"[0-9]++")
_GROUPED = re.compile(rb"[0-9]++(?:[ \-.()/]{1,2}+[0-9]++)++")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}+")
_MASKED = re.compile(rb"(?<![*xX#])[*xX#]{2,8}+(?=[0-9]{2,4}+(?![0-9]))")
_HEAD, _TAIL = re.compile(rb"(?<![0-9])[0-9]{2,6}\Z"), re.compile(rb"[0-9]{2,4}")
_SCIENTIFIC = re.compile(rb"(?<![0-9])([1-9])\.([0-9]{5,20}+)[eE](?=\+?+([0-9]{1,2}+)(?![0-9]))")
_WORD = {
    pipe: re.compile(rb"(?<![%s])[\x80-\xff\\][%s]*+" % (inside, inside))
    for pipe, inside in ((True, rb"0-9\x40-\x7b\x7d-\xff"), (False, rb"0-9\x40-\xff"))
}
_LETTERS = re.compile(rb"(?<![A-Za-z'\-])['\-]*+([A-Za-z][A-Za-z'\-]*+)")
_MARKS = b" -.()/"
Word = tuple[int, int, int]  # its start and end in the block, number of its key
_MOST_PARTS = 6  # of a grouped number, country code included


class Fallback:
    """A finder of regular expressions and dictionaries."""

    def __init__(self, index: Index) -> None:
        self.index = index
        names, numbers, hashes, _ = index.until
        self._names = {key: at for at, key in enumerate(index.names)}
        self._numbers = {key: at for at, key in enumerate(index.numbers, names)}
        self._hashes = {index.hashes[8 * i : 8 * i + 8]: numbers + i for i in reversed(range(hashes - numbers))}
        self._masks = {key: at for at, key in enumerate(index.masks, hashes)}
        self._lengths = frozenset(map(len, index.numbers))
        self._shortest = min(self._lengths, default=LONGEST_KEY)
        signs, of_group = index.signs()
        self._signs = [list(map(frozenset, signs[place])) for place in of_group]
        self._groups = index.groups.tolist()
        self._counts = np.zeros(len(self._signs), np.uint32)

    def twin(self) -> "Fallback":
        """Another over the same tables."""
        return Fallback(self.index)

    def begin(self) -> None:
        """Forget what was counted."""
        self._counts[:] = 0

    @property
    def name_rows(self) -> NDArray[np.uint32]:
        """How many records showed a name of each group since `begin`."""
        return self._counts

    def search(self, block: Block, syntax: Syntax, breaks: NDArray[np.uint64] | None) -> Places:
        """The places in a block."""
        data, size = bytes(block.data), len(block.data)
        cuts = None if breaks is None else breaks.tolist()
        found = [*self._in_digits(data)]
        if self.index.everything:
            found += [*self._in_groups(data), *self._in_hex(data), *self._behind_masks(data), *self._in_science(data)]
            names = [hit for hit in self._in_words(data, syntax.pipe) if not _is_open(block, size, hit)]
            found += self._signed(data, names, cuts)
        hits = [(*word, *_record(data, word, block.fresh, cuts)) for word in found if not _is_open(block, size, word)]
        return Places(hits, data.count(b"\n", block.fresh))

    def _in_digits(self, data: bytes) -> Iterator[Word]:
        if not self._numbers.keys().isdisjoint(_RUN.findall(data)):
            for run in _RUN.finditer(data):
                if (key := self._numbers.get(run[0])) is not None:
                    yield run.start(), run.end(), key

    def _in_groups(self, data: bytes) -> Iterator[Word]:
        for token in _GROUPED.finditer(data):
            if token.end() - token.start() > self._shortest:
                parts = [(m.start(), m.end()) for m in _RUN.finditer(data, token.start(), token.end())]
                for i, (start, _) in enumerate(parts):
                    for _, end in parts[i + 1 : i + _MOST_PARTS]:
                        if end - start > 2 * LONGEST_KEY:
                            break
                        key = self._numbers.get(data[start:end].translate(None, _MARKS))
                        if key is not None:
                            yield start, end, key

    def _in_hex(self, data: bytes) -> Iterator[Word]:
        for token in _HEX.finditer(data):
            if token.end() - token.start() in HEX_LENGTHS:
                key = self._hashes.get(bytes.fromhex(token[0][:16].decode()))
                if key is not None:
                    yield token.start(), token.end(), key

    def _behind_masks(self, data: bytes) -> Iterator[Word]:
        for mask in _MASKED.finditer(data):
            head = _HEAD.search(data, max(0, mask.start() - 7), mask.start())
            tail = _TAIL.match(data, mask.end())
            if head and tail:
                for start in {head.start(), head.start() + 2 * head[0].startswith(b"86")}:  # with country code
                    key = self._masks.get(data[start : head.end()] + b"*" + tail[0])
                    if key is not None:
                        yield head.start(), tail.end(), key

    def _in_science(self, data: bytes) -> Iterator[Word]:
        for token in _SCIENTIFIC.finditer(data):
            power = int(token[3])
            key = self._numbers.get(token[1] + token[2][:power].ljust(power, b"0"))
            if key is not None:
                yield token.start(), token.end(3), key

    def _in_words(self, data: bytes, pipe: bool) -> Iterator[Word]:
        found = [(m.start(), m[0]) for m in _WORD[pipe].finditer(data)]
        for start, word in found:
            if (key := self._names.get(word)) is not None:
                yield start, start + len(word), key
        for m in _LETTERS.finditer(data) if self.index.latin else ():
            word = m[1].rstrip(b"'-")
            if (key := self._names.get(folded(word))) is not None:
                yield m.start(1), m.start(1) + len(word), key

    def _signed(self, data: bytes, names: list[Word], breaks: list[int] | None) -> Iterator[Word]:
        """Names whose record shows a sign, in it; every record that shows a name of a group counts once."""
        seen: set[tuple[int, int]] = set()
        for at, end, key in sorted(names):
            start, stop = bounds(data, at, end, breaks)
            group = self._groups[key]
            if (group, start) not in seen:
                seen.add((group, start))
                self._counts[group] += 1
            shown = shown_numbers(data[start:stop])
            if any(sign <= shown for sign in self._signs[group]):
                yield at, end, key


def _record(data: bytes, word: Word, fresh: int, breaks: list[int] | None) -> tuple[int, int, int]:
    """Where the record around a word starts and stops, and how many begin from `fresh` to there."""
    start, stop = bounds(data, word[0], word[1], breaks)
    if breaks is None:
        return start, stop, data.count(b"\n", fresh, max(fresh, start))
    return start, stop, bisect_right(breaks, start) - bisect_left(breaks, fresh)


def _is_open(block: Block, size: int, word: Word) -> bool:
    """Whether a word may be only a part of one, or was seen in the block before."""
    at, end, _ = word
    return (block.open_left and at == 0) or (block.open_right and end == size) or end < block.fresh
