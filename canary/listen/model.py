"""A small trained model of what kind a text is: Chinese character n-grams, English words, and marks of who speaks to
whom of what."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from canary.listen.kinds import Kind
from canary.listen.wording import Text, compact, plain

# Latin spelled out letter by letter, links and numbers say little; the shape of a number is kept.
_LINK: Final = re.compile(r"(?:https?://)?[a-z0-9\-]+\.[a-z]{2,4}/\S*")
_TOKEN: Final = re.compile(r"[\u3400-\u9fff]+|[a-z]+(?:'[a-z]+)?|\d+")
_GRAM: Final = 3
_SOLD: Final = ("products", "people")
_RULES: Final = ("marketing", "notices", "jobs")
_OFFER: Final = ("free", "come", "order")
_SELLER: Final = ("us", "her", "whose", "you")
_OWN: Final = ("kin", "self", "third", "news", "you_friend", "asking_us")
_ELSE: Final = ("notice", "pets", "job")
# Small adverts speak to nobody: no pronoun, no question, no particle.
_TALK: Final = re.compile(r"[我你您她他谁咱吗吧呢呀啊]|\b(?:i|i'm|me|my|she|he|her|we)\b")


@dataclass(frozen=True)
class Weights:
    """Multinomial logistic regression on TF-IDF and marks: `bias` a kind, and for each feature its idf and a weight a
    kind. Marks have no idf: they count in full, however long the text is."""

    kinds: Sequence[str]
    bias: Sequence[float]
    features: Mapping[str, tuple[float, Sequence[float]]]


def grams(text: str) -> Iterator[str]:
    """Runs of one to three Chinese characters, English words and pairs of them, and the shapes of numbers."""
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


def marks(text: str) -> frozenset[str]:
    """Which rules a text fits, of which lists it has marks and how many, and what of it stands together: talk of
    babies, an offer, a seller, one's own life."""
    held = Text(text)
    found: set[str] = set()
    unmasked = held.without("masks")
    sold = [name for name in _SOLD if unmasked.first(name) or (held.spelled and held.sounds_like(name))]
    found.update(sold, (name for name in _RULES if held.first(name)))
    counted = {name: held.marks(name) for name in (*_OFFER, *_SELLER, *_OWN, *_ELSE, "babyword")}
    found.update(f"{name}{n}" for name, count in counted.items() for n in range(1, min(count, 3) + 1))
    offer, seller, own = (sum(counted[name] > 0 for name in names) for names in (_OFFER, _SELLER, _OWN))
    heard = not sold and any(held.sounds_like(name) for name in _SOLD)
    bare = not _TALK.search(plain(text))
    found.update({f"offers{min(offer, 3)}", f"sellers{min(seller, 3)}", f"owns{min(own, 3)}"})
    found.update({"heard"} if heard else (), {f"bare own{min(own, 1)}", "bare"} if bare else ())
    found.update({"spelled"} if held.spelled else ())
    found.add(f"size{min(int(math.log2((held.han or held.words) + 1)), 6)}")
    if not (sold or heard or counted["babyword"]):
        return frozenset(f"@{mark}" for mark in (*found, "no baby"))
    two = f"{min(offer, 2)}{min(seller, 2)}{min(own, 2)}"
    found.update({"baby", f"baby offer{two[0]}", f"baby seller{two[1]}", f"baby own{two[2]}", f"baby {two}"})
    found.update({"baby bare", f"baby bare {bool(sold)} {min(own, 1)}"} if bare else ())
    found.update(f"baby {name}" for name in _ELSE if counted[name])
    return frozenset(f"@{mark}" for mark in found)


def probabilities(text: str, weights: Weights | None = None) -> dict[Kind, float]:
    """How probable each kind of a text is; without weights, by those in the package."""
    known = weights or _shipped()
    counts = Counter(f for f in grams(text) if f in known.features)
    values = {f: (1 + math.log(n)) * known.features[f][0] for f, n in counts.items()}
    norm = math.sqrt(sum(v * v for v in values.values())) or 1.0
    # In order, for sums of floats depend on it.
    held = {f: v / norm for f, v in values.items()} | {f: 1.0 for f in sorted(marks(text)) if f in known.features}
    scores = list(known.bias)
    for feature, value in held.items():
        for i, weight in enumerate(known.features[feature][1]):
            scores[i] += weight * value
    odds = [math.exp(score - max(scores)) for score in scores]
    return {Kind(kind): o / sum(odds) for kind, o in zip(known.kinds, odds, strict=True)}


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
