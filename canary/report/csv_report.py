"""The verdicts as CSV, one row a copy, for people who work in Excel."""

import csv
import io
from typing import Any

from canary.report.json_report import verdict_document
from canary.report.kin import ranked
from canary.report.view import ReportView
from canary.report.words import Words

COLUMNS = (
    "copy", "recipient", "verdict", "log_e", "threshold", "posterior", "contacts",
    "window_from", "window_to", "rivals", "explained_by", "campaigns",
)  # fmt: skip
BOM = "\ufeff"  # without it Excel reads UTF-8 as the machine's own code page
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(view: ReportView, words: Words) -> str:
    """One row a verdict under the JSON's own names, and as "3=7" that campaign 3 reached seven of its canaries; the
    language changes nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for verdict in ranked(view.findings):
        reached = [f"{c.first}={c.copies[verdict.copy]}" for c in view.campaigns if verdict.copy in c.copies]
        writer.writerow(_row(verdict_document(verdict) | {"campaigns": " ".join(reached)}))
    return BOM + out.getvalue()


def _row(document: dict[str, Any]) -> list[object]:
    days = document["window"] or {"from": "", "to": ""}
    flat = document | {
        "contacts": " ".join(str(number) for number in document["contacts"]),
        "window_from": days["from"],
        "window_to": days["to"],
        "rivals": " ".join(f"{rival['copy']}={rival['posterior']:.6g}" for rival in document["rivals"]),
        "explained_by": document["explained_by"] or "",
    }
    return [_inert(flat[column]) for column in COLUMNS]


def _inert(cell: object) -> object:
    """A text that a spreadsheet would run as a formula, disarmed."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
