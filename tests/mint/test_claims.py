"""The one-edit question, asked the slow and the fast way."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canary.mint.claims import Claims, Ends, NearNames, near, near_days, within_one_edit
from canary.mint.levels import Levels

short = st.text(alphabet="李王婷静", max_size=4)
streets = st.text(alphabet="东西1", min_size=1, max_size=24)
days = st.dates(date(2025, 1, 1), date(2027, 1, 1))


def slow(a: str, b: str) -> bool:
    edits = {a}
    for i in range(len(a) + 1):
        edits |= {a[:i] + c + a[i:] for c in "李王婷静"} | {a[:i] + a[i + 1 :]}
        edits |= {a[:i] + c + a[i + 1 :] for c in "李王婷静"}
    return b in edits


@given(short, short)
def test_within_one_edit(a: str, b: str) -> None:
    assert within_one_edit(a, b) == slow(a, b) == within_one_edit(b, a)


@given(st.lists(short, max_size=6), st.lists(short, max_size=6, unique=True))
def test_near_pairs_are_those_within_one_edit(asked: list[str], known: list[str]) -> None:
    found = {(int(i), int(j)) for i, j in zip(*NearNames(known).pairs(asked), strict=True)}
    assert found == {(i, j) for i, a in enumerate(asked) for j, b in enumerate(known) if within_one_edit(a, b)}


@given(st.sets(days, min_size=1, max_size=30))
def test_near_days_are_those_within_one_edit_as_written(some: set[date]) -> None:
    known = sorted(some)
    found = {(int(i), int(j)) for i, j in zip(*near_days(np.array([d.toordinal() for d in known])), strict=True)}
    texts = [d.isoformat() for d in known]
    assert found == {(i, j) for i, a in enumerate(texts) for j, b in enumerate(texts) if within_one_edit(a, b)}


@given(st.lists(st.tuples(short, st.none() | days), max_size=12), st.lists(short, max_size=6))
def test_a_name_is_forbidden_where_name_and_day_are_within_one_edit(
    held: list[tuple[str, date | None]], asked: list[str]
) -> None:
    ordinals = np.array([-1 if day is None else day.toordinal() for _, day in held], dtype=np.intp)
    claims = Claims(Levels([name for name, _ in held]), ordinals, Levels([None] * len(held)))
    forbidden = claims.forbidden(asked)
    for i, name in enumerate(asked):
        for k, day in enumerate(map(date.fromordinal, claims.days.tolist())):
            close = any(within_one_edit(f"{name} {day}", f"{other} {due}") for other, due in held if due is not None)
            assert forbidden[i, k] == close


def test_addresses() -> None:
    names, homes = Levels(["李晓婷", "王静", None]), Levels(["南山区沙河街道", None, "福田区"])
    claims = Claims(names, np.array([-1, -1, -1]), homes)
    asked = {
        ("李小婷", "南山区沙河街道"): False,
        ("李晓婷", "南山区沙河街"): False,
        ("王婷", "南山区沙河街道"): True,
        ("王婷", "福田区"): True,
    }
    free = claims.addresses_are_free([name for name, _ in asked], [home for _, home in asked])
    assert free.tolist() == list(asked.values())


@given(
    st.lists(st.tuples(st.none() | short, st.none() | streets), max_size=8),
    st.lists(st.tuples(short, streets), max_size=5),
)
def test_an_address_is_free_where_name_and_address_are_not_within_one_edit(
    held: list[tuple[str | None, str | None]], asked: list[tuple[str, str]]
) -> None:
    claims = Claims(
        Levels([name for name, _ in held]), np.full(len(held), -1, dtype=np.intp), Levels([home for _, home in held])
    )
    free = claims.addresses_are_free([name for name, _ in asked], [home for _, home in asked])
    for (name, home), is_free in zip(asked, free, strict=True):
        assert is_free != any(
            within_one_edit(f"{name} {home}", f"{other} {its}") for other, its in held if other is not None and its
        )


@given(st.lists(st.tuples(streets, streets), max_size=8))
def test_near_texts_are_those_within_one_edit(pairs: list[tuple[str, str]]) -> None:
    a, b = (Ends(texts, 2, 2) for texts in ([a for a, _ in pairs], [b for _, b in pairs]))
    found = near(a, np.arange(len(pairs)), b, np.arange(len(pairs)))
    assert found.tolist() == [within_one_edit(a, b) for a, b in pairs]
