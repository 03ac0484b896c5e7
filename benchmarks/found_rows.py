"""How many canary rows of a found file name the copy: right and wrong, for one leaked copy and for two merged.

Usage: found_rows.py [RUNS]. 100 copies planned, 30 seeded with 12 canaries beside 40 common controls, alpha 0.001,
each copy's lot drawn anew; k rows of the leaked copy (of each of two) stand in the file, with their names or without.
"""

import random
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

from canary.trace import found
from canary.trace.evidence import Evidence, Mark, Release
from canary.trace.found import Sighting, Standing
from canary.trace.judge import Terms, judge
from canary.trace.verdict import Findings, Word

AT = datetime(2026, 6, 5, tzinfo=UTC)
COPIES, PLANTED, CONTROLS = 30, 12, 40


def world(rng: random.Random, leaked: list[int], rows: int, named: bool) -> tuple[Findings, set[str]]:
    codes = [f"N{i:04}" for i in rng.sample(range(10_000), COPIES * PLANTED + CONTROLS)]
    controls, free = codes[:CONTROLS], codes[CONTROLS:]
    lots = [free[PLANTED * j : PLANTED * (j + 1)] for j in range(COPIES)]
    people: list[list[Standing]] = []
    for j, lot in enumerate(lots):
        numbers = sorted([*lot, *controls])
        ids = rng.sample(range(1000 * j, 1000 * j + len(numbers)), len(numbers))
        people.append([Standing(i, f"c{j}", n) for i, n in zip(ids, numbers, strict=True)])
    seen = []
    for j in leaked:
        own = {s.number: s.id for s in people[j]}
        for number in rng.sample(lots[j], rows):
            seen.append(Sighting(len(seen), frozenset({number}), frozenset({own[number]} if named else ())))
    hits = found.hits([s for release in people for s in release], seen, AT)
    releases = []
    for j, lot in enumerate(lots):
        marks = tuple(Mark(s.number, "", s.number in lot, hits.get(s.id, ())) for s in people[j])
        releases.append(Release(f"c{j}", "r", AT - timedelta(days=30), AT, marks))
    return judge(Evidence(AT, tuple(releases)), found.channel(seen), Terms(0.001, 100)), {f"c{j}" for j in leaked}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rng = random.Random(3)
    print(f"{runs} runs; copies of the leak that are: leaked, first by posterior (pair when two), wrongly leaked")
    for leakers in (1, 2):
        for named in (True, False):
            for rows in (1, 2, 3, 5, 10):
                counts: Counter[str] = Counter()
                for _ in range(runs):
                    said, truth = world(rng, rng.sample(range(COPIES), leakers), rows, named)
                    accused = {v.copy for v in said.verdicts if v.word is Word.LEAKED}
                    top = sorted(said.verdicts, key=lambda v: -v.posterior)[0]
                    pair = said.pair is not None and set(said.pair.copies) == truth
                    counts["right"] += accused == truth
                    counts["first"] += pair if leakers == 2 else {top.copy} == truth and top.posterior > 0.5
                    counts["wrong"] += bool(accused - truth)
                shown = "  ".join(f"{what} {counts[what] / runs:.0%}" for what in ("right", "first", "wrong"))
                print(f"{leakers} leaked, {'names' if named else 'numbers alone'}, {rows:>2} rows of each: {shown}")


if __name__ == "__main__":
    main()
