"""The plots' drawing surface: matplotlib SVG, the same on every run, that keeps text as text."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unicodedata import east_asian_width

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 640.0  # points; the page scales every plot to its own width
ACCUSED, LIKELY = "#b3261e", "#b26a00"
INK, GREY, PALE, FAINT = "#1f2933", "#5f6b7a", "#b8c1cc", "#e4e8ed"
NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass
class Canvas:
    """One plot of `height` points: `axes` covers it and counts in points from the upper left corner."""

    name: str
    height: float
    figure: Figure = field(init=False)
    axes: Axes = field(init=False)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 72, self.height / 72))
        self.axes = self.figure.add_axes((0.0, 0.0, 1.0, 1.0))
        self.axes.set(xlim=(0, WIDTH), ylim=(self.height, 0))
        self.axes.axis("off")

    def text(self, x: float, y: float, words: str, *, size: float = 10, color: str = INK, **style: Any) -> None:
        """Write `words` literally (a dollar sign in a name is no formula), centred on `y`."""
        placed: dict[str, Any] = {"va": "center", "parse_math": False}
        self.axes.text(x, y, " ".join(words.split()), fontsize=size, color=color, **(placed | style))

    def svg(self) -> str:
        """The drawing as an `<svg>` element to stand inside a page."""
        out = io.StringIO()
        with warnings.catch_warnings():
            # The reader's fonts draw the text; that matplotlib's own font lacks Chinese does not matter.
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
            self.figure.savefig(out, format="svg", metadata=NO_METADATA)
        drawing = out.getvalue()
        drawing = drawing[drawing.index("<svg") :]
        return re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)


@contextmanager
def canvas(name: str, height: float) -> Iterator[Canvas]:
    """A canvas whose ids are salted with `name`: several can stand in one page, and none ever changes."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "svg.id": name}):
        yield Canvas(name, height)


def shorten(text: str, room: float, size: float) -> str:
    """Cut `text` to about `room` points at font `size`; a Chinese character is as wide as it is high."""
    used = 0.0
    for i, character in enumerate(text):
        used += size * (1.0 if east_asian_width(character) in "WF" else 0.54)
        if used > room:
            return text[: max(1, i - 1)].rstrip() + "…"
    return text
