"""Every report format by name."""

from collections.abc import Callable, Mapping

from canary.errors import CanaryError
from canary.report import csv_report, json_report, text
from canary.report.view import ReportView
from canary.report.words import Words

Renderer = Callable[[ReportView, Words], str]


def _html(view: ReportView, words: Words) -> str:
    # Imported late: matplotlib takes a second to load, and only this format draws.
    from canary.report import html

    return html.render(view, words)


RENDERERS: Mapping[str, Renderer] = {
    "html": _html,
    "text": text.render,
    "json": json_report.render,
    "csv": csv_report.render,
}


def render(format_name: str, view: ReportView, lang: str = "en") -> str:
    """The report in this format and language."""
    if format_name not in RENDERERS:
        raise CanaryError(f"No report format {format_name!r}", f"choose one of {', '.join(RENDERERS)}")
    return RENDERERS[format_name](view, Words(lang))
