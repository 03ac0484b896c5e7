"""What a report says, as sentences: the one place where findings become claims, whatever the format."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from canary.report.kin import Kin, accused, controls, kin_of, planted_in, suspected, tally
from canary.report.view import ReportView
from canary.report.words import Words
from canary.trace.verdict import Findings, Pair, Shown, Verdict, Word


@dataclass(frozen=True)
class Point:
    """One item of a list: an optional lead-in and its sentence."""

    head: str
    body: str


@dataclass(frozen=True)
class Story:
    """The sentences of a report in reading order."""

    headline: str
    alpha: str
    why: tuple[str, ...]
    alternatives: tuple[Point, ...]
    missed: tuple[str, ...]
    sure: tuple[str, ...]
    method: tuple[str, ...]
    limits: tuple[str, ...]


class Names:
    """What a copy and its recipient are called in a sentence."""

    def __init__(self, view: ReportView, words: Words) -> None:
        self._copies = {copy.slug: copy for copy in view.copies}
        self._words = words

    def full(self, slug: str) -> str:
        """The copy with recipient and day, as the headline names it; the bare slug when unknown."""
        copy = self._copies.get(slug)
        if copy is None:
            return slug
        day = self._words.day(copy.handed_over)
        return self._words.t("headline.copy", recipient=copy.recipient_name, date=day, copy=slug)

    def recipient(self, verdict: Verdict) -> str:
        """The recipient's name, or its slug when the view does not hold the copy."""
        copy = self._copies.get(verdict.copy)
        return copy.recipient_name if copy else verdict.recipient


def tell(view: ReportView, words: Words) -> Story:
    """All sentences of the report for this view."""
    names, kin = Names(view, words), kin_of(view)
    blamed = accused(view.findings) + suspected(view.findings)
    return Story(
        headline=headline(view.findings, words, names.full),
        alpha=alpha_sentence(view.findings, words),
        why=tuple(_why(view, words, kin)),
        alternatives=tuple(_alternatives(view, words, kin)) if blamed else (),
        missed=() if blamed else tuple(_all(words, "missed")),
        sure=tuple(_sure(view.findings, words)),
        method=tuple(_all(words, "method")),
        limits=tuple(_limits(words, accusing=bool(blamed))),
    )


def headline(findings: Findings, words: Words, name: Callable[[str], str]) -> str:
    """The verdict in one sentence, two when suspicion falls on more copies; `name` names a copy."""
    said = [
        _name_them(key, [name(v.copy) for v in found], words)
        for key, found in (("leaked", accused(findings)), ("likely", suspected(findings)))
        if found
    ]
    if findings.pair:
        said.append(_name_pair(findings.pair, [name(copy) for copy in findings.pair.copies], words))
    if not accused(findings):
        said.insert(0, words.t("headline.none"))
    if len(said) == 1 and not accused(findings):
        said.append(_smallest(findings, words))
    return words.t("format.sentence_gap").join(said)


def alpha_sentence(findings: Findings, words: Words) -> str:
    """What alpha bounds, in one plain sentence."""
    odds = words.one_in(-math.log(findings.alpha))
    said = [words.t("sure.alpha", n=len(findings.verdicts), odds=odds)]
    if findings.found:
        said.append(words.t("sure.alpha_found", odds=odds))
    return words.t("format.sentence_gap").join(said)


def evidence(verdict: Verdict, words: Words) -> str:
    """The chance of this evidence had the copy not leaked, as an upper bound."""
    return words.one_in(verdict.log_e)


def window(verdict: Verdict, words: Words) -> str:
    """The days between which the data left, or nothing."""
    if verdict.window is None:
        return ""
    start, end = verdict.window.start.isoformat(), verdict.window.end.isoformat()
    return words.t("format.day_span", start=start, end=end)


def word_of(verdict: Verdict, words: Words) -> str:
    """The verdict's word, or the leak that already explains what was heard."""
    if verdict.explained_by:
        return words.t("table.explained", copy=verdict.explained_by)
    return words.name("verdict", verdict.word)


def _name_them(key: str, named: list[str], words: Words) -> str:
    if len(named) == 1:
        return words.t(f"headline.{key}", copy=named[0])
    return words.t(f"headline.{key}_many", copies=words.t("format.semicolon").join(named))


def _name_pair(pair: Pair, named: list[str], words: Words) -> str:
    key = "headline.either" if proven(pair) else "headline.pair"
    return words.t(key, copies=words.t("format.semicolon").join(named))


def proven(pair: Pair) -> bool:
    """Whether it is shown, whatever the noise, that at least one of the two leaked."""
    return pair.log_e is not None and pair.log_e >= pair.threshold


def _smallest(findings: Findings, words: Words) -> str:
    if findings.smallest_visible_leak is None:
        return words.t("headline.invisible")
    return words.t("headline.visible", share=words.percent_up(findings.smallest_visible_leak))


