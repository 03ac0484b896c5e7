"""Puts new pieces of text between old ones and leaves every old character where it was."""

import itertools
from collections import Counter
from collections.abc import Sequence

Span = tuple[int, int]
Addition = tuple[int, str]


def spliced(text: str, spans: Sequence[Span], additions: Sequence[Addition]) -> str:
    """`text` with each addition (index, new text) in front of the piece spans[index]; len(spans) appends.

    Additions at one index keep their order. What stands between two pieces is copied to part the new ones.
    """
    between = [text[a:b] for (_, a), (b, _) in itertools.pairwise(spans)]
    usual = Counter(filter(_plain, between)).most_common(1)
    out: list[str] = []
    done = 0
    for index, new in sorted(additions, key=lambda addition: addition[0]):
        at = spans[index][0] if index < len(spans) else spans[-1][1]
        out.append(text[done:at])
        done = at
        near = between[min(max(index - 1, 0), len(between) - 1)] if between else "\n"
        part = near if _plain(near) or not usual else usual[0][0]
        out.append(new + part if index < len(spans) else part + new)
    return "".join(out) + text[done:]


def _plain(between: str) -> bool:
    return not any(map(str.isalnum, between))
