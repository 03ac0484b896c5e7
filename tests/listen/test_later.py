"""Work put off: done soon, in order, once; what fails does not end it; closing finishes what waits."""

import time
from collections.abc import Sequence
from threading import Event

import pytest

from canary.errors import OutsideError
from canary.listen import later as later_module
from canary.listen.later import HELD, MOST, Later


def test_everything_added_is_worked_on_in_order_and_once() -> None:
    done: list[int] = []
    later = Later[int](done.extend)
    for item in range(3 * MOST + 1):
        later.add(item)
    later.close()
    assert done == list(range(3 * MOST + 1))


def test_what_fails_is_left_and_the_next_is_worked_on() -> None:
    done: list[int] = []
    first = Event()

    def work(items: Sequence[int]) -> None:
        if 0 in items:
            first.set()
            raise OutsideError("database: gone", "wait")
        done.extend(items)

    later = Later[int](work)
    later.add(0)
    assert first.wait(60)
    later.add(1)
    later.close()
    assert done == [1]


def test_a_mistake_of_ours_ends_nothing_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    first = Event()

    def work(items: Sequence[int]) -> None:
        if 0 in items:
            first.set()
            raise KeyError("a mistake")
        done.extend(items)

    later = Later[int](work)
    later.add(0)
    assert first.wait(60)
    later.add(1)
    later.close()
    assert done == [1]
    assert "put off again" in caplog.text


def test_memory_is_bounded_what_is_too_much_is_left_to_the_job() -> None:
    done: list[int] = []
    later = Later[int](done.extend)
    for item in range(HELD + 500):
        later.add(item)
    later.close()
    assert HELD <= len(done) < HELD + 500 + MOST


def test_few_large_items_are_held_where_many_small_ones_were() -> None:
    done: list[int] = []
    later = Later[int](done.extend, weigh=lambda item: item)
    for _ in range(MOST):
        later.add(HELD // 10)
    later.close()
    assert 10 <= len(done) < MOST


def test_what_was_worked_on_makes_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later_module, "QUIET", 0.0)
    done: list[int] = []
    later = Later[int](done.extend, weigh=lambda item: HELD)
    for count in range(1, 4):
        later.add(count)
        for _ in range(500):
            if len(done) == count:
                break
            time.sleep(0.01)
    later.close()
    assert done == [1, 2, 3]


def test_work_waits_for_a_moment_without_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later_module, "QUIET", 60.0)
    monkeypatch.setattr(later_module, "LONGEST", 60.0)
    done: list[int] = []
    later = Later[int](done.extend)
    for item in range(10):
        later.add(item)
    assert done == []
    later.close()
    assert done == list(range(10))
