"""The draw for a table without phones: more personas are minted than planted, and which ones are is the secret.

Nobody can ring these canaries. What convicts is that a found file shows those of the lot that were planted and not the
others, who were minted alike and stand in no file at all (docs/mathematics.md §5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from canary.errors import CanaryError
from canary.mint.columns import blank
from canary.mint.facts import Cell, Fact, Persona, Table
from canary.mint.identifiers import RunningNumbers, codes_of, identifies
from canary.plant.spool import Bulk
from canary.trace.law import draw, rank

BLOCK = "lot"
SHADOWS, MOST = 250, 10_000  # shadows beside each canary, and personas of a lot: three rows of so few then name a copy


@dataclass(frozen=True)
class Lot:
    """Labels of everybody minted, and which of them are planted."""

    labels: tuple[str, ...]
    planted: frozenset[str]

    @classmethod
    def drawn(cls, secret: bytes, count: int) -> "Lot":
        """A lot for `count` canaries. Raises CanaryError when they are too many for shadows to stand beside them."""
        if not 1 <= count <= MOST // 2:
            raise CanaryError(f"{count} canaries wanted, {MOST // 2} is the most without phones", "see --canaries")
        labels = tuple(f"P{place:05}" for place in range(min(MOST, (1 + SHADOWS) * count)))
        return cls(labels, draw(secret, labels, count))


def settled(
    personas: Mapping[str, Persona],
    planted: frozenset[str],
    table: Table | Bulk,
    columns: Mapping[Fact, int],
    secret: bytes,
) -> tuple[dict[str, Persona], frozenset[int]]:
    """The personas with identifying codes for those planted and none for shadows, and the columns of such codes: those
    that count up would show by their gaps that others were minted beside these. So they are not compared."""
    own = [at for at in range(len(table.header)) if at == columns.get(Fact.RUNNING_NUMBER) or _identifies(table, at)]
    rng, order = Random(rank(secret, "codes")), sorted(planted)
    codes = {at: dict(zip(order, _codes(rng, table, at, len(order)), strict=True)) for at in own}
    found = {label: _with(persona, {at: codes[at].get(label) for at in own}) for label, persona in personas.items()}
    return found, frozenset(own)


def _identifies(table: Table | Bulk, at: int) -> bool:
    return identifies(_column(table, at))


def _column(table: Table | Bulk, at: int) -> list[Cell]:
    cells = table.rows.column(at) if isinstance(table, Bulk) else (row[at] for row in table.rows)
    return [None if blank(cell) else cell for cell in cells]


def _codes(rng: Random, table: Table | Bulk, at: int, count: int) -> Sequence[Cell]:
    cells = _column(table, at)
    if identifies(cells):
        codes = codes_of(cells, anonymous=True)
        return codes.draw(rng, count) if codes else [None] * count
    return RunningNumbers(cells).draw(rng, count)


def _with(persona: Persona, codes: Mapping[int, Cell]) -> Persona:
    return replace(persona, cells=tuple(codes.get(at, cell) for at, cell in enumerate(persona.cells)))
