"""The drawings: who is drawn in full, where boxes stand, and that text stays text."""

import re
import warnings
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from canary.report.canvas import shorten
from canary.report.graph_layout import lay_out, layers_of
from canary.report.kin import kin_of
from canary.report.plot_graph import graph
from canary.report.plot_heard import numbers, timeline
from canary.report.plot_sure import evidence, posterior
from canary.report.view import CopyView, NumberView, ReportView
from canary.report.words import Words

from . import sample

DRAW = {
    "timeline": timeline,
    "numbers": lambda view, words: numbers(view, words)[0],
    "graph": graph,
    "evidence": evidence,
    "posterior": posterior,
}


def chain(*made_from: tuple[str, ...]) -> dict[str, CopyView]:
    """Copies a, b, c … each made from the named ones."""
    names = "abcdefgh"[: len(made_from)]
    return {n: CopyView(n, n, n, date(2026, 1, 1), f, 1, 0) for n, f in zip(names, made_from, strict=True)}


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("case", ["leak", "no_leak", "likely", "hostile"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_drawing_is_sound_xml_of_real_text(name: str, case: str, lang: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing = DRAW[name](getattr(sample, case)(), Words(lang))
    root = ElementTree.fromstring(drawing)
    assert root.get("id") == name
    assert [node for node in root.iter() if node.tag.endswith("text")]
    assert not re.search(r"<metadata|20\d\d-\d\d-\d\dT", drawing)


@pytest.mark.parametrize("log_e", [0.0, 9.0, 30.0, 34.6, 400.0])
def test_no_two_marks_of_the_axis_say_the_same(log_e: float) -> None:
    view = sample.leak()
    verdicts = tuple(replace(verdict, log_e=log_e) for verdict in view.findings.verdicts)
    drawing = evidence(replace(view, findings=replace(view.findings, verdicts=verdicts)), Words("en"))
    marks = [node.text for node in ElementTree.fromstring(drawing).iter() if (node.text or "").startswith("1 in ")]
    assert marks and len(set(marks)) == len(marks)


def test_kin_are_told_apart() -> None:
    kin = kin_of(sample.leak())
    assert kin.focus == (sample.LEAK,)
    assert len(kin.sources) == 27 and "city-registry-2026-06" in kin.sources
    assert "baoan-bureau-2026-07" in kin.sisters and "futian-bureau-2026-06" in kin.sisters
    assert kin.made_from_it == () and len(kin.others) == 30


def test_graph_shows_kin_in_full_and_counts_the_rest() -> None:
    layout = lay_out(sample.leak())
    single = {node.key for node in layout.nodes if node.count == 1}
    assert {sample.LEAK, "city-registry-2026-06", "hospital-26-2026-06", "luohu-bureau-2026-06"} <= single
    assert sum(node.count for node in layout.nodes) == 62
    assert len(layout.nodes) < 40


def test_boxes_of_a_layer_do_not_overlap() -> None:
    layout = lay_out(sample.leak())
    for layer in range(layout.layers):
        column = sorted((n for n in layout.nodes if n.layer == layer), key=lambda n: layout.centres[n.key])
        for above, below in pairwise(column):
            gap = layout.centres[below.key] - layout.centres[above.key]
            assert gap >= (above.rows + below.rows) / 2 - 1e-9


def test_layers_follow_the_longest_way() -> None:
    assert layers_of(chain((), ("a",), ("a", "b"), ("missing",))) == {"a": 0, "b": 1, "c": 2, "d": 0}


def test_layers_survive_a_cycle() -> None:
    assert set(layers_of(chain(("b",), ("a",)))) == {"a", "b"}


def test_many_numbers_share_a_dot_and_say_so() -> None:
    view = sample.no_leak()
    many = tuple(NumberView(f"N{i}", "planted", view.copies[0].slug, 0, None) for i in range(5000))
    _, scale = numbers(replace(view, numbers=many), Words("en"))
    assert scale == 16


def years(view: ReportView) -> ReportView:
    """The same contacts, read six years later by a clock without a zone."""
    later = datetime(2032, 1, 1) + timedelta(days=1)
    return replace(view, findings=replace(view.findings, as_of=later))


def test_timeline_thins_its_labels_over_years() -> None:
    assert len(re.findall(r">20\d\d-\d\d-01<", timeline(years(sample.leak()), Words("en")))) <= 8


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("short", 100, "short"),
        ("a very long recipient name", 60, "a very lon…"),
        ("宝安区计划生育局", 50, "宝安区计…"),
    ],
)
def test_long_names_are_cut(text: str, room: float, shown: str) -> None:
    assert shorten(text, room, 10) == shown
