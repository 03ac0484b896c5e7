"""How every command prints: results on stdout as table or JSON, remarks on stderr."""

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

Line = Mapping[str, Any]

format_option = click.option(
    "--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print."
)


def remark(text: str) -> None:
    """A remark or progress note, on stderr."""
    click.echo(one_line(text), err=True)


def one_line(text: str) -> str:
    """A text that may hold a stranger's words or a file's name, with all that a terminal would obey escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show_list(what: str, lines: Sequence[Line], style: str) -> None:
    """A list of like things: `{"format": "canary-<what>/1", "<what>": [...]}` or an aligned table."""
    if style == "json":
        show_json(what, {what: list(lines)})
    elif lines:
        click.echo(table(lines))
    else:
        remark(f"no {what}")


def show_one(what: str, line: Line, style: str) -> None:
    """One thing: its keys and values."""
    if style == "json":
        show_json(what, line)
        return
    width = max(map(len, line))
    for key, value in line.items():
        click.echo(f"{key:<{width}}  {_text(value)}")


def show_json(what: str, body: Mapping[str, Any]) -> None:
    """One JSON document with its format tag."""
    click.echo(json.dumps({"format": f"canary-{what}/1", **body}, ensure_ascii=False, indent=2, default=str))


def table(lines: Sequence[Line]) -> str:
    """Aligned columns; Chinese characters count two."""
    rows = [list(lines[0]), *([_text(v) for v in line.values()] for line in lines)]
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    padded: Callable[[str, int], str] = lambda text, width: text + " " * (width - _width(text))  # noqa: E731
    return "\n".join("  ".join(map(padded, row, widths)).rstrip() for row in rows)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return " ".join(map(_text, value.values()))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "-"
    return one_line(str(value))


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)
