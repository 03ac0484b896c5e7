"""The commitment to a draw: a hash published before the copy leaves, opened later with the secret seed."""

from collections.abc import Mapping, Sequence
from typing import Any

from canary.prove.canonical import digest

FORMAT = "canary-placement/1"


def opening(
    copy: str, law: str, seed: bytes, blocks: Mapping[str, Mapping[str, Any]], personas: Sequence[str]
) -> dict[str, Any]:
    """What opens a commitment. `blocks` maps block to {"numbers": eligible codes, "planted": how many},
    `personas` are digests of the personas in draw order. The 256-bit seed hides all of it until it is shown."""
    return {
        "format": FORMAT,
        "copy": copy,
        "law": law,
        "seed": seed.hex(),
        "blocks": {b: dict(spec) for b, spec in blocks.items()},
        "personas": list(personas),
    }


def commitment(opened: Mapping[str, Any]) -> str:
    """SHA-256 of the opening: goes into the ledger before the output file appears."""
    return digest(dict(opened))
