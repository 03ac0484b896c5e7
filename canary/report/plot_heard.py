"""Plots of what was heard: contacts over time, and the numbers that rang or stayed silent."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from canary.report.canvas import ACCUSED, FAINT, GREY, INK, LIKELY, PALE, WIDTH, Canvas, canvas, shorten
from canary.report.kin import RECOGNISED, Kin, accused, controls, kin_of, planted_in, tally
from canary.report.view import ContactView, NumberView, ReportView
from canary.report.words import Words

LABELS = 210.0  # points kept for row labels
RIGHT = WIDTH - 4
FOCUS_ROWS = 6
DOTS_A_ROW, DOTS_A_GROUP = 40, 320
STYLE: dict[str, dict[str, Any]] = {
    "F": {"marker": "o", "color": GREY},
    "H": {"marker": "o", "facecolor": PALE, "edgecolor": "none"},
    "E": {"marker": "o", "facecolor": "white", "edgecolor": PALE, "lw": 0.8},
}


@dataclass(frozen=True)
class Row:
    """A line of a plot: one accused copy, or a group of copies, or the controls."""

    label: str
    note: str
    color: str
    numbers: tuple[NumberView, ...]
    handed_over: date | None = None


def rows_of(view: ReportView, words: Words) -> list[Row]:
    """Accused copies one by one, then their kin in groups, then the controls."""
    kin = kin_of(view)
    colors = dict.fromkeys((v.copy for v in accused(view.findings)), ACCUSED)
    by_slug = {copy.slug: copy for copy in view.copies}
    rows = []
    for slug in kin.focus[:FOCUS_ROWS]:
        copy = by_slug[slug]
        numbers = tuple(planted_in(view, [slug]))
        color = colors.get(slug, LIKELY)
        rows.append(Row(copy.recipient_name, slug, color, numbers, copy.handed_over))
    for key, slugs in _groups(kin):
        if slugs:
            label = words.t(f"group.{key}", n=len(slugs))
            rows.append(Row(label, "", GREY, tuple(planted_in(view, slugs))))
    held = tuple(controls(view))
    return [*rows, Row(words.t("group.controls"), "", GREY, held)] if held else rows


def _groups(kin: Kin) -> tuple[tuple[str, tuple[str, ...]], ...]:
    rest = (*kin.focus[FOCUS_ROWS:], *kin.others)
    return (
        ("made_from_it", kin.made_from_it),
        ("sources", kin.sources),
        ("sisters", kin.sisters),
        ("others" if kin.focus else "all", rest),
    )


def timeline(view: ReportView, words: Words) -> str:
    """Contacts over time, a row a group: recognised ones as marks, everything else as grey ticks."""
    rows = rows_of(view, words)
    heights = [46.0 if row.note else 34.0 for row in rows]
    span = _span(view)
    with canvas("timeline", sum(heights) + 54) as plot:
        _legend(
            plot,
            12,
            [
                ("D", words.t("plot.named")),
                ("o", words.t("plot.maternal")),
                ("|", words.t("plot.unrecognised")),
            ],
        )
        top = 28.0
        _date_axis(plot, span, top, top + sum(heights))
        for row, height in zip(rows, heights, strict=True):
            _row_label(plot, row, top + height / 2)
            plot.axes.plot([0, RIGHT], [top + height] * 2, color=FAINT, lw=0.8)
            codes = {number.code for number in row.numbers}
            heard = [contact for contact in view.contacts if contact.number in codes]
            _marks(plot, row, heard, span, top + height / 2)
            if row.handed_over:
                _handed_over(plot, row, words, span, (top, top + height))
            top += height
        return plot.svg()


def numbers(view: ReportView, words: Words) -> tuple[str, int]:
    """A dot a number, filled when it rang with a recognised contact; and how many a dot stands for."""
    rows = rows_of(view, words)
    scale = max(1, *(math.ceil(len(row.numbers) / DOTS_A_GROUP) for row in rows)) if rows else 1
    lines = [max(1, math.ceil(len(row.numbers) / scale / DOTS_A_ROW)) for row in rows]
    heights = [max(44.0 if row.note else 30.0, 10.0 * n + 16) for row, n in zip(rows, lines, strict=True)]
    with canvas("numbers", sum(heights) + 28) as plot:
        _legend(
            plot,
            12,
            [("F", words.t("plot.rang")), ("H", words.t("plot.noise")), ("E", words.t("plot.silent"))],
        )
        top = 26.0
        for row, height, n in zip(rows, heights, lines, strict=True):
            _row_label(plot, row, top + height / 2)
            plot.axes.plot([0, RIGHT], [top + height] * 2, color=FAINT, lw=0.8)
            _dots(plot, row, scale, top + (height - 10.0 * (n - 1)) / 2)
            count = tally(row.numbers)
            ratio = words.t("plot.ratio", rang=count.rang, n=count.n)
            weight = "bold" if row.note else "normal"
            plot.text(RIGHT, top + height / 2, ratio, color=row.color, ha="right", weight=weight)
            top += height
        return plot.svg(), scale


def _span(view: ReportView) -> tuple[datetime, datetime]:
    """First hand-over to the day of the report, a little air on both sides."""
    moments = [_aware(contact.at) for contact in view.contacts] + [_aware(view.findings.as_of)]
    moments += [_midnight(copy.handed_over) for copy in view.copies]
    first, last = min(moments), max(moments)
    air = max((last - first) * 0.02, timedelta(hours=12))
    return first - air, last + air


def _at(moment: datetime, span: tuple[datetime, datetime]) -> float:
    return LABELS + (RIGHT - LABELS) * ((_aware(moment) - span[0]) / (span[1] - span[0]))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _date_axis(plot: Canvas, span: tuple[datetime, datetime], top: float, bottom: float) -> None:
    """A hairline at each month's first (each n-th when they crowd), labelled below."""
    months = []
    year, month = span[0].year, span[0].month
    while (day := date(year, month, 1)) <= span[1].date():
        if _midnight(day) >= span[0]:
            months.append(day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    for day in months[:: max(1, math.ceil(len(months) / 8))] or [span[0].date() + timedelta(days=1)]:
        x = _at(_midnight(day), span)
        plot.axes.plot([x] * 2, [top, bottom], color=FAINT, lw=0.8, zorder=0)
        plot.text(x, bottom + 14, f"{day:%Y-%m-%d}", size=9, color=GREY, ha="right" if x > RIGHT - 26 else "center")


def _row_label(plot: Canvas, row: Row, y: float) -> None:
    weight = "bold" if row.note else "normal"
    color = row.color if row.note else INK
    plot.text(0, y - (7 if row.note else 0), shorten(row.label, LABELS - 16, 10), color=color, weight=weight)
    if row.note:
        plot.text(0, y + 8, shorten(row.note, LABELS - 16, 8.5), size=8.5, color=GREY)


def _marks(plot: Canvas, row: Row, heard: Sequence[ContactView], span: tuple[datetime, datetime], y: float) -> None:
    noise = [_at(c.at, span) for c in heard if c.kind not in RECOGNISED]
    plot.axes.scatter(noise, [y] * len(noise), marker="|", s=60, color=PALE, lw=0.8, zorder=2)
    for kind, marker in zip(RECOGNISED, "Do", strict=True):
        xs = [_at(c.at, span) for c in heard if c.kind == kind]
        plot.axes.scatter(xs, [y] * len(xs), marker=marker, s=44, color=row.color, edgecolor="white", lw=0.7, zorder=3)


def _handed_over(
    plot: Canvas, row: Row, words: Words, span: tuple[datetime, datetime], ys: tuple[float, float]
) -> None:
    assert row.handed_over is not None
    x = _at(_midnight(row.handed_over), span)
    plot.axes.plot([x] * 2, [ys[0] + 6, ys[1] - 6], color=row.color, lw=1.6)
    plot.text(x + 4, ys[0] + 9, words.t("plot.handed_over"), size=8.5, color=row.color)


def _legend(plot: Canvas, y: float, entries: Iterable[tuple[str, str]]) -> None:
    x = LABELS
    for marker, label in entries:
        if marker in STYLE:
            plot.axes.scatter([x], [y], s=40, **STYLE[marker])
        else:
            plot.axes.scatter([x], [y], marker=marker, s=44, color=PALE if marker == "|" else GREY, lw=0.8)
        plot.text(x + 8, y, label, size=9, color=GREY)
        x += 34 + len(label) * (4.8 if label.isascii() else 9.5)


def _dots(plot: Canvas, row: Row, scale: int, y: float) -> None:
    """Rang first, then noise, then silent; rounding up within the first two never hides a ring."""
    count = tally(row.numbers)
    noisy = sum(number.contacts > 0 and number.first_recognised is None for number in row.numbers)
    total = math.ceil(len(row.numbers) / scale)
    rang = math.ceil(count.rang / scale)
    noise = min(total - rang, math.ceil(noisy / scale))
    for start, stop, key in ((0, rang, "F"), (rang, rang + noise, "H"), (rang + noise, total, "E")):
        xs = [LABELS + 6 + 8.6 * (i % DOTS_A_ROW) for i in range(start, stop)]
        ys = [y + 10.0 * (i // DOTS_A_ROW) for i in range(start, stop)]
        style = STYLE[key] | ({"color": row.color} if key == "F" else {})
        plot.axes.scatter(xs, ys, s=34, **style)
