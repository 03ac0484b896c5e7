"""Papadimitriou and Garcia-Molina's guilt of an agent, and their ways to hand out objects and fakes.

"Data Leakage Detection", IEEE TKDE 23(1), 2011. Agents hold objects; a leaked set S is seen; p is the chance that a
leaked object was had elsewhere. `holds` is the matrix (agents x objects), fakes standing as further objects.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
P = 0.5


def guilt(holds: Bools, leaked: Bools, p: float = P) -> Floats:
    """Pr{G_i | S} = 1 - prod over S and R_i of (1 - (1-p)/|V_t|), for S in each row of `leaked`: (sets, agents)."""
    holders = np.maximum(holds.sum(axis=0), 1)
    return 1 - np.exp((leaked * np.log(1 - (1 - p) / holders)) @ holds.T)


def gaps(holds: Bools) -> tuple[float, float]:
    """Mean and least over i != j of Delta(i, j) = Pr{G_i | R_i} - Pr{G_j | R_i}."""
    found = guilt(holds, holds)
    delta = (np.diag(found)[:, None] - found)[~np.eye(len(holds), dtype=bool)]
    return float(delta.mean()), float(delta.min())


def explicit(rng: np.random.Generator, agents: int = 10, objects: int = 10, wanted: int = 8) -> Bools:
    """Agents that ask for certain objects: each gets its own random choice."""
    return rng.permuted(np.tile(np.arange(objects) < wanted, (agents, 1)), axis=1)


def with_fakes(holds: Bools, count: int, choose: Callable[[Bools], int]) -> Bools:
    """`count` fake objects, one after another, each to the one agent that `choose` names."""
    for _ in range(count):
        fake = np.arange(len(holds)) == choose(holds)
        holds = np.concatenate([holds, fake[:, None]], axis=1)
    return holds


def e_optimal(holds: Bools) -> int:
    """The agent whose relative overlap with all others a fake lowers most."""
    size = holds.sum(axis=1)
    common = (holds.astype(int) @ holds.T).sum(axis=1) - size
    return int(np.argmax((1 / size - 1 / (size + 1)) * common))


Selector = Callable[[np.random.Generator, Bools, NDArray[np.int_], int], Floats]


def s_random(rng: np.random.Generator, holds: Bools, wants: NDArray[np.int_], agent: int) -> Floats:
    return np.zeros(holds.shape[1])


def s_overlap(rng: np.random.Generator, holds: Bools, wants: NDArray[np.int_], agent: int) -> Floats:
    return holds.sum(axis=0).astype(float)


def s_sum(rng: np.random.Generator, holds: Bools, wants: NDArray[np.int_], agent: int) -> Floats:
    """What each object would add to the sum over agents of (1/|R_i|) sum over others of |R_i and R_j|."""
    return (1 / wants[agent] + 1 / wants) @ holds


def s_max(rng: np.random.Generator, holds: Bools, wants: NDArray[np.int_], agent: int) -> Floats:
    """The greatest relative overlap of this agent with an object's holders, were the object given to it."""
    overlap = (holds.astype(int) @ holds[agent] + 1) / np.minimum(wants, wants[agent])
    return (holds * overlap[:, None]).max(axis=0)


SELECTORS: dict[str, Selector] = {"s-random": s_random, "s-overlap": s_overlap, "s-sum": s_sum, "s-max": s_max}


def sample(rng: np.random.Generator, wants: NDArray[np.int_], objects: int, select: Selector) -> Bools:
    """Agents that ask for any so many objects: in turn each is given the object of least cost, ties by lot."""
    holds = np.zeros((len(wants), objects), dtype=bool)
    for turn in range(wants.max()):
        for agent in np.flatnonzero(wants > turn):
            cost = np.where(holds[agent], np.inf, select(rng, holds, wants, agent))
            holds[agent, rng.choice(np.flatnonzero(cost <= cost.min() + 1e-12))] = True
    return holds


def wishes(rng: np.random.Generator, load: float, objects: int = 50) -> NDArray[np.int_]:
    """How many objects each agent wants, 6 to 15, adding up to within 0.05 of `load` times the objects."""
    agents = min(31, round(load * objects / 10.5))
    while True:
        wants = rng.integers(6, 16, agents)
        if abs(wants.sum() / objects - load) <= 0.05:
            return wants
