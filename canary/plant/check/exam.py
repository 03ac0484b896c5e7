"""Examines a seeded file: the quick part that may hold up a seeding, and the whole report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canary.errors import CanaryError
from canary.mint.facts import Table
from canary.plant.check import classifier, diffs, fingerprint, outliers, position, rules
from canary.plant.check.lights import Light, Line, worst
from canary.plant.check.subject import Subject

PERSONAS = 3_000
GROUPS: Mapping[str, str] = {
    "classifier": "Can a trained classifier tell canaries from real rows?",
    "outliers": "Are canaries among the oddest rows?",
    "rules": "Do canaries break rules that real rows keep?",
    "position": "Do canaries stand out by where they stand?",
    "fingerprint": "Is the file around them still the file it was?",
    "months": "Does comparing with last month's copy point at canaries?",
    "recipients": "Does comparing with another recipient's copy point at canaries?",
}


@dataclass(frozen=True)
class Material:
    """What a file is examined with: its source file and table, and the files an attacker may lay beside it."""

    source: tuple[Path, Table] | None = None
    previous: Sequence[diffs.Other] = ()
    others: Sequence[diffs.Other] = ()
    personas: int = PERSONAS
    seed: int = 1


@dataclass(frozen=True)
class Report:
    """The answers on one copy's file, and the worst of their lights."""

    copy: str
    file: str
    rows: int
    canaries: int
    lines: Sequence[Line]

    @property
    def light(self) -> Light:
        """The light of the whole file."""
        return worst(line.light for line in self.lines)

    def groups(self) -> list[tuple[str, Light, list[Line]]]:
        """Each question with its light and lines, those not asked left out."""
        found = ((title, [line for line in self.lines if line.group == group]) for group, title in GROUPS.items())
        return [(title, worst(line.light for line in lines), lines) for title, lines in found if lines]


def quick(subject: Subject, material: Material) -> list[Line]:
    """Outlier search, rules, position and, with a source, the fingerprint: seconds on a city's table.

    Raises CanaryError when the file holds no canary.
    """
    if not subject.codes:
        raise CanaryError(f"{subject.path.name}: no canary stands in this file", "name the copy's own seeded file")
    found = [*outliers.lines(subject, material.seed), *rules.lines(subject), *position.lines(subject)]
    return found + (fingerprint.lines(subject, *material.source) if material.source else [])


def whole(subject: Subject, material: Material, fit_host: classifier.FitHost) -> list[Line]:
    """Every question that the material allows to ask; raises CanaryError when files have other columns."""
    return [
        *compared(subject, material),
        *quick(subject, material),
        *classifier.minted_lines(subject, fit_host, material.personas, material.seed),
        *classifier.planted_lines(subject, material.seed),
    ]


def compared(subject: Subject, material: Material) -> list[Line]:
    """The attacks of somebody who holds two files; raises CanaryError when their columns differ."""
    tables = [other.table for other in (*material.previous, *material.others)]
    if any(table.header != subject.table.header for table in tables):
        raise CanaryError("the files to compare have other columns", "compare copies made by the same export")
    return [
        *(line for other in material.previous for line in diffs.month_lines(subject, other)),
        *(line for other in material.others for line in diffs.recipient_lines(subject, other)),
    ]


def gate(subject: Subject, material: Material, force: bool) -> list[str]:
    """Remarks on a file about to be handed out. Raises CanaryError naming the first red line unless forced."""
    lines = [line for line in quick(subject, material) if line.light in (Light.RED, Light.AMBER)]
    red = [line for line in lines if line.light is Light.RED]
    if red and not force:
        first = red[0]
        more = f" (and {len(red) - 1} more red)" if len(red) > 1 else ""
        raise CanaryError(
            f"canaries stand out: {first.name}: {first.found}, expected {first.expected}{more}",
            f"{first.advice}; or seed with --force",
        )
    return [f"check {line.light}: {line.name}: {line.found}, expected {line.expected}" for line in lines]
