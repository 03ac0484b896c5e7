"""A found file is judged by the same draw as calls: fair to innocent copies, sharp to the leaked one."""

import math
from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations

import pytest

from canary.trace import found
from canary.trace.evidence import Evidence, Mark, Release
from canary.trace.found import Sighting, Standing
from canary.trace.judge import Terms, judge
from canary.trace.score import score
from canary.trace.verdict import Word

AT = datetime(2026, 6, 5, tzinfo=UTC)
NUMBERS = ("a", "b", "c", "d", "e")


def release(copy: str, planted: frozenset[str], persona_on: dict[str, int], seen: list[Sighting]) -> Release:
    """A release of five numbers; `persona_on` says which persona (id) the lot put on which number."""
    standings = [Standing(persona, copy, number) for number, persona in persona_on.items()]
    hits = found.hits(standings, seen, AT)
    marks = tuple(Mark(n, "", n in planted, hits.get(persona_on[n], ())) for n in sorted(persona_on))
    return Release(copy, copy, AT - timedelta(days=9), AT, marks)


FILES = {
    "numbers": [Sighting(i, frozenset({n})) for i, n in enumerate("abc")],
    "a number and names": [Sighting(0, frozenset("a"), frozenset({2})), Sighting(1, frozenset("d"), frozenset({0, 3}))],
    "personas": [Sighting(i, recognised=frozenset({i})) for i in (0, 1, 4)],
    "personas beside a number": [Sighting(0, frozenset("b")), Sighting(1, recognised=frozenset({0, 2}))],
    "nothing": [],
}


@pytest.mark.parametrize("file", FILES)
def test_the_mean_over_every_lot_is_one_whatever_the_file_holds(file: str) -> None:
    seen = FILES[file]
    channel = found.channel(seen)
    scores = [
        math.exp(score(release("j", frozenset(lot), dict(zip(NUMBERS, pi, strict=True)), seen), channel, AT).log_e)
        for lot in combinations(NUMBERS, 2)
        for pi in permutations(range(5))
    ]
    assert math.isclose(sum(scores) / len(scores), 1, rel_tol=1e-9)


def copies(count: int, seen: list[Sighting], planted: int = 12, controls: int = 20) -> Evidence:
    """Copies with numbers of their own beside common controls; persona 100 j + i of copy j stands on its number i."""
    releases = []
    for j in range(count):
        numbers = [f"{j}.{i}" for i in range(planted)] + [f"control {i}" for i in range(controls)]
        standing = {number: 100 * j + i for i, number in enumerate(numbers)}
        releases.append(release(f"copy{j}", frozenset(numbers[:planted]), standing, seen))
    return Evidence(AT, tuple(releases))


def rows(copy: int, count: int, named: bool = True) -> list[Sighting]:
    return [Sighting(i, frozenset({f"{copy}.{i}"}), frozenset({100 * copy + i} if named else ())) for i in range(count)]


def test_the_copy_whose_canaries_stand_in_the_file_leaked_and_no_other() -> None:
    seen = rows(3, 12, named=False)
    verdicts = {v.copy: v for v in judge(copies(6, seen), found.channel(seen), Terms(0.001, 100)).verdicts}
    assert verdicts["copy3"].word is Word.LEAKED and verdicts["copy3"].posterior > 0.999
    assert verdicts["copy3"].log_e > 0.9 * math.log(math.comb(32, 12))
    assert all(v.word is Word.CANNOT_TELL and v.posterior < 1e-6 for c, v in verdicts.items() if c != "copy3")


@pytest.mark.parametrize(
    ("count", "word"), [(1, Word.CANNOT_TELL), (2, Word.LIKELY), (3, Word.LEAKED), (5, Word.LEAKED)]
)
def test_a_few_rows_with_names_name_the_copy(count: int, word: Word) -> None:
    seen = rows(2, count)
    first = judge(copies(6, seen), found.channel(seen), Terms(0.001, 100)).verdicts[0]
    assert (first.copy, first.word) == ("copy2", word)
    assert first.posterior > 0.95


def test_two_merged_files_are_a_pair() -> None:
    seen = [*rows(1, 12), *(Sighting(50 + s.row, s.numbers, s.named) for s in rows(4, 12))]
    said = judge(copies(6, seen), found.channel(seen), Terms(0.001, 100))
    assert {v.copy for v in said.verdicts if v.word is Word.LEAKED} == {"copy1", "copy4"}
    assert said.pair is not None and set(said.pair.copies) == {"copy1", "copy4"}


def test_chance_matches_of_shadows_take_weight_from_those_of_canaries() -> None:
    alone = [Sighting(i, recognised=frozenset({i})) for i in range(6)]
    beside = alone + [Sighting(10 + i, recognised=frozenset({12 + i})) for i in range(10)]
    one, both = (score(copies(1, seen).releases[0], found.channel(seen), AT).log_e for seen in (alone, beside))
    assert both < one - 4
