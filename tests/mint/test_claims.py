"""The one-edit question, asked the slow and the fast way."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canary.mint.claims import Claims, NearNames, near_days, within_one_edit

short = st.text(alphabet="李王婷静", max_size=4)
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
    claims = Claims([name for name, _ in held], ordinals, [None] * len(held))
    forbidden = claims.forbidden(asked)
    for i, name in enumerate(asked):
        for k, day in enumerate(map(date.fromordinal, claims.days.tolist())):
            close = any(within_one_edit(f"{name} {day}", f"{other} {due}") for other, due in held if due is not None)
            assert forbidden[i, k] == close


def test_addresses() -> None:
    claims = Claims(["李晓婷", "王静", None], np.array([-1, -1, -1]), ["南山区沙河街道", None, "福田区"])
    assert not claims.address_is_free("李小婷", "南山区沙河街道")
    assert not claims.address_is_free("李晓婷", "南山区沙河街")
    assert claims.address_is_free("王婷", "南山区沙河街道")
    assert claims.address_is_free("王婷", "福田区")
