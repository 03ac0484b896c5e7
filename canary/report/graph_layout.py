"""Where each copy stands in the drawing of the copy graph, and which are folded into a counted box."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from canary.report.kin import Kin, kin_of
from canary.report.view import CopyView, ReportView

MOST_IN_FULL = 30  # a layer of more copies than this is folded even when they are kin
SMALL = 12  # no more copies than this are all shown in full
TALL = 1.9  # rows taken by an accused copy
GAP = 0.6  # rows left between unrelated families


@dataclass(frozen=True)
class Node:
    """A box of the drawing: one copy, or `count` copies of one month and layer folded together."""

    key: str
    copy: CopyView
    layer: int
    count: int
    lit: bool

    @property
    def rows(self) -> float:
        """How many rows of the drawing the box takes."""
        return TALL if self.lit else 1.0


@dataclass(frozen=True)
class Layout:
    """Boxes, the row of each one's centre, the lines between them, and the size of the whole."""

    nodes: tuple[Node, ...]
    centres: Mapping[str, float]
    edges: tuple[tuple[str, str], ...]
    layers: int
    rows: float


def lay_out(view: ReportView) -> Layout:
    """Choose what to fold and where each box stands."""
    copies = {copy.slug: copy for copy in view.copies}
    layers, kin = layers_of(copies), kin_of(view)
    home = _fold(view, kin, layers)
    sizes = Counter(home.values())
    nodes: dict[str, Node] = {}
    for slug, key in home.items():
        nodes.setdefault(key, Node(key, copies[slug], layers[slug], sizes[key], slug in kin.focus))
    pairs = {(home[p], home[c.slug]) for c in view.copies for p in c.made_from if p in home}
    edges = tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))
    centres, rows = _place(_families(list(nodes.values()), edges))
    return Layout(tuple(nodes.values()), centres, edges, 1 + max(layers.values(), default=0), rows)


def layers_of(copies: Mapping[str, CopyView]) -> dict[str, int]:
    """How many hand-overs lie before each copy, by the longest way; a cycle is cut where it is met."""
    layers: dict[str, int] = {}

    def layer(slug: str, path: frozenset[str]) -> int:
        if slug not in layers:
            above = [p for p in copies[slug].made_from if p in copies and p not in path]
            layers[slug] = 1 + max((layer(p, path | {slug}) for p in above), default=-1)
        return layers[slug]

    for slug in copies:
        layer(slug, frozenset({slug}))
    return layers


def _fold(view: ReportView, kin: Kin, layers: Mapping[str, int]) -> dict[str, str]:
    """The box each copy belongs to: itself for kin and rivals, else its month and layer."""
    copies = {copy.slug: copy for copy in view.copies}
    parents = {p for slug in kin.focus for p in copies[slug].made_from}
    shown = {*kin.focus, *kin.made_from_it, *kin.sources}
    shown |= {s for s in kin.sisters if parents & set(copies[s].made_from)}
    shown |= {r.copy for v in view.findings.verdicts if v.copy in kin.focus for r in v.rivals} & set(copies)
    if len(copies) <= SMALL:
        shown = set(copies)
    crowds = Counter(layers[slug] for slug in shown)
    shown = {s for s in shown if s in kin.focus or crowds[layers[s]] <= MOST_IN_FULL}
    groups = {s: f"{layers[s]}|{copies[s].handed_over:%Y-%m}" for s in copies if s not in shown}
    sizes = Counter(groups.values())
    return {s: groups[s] if sizes[groups.get(s, "")] > 1 else s for s in copies}


def _place(families: list[list[Node]]) -> tuple[dict[str, float], float]:
    """Each linked family in its own band, the accused one on top; layers centred within the band."""
    centres: dict[str, float] = {}
    top = 0.0
    for family in families:
        columns: dict[int, list[Node]] = {}
        for node in family:
            columns.setdefault(node.layer, []).append(node)
        height = max(sum(node.rows for node in column) for column in columns.values())
        for column in columns.values():
            column.sort(key=lambda node: (not node.lit, node.copy.handed_over))
            filled = sum(node.rows for node in column)
            air = min((height - filled) / len(column), 0.5)
            y = top + (height - filled - air * (len(column) - 1)) / 2
            for node in column:
                centres[node.key] = y + node.rows / 2
                y += node.rows + air
        top += height + GAP
    return centres, max(0.0, top - GAP)


def _families(nodes: list[Node], edges: tuple[tuple[str, str], ...]) -> list[list[Node]]:
    """Nodes grouped by being linked at all, the group of the accused first."""
    family = {node.key: {node.key} for node in nodes}
    for a, b in edges:
        if family[a] is not family[b]:
            family[a] |= family[b]
            for key in family[b]:
                family[key] = family[a]
    seen: dict[int, list[Node]] = {}
    for node in nodes:
        seen.setdefault(id(family[node.key]), []).append(node)
    return sorted(
        seen.values(),
        key=lambda group: (not any(node.lit for node in group), group[0].copy.handed_over, group[0].key),
    )
