"""Group commit: everyone is answered after the commit of its own group, and an error reaches just that group."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest

from canary.listen.group import MOST, Group


def test_all_that_wait_while_one_is_written_are_written_together() -> None:
    started, release, groups = Event(), Event(), list[list[int]]()

    def write(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        started.set()
        release.wait(60)
        return [item * 10 for item in items]

    group = Group(write)
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(group.do, 0)
        started.wait(60)
        rest = [pool.submit(group.do, i) for i in range(1, 20)]
        while len(group._queue) < 19:
            time.sleep(0.001)
        release.set()
        assert first.result(5) == 0
        assert [future.result(5) for future in rest] == [i * 10 for i in range(1, 20)]
    assert [len(found) for found in groups] == [1, 19]


def test_never_two_writes_at_once_and_every_item_just_once() -> None:
    one, seen = Lock(), list[int]()

    def write(items: Sequence[int]) -> list[int]:
        assert one.acquire(blocking=False), "two groups are written at once"
        assert len(items) <= MOST
        seen.extend(items)
        one.release()
        return list(items)

    group, together = Group(write), Barrier(32)

    def many(start: int) -> list[int]:
        together.wait(60)
        return [group.do(start + i) for i in range(100)]

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(many, range(0, 3200, 100)))
    assert [a for some in answers for a in some] == list(range(3200))
    assert sorted(seen) == list(range(3200))


def test_an_error_reaches_everyone_of_its_group_and_nobody_else() -> None:
    started, release = Event(), Event()

    def write(items: Sequence[int]) -> list[int]:
        started.set()
        release.wait(60)
        if 3 in items:
            raise OSError("disk")
        return list(items)

    group = Group(write)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(group.do, 0)
        started.wait(60)
        rest = [pool.submit(group.do, i) for i in (1, 2, 3)]
        while len(group._queue) < 3:
            time.sleep(0.001)
        release.set()
        assert first.result(5) == 0
        for future in rest:
            with pytest.raises(OSError, match="disk"):
                future.result(5)
    assert group.do(7) == 7
