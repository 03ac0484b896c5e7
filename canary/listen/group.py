"""Group commit: requests that arrive while one group is being written form the next, and each waits for its own commit.

A commit costs the same for one row as for a hundred, and is what a busy server spends its time on (DeWitt et al. 1984).
There is no thread of its own to lose: whoever comes first writes for all who wait, and then hands over to the next.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST = 64  # of one group: a longer one keeps its first too long


class _Waiting(Generic[T, R]):
    """One who waits: with an answer, an error, or to be told to write for the others."""

    def __init__(self, item: T) -> None:
        self.item = item
        self.turn = Lock()
        self.turn.acquire()
        self.done: list[R] = []
        self.error: BaseException | None = None


class Group(Generic[T, R]):
    """Calls `write` with whatever waits, one call at a time, never with more than `MOST` items. What waits is gathered
    inside `turn`: while others write, the group grows.

    `write` returns one answer an item, in order; what it raises is raised for every item of that call.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Sequence[R]],
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._write, self._turn = write, turn
        self._mutex = Lock()
        self._queue: list[_Waiting[T, R]] = []
        self._writing = False

    def do(self, item: T) -> R:
        """Have one item written; returns its answer after the group's commit."""
        mine = _Waiting[T, R](item)
        with self._mutex:
            self._queue.append(mine)
            first, self._writing = not self._writing, True
        if not first:
            mine.turn.acquire()
        if not mine.done and mine.error is None:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.done[0]

    def _lead(self) -> None:
        group: list[_Waiting[T, R]] = []
        try:
            with self._turn():
                group = self._gathered()
                answers = self._write([waiting.item for waiting in group])
            for waiting, answer in zip(group, answers, strict=True):
                waiting.done.append(answer)
        except BaseException as error:
            group = group or self._gathered()
            for waiting in group:
                waiting.error = error
        finally:
            with self._mutex:
                following = self._queue[:1]
                self._writing = bool(following)
            for waiting in [*following, *group]:
                if waiting.turn.locked():
                    waiting.turn.release()

    def _gathered(self) -> list[_Waiting[T, R]]:
        with self._mutex:
            group, self._queue = self._queue[:MOST], self._queue[MOST:]
        return group
