"""Decides what a persona may show in columns that identify a person: masks, running numbers, or nothing."""

import re
from collections.abc import Sequence
from datetime import date
from random import Random

from canary.errors import CanaryError
from canary.mint.dates import parse_text
from canary.mint.facts import Cell
from canary.mint.phones import looks_like_phone

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


def identifies(cells: Sequence[Cell]) -> bool:
    """Whether an unknown column must stay empty: it holds phones, or long values that all differ."""
    texts = [str(cell) for cell in cells if isinstance(cell, str | int)]
    shown = [text for text in texts if len(text) >= 6 and parse_text(text, day_first=True) is None]
    if len(shown) < 0.5 * sum(cell is not None for cell in cells) or not shown:
        return False
    phones = sum(map(looks_like_phone, shown))
    return phones > 0.5 * len(shown) or len(set(shown)) > 0.9 * len(shown)


def _number(cell: Cell) -> int | None:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, str) and cell.isdecimal():
        return int(cell)
    return cell if isinstance(cell, int) and not isinstance(cell, bool) else None


def _end(text: str) -> int:
    match = _MASK.search(text)
    return match.end() if match else len(text)
