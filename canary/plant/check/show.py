"""A detectability report as JSON values and as one HTML page that fetches nothing."""

from typing import Any

import jinja2

from canary.plant.check.exam import Report
from canary.plant.check.lights import Line

WORDS = {
    "green": "Nobody without the registry picks the canaries out by any of these questions.",
    "amber": "Look at the amber lines before this file is handed out.",
    "red": "Do not hand this file out: somebody without the registry could pick canaries out of it.",
}
NOTES = {
    "classifier": "AUC 0.5 is guessing, 1 is certainty; the band is where it would lie if nothing could be told. "
    "Minted: fresh personas of the same model, fitted to one half of the real rows, against the half it never saw. "
    "Planted: the canaries of this file.",
    "months": "By telephone number, or name and due date where there is none.",
}
_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("canary.plant", "check"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def values(report: Report) -> dict[str, Any]:
    """The body of `canary-check/1`."""
    return {
        "copy": report.copy,
        "file": report.file,
        "rows": report.rows,
        "canaries": report.canaries,
        "light": report.light.value,
        "lines": [_line(line) for line in report.lines],
    }


def page(report: Report) -> str:
    """The report as HTML, its worst lines first."""
    return _TEMPLATES.get_template("page.html.j2").render(report=report, verdict=WORDS[report.light], notes=NOTES)


def _line(line: Line) -> dict[str, Any]:
    return {
        "group": line.group,
        "name": line.name,
        "light": line.light.value,
        "found": line.found,
        "expected": line.expected,
        "advice": line.advice,
        "figures": {key: round(float(value), 6) for key, value in line.figures.items()},
        "canaries": list(line.codes),
    }
