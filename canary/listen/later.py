"""Puts off what need not be done before a request is answered: to a moment without requests, or a few seconds."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

from canary.errors import OutsideError

T = TypeVar("T")

QUIET, LONGEST = 0.1, 3.0  # seconds without a new item after which work begins, and after which it begins anyway
MOST = 128  # items worked on together
HELD = 5_000  # what may wait here weighs so much: what is beyond is left to the job `deliveries`


class Later(Generic[T]):
    """A thread that calls `work` with what was added. What fails, or is too much to hold, is left for another to find:
    nothing is added here that is not stored."""

    def __init__(self, work: Callable[[Sequence[T]], object], weigh: Callable[[T], int] = lambda item: 1) -> None:
        self._work, self._weigh = work, weigh
        self._items: list[T] = []
        self._weight = 0
        self._changed = Condition()
        self._last = self._first = 0.0
        self._closed = False
        self._thread = Thread(target=self._run, daemon=True, name="later")
        self._thread.start()

    def add(self, item: T) -> None:
        """Have an item worked on soon."""
        with self._changed:
            self._last = time.monotonic()
            if not self._items:
                self._first = self._last
                self._changed.notify()
            if self._weight < HELD:
                self._items.append(item)
                self._weight += self._weigh(item)

    def close(self, patience: float = 10.0) -> None:
        """Work on all that waits, for `patience` seconds at most, and end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(patience)

    def _run(self) -> None:
        while items := self._next():
            try:
                self._work(items)
            except OutsideError:
                continue
            except Exception:  # a mistake of ours: this thread must outlive it, and somebody must hear of it
                logging.getLogger(__name__).exception("put off again: %d items", len(items))

    def _next(self) -> list[T]:
        with self._changed:
            while not self._items and not self._closed:
                self._changed.wait()
            while not self._closed and (rest := self._rest()) > 0:
                self._changed.wait(rest)
            items, self._items = self._items[:MOST], self._items[MOST:]
            self._weight -= sum(map(self._weigh, items))
            # What still waits begins to wait anew: under load there is one group every few seconds, no more.
            self._first = time.monotonic()
            return items

    def _rest(self) -> float:
        now = time.monotonic()
        return min(self._last + QUIET, self._first + LONGEST) - now
