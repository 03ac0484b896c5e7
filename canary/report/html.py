"""The report as one self-contained HTML page for people who decide: verdict, why, how sure."""

import re
from collections.abc import Callable
from typing import Any

import jinja2
from markupsafe import Markup, escape

from canary.report.campaign_rows import campaign_cells, told
from canary.report.kin import RECOGNISED, accused, planted_in, ranked, suspected, tally
from canary.report.plot_graph import graph
from canary.report.plot_heard import numbers, timeline
from canary.report.plot_sure import evidence, posterior
from canary.report.story import Names, tell, window, word_of
from canary.report.story import evidence as odds
from canary.report.text import paths_of
from canary.report.view import ContactView, ReportView
from canary.report.words import Words, stamp
from canary.trace.verdict import Verdict, Word

CONTACT_ROWS = 200
CAMPAIGN_ROWS = 40
QUIET_ROWS = 12
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("canary.report"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(view: ReportView, words: Words) -> str:
    """The page as text: no script, nothing fetched."""
    return TEMPLATES.get_template("report.html.j2").render(
        t=words.t,
        whole=_whole(view),
        lang={"en": "en", "zh": "zh-CN"}[words.lang],
        view=view,
        story=tell(view, words),
        tone=_tone(view),
        as_of=words.moment(view.findings.as_of),
        plots=_plots(view, words),
        verdicts=_verdicts(view, words),
        contacts=_contacts(view, words),
        campaigns=[(campaign_cells(c, words), told(c, view, words)) for c in view.campaigns[:CAMPAIGN_ROWS]],
        kinds=[
            (words.name("kind", kind), words.count(n), words.name("kind_means", kind))
            for kind, n in view.findings.contacts.items()
        ],
    )


def _whole(view: ReportView) -> Callable[[str], Markup]:
    """A filter for sentences: escapes them, and keeps slugs (with a count behind them) and dates from breaking."""
    slugs = sorted((str(escape(copy.slug)) for copy in view.copies), key=len, reverse=True)
    counted = r"(?: ?[(（][\d,]+[)）])?"
    hyphened = re.compile("|".join([*(re.escape(slug) + counted for slug in slugs), r"\d{4}-\d{2}-\d{2}"]))

    def whole(sentence: str) -> Markup:
        marked = hyphened.sub(lambda found: f'<span class="whole">{found[0]}</span>', str(escape(sentence)))
        return Markup(marked)

    return whole


def _tone(view: ReportView) -> str:
    if accused(view.findings):
        return "leaked"
    return "likely" if suspected(view.findings) else "none"


def _plots(view: ReportView, words: Words) -> dict[str, dict[str, Markup | str]]:
    """Each drawing with its heading and the sentence that says how to read it."""
    dots, scale = numbers(view, words)
    blamed = _tone(view) != "none"
    explained = any(verdict.explained_by for verdict in view.findings.verdicts)
    captions = {
        "timeline": words.t("plot.timeline"),
        "graph": words.t("plot.graph" if blamed else "plot.graph_none"),
        "numbers": words.t("plot.numbers" if scale == 1 else "plot.numbers_scaled", n=scale),
        "evidence": words.t("plot.evidence" if explained else "plot.evidence_plain"),
        "posterior": words.t("plot.posterior"),
    }
    drawings = {
        "timeline": timeline(view, words),
        "graph": graph(view, words),
        "numbers": dots,
        "evidence": evidence(view, words),
        "posterior": posterior(view, words),
    }
    # Matplotlib escapes the names it writes into a drawing, so the drawings themselves are safe markup.
    return {name: {"svg": Markup(drawings[name]), "caption": captions[name]} for name in drawings}


def _verdicts(view: ReportView, words: Words) -> dict[str, Any]:
    order = ranked(view.findings)
    loud = [v for v in order if v.word is not Word.CANNOT_TELL]
    quiet = [v for v in order if v.word is Word.CANNOT_TELL]
    names = Names(view, words)
    return {
        "rows": [_verdict(v, view, names, words) for v in loud + quiet[:QUIET_ROWS]],
        "hidden": max(0, len(quiet) - QUIET_ROWS),
    }


def _verdict(verdict: Verdict, view: ReportView, names: Names, words: Words) -> dict[str, str]:
    own = tally(planted_in(view, [verdict.copy]))
    return {
        "tone": "" if verdict.explained_by or verdict.word is Word.CANNOT_TELL else verdict.word,
        "recipient": names.recipient(verdict),
        "slug": verdict.copy,
        "verdict": word_of(verdict, words),
        "evidence": odds(verdict, words),
        "posterior": words.percent(verdict.posterior),
        "rang": words.t("plot.ratio", rang=own.rang, n=own.n),
        "window": window(verdict, words),
    }


def _contacts(view: ReportView, words: Words) -> dict[str, Any]:
    found = [contact for contact in view.contacts if contact.kind in RECOGNISED]
    return {
        "rows": [_contact(contact, view, words) for contact in found[:CONTACT_ROWS]],
        "hidden": max(0, len(found) - CONTACT_ROWS),
        "media": [(str(c.id), m.content_type, words.count(m.size), m.sha256) for c in found for m in c.media],
    }


def _contact(contact: ContactView, view: ReportView, words: Words) -> dict[str, Any]:
    row = {
        "id": str(contact.id),
        "at": stamp(contact.at),
        "channel": words.name("channel", contact.channel),
        "kind": words.name("kind", contact.kind),
        "number": contact.number,
        "copy": contact.copy or "",
        "paths": paths_of(contact, words),
        "attested": words.name("attested", contact.attested),
        "reason": words.reason(contact.reason),
    }
    if not view.revealed:
        return {"cells": row, "said": ""}
    return {"cells": row | {"caller": contact.caller, "persona": contact.persona}, "said": contact.text}
