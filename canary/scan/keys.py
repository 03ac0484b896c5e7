"""Words to look for, each once, and whose each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LONGEST_KEY = 64  # bytes; longer words are not looked for (as in kernel.c)
Numbers = NDArray[np.uint32]


def _none() -> Numbers:
    return np.zeros(0, np.uint32)


@dataclass(frozen=True)
class Keys:
    """Distinct `words`; word i belongs to `owners[starts[i]:starts[i + 1]]`, numbers in a list kept elsewhere."""

    words: Sequence[bytes] = ()
    starts: Numbers = field(default_factory=lambda: np.zeros(1, np.uint32))
    owners: Numbers = field(default_factory=_none)

    @classmethod
    def of(cls, words: Sequence[bytes], owners: Numbers) -> "Keys":
        """Of words that may repeat, with the owner of each."""
        place = {word: at for at, word in enumerate(dict.fromkeys(words))}
        at = np.fromiter(map(place.__getitem__, words), np.intp, len(words))
        starts = np.cumsum(np.bincount(at, minlength=len(place)), dtype=np.uint32)
        return cls(list(place), np.append(np.zeros(1, np.uint32), starts), owners[np.argsort(at, kind="stable")])

    def whose(self, key: int) -> list[int]:
        """The owners of a word."""
        found: list[int] = self.owners[self.starts[key] : self.starts[key + 1]].tolist()
        return found
