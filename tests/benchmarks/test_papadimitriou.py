"""The guilt formula against tables worked by hand, the ways to hand objects out, and the benchmark at a small size."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
paper = runpy.run_path(str(FOLDER / "guilt.py"))

# Two agents share object 0; object 1 is the first's alone, object 2 the second's.
TWO = np.array([[1, 1, 0], [1, 0, 1]], dtype=bool)


@pytest.mark.parametrize(
    ("leaked", "first", "second"),
    [
        ([0, 0, 0], 0.0, 0.0),
        ([1, 0, 0], 0.25, 0.25),  # 1 - (1 - 0.5/2)
        ([0, 1, 0], 0.5, 0.0),  # 1 - (1 - 0.5/1)
        ([1, 1, 0], 0.625, 0.25),  # 1 - 0.75 * 0.5
        ([1, 1, 1], 0.625, 0.625),
    ],
)
def test_guilt_is_what_the_hand_says(leaked, first, second):
    found = paper["guilt"](TWO, np.array([leaked], dtype=bool))
    assert found[0] == pytest.approx([first, second])


def test_guilt_grows_when_objects_can_hardly_be_guessed():
    everything = np.ones((1, 3), dtype=bool)
    assert paper["guilt"](TWO, everything, p=0.1)[0] == pytest.approx([1 - 0.55 * 0.1] * 2)  # 1 - (1-.9/2)(1-.9)


def test_gaps_of_two_agents_are_own_guilt_less_the_others():
    assert paper["gaps"](TWO) == pytest.approx((0.375, 0.375))  # 0.625 - 0.25, both ways


def test_agents_with_the_same_objects_cannot_be_told_apart_until_one_has_a_fake():
    same = np.ones((2, 2), dtype=bool)
    assert paper["gaps"](same) == pytest.approx((0, 0))
    mean, least = paper["gaps"](paper["with_fakes"](same, 1, lambda holds: 0))
    # The fake alone: 1 - 0.75 * 0.75 * 0.5 less 1 - 0.75 * 0.75 one way, nothing the other.
    assert (mean, least) == pytest.approx((0.28125 / 2, 0))


def test_e_optimal_gives_the_fake_where_most_is_shared():
    holds = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], dtype=bool)
    # Overlaps 2, 4, 2 over sizes 2, 4, 2: gains (1/2 - 1/3) * 2 = 1/3 against (1/4 - 1/5) * 4 = 1/5.
    assert paper["e_optimal"](holds) == 0
    assert paper["with_fakes"](holds, 2, paper["e_optimal"])[:, 4:].tolist() == [[1, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize("name", ["s-random", "s-overlap", "s-sum", "s-max"])
def test_every_agent_gets_as_many_objects_as_it_asked_for(name):
    wants = np.array([3, 1, 4])
    holds = paper["sample"](np.random.default_rng(1), wants, 8, paper["SELECTORS"][name])
    assert holds.sum(axis=1).tolist() == wants.tolist()
    if name != "s-random":
        assert holds.sum(axis=0).max() == 1  # eight objects are enough for nobody to share


def test_the_benchmark_runs_and_meets_the_figures_of_explicit_requests():
    command = [sys.executable, str(FOLDER / "papadimitriou.py"), "--runs", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("no fakes", "e-optimal"))]
    assert len(lines) == 7
    assert all(line.endswith("within") for line in lines), done.stdout
