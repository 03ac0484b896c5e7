"""The hard rules a profile may state about its columns: a small closed vocabulary, read from text."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from canary.errors import CanaryError

_NAME = r"([a-z][a-z0-9_]*)"
_TERM = rf"{_NAME}\s*(?:\+\s*(\d+))?"
_FORMS = {  # in the order in which rows are mended: what a rule reads, earlier ones have settled
    "needs": (rf"{_NAME}\s+needs\s+{_NAME}", "birth_weight needs infant_birth_date"),
    "due": (rf"{_NAME}\s*=\s*{_NAME}", "due_date = lmp"),
    "years": (rf"{_NAME}\s*=\s*{_NAME}\s*-\s*{_NAME}", "age = visit_date - birth_date"),
    "weeks": (rf"{_NAME}\s*=\s*{_NAME}\s*-\s*{_NAME}", "week = visit_date - lmp"),
    "bmi": (rf"{_NAME}\s*=\s*{_NAME}\s*/\s*{_NAME}", "bmi = weight / height"),
    "order": (rf"{_TERM}\s*(<=|>=|<|>)\s*{_TERM}", "parity + 1 <= gravidity"),
    "names": (_NAME, "husband_name"),
    "unique": (_NAME, "file_number"),
}


@dataclass(frozen=True)
class Rule:
    """One rule: `text` as its author wrote it, its `columns` by name.

    An order says columns[0] + shift <= columns[1], or < where it is `strict`; a derived value stands first; `names`
    are columns of second people, whose names are recombined like the persona's own.
    """

    kind: str
    text: str
    columns: tuple[str, ...]
    shift: int = 0
    strict: bool = False


def parse(section: Mapping[str, object], known: Collection[str]) -> tuple[Rule, ...]:
    """The rules of a profile's [rules]; raises CanaryError on an unknown kind, form or column."""
    if unknown := sorted(set(section) - set(_FORMS)):
        raise CanaryError(f"unknown kind of rule '{unknown[0]}' in the profile", f"known: {', '.join(_FORMS)}")
    rules = [_rule(kind, text) for kind in _FORMS for text in _sentences(kind, section.get(kind, []))]
    for rule in rules:
        for column in rule.columns:
            if column not in known:
                raise CanaryError(
                    f"the rule '{rule.text}' speaks of an unknown column '{column}'", "name it under [columns]"
                )
    return tuple(rules)


def _sentences(kind: str, value: object) -> list[str]:
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    raise CanaryError(f"the rules '{kind}' of the profile must be a list of texts", f'like ["{_FORMS[kind][1]}"]')


def _rule(kind: str, text: str) -> Rule:
    form, example = _FORMS[kind]
    match = re.fullmatch(rf"\s*{form}\s*", text)
    if not match:
        raise CanaryError(f"cannot read the rule '{text}' of kind '{kind}'", f"write it like '{example}'")
    if kind != "order":
        return Rule(kind, text, match.groups())
    left, plus_left, sign, right, plus_right = match.groups()
    shift = int(plus_left or 0) - int(plus_right or 0)
    if sign in (">", ">="):
        left, right, shift = right, left, -shift
    return Rule(kind, text, (left, right), shift, strict=sign in ("<", ">"))
