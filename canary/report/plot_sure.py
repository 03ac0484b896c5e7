"""Plots of how sure we are: each copy's evidence against the line, and the rival explanations."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping

from canary.report.canvas import ACCUSED, GREY, INK, LIKELY, PALE, WIDTH, Canvas, canvas, shorten
from canary.report.kin import accused, suspected
from canary.report.view import ReportView
from canary.report.words import BEYOND, Words
from canary.trace.verdict import Verdict

RIGHT = WIDTH - 4
MOST_NAMED = 6
WORTH_NAMING = 0.001  # with nobody accused, a copy is named beside "none" only from here
STACK, STEP = 6, 8.0  # a pile of dots is drawn this high; the count stands on top of a higher one
DECADES = math.log(1000)
END = BEYOND * math.log(10)  # no chance is told smaller: what is beyond stands at the end


def evidence(view: ReportView, words: Words) -> str:
    """Every copy on a line of growing evidence, with the threshold it must pass."""
    verdicts = view.findings.verdicts
    blamed = blamed_colors(view)
    named = [v for v in verdicts if v.copy in blamed][:MOST_NAMED]
    needed = max((v.threshold for v in verdicts), default=1.0)
    most = max(needed * 1.12, min(END, max((v.log_e for v in verdicts), default=0.0) * 1.12))
    left, right, base = 14.0, RIGHT - 42, 104.0 + 14 * len(named)

    def x(log_e: float) -> float:
        return left + (right - left) * max(0.0, min(1.0, log_e / most))

    with canvas("evidence", base + 56) as plot:
        plot.axes.plot([0, RIGHT], [base] * 2, color=PALE, lw=1)
        plot.axes.plot([x(needed)] * 2, [22, base + 5], color=INK, lw=1.2, ls=(0, (4, 3)))
        plot.text(x(needed), 12, words.t("plot.line", odds=words.one_in(needed)), ha="center", size=9.5)
        _ticks(plot, words, x, most, base)
        plot.text(RIGHT / 2, base + 42, words.t("plot.evidence_axis"), size=9.5, color=GREY, ha="center")
        _piles(plot, words, [v for v in verdicts if v not in named], x, base)
        names = {copy.slug: copy.recipient_name for copy in view.copies}
        for i, verdict in enumerate(named):
            _named(
                plot,
                names.get(verdict.copy, verdict.copy),
                blamed[verdict.copy],
                x(verdict.log_e),
                (34.0 + 14 * i, base),
            )
        return plot.svg()


def _ticks(plot: Canvas, words: Words, x: Callable[[float], float], most: float, base: float) -> None:
    step = max(1, math.ceil(round(most / DECADES / 5, 6)))
    for tick in range(0, math.floor(round(most / DECADES, 6)) + 1, step):
        label = words.one_in(tick * DECADES) if tick else words.t("plot.no_evidence")
        at = x(tick * DECADES)
        plot.axes.plot([at] * 2, [base, base + 5], color=PALE, lw=1)
        plot.text(at if tick else 0, base + 16, label, size=9, color=GREY, ha="center" if tick else "left")


def _piles(plot: Canvas, words: Words, verdicts: list[Verdict], x: Callable[[float], float], base: float) -> None:
    """Unnamed copies, piled where they fall; open dots for those another leak explains."""
    piles: dict[int, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        piles[round(x(verdict.log_e) / STEP)].append(verdict)
    for place, pile in piles.items():
        pile.sort(key=lambda v: v.explained_by is not None)
        for i, verdict in enumerate(pile[:STACK]):
            face = "white" if verdict.explained_by else PALE
            plot.axes.scatter(
                [place * STEP],
                [base - 7 - STEP * i],
                s=42,
                facecolor=face,
                edgecolor=GREY if verdict.explained_by else "white",
                lw=0.9,
                zorder=3,
            )
        if len(pile) > STACK:
            label = words.t("plot.pile", n=len(pile))
            plot.text(place * STEP - 4, base - 7 - STEP * STACK - 3, label, size=9, color=GREY)


def _named(plot: Canvas, name: str, color: str, at: float, ys: tuple[float, float]) -> None:
    label_y, base = ys
    plot.axes.plot([at] * 2, [label_y + 8, base - 10], color=color, lw=1)
    plot.axes.scatter([at], [base - 9], s=95, color=color, edgecolor="white", lw=0.8, zorder=4)
    x, side = (at + 6, "right") if at > WIDTH / 3 else (at - 6, "left")
    # A white ground keeps the name legible where the threshold's line runs behind it.
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    plot.text(x, label_y, name, color=color, weight="bold", bbox=ground, ha=side)


def posterior(view: ReportView, words: Words) -> str:
    """How probability is shared: the accused, their strongest rivals, the rest, and nobody."""
    bars = _shares(view, words)
    with canvas("posterior", 30.0 * len(bars) + 12) as plot:
        left, room = 270.0, RIGHT - 270.0 - 60
        for i, (label, note, share, color) in enumerate(bars):
            y = 22.0 + 30 * i
            plot.text(0, y - (6 if note else 0), shorten(label, left - 14, 10), color=color if note else INK)
            if note:
                plot.text(0, y + 7, shorten(note, left - 14, 8.5), size=8.5, color=GREY)
            plot.axes.barh(y, room * share, height=14, left=left, color=color)
            plot.axes.plot([left] * 2, [y - 11, y + 11], color=PALE, lw=1)
            plot.text(left + room * share + 6, y, words.percent(share), weight="bold", color=color)
        return plot.svg()


def _shares(view: ReportView, words: Words) -> list[tuple[str, str, float, str]]:
    names = {copy.slug: copy.recipient_name for copy in view.copies}
    posteriors = {v.copy: v.posterior for v in view.findings.verdicts}
    blamed = blamed_colors(view)
    rivals = {r.copy: r.posterior for v in view.findings.verdicts if v.copy in blamed for r in v.rivals}
    if not blamed:
        rivals = {slug: share for slug, share in posteriors.items() if share >= WORTH_NAMING}
    picked = sorted((slug for slug in rivals if slug not in blamed), key=lambda slug: -rivals[slug])[:4]
    shown = [(names.get(s, s), s, posteriors.get(s, 0.0), blamed[s]) for s in list(blamed)[:MOST_NAMED]]
    shown += [(names.get(s, s), s, rivals[s], GREY) for s in picked]
    rest = [p for slug, p in posteriors.items() if slug not in blamed and slug not in picked]
    if rest:
        shown.append((words.t("plot.rest", n=len(rest)), "", min(1.0, sum(rest)), GREY))
    return [*shown, (words.t("plot.none"), "", view.findings.none_posterior, GREY)]


def blamed_colors(view: ReportView) -> Mapping[str, str]:
    """The colour of each accused or suspected copy, the strongest first."""
    leaked = {v.copy: ACCUSED for v in accused(view.findings)}
    return leaked | {v.copy: LIKELY for v in suspected(view.findings)}
