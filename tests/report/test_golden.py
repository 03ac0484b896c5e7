"""Every format in both languages against files a person has read; CANARY_GOLDEN=write renews them."""

import os
import re
from pathlib import Path

import pytest

from canary.report.renderers import RENDERERS, render
from canary.report.text import trace_table
from canary.report.view import ReportView

from . import sample

GOLDEN = Path(__file__).parent / "golden"
CASES = {"leak": sample.leak, "no_leak": sample.no_leak, "likely": sample.likely}
FILES = [
    *[(case, fmt, lang) for case in CASES for fmt in ("text", "html") for lang in ("en", "zh")],
    *[("leak", fmt, "en") for fmt in ("json", "csv")],
]


def scrub(page: str) -> str:
    """Drawings change with matplotlib, style with taste; neither is what a golden file guards."""
    page = re.sub(r"<svg.*?</svg>", "<svg/>", page, flags=re.DOTALL)
    return re.sub(r"<style>.*?</style>", "<style/>", page, flags=re.DOTALL)


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("CANARY_GOLDEN") == "write":
        path.write_bytes(text.encode())
    assert path.read_bytes().decode() == text


@pytest.mark.parametrize(("case", "fmt", "lang"), FILES)
def test_report_matches_golden(case: str, fmt: str, lang: str) -> None:
    compare(f"{case}.{lang}.{fmt}", scrub(render(fmt, CASES[case](), lang)))


@pytest.mark.parametrize("case", CASES)
def test_trace_table_matches_golden(case: str) -> None:
    compare(f"{case}.table", trace_table(CASES[case]().findings))


@pytest.mark.parametrize("fmt", RENDERERS)
@pytest.mark.parametrize("view", [sample.leak(), sample.hostile()])
def test_rendering_twice_gives_the_same_bytes(fmt: str, view: ReportView) -> None:
    assert render(fmt, view, "zh") == render(fmt, view, "zh")
