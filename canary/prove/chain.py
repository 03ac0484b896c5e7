"""The ledger's hash chain: every entry's hash covers the one before it, so no entry can change unseen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from canary.prove.canonical import digest

GENESIS = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One ledger entry; `hash` = SHA-256 over seq, at, kind, payload and `prev`, the hash before it."""

    seq: int
    at: str
    kind: str
    payload: Mapping[str, Any]
    prev: str
    hash: str


def link(seq: int, at: str, kind: str, payload: Mapping[str, Any], prev: str) -> Entry:
    """The entry that follows the one whose hash is `prev`."""
    body = {"seq": seq, "at": at, "kind": kind, "payload": dict(payload), "prev": prev}
    return Entry(seq, at, kind, payload, prev, digest(body))


def first_break(entries: Iterable[Entry]) -> int | None:
    """The sequence number at which the chain first breaks (changed, removed or reordered), or None."""
    prev, expected = GENESIS, 1
    for entry in entries:
        honest = link(expected, entry.at, entry.kind, entry.payload, prev)
        if entry.seq != expected or entry.prev != prev or entry.hash != honest.hash:
            return expected
        prev, expected = entry.hash, expected + 1
    return None
