"""`canary simulate`: try a placement in invented worlds, or in your own, before anything is rented."""

import dataclasses
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import click
import numpy as np

from canary.cli.output import format_option, remark, show_json, show_one
from canary.errors import CanaryError
from canary.trace.design import design
from canary.trace.evidence import Channel, Merge
from canary.trace.law import Law
from canary.trace.leak import Leak
from canary.trace.worlds import WORLDS, Contact, World, bernoulli, checked

PLAIN = "bernoulli"
LEAST_NOISE = 1e-3  # the score must never call a background contact impossible

share = click.FloatRange(0, 1)


@click.command()
@click.option("--world", default=PLAIN, show_default=True, help=f"{PLAIN}, {', '.join(WORLDS)}, or a FILE.py.")
@click.option("--runs", type=click.IntRange(min=1), default=1000, show_default=True, help="How often to play it.")
@click.option(
    "--law", type=click.Choice([law.value for law in Law]), default="shared", show_default=True, help="Of placement."
)
@click.option("--copies", type=click.IntRange(min=1), default=100, show_default=True, help="Copies handed out.")
@click.option("--numbers", type=click.IntRange(min=2), default=200, show_default=True, help="Numbers, controls too.")
@click.option("--hit-rate", type=share, default=0.3, show_default=True, help="P(a leaked number gets a call).")
@click.option("--noise", type=click.FloatRange(0, 0.5), default=0.02, show_default=True, help="P(another one does).")
@click.option("--fraction", type=share, default=1.0, show_default=True, help="Share of the copy's rows that leak.")
@click.option("--leakers", type=click.IntRange(min=0), default=1, show_default=True, help="0 for a null run.")
@click.option(
    "--merge",
    type=click.Choice([m.value for m in Merge]),
    default="union",
    show_default=True,
    help="How leakers merge files.",
)
@click.option("--named", type=share, default=0.3, show_default=True, help="Share of callers who use the name.")
@click.option("--staged", is_flag=True, help="Calls follow the due dates.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=1e-3,
    show_default=True,
    help="P(any innocent accused).",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Repeats a simulation.")
@format_option
def simulate(world: str, law: str, leakers: int, style: str, **given: Any) -> None:
    """Play leaks, or none, in an invented world: false accusations, power, numbers used.

    --noise is how often a number rings by itself in the plain world, and what the score assumes in all.
    A FILE.py defines contacts(rng, numbers, days) and yields (number index, day, kind).
    """
    from canary.trace.simulate import (
        Setup,
        outcomes,
        summary,
        threshold,
    )  # scipy loads slowly, and few commands need it

    leak = Leak(leakers, given["hit_rate"], given["fraction"], given["named"], Merge(given["merge"]), given["staged"])
    channel = Channel(background=max(given["noise"], LEAST_NOISE))
    setup = Setup(
        design=design(Law(law), given["copies"], given["numbers"], max(0.01, leak.hit_rate), channel.background),
        world=load_world(world, given["noise"]),
        leak=leak,
        channel=channel,
        alpha=given["alpha"],
        runs=given["runs"],
        seed=given["seed"],
    )
    needed = threshold(setup.design.copies, setup.alpha)
    if setup.design.cap < needed:
        remark(f"callers who name nobody cannot accuse here: they score {setup.design.cap:.1f} of {needed:.1f} at most")
    with click.progressbar(outcomes(setup), length=setup.runs, label=f"world {world}", file=sys.stderr) as shown:
        result = summary(shown)
    body = {"world": world, "law": law, **dataclasses.asdict(result)}
    if style == "json":
        show_json("simulate", body)
    else:
        show_one("simulate", {key.replace("_", " "): value for key, value in body.items()}, style)


def load_world(name: str, noise: float) -> World:
    """The world of that name, or the `contacts` of a Python file. Raises CanaryError if there is neither."""
    if name == PLAIN:
        return bernoulli(noise)
    if name in WORLDS:
        return WORLDS[name]
    if not name.endswith(".py"):
        raise CanaryError(f"no world {name!r}", f"worlds are {PLAIN}, {', '.join(WORLDS)}, or a FILE.py")
    if not Path(name).is_file():
        raise CanaryError(f"cannot read {name}", "check the path")
    try:
        found = run_path(name).get("contacts")
    except Exception as error:
        raise _told(name, error) from error
    if not callable(found):
        raise CanaryError(
            f"{name} has no function contacts", "def contacts(rng, numbers, days): yield number, day, kind"
        )
    return _guarded(name, found)


def _guarded(name: str, contacts: World) -> World:
    """The same world, its errors told as ours: with the file, and the line if there is one."""

    def world(rng: np.random.Generator, numbers: int, days: int) -> Iterator[Contact]:
        given: Any = None
        try:
            given = contacts(rng, numbers, days)
            for contact in given:
                yield checked(contact, numbers, days)
        except CanaryError as error:
            frame = getattr(given, "gi_frame", None)  # a generator stands at the line that yielded the contact
            raise CanaryError(f"{_place(name, frame and frame.f_lineno)}: {error.message}", error.hint) from error
        except Exception as error:
            raise _told(name, error) from error

    return world


def _told(name: str, error: Exception) -> CanaryError:
    """An error inside a world file, with the line of that file at which it arose."""
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame in traceback.extract_tb(error.__traceback__):
        line = frame.lineno if frame.filename == name else line
    hint = "a world file defines contacts(rng, numbers, days) and yields (number index, day, kind)"
    return CanaryError(f"{_place(name, line)}: {type(error).__name__}: {error}", hint)


def _place(name: str, line: int | None) -> str:
    return f"{name}, line {line}" if line else name


COMMANDS = (simulate,)
