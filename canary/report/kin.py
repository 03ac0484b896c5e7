"""How copies stand to the accused: what they were made from, what was made from them, sisters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from canary.report.view import CopyView, NumberView, ReportView
from canary.trace.verdict import Findings, Verdict, Word

CONTROL = "control"
RECOGNISED = ("named", "maternal")


@dataclass(frozen=True)
class Tally:
    """How many of `n` numbers `rang` with a recognised contact."""

    rang: int
    n: int


@dataclass(frozen=True)
class Kin:
    """Every copy in exactly one place, seen from the `focus` (accused or suspected) copies."""

    focus: tuple[str, ...]
    made_from_it: tuple[str, ...]
    sources: tuple[str, ...]
    sisters: tuple[str, ...]
    others: tuple[str, ...]


def accused(findings: Findings) -> tuple[Verdict, ...]:
    """Copies said to have leaked, without those whose evidence another leak already explains."""
    return _standing(findings, Word.LEAKED)


def suspected(findings: Findings) -> tuple[Verdict, ...]:
    """Copies the evidence points to without proof."""
    return _standing(findings, Word.LIKELY)


def ranked(findings: Findings) -> list[Verdict]:
    """Verdicts as tables list them: leaked, likely, then by probability."""
    order = list(Word)
    return sorted(
        findings.verdicts,
        key=lambda v: (order.index(v.word), v.explained_by is not None, -v.posterior, -v.log_e, v.copy),
    )


def kin_of(view: ReportView) -> Kin:
    """Sort the view's copies by their relation to the accused and suspected ones."""
    by_slug = {copy.slug: copy for copy in view.copies}
    verdicts = accused(view.findings) + suspected(view.findings)
    focus = tuple(v.copy for v in verdicts if v.copy in by_slug)
    parents = {slug: [p for p in copy.made_from if p in by_slug] for slug, copy in by_slug.items()}
    children: dict[str, list[str]] = {slug: [] for slug in by_slug}
    for slug, above in parents.items():
        for parent in above:
            children[parent].append(slug)
    sources = _reach(focus, parents.__getitem__) - set(focus)
    below = _reach(focus, children.__getitem__) - set(focus) - sources
    sisters = _sisters(focus, by_slug, children) - set(focus) - sources - below
    rest = set(by_slug) - set(focus) - sources - below - sisters

    def in_order(slugs: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(slugs, key=lambda s: (by_slug[s].handed_over, s)))

    return Kin(focus, in_order(below), in_order(sources), in_order(sisters), in_order(rest))


def tally(numbers: Iterable[NumberView]) -> Tally:
    """Count numbers and those with a recognised contact."""
    heard = [number.first_recognised is not None for number in numbers]
    return Tally(sum(heard), len(heard))


def planted_in(view: ReportView, slugs: Iterable[str]) -> list[NumberView]:
    """The numbers that stand in any of these copies."""
    wanted = set(slugs)
    return [number for number in view.numbers if number.copy in wanted]


def controls(view: ReportView) -> list[NumberView]:
    """The numbers held back, never planted anywhere."""
    return [number for number in view.numbers if number.copy is None and number.state == CONTROL]


def _standing(findings: Findings, word: Word) -> tuple[Verdict, ...]:
    found = [v for v in findings.verdicts if v.word is word and v.explained_by is None]
    return tuple(sorted(found, key=lambda v: (-v.posterior, -v.log_e, v.copy)))


def _sisters(focus: Iterable[str], by_slug: dict[str, CopyView], children: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for slug in focus:
        copy = by_slug[slug]
        found |= {c.slug for c in by_slug.values() if c.recipient == copy.recipient}
        for parent in copy.made_from:
            found |= set(children.get(parent, ()))
    return found


def _reach(start: Iterable[str], step: Callable[[str], list[str]]) -> set[str]:
    """Everything reachable from `start`, itself included; a cycle cannot trap it."""
    seen: set[str] = set()
    todo = list(start)
    while todo:
        slug = todo.pop()
        if slug not in seen:
            seen.add(slug)
            todo += step(slug)
    return seen
