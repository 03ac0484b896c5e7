"""JSON as text: where each value stands, and the text again with some values replaced or left out."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

scanstring = json.decoder.scanstring  # type: ignore[attr-defined]  # (text, after the quote) -> value, end
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")


class Number(str):
    """A JSON number as it is written."""


@dataclass
class Node:
    """One value: `kind` is one of { [ " and 0 (all else); children of an object come with their keys."""

    start: int
    end: int
    kind: str
    text: str = ""
    children: list[tuple[str, "Node"]] = field(default_factory=list)

    def get(self, *keys: str) -> "Node | None":
        """The value under keys, the first of a list where a key is an empty text."""
        node: Node | None = self
        for key in keys:
            node = next((child for name, child in (node.children if node else ()) if name == key), None)
        return node

    def value(self, *keys: str) -> str:
        """The text under keys, "" if there is none."""
        node = self.get(*keys)
        return node.text if node else ""

    def items(self) -> "list[Node]":
        return [child for _, child in self.children]


Edit = Callable[[Node], str | None]


def decoder() -> json.JSONDecoder:
    """A decoder whose numbers keep their text."""
    return json.JSONDecoder(parse_float=Number, parse_int=Number)


def parse(text: str, at: int) -> Node:
    """The value at `at` of a valid JSON text."""
    at = _skip(text, at)
    opening = text[at]
    if opening == '"':
        content, end = scanstring(text, at + 1)
        return Node(at, end, '"', content)
    if opening not in "{[":
        end = _SCALAR.match(text, at).end()  # type: ignore[union-attr]
        return Node(at, end, "0", text[at:end])
    node = Node(at, at, opening)
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key, at = _key(text, at) if opening == "{" else ("", at)
        child = parse(text, at)
        node.children.append((key, child))
        at = _skip(text, child.end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    node.end = at + 1
    return node


def elements(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """(key, start, end) of each value of the object or list at `at`, without a look inside them."""
    scan = decoder()
    keyed = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key, at = _key(text, at) if keyed else ("", at)
        _, end = scan.raw_decode(text, at)
        yield key, at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def written(text: str, node: Node, kept: list[tuple[Node, str]]) -> str | None:
    """A container's text with the given children only, each as its new text; None if none is left."""
    if not kept:
        return None
    before = {id(node.children[0][1]): node.start}
    for (_, a), (_, b) in zip(node.children, node.children[1:], strict=False):
        before[id(b)] = a.end
    first = node.children[0][1]
    out = []
    for at, (child, new) in enumerate(kept):
        lead = text[before[id(child)] : child.start]
        if at == 0 and child is not first:
            # Its key follows the opening bracket and the space that the first child had.
            opening = re.match(r"[{\[]\s*", text[node.start : first.start])
            lead = (opening[0] if opening else "") + lead.lstrip().removeprefix(",").lstrip()
        out.append(lead + new)
    return "".join(out) + text[node.children[-1][1].end : node.end]


def listed(text: str, node: Node, new: list[str]) -> str:
    """A list's text with other elements, parted as the old ones are."""
    items = node.items()
    part = text[items[0].end : items[1].start] if len(items) > 1 else ", "
    return text[node.start : items[0].start] + part.join(new) + text[items[-1].end : node.end]


def _key(text: str, at: int) -> tuple[str, int]:
    key, at = scanstring(text, at + 1)
    return key, _skip(text, _skip(text, at) + 1)


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]
