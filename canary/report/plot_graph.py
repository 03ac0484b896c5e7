"""The copy graph from left to right, the accused copy lit and unrelated copies folded into counts."""

from matplotlib.patches import FancyBboxPatch

from canary.report.canvas import FAINT, GREY, INK, PALE, WIDTH, Canvas, canvas, shorten
from canary.report.graph_layout import Node, lay_out
from canary.report.plot_sure import blamed_colors
from canary.report.view import ReportView
from canary.report.words import Words

ROW, MARGIN, GAP = 17.0, 4.0, 32.0
WIDEST, NARROW = 250.0, 165.0  # a narrow box keeps its room for the name and leaves out the day
Box = tuple[float, float, float]  # left edge, centre, width


def graph(view: ReportView, words: Words) -> str:
    """The drawing as SVG."""
    layout, colors = lay_out(view), blamed_colors(view)
    width = min(WIDEST, (WIDTH - 2 * MARGIN - GAP * (layout.layers - 1)) / layout.layers)
    step = (WIDTH - 2 * MARGIN - width) / max(1, layout.layers - 1)
    boxes: dict[str, Box] = {
        node.key: (MARGIN + step * node.layer, MARGIN + ROW * layout.centres[node.key], width) for node in layout.nodes
    }
    with canvas("graph", ROW * layout.rows + 2 * MARGIN) as plot:
        for source, target in layout.edges:
            _edge(plot, boxes[source], boxes[target], colors.get(target))
        for node in layout.nodes:
            _box(plot, node, boxes[node.key], colors.get(node.key), words)
        return plot.svg()


def _edge(plot: Canvas, source: Box, target: Box, color: str | None) -> None:
    start, end = source[0] + source[2], target[0]
    xs, ys = [start, start + 8, end - 12, end], [source[1], source[1], target[1], target[1]]
    plot.axes.plot(xs, ys, color=color or PALE, lw=1.8 if color else 0.7, zorder=2 if color else 1)


def _box(plot: Canvas, node: Node, box: Box, color: str | None, words: Words) -> None:
    x, y, width = box
    height = ROW * node.rows - 3
    face = color or (FAINT if node.count > 1 else "white")
    shape = FancyBboxPatch(
        (x, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=3",
        facecolor=face, edgecolor=color or PALE, linewidth=0.8, zorder=3,
    )  # fmt: skip
    plot.axes.add_patch(shape)
    if color:
        _label_lit(plot, node, box)
    else:
        _label(plot, node, box, words)


def _label_lit(plot: Canvas, node: Node, box: Box) -> None:
    x, y, width = box
    name = shorten(node.copy.recipient_name, width - 12, 9.5)
    plot.text(x + 6, y - 6.5, name, size=9.5, color="white", weight="bold", zorder=4)
    plot.text(x + 6, y + 7, shorten(node.copy.slug, width - 12, 8), size=8, color="white", zorder=4)


def _label(plot: Canvas, node: Node, box: Box, words: Words) -> None:
    x, y, width = box
    day = node.copy.handed_over
    if node.count > 1:
        label = words.t("group.folded", n=node.count, month=f"{day:%Y-%m}")
        plot.text(x + 6, y, shorten(label, width - 12, 9), size=9, color=GREY, zorder=4)
        return
    room = width - (12 if width < NARROW else 42)
    plot.text(x + 6, y, shorten(node.copy.recipient_name, room, 9), size=9, color=INK, zorder=4)
    if width >= NARROW:
        plot.text(x + width - 5, y, f"{day:%m-%d}", size=8, color=GREY, ha="right", zorder=4)