def _why(view: ReportView, words: Words, kin: Kin) -> list[str]:
    said = []
    for verdict in accused(view.findings) + suspected(view.findings):
        own = tally(planted_in(view, [verdict.copy]))
        if own.n:
            said.append(words.t("why.accused", n=own.n, rang=words.how_many(own.rang), copy=verdict.copy))
        said += [_turned_up(shown, words) for shown in view.findings.found if shown.copy == verdict.copy]
        if verdict.window:
            start, end = words.day(verdict.window.start), words.day(verdict.window.end)
            key = "why.window" if verdict.word is Word.LEAKED else "why.window_likely"
            said.append(words.t(key, start=start, end=end))
    if not said:
        planted = tally(planted_in(view, [copy.slug for copy in view.copies]))
        said.append(words.t("why.none_copies", n=planted.n, rang=words.how_many(planted.rang), copies=len(view.copies)))
    above = tally(planted_in(view, kin.sources))
    groups = {
        "why.sources" if above.rang else "why.sources_silent": above,
        "why.sisters": tally(planted_in(view, kin.sisters)),
        "why.controls": tally(controls(view)),
    }
    said += [words.t(key, n=some.n, rang=words.how_many(some.rang)) for key, some in groups.items() if some.n]
    return said


def _turned_up(shown: Shown, words: Words) -> str:
    return words.t(
        "why.found",
        day=words.day(shown.at.date()),
        rows=shown.rows,
        n=shown.planted,
        present=words.how_many(shown.present),
        copy=shown.copy,
        spared=shown.spared,
        by_chance=words.how_many(shown.by_chance),
    )


def _alternatives(view: ReportView, words: Words, kin: Kin) -> list[Point]:
    blamed = accused(view.findings) + suspected(view.findings)
    chance = [words.t("else.chance", copy=v.copy, odds=evidence(v, words)) for v in blamed if v.log_e > 0]
    points = [_point(words, "chance", words.t("format.sentence_gap").join(chance))] if chance else []
    points.append(_point(words, "derived", _derived(words, kin)))
    sisters = tally(planted_in(view, kin.sisters))
    if sisters.n:
        points.append(_point(words, "sister", _sister(words, blamed, words.how_many(sisters.rang), sisters.n)))
    held = tally(controls(view))
    named = sum(contact.kind == "named" and contact.copy in kin.focus for contact in view.contacts)
    guessed = words.t("else.guessed", n=held.n, rang=words.how_many(held.rang), named=named)
    points += [_point(words, "guessed", guessed)] if view.numbers else []
    return [*points, _point(words, "framed", words.t("else.framed"))]


def _derived(words: Words, kin: Kin) -> str:
    if not kin.made_from_it:
        return words.t("else.derived_none")
    copies = words.join(list(kin.made_from_it))
    return words.t("else.derived", n=len(kin.made_from_it), copies=copies)


def _sister(words: Words, blamed: tuple[Verdict, ...], rang: str, n: int) -> str:
    rivals = [rival for verdict in blamed for rival in verdict.rivals]
    if not rivals:
        return words.t("else.sister_no_rival", rang=rang, n=n)
    best = max(rivals, key=lambda rival: rival.posterior)
    shown = words.t("format.aside", x=best.copy, y=words.percent(best.posterior))
    return words.t("else.sister", rang=rang, n=n, rival=shown)


def _sure(findings: Findings, words: Words) -> list[str]:
    said = []
    for verdict in accused(findings) + suspected(findings):
        key = "sure.evidence" if verdict.log_e >= verdict.threshold else "sure.evidence_below"
        key = key if verdict.log_e > 0 else "sure.evidence_none"
        needed = words.one_in(verdict.threshold)
        said.append(words.t(key, copy=verdict.copy, odds=evidence(verdict, words), needed=needed))
        said.append(words.t("sure.posterior", copy=verdict.copy, posterior=words.percent(verdict.posterior)))
    said += _sure_of_pair(findings.pair, words) if findings.pair else []
    said.append(words.t("sure.none_posterior", posterior=words.percent(findings.none_posterior)))
    return said


def _sure_of_pair(pair: Pair, words: Words) -> list[str]:
    copies = words.join(list(pair.copies))
    said = [words.t("sure.pair", copies=copies, posterior=words.percent(pair.posterior))]
    if pair.sure:
        said.append(words.t("sure.pair_sure", copies=words.join(list(pair.sure))))
    if pair.log_e is not None and proven(pair):
        odds, needed = words.one_in(pair.log_e), words.one_in(pair.threshold)
        said.append(words.t("sure.either", copies=copies, odds=odds, needed=needed))
    return said


def _limits(words: Words, *, accusing: bool) -> list[str]:
    keys = ("l1", "l2", "l3", "l4") if accusing else ("l1_none", "l3", "l4")
    return [words.t(f"limits.{key}") for key in keys]


def _point(words: Words, key: str, body: str) -> Point:
    return Point(words.t(f"else.{key}_head"), body)


def _all(words: Words, group: str) -> list[str]:
    return [words.t(key) for key in words.templates() if key.startswith(f"{group}.")]
