"""Takes names and addresses of structured records together into one text, and a new text apart again."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

_HAN = re.compile(r"[㐀-鿿·]+")
Name = tuple[str, Sequence[str]]


def joined_name(family: str, given: Sequence[str]) -> str:
    """One text of a name's parts: 王小红, Anna Maria Smith."""
    parts = [part for part in (family, *given) if part]
    if all(map(_HAN.fullmatch, parts)):
        return "".join(parts)
    return " ".join([*filter(None, given), *filter(None, [family])])


class Names:
    """Splits names as the host does; `families` are the family names it has."""

    def __init__(self, families: Iterable[str]) -> None:
        self._families = frozenset(filter(None, families))

    def split(self, name: str) -> tuple[str, list[str]]:
        """Family and given names such that `joined_name` gives the text again."""
        family, given = self._parts(name)
        return (family, given) if joined_name(family, given) == name else (name, [])

    def _parts(self, name: str) -> tuple[str, list[str]]:
        if _HAN.fullmatch(name):
            cut = 2 if len(name) > 2 and name[:2] in self._families else 1
            return name[:cut], [name[cut:]] if name[cut:] else []
        words = name.split(" ")
        for cut in range(1, len(words)):
            if " ".join(words[cut:]) in self._families:
                return " ".join(words[cut:]), words[:cut]
        return words[-1], words[:-1]


def joined_address(parts: Sequence[str]) -> str:
    """One text of an address's parts, narrowest first: Western with commas, Chinese the other way without."""
    filled = [part for part in parts if part]
    if any(map(_HAN.search, filled)):
        return "".join(reversed(filled))
    return ", ".join(filled)


class Addresses:
    """Splits addresses into the host's slots; `known` holds the host's addresses, parts narrowest first."""

    def __init__(self, known: Iterable[Sequence[str]]) -> None:
        self._known: dict[int, set[str]] = defaultdict(set)
        for parts in known:
            for slot, part in enumerate(parts):
                self._known[slot].add(part)

    def split(self, text: str, like: Sequence[str]) -> list[str] | None:
        """Parts for the slots that `like` fills, which `joined_address` joins again; None if they cannot be."""
        slots = [slot for slot, part in enumerate(like) if part]
        parts = [""] * len(like)
        values = self._han(text, slots) if _HAN.search(text) else self._western(text, like, slots)
        if values is None or not all(values):
            return None
        for slot, value in zip(slots, values, strict=True):
            parts[slot] = value
        return parts if joined_address(parts) == text else None

    def _western(self, text: str, like: Sequence[str], slots: Sequence[int]) -> list[str] | None:
        counts = [like[slot].count(", ") + 1 for slot in slots]
        chunks = text.split(", ")
        spare = len(chunks) - sum(counts)
        if not slots or counts[0] + spare < 1:
            return None
        counts[0] += spare  # the street line may have a flat more or less
        ends = [sum(counts[: at + 1]) for at in range(len(counts))]
        return [", ".join(chunks[end - count : end]) for end, count in zip(ends, counts, strict=True)]

    def _han(self, text: str, slots: Sequence[int]) -> list[str] | None:
        values: list[str] = []
        for slot in reversed(slots):
            if slot == slots[0]:
                values.append(text)
                break
            part = max((known for known in self._known[slot] if known and text.startswith(known)), key=len, default="")
            if not part:
                return None
            values.append(part)
            text = text[len(part) :]
        return values[::-1]
