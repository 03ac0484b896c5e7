"""What each format promises beyond its golden file: contract, escaping, codes unless revealed."""

import csv
import io
import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from typing import ClassVar

import pytest

from canary.errors import CanaryError
from canary.report import json_report
from canary.report.csv_report import BOM
from canary.report.renderers import RENDERERS, render
from canary.report.story import headline
from canary.report.text import align, trace_table
from canary.report.view import ReportView
from canary.report.words import Words
from canary.trace.verdict import Findings, Verdict, Word

from . import sample

LANGS = ("en", "zh")


def empty() -> ReportView:
    """Nothing handed out yet."""
    view = sample.no_leak()
    findings = replace(view.findings, verdicts=(), smallest_visible_leak=None, none_posterior=1.0, contacts={})
    return replace(view, findings=findings, copies=(), numbers=(), contacts=(), commitments={})


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    void: ClassVar[set[str]] = {"meta", "link", "img", "br", "hr", "input"}

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_json_keeps_the_contract() -> None:
    document = json.loads(render("json", sample.leak()))
    assert document["format"] == "canary-trace/1"
    assert set(document) >= {
        "as_of",
        "alpha",
        "verdicts",
        "none_posterior",
        "smallest_visible_leak",
        "contacts",
    }
    first = next(v for v in document["verdicts"] if v["copy"] == sample.LEAK)
    assert first["verdict"] == "leaked"
    assert first["window"] == {"from": "2026-06-05", "to": "2026-06-25"}
    assert first["rivals"][0] == {"copy": "city-registry-2026-06", "posterior": 0.0007}
    assert {"recipient", "log_e", "threshold", "posterior", "contacts"} <= set(first)
    assert next(v for v in document["verdicts"] if v["copy"] == "hospital-01-2026-06")["window"] is None


def test_json_holds_only_finite_numbers() -> None:
    verdict = Verdict("a", "b", Word.LEAKED, math.inf, 11.0, 1.0)
    findings = replace(sample.no_leak().findings, verdicts=(verdict,))
    log_e = json.loads(json_report.dump(findings), parse_constant=pytest.fail)["verdicts"][0]["log_e"]
    assert math.isfinite(log_e) and log_e > verdict.threshold


def test_csv_opens_in_excel_and_runs_nothing() -> None:
    verdict = Verdict("=cmd|'/c calc'!A1", "r", Word.CANNOT_TELL, -0.5, 11.0, 0.1)
    view = sample.no_leak()
    view = replace(view, findings=replace(view.findings, verdicts=(verdict,)))
    out = render("csv", view)
    assert out.startswith(BOM)
    row = next(csv.DictReader(io.StringIO(out.removeprefix(BOM))))
    assert row["copy"].startswith("'=") and row["log_e"] == "-0.5"


@pytest.mark.parametrize("lang", LANGS)
def test_html_escapes_names_texts_and_plots(lang: str) -> None:
    page = render("html", sample.hostile(), lang)
    tags = parsed(page)
    assert not tags.tags & {"script", "img", "b", "i", "link", "iframe"}
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(" in page


@pytest.mark.parametrize("lang", LANGS)
def test_html_fetches_nothing(lang: str) -> None:
    page = render("html", sample.leak(), lang)
    links = [v for n, v in parsed(page).attributes if n in ("src", "href", "xlink:href", "action")]
    assert not [link for link in links if not link.startswith("#")]
    assert "url(http" not in page and "@import" not in page


def test_html_says_simulated_only_when_it_is() -> None:
    assert "Simulated world: not evidence" in render("html", sample.hostile())
    assert "模拟数据，不作证据" in render("html", sample.hostile(), "zh")
    assert "not evidence" not in render("html", sample.leak())


@pytest.mark.parametrize("fmt", RENDERERS)
def test_callers_and_personas_need_reveal(fmt: str) -> None:
    hidden = replace(sample.hostile(), revealed=False)
    shown = render(fmt, hidden)
    assert "+86" not in shown and "李" not in shown and "onerror" not in shown


@pytest.mark.parametrize("fmt", ["text", "html"])
def test_revealed_report_shows_the_persona(fmt: str) -> None:
    assert "李" in render(fmt, sample.hostile())


def test_terminal_escapes_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in render("text", sample.hostile())


@pytest.mark.parametrize("fmt", RENDERERS)
@pytest.mark.parametrize("lang", LANGS)
def test_a_report_of_nothing_still_renders(fmt: str, lang: str) -> None:
    assert render(fmt, empty(), lang)


@pytest.mark.parametrize("case", ["leak", "no_leak", "likely", "hostile"])
@pytest.mark.parametrize("lang", LANGS)
def test_no_report_speaks_of_guilt(case: str, lang: str) -> None:
    for fmt in ("text", "html"):
        assert "guilt" not in render(fmt, getattr(sample, case)(), lang).lower()


@pytest.mark.parametrize("lang", LANGS)
def test_certainty_is_never_printed(lang: str) -> None:
    view = sample.leak()
    verdicts = tuple(replace(v, posterior=float(v.copy == sample.LEAK)) for v in view.findings.verdicts)
    view = replace(view, findings=replace(view.findings, verdicts=verdicts, none_posterior=0.0))
    page = render("text", view, lang)
    assert "100 %" not in page and "100%" not in page


def test_unknown_format_names_the_way_out() -> None:
    with pytest.raises(CanaryError, match="html, text, json, csv"):
        render("docx", sample.leak())


def many_leaks(count: int) -> Findings:
    """Several copies past the line."""
    found = [Verdict(f"c{i}", "r", Word.LEAKED, 20.0, 11.0, 0.9 - i / 10) for i in range(count)]
    return replace(sample.no_leak().findings, verdicts=tuple(found))


def test_headline_lists_several_leaks_strongest_first() -> None:
    assert headline(many_leaks(2), Words("en"), str) == (
        "Leaked data came from each of these copies, or from copies made from them: c0; c1."
    )
    assert headline(many_leaks(2), Words("zh"), str).endswith("：c0；c1。")


def test_headline_leaves_out_what_another_leak_explains() -> None:
    assert "city-registry" not in headline(sample.leak().findings, Words("en"), str)


def test_headline_admits_blindness() -> None:
    assert headline(empty().findings, Words("en"), str) == (
        "No copy is accused. Even a whole copy leaking would not yet have been seen: "
        "too few numbers or too short a time."
    )


def test_table_counts_the_copies_it_leaves_out() -> None:
    lines = trace_table(sample.no_leak().findings).splitlines()
    assert lines[-1] == "… and 47 more copies: cannot tell"
    assert len(lines) == 1 + 1 + 1 + 15 + 1


def test_columns_align_with_wide_characters() -> None:
    assert align([["宝安", "x"], ["abcde", "y"]]) == "宝安   x\nabcde  y"
