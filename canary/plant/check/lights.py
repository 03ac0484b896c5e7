"""What is green, amber and red in a detectability report, and why: every threshold stands here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt

from scipy.stats import binom

# An AUC of 0.55 is what the best generators reach on tables held out (sequential synthesis 0.53, independent
# columns 0.96): at 0.55 a buyer who keeps the likelier half of a file loses hardly fewer canaries than by lot.
# From 0.65 on, throwing away a third of the real rows removes more than half of the canaries.
AUC_GREEN, AUC_RED = 0.55, 0.65
# 95 % of all AUCs of two alike samples lie within this many standard errors; the planted canaries are looked at
# field by field, some ten times, so each look gets a wider range and all together keep about 95 %.
NULL_RANGE, PLANTED_RANGE = 1.96, 2.8
# A count that chance brings once in fifty looks is "chance + 2 standard errors"; once in a thousand is no chance.
ODD, VERY_ODD = 0.02, 0.001
# Of the rows that differ between two files, canaries may be at most twice as many as of all rows.
DIFF_GREEN = 2.0
# A value that fewer than one row in a thousand has is one a person looks at.
RARE = 0.001


class Light(StrEnum):
    """What a line says: fine, look at it, do not hand the file out; grey is not judged."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    GREY = "grey"


@dataclass(frozen=True)
class Line:
    """One question asked of the file: what was found, what was to be expected, and what helps if it is not
    green. `figures` are the same as numbers; `codes` are the canaries that stand out."""

    group: str
    name: str
    light: Light
    found: str
    expected: str
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    codes: tuple[str, ...] = ()


def worst(lights: Iterable[Light]) -> Light:
    """The light over several lines; those not judged do not count."""
    seen = set(lights)
    return next((light for light in (Light.RED, Light.AMBER) if light in seen), Light.GREEN)


def null_error(ours: int, theirs: int) -> float:
    """The standard error of the AUC of two samples that are alike (Mann and Whitney)."""
    return sqrt((ours + theirs + 1) / (12 * ours * theirs))


def auc_light(auc: float, reach: float) -> Light:
    """The light of an AUC whose range under "indistinguishable" is 0.5 ± `reach`."""
    if auc <= max(AUC_GREEN, 0.5 + reach):
        return Light.GREEN
    return Light.RED if auc > max(AUC_RED, 0.5 + 2 * reach) else Light.AMBER


def excess_light(hits: int, looks: int, rate: float) -> Light:
    """The light of `hits` among `looks` canaries where a row like any other is hit at `rate`."""
    chance = float(binom.sf(hits - 1, looks, min(rate, 1.0))) if hits else 1.0
    return chance_light(chance)


def chance_light(chance: float) -> Light:
    """The light of something that rows like any others would show with probability `chance`."""
    if chance >= ODD:
        return Light.GREEN
    return Light.RED if chance < VERY_ODD else Light.AMBER


def own_rate(hits: int, rows: int) -> float:
    """The host's own rate of something; never quite 0, for what no row of many does, a few may still do."""
    return (hits + 0.5) / (rows + 1)


def rule_light(hits: int, canaries: int, host_hits: int, host_rows: int) -> Light:
    """The light of a rule that `hits` canaries break and `host_hits` real rows do. A rule that no real row breaks
    is never green once a canary does."""
    light = excess_light(hits, canaries, own_rate(host_hits, host_rows))
    return Light.AMBER if light is Light.GREEN and hits and not host_hits else light


def ratio_light(hits: int, differing: int, base_rate: float) -> Light:
    """The light of `hits` canaries among rows that differ between two files."""
    if not hits or hits <= DIFF_GREEN * base_rate * differing:
        return Light.GREEN
    odd = float(binom.sf(hits - 1, differing, min(DIFF_GREEN * base_rate, 1.0)))
    return Light.RED if odd < VERY_ODD else Light.AMBER
