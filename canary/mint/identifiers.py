"""Decides what a persona may show in columns that identify a person: masks, running numbers, or nothing."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from random import Random

from canary.errors import CanaryError
from canary.mint.dates import parse_text
from canary.mint.facts import Cell
from canary.mint.phones import looks_like_phone

_PERSONAL = re.compile(r"\d{17}[\dXx]")  # a resident ID
_SHARED = 0.1  # of so few values a column of telephone numbers does not consist
_FEW = 40  # rows that may all differ by chance
_MASK = re.compile(r"[*＊xX×#•]{3,}")


class MaskedIds:
    """The resident-ID column of one host: masked values are recombined, whole ones are never issued."""

    def __init__(self, header: str, cells: Sequence[Cell]) -> None:
        """Raises CanaryError when every row shows a whole resident ID: none could stand among them."""
        self._cells = [cell if isinstance(cell, str) and _MASK.search(cell) else None for cell in cells]
        shown = any(cell is not None and masked is None for cell, masked in zip(cells, self._cells, strict=True))
        if shown and all(cell is not None for cell in cells):
            raise CanaryError(
                f"column '{header}' shows every resident ID in full, and none is ever issued",
                "leave the column out of the copy, or mask it",
            )
        self._masked = [cell for cell in self._cells if cell is not None]

    def draw(self, rng: Random, like: int) -> str | None:
        """Row `like`'s masked ID with another row's tail; None where it shows none or a whole one."""
        cell = self._cells[like]
        if cell is None:
            return None
        other = rng.choice(self._masked)
        return cell[: _end(cell)] + other[_end(other) :]


def with_birth_date(masked: Cell, born: Cell) -> Cell:
    """A masked resident ID (18 places) whose visible places of the birth date agree with `born`."""
    if not isinstance(masked, str) or len(masked) != 18 or not isinstance(born, date):
        return masked
    day = "".join(b if a.isdecimal() else a for a, b in zip(masked[6:14], f"{born:%Y%m%d}", strict=True))
    return masked[:6] + day + masked[14:]


class RunningNumbers:
    """The running-number column of one host: gaps are used first, then the numbers after the last."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._like = next((cell for cell in cells if _number(cell) is not None), None)
        self._taken = {number for cell in cells if (number := _number(cell)) is not None}
        self._last = max(self._taken, default=0)
        gaps = set(range(min(self._taken, default=0), self._last)) if self._last < 10 * len(cells) else set()
        self._gaps = sorted(gaps - self._taken)

    def draw(self, rng: Random, count: int) -> list[Cell]:
        """`count` unused numbers in the host's type and width."""
        free = rng.sample(self._gaps, min(count, len(self._gaps)))
        free += range(self._last + 1, self._last + 1 + count - len(free))
        return [self._write(number) for number in free]

    def _write(self, number: int) -> Cell:
        if isinstance(self._like, str):
            return str(number).zfill(len(self._like)) if self._like.startswith("0") else str(number)
        return float(number) if isinstance(self._like, float) else number


