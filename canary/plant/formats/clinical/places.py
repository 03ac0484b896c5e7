"""Says in front of which record each record of a new woman goes, from how the file lays its women out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Layout:
    """`women` are rows of record indices, ascending; `kinds` names each record's kind; `heads` each row's first."""

    women: Sequence[Sequence[int]]
    heads: Sequence[int]
    kinds: Sequence[str]

    def places(self, before: int, like: int) -> list[int]:
        """For each record of the woman `like`, the index a copy goes in front of, for a row before `before`."""
        found: list[int] = []
        for run in _runs(self.women[like]):
            place = self._beside_head(before) if self.heads[like] in run else self._of_kind(self.kinds[run[0]], before)
            found += [place] * len(run)
        return found

    def _beside_head(self, before: int) -> int:
        last = len(self.women) - 1
        at = min(before, last)
        run = next(run for run in _runs(self.women[at]) if self.heads[at] in run)
        return run[0] if before <= last else run[-1] + 1

    def _of_kind(self, kind: str, before: int) -> int:
        for woman in self.women[before:]:
            for record in woman:
                if self.kinds[record] == kind:
                    return record
        return max((r + 1 for w in self.women[:before] for r in w if self.kinds[r] == kind), default=len(self.kinds))


def _runs(records: Sequence[int]) -> list[list[int]]:
    runs = [[records[0]]]
    for a, b in pairwise(records):
        if b == a + 1:
            runs[-1].append(b)
        else:
            runs.append([b])
    return runs
