"""The laws of placement: which numbers of a block a copy gets, drawn from a secret seed."""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Law(StrEnum):
    """`exclusive`: a number stands in one copy, beside controls never planted. `shared`: it may stand in many,
    under another persona in each; a copy's controls are the numbers its own draw left out.

    Either way a copy's planted numbers are a uniform subset of its release, given every other copy's draw.
    """

    EXCLUSIVE = "exclusive"
    SHARED = "shared"


def rank(seed: bytes, label: str) -> bytes:
    """The keyed rank of one label: HMAC-SHA256, so anyone given the seed can repeat the draw in any language."""
    return hmac.new(seed, label.encode(), hashlib.sha256).digest()


def draw(seed: bytes, labels: Sequence[str], count: int) -> frozenset[str]:
    """A uniformly random subset of `count` labels: those of lowest rank. Raises ValueError if too few."""
    if count > len(labels):
        raise ValueError(f"{count} of {len(labels)} labels")
    return frozenset(sorted(labels, key=lambda label: rank(seed, label))[:count])


def apportion(available: Mapping[str, int], count: int) -> dict[str, int]:
    """Share `count` draws among blocks in proportion to what each has left (largest remainder).

    It depends on sizes alone, so the draw inside each block stays uniform. Raises ValueError if too few.
    """
    total = sum(available.values())
    if count > total:
        raise ValueError(f"{count} of {total} numbers")
    exact = {block: count * size / total for block, size in available.items() if size}
    shares = {block: math.floor(share) for block, share in exact.items()}
    by_remainder = sorted(exact, key=lambda block: (shares[block] - exact[block], block))
    for block in by_remainder[: count - sum(shares.values())]:
        shares[block] += 1
    return {block: share for block, share in shares.items() if share}


def controls_for(pool: int, share: float, floor: int = 20) -> int:
    """How many of a pool's numbers are kept as never-planted controls: `share` of it, at least `floor` where
    a third of the pool allows. Too few controls cap every score at ln C(planted + controls, planted)."""
    return max(math.ceil(share * pool), min(floor, pool // 3))