class Codes:
    """The codes of one host (F2026-000173), all different and of one shape, ready to be continued or recombined."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        shown = [cell for cell in cells if cell is not None]
        self._missing = 1 - len(shown) / len(cells)
        self._type: type[str] | type[int] = int if isinstance(shown[0], int) else str
        self._texts = [str(cell) for cell in shown]
        # Digits belong to the number even where they happen to be the same in every code.
        self._head = _common(self._texts).rstrip("0123456789")
        self._tail = _common([text[len(self._head) :][::-1] for text in self._texts])[::-1].lstrip("0123456789")
        self._middles = [text[len(self._head) : len(text) - len(self._tail)] for text in self._texts]
        self._numbers = [int(text) for text in self._middles if text.isascii() and text.isdecimal()]

    @property
    def serial(self) -> bool:
        """Whether the codes count up with few gaps: then new ones fill the gaps and go on after the last."""
        whole = len(self._numbers) == len(self._texts)
        return whole and max(self._numbers) - min(self._numbers) < 3 * len(self._numbers)

    @property
    def uniform(self) -> bool:
        """Whether digits and letters stand in the same places in every code."""
        return len({re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", t))) for t in self._texts}) == 1

    def draw(self, rng: Random, count: int) -> list[Cell]:
        """`count` codes that the host does not have, in its type, missing as often as the host's are."""
        made = self._continued(rng, count) if self.serial else self._recombined(rng, count)
        return [None if rng.random() < self._missing else self._type(text) for text in made]

    def _continued(self, rng: Random, count: int) -> list[str]:
        width = min(map(len, self._middles))
        numbers = RunningNumbers(self._numbers).draw(rng, count)
        return [f"{self._head}{str(number).zfill(width)}{self._tail}" for number in numbers]

    def _recombined(self, rng: Random, count: int) -> list[str]:
        """A code's beginning with other codes' last characters, as many of them as it takes to be new."""
        taken, made, changed = set(self._texts), list[str](), 3
        varying = [i for i, letters in enumerate(zip(*self._texts, strict=True)) if len(set(letters)) > 1]
        while len(made) < count:
            for _ in range(20):
                letters = list(rng.choice(self._texts))
                for place in varying[-changed:]:
                    letters[place] = rng.choice(self._texts)[place]
                if (text := "".join(letters)) not in taken:
                    taken.add(text)
                    made.append(text)
                    break
            else:
                changed += 1
                if changed > 2 * len(varying) + 20:
                    raise CanaryError("the table has no room for another code", f"all like {made[-1:]} are taken")
        return made


def codes_of(cells: Sequence[Cell], anonymous: bool) -> Codes | None:
    """The codes an identifying column may be given; None where it must stay empty because they may be a person's.

    Bare numbers out of a wide range could be anybody's, so they are made up only in an `anonymous` extract.
    """
    shown = [cell for cell in cells if isinstance(cell, str | int) and not isinstance(cell, bool)]
    if len(shown) < sum(cell is not None for cell in cells) or len({type(cell) for cell in shown}) != 1:
        return None
    texts = [str(cell) for cell in shown]
    if any(map(_PERSONAL.fullmatch, texts)) or sum(map(_diallable, texts)) > 0.5 * len(texts):
        return None
    codes = Codes(cells)
    bare = all(text.isdecimal() for text in texts)
    return codes if codes.serial or (codes.uniform and (anonymous or not bare)) else None


def _diallable(text: str) -> bool:
    """Whether it may be a whole telephone number, or another number by which a state knows a person."""
    return looks_like_phone(text) and sum(letter.isdigit() for letter in text) >= 9


def identifies(cells: Sequence[Cell]) -> bool:
    """Whether a column that no fact explains points at persons: it holds phones, or values that all differ."""
    counts = Counter(cells)
    present = len(cells) - counts.pop(None, 0)
    texts = {cell: str(cell) for cell in counts if isinstance(cell, str | int) and not isinstance(cell, bool)}
    shown = {cell: text for cell, text in texts.items() if parse_text(text, day_first=True) is None}
    rows = sum(counts[cell] for cell in shown)
    if rows < 0.5 * present or not rows:
        return False
    phones = sum(counts[cell] for cell, text in shown.items() if looks_like_phone(text))
    long = sum(counts[cell] for cell, text in shown.items() if len(text) >= 6) > 0.5 * rows
    # A code that many rows share, as OMOP's concepts of eight digits, rings nobody.
    rung = phones > 0.5 * rows and len(shown) > _SHARED * rows
    return rung or len(shown) > (0.9 if long else 0.99) * (rows if long else max(rows, _FEW))


def _common(texts: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(texts), max(texts)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def _number(cell: Cell) -> int | None:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, str) and cell.isdecimal():
        return int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None


def _end(text: str) -> int:
    match = _MASK.search(text)
    return match.end() if match else len(text)
