"""Asks phones, and the servers that speak for them, for JSON: what they answer is not believed to be short, or soon."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from canary.errors import OutsideError

SECONDS = 20  # without a byte, and for the whole answer
MOST = 4 << 20  # bytes
CHUNK = 64 << 10


@dataclass(frozen=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes

    def read(self) -> Any:
        """The JSON in it. Raises ValueError, however deep it is nested."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None


def ask(method: str, url: str, who: str, hint: str, **how: Any) -> Answer:
    """One request, never sent on to where a redirect points. Raises OutsideError that names `who`, and no secret."""
    until = time.monotonic() + SECONDS
    how |= {"timeout": SECONDS, "allow_redirects": False, "headers": {"Accept-Encoding": "identity"}}
    read = bytearray()
    try:
        with requests.request(method, url, stream=True, **how) as answer:
            # Piece by piece as it comes: whoever sends a byte now and then must not hold the job for good.
            while piece := answer.raw.read1(CHUNK):
                read += piece
                if len(read) > MOST or time.monotonic() > until:
                    raise OutsideError(f"{who}: answered too much, or too slowly", hint)
            return Answer(answer.status_code, bytes(read))
    except (requests.RequestException, OSError, ValueError, HTTPError) as error:
        raise OutsideError(f"{who}: {type(error).__name__}", hint) from error


def each_tried(parts: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """What all of them give; of those that fail the first is told at the end, so that it holds up no other."""
    failed: OutsideError | None = None
    for part in parts:
        try:
            yield from part
        except OutsideError as error:
            failed = failed or error
    if failed:
        raise failed
