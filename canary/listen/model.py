"""A small trained model for texts that no rule decides: Chinese character n-grams and English words, four kinds."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Final

from canary.listen.kinds import Kind
from canary.listen.wording import Text, compact, plain

# Latin spelled out letter by letter, links and numbers say little; the shape of a number is kept.
_LINK: Final = re.compile(r"(?:https?://)?[a-z0-9\-]+\.[a-z]{2,4}/\S*")
_TOKEN: Final = re.compile(r"[\u3400-\u9fff]+|[a-z]+(?:'[a-z]+)?|\d+")
_GRAM: Final = 3
_MARKS: Final = ("baby", "stranger", "offers", "own")


@dataclass(frozen=True)
class Weights:
    """Multinomial logistic regression on TF-IDF: `bias` a kind, and for each feature its idf and a weight a kind."""

    kinds: Sequence[str]
    bias: Sequence[float]
    features: Mapping[str, tuple[float, Sequence[float]]]


def features(text: str) -> Iterator[str]:
    """What the model looks at: runs of one to three Chinese characters, English words and pairs of them, and which
    lists of marks (baby, stranger, offers, own) the text has words of."""
    held = Text(text)
    marks = [mark for mark in _MARKS if held.first(mark)]
    yield from (f"@{mark}" for mark in marks)
    yield from (f"@{a}@{b}" for a, b in combinations(marks, 2))
    word = ""
    for run in _TOKEN.findall(_LINK.sub(" ", plain(text))):
        if run[0].isdigit():
            yield f"#{min(len(run), 9)}"
            word = ""
        elif run.isascii():
            run = run if len(run) < 4 else run.removesuffix("'s").removesuffix("s")
            yield run
            if word:
                yield f"{word} {run}"
            word = run
    hidden = re.findall(r"[\u3400-\u9fff]+", compact(plain(text)))
    for run in hidden:
        for size in range(1, _GRAM + 1):
            yield from (run[i : i + size] for i in range(len(run) - size + 1))


def likely(text: str, weights: Weights | None = None) -> tuple[Kind, float]:
    """The most likely kind of a text and its probability; without weights, by those in the package."""
    known = weights or _shipped()
    counts = Counter(f for f in features(text) if f in known.features)
    if not counts:
        return Kind.OTHER, 0.0
    values = {f: (1 + math.log(n)) * known.features[f][0] for f, n in counts.items()}
    norm = math.sqrt(sum(v * v for v in values.values())) or 1.0
    scores = list(known.bias)
    for feature, value in values.items():
        for i, weight in enumerate(known.features[feature][1]):
            scores[i] += weight * value / norm
    best = max(range(len(scores)), key=scores.__getitem__)
    return Kind(known.kinds[best]), 1 / sum(math.exp(s - scores[best]) for s in scores)


@cache
def _shipped() -> Weights:
    return loads(files("canary.listen").joinpath("phrases", "model.json").read_text(encoding="utf-8"))


def loads(document: str) -> Weights:
    """Weights from JSON as `dumps` writes them."""
    read = json.loads(document)
    return Weights(read["kinds"], read["bias"], {f: (row[0], row[1:]) for f, row in read["features"].items()})


def dumps(weights: Weights) -> str:
    """Weights as JSON, rounded, a feature a line."""
    rows = {f: [round(idf, 2), *(round(w, 2) for w in ws)] for f, (idf, ws) in sorted(weights.features.items())}
    dense = {f: json.dumps(row, separators=(",", ":")) for f, row in rows.items()}
    lines = ",\n".join(f"{json.dumps(f, ensure_ascii=False)}:{row}" for f, row in dense.items())
    bias = json.dumps([round(b, 3) for b in weights.bias])
    return f'{{"kinds": {json.dumps(list(weights.kinds))},\n"bias": {bias},\n"features": {{\n{lines}\n}}}}\n'
