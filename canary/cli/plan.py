"""`canary plan`: how many numbers to rent, under which law, what they cost and how soon a verdict comes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from canary.cli.output import format_option, remark, show_json, table
from canary.errors import CanaryError, OutsideError
from canary.trace.design import design
from canary.trace.evidence import Channel
from canary.trace.law import Law
from canary.trace.planner import Option, Task, curve, options, power, releases_needed

MODELLED = (
    "Exact: an innocent copy is accused with probability at most {alpha:g} over all copies, whatever calls come. "
    "Modelled: power and months. They assume calls that come independently to each number, with the hit rate "
    "and the noise given, on any day of a window of six months."
)
COLLUDERS = (
    "Several leakers: each copy is judged by its own score (single-copy decoder); one of them is accused. "
    "For two who merged shared numbers the pair decoder of `canary trace` takes about half as many, if there were two."
)


@click.command()
@click.option("--copies", type=click.IntRange(min=1), required=True, help="Copies to hand out, all releases together.")
@click.option("--numbers", type=click.IntRange(min=2), help="Also say what this many numbers can do.")
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=1e-3, show_default=True,
              help="P(any innocent copy is ever accused).")  # fmt: skip
@click.option("--hit-rate", type=click.FloatRange(0, 1, min_open=True), default=0.3, show_default=True,
              help="P(a leaked number gets a recognised call).")  # fmt: skip
@click.option("--noise", type=click.FloatRange(1e-3, 0.5), default=0.02, show_default=True,
              help="P(another number gets one).")  # fmt: skip
@click.option("--colluders", type=click.IntRange(1, 5), default=1, show_default=True, help="Leakers who merge files.")
@click.option("--named", type=click.FloatRange(0, 1), default=0.0, show_default=True,
              help="Share of callers who use the planted name.")  # fmt: skip
@click.option("--cost", type=click.FloatRange(min=0), default=1.15, show_default=True, help="Of a number, a month.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True),
              help="A month, for numbers: also say what it can do.")  # fmt: skip
@click.option("--plot", "target", metavar="FILE.svg", type=click.Path(path_type=Path, dir_okay=False),
              help="Draw power against numbers.")  # fmt: skip
@format_option
def plan(numbers: int | None, cost: float, budget: float | None, target: Path | None, style: str, **given: Any) -> None:
    """How many numbers 50, 80 and 95 % power take under both laws, with canaries a copy, months and cost."""
    numbers = _numbers(numbers, cost, budget)
    task = Task(**given, channel=Channel(background=given["noise"]))
    with click.progressbar(list(Law), label="trying sizes", file=sys.stderr) as laws:
        found = [option for law in laws for option in options(task, law)]
    best = recommended(found)
    lines = [_line(option, cost) for option in found]
    held = [_held(task, law, numbers) for law in Law] if numbers else []
    if target:
        _draw(target, task, found)
    if style == "json":
        body = {**given, "threshold": round(task.threshold, 3), "options": lines, "with_numbers": held}
        show_json("plan", {**body, "recommended": best and _line(best, cost), "remark": _remark(task)})
        return
    _print(lines, held, best)
    remark(_remark(task))


def _numbers(numbers: int | None, cost: float, budget: float | None) -> int | None:
    """So many numbers are asked about: those named, or those a budget pays for."""
    if budget is None:
        return numbers
    if numbers or not cost:
        raise CanaryError("--budget says how many numbers there are", "leave out --numbers, and give a --cost above 0")
    if budget < 2 * cost:
        raise CanaryError(f"{budget:g} a month pays for fewer than 2 numbers at {cost:g}", "give a larger --budget")
    return int(budget / cost)


def recommended(found: Sequence[Option]) -> Option | None:
    """The fewest numbers that give 95 % power."""
    sure = [option for option in found if option.power == max(o.power for o in found)]
    return min(sure, key=lambda option: option.design.numbers, default=None)


def _remark(task: Task) -> str:
    said = MODELLED.format(alpha=task.alpha)
    return f"{said} {COLLUDERS}" if task.colluders > 1 else said


def _print(lines: list[dict[str, Any]], held: list[dict[str, Any]], best: Option | None) -> None:
    if lines:
        click.echo(table([{key.replace("_", " "): value for key, value in line.items()} for line in lines]))
    for line in held:
        click.echo("\n" + "  ".join(f"{key.replace('_', ' ')} {value}" for key, value in line.items()))
    if best is None:
        click.echo("\nno number up to 20,000 is enough: hope for callers who name (--named), or accept less power")
        return
    chosen = best.design
    controls = f", {chosen.controls} controls" if chosen.controls else ""
    click.echo(
        f"\nrecommended: law {chosen.law.value}, {chosen.numbers} numbers, {chosen.canaries} canaries in each copy"
        f"{controls}: {best.power:.0%} power"
    )


def _line(option: Option, cost: float) -> dict[str, Any]:
    chosen = option.design
    return {
        "law": chosen.law.value,
        "power": option.power,
        "numbers": chosen.numbers,
        "canaries_per_copy": chosen.canaries,
        "controls": chosen.controls,
        "density": round(chosen.canaries / chosen.numbers, 3),
        "months": round(option.reached.day / 30, 1),
        "burned": chosen.canaries,
        "monthly_cost": round(chosen.numbers * cost, 2),
    }


def _held(task: Task, law: Law, numbers: int) -> dict[str, Any]:
    """What a given number of numbers can do under a law."""
    try:
        chosen = design(law, task.copies, numbers, task.hit_rate, task.noise, task.colluders)
    except CanaryError:
        return {"law": law.value, "numbers": numbers, "canaries_per_copy": 0, "power": 0.0, "releases": None}
    reached = power(chosen, task).accused
    return {
        "law": law.value,
        "numbers": numbers,
        "canaries_per_copy": chosen.canaries,
        "power": round(reached, 3),
        "releases": releases_needed(reached),
    }


def _draw(target: Path, task: Task, found: Sequence[Option]) -> None:
    """Power against numbers, one line a law, as SVG."""
    from canary.report.canvas import ACCUSED, INK, canvas  # matplotlib takes a second to load

    with canvas("plan", 360) as plot:
        axes = plot.figure.add_axes((0.1, 0.15, 0.86, 0.76))
        for law, color in zip(Law, (INK, ACCUSED), strict=True):
            for option in [o for o in found if o.design.law is law][-1:]:
                sizes, powers = zip(*curve(task, option), strict=True)
                axes.plot(sizes, powers, color=color, marker="o", label=law.value)
        axes.set(xscale="log", xlabel="numbers", ylabel="power", ylim=(0, 1.02))
        axes.xaxis.set_major_formatter("{x:g}")
        if found:
            axes.legend()
        drawing = plot.svg()
    try:
        target.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise OutsideError(f"cannot write {target}: {error.strerror}", "check the folder") from error
    remark(f"plot: {target}")


COMMANDS = (plan,)
