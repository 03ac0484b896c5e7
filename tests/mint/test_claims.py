"""The one-edit question, asked the slow and the fast way."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from canary.mint.claims import Claims, Names, within_one_edit

short = st.text(alphabet="李王婷静", max_size=4)


def slow(a: str, b: str) -> bool:
    edits = {a}
    for i in range(len(a) + 1):
        edits |= {a[:i] + c + a[i:] for c in "李王婷静"} | {a[:i] + a[i + 1 :]}
        edits |= {a[:i] + c + a[i + 1 :] for c in "李王婷静"}
    return b in edits


@given(short, short)
def test_within_one_edit(a: str, b: str) -> None:
    assert within_one_edit(a, b) == slow(a, b) == within_one_edit(b, a)


@given(st.lists(short, max_size=6), short)
def test_names_near(names: list[str], name: str) -> None:
    assert Names(names).near(name) == any(within_one_edit(other, name) for other in names)


def test_claims() -> None:
    claims = Claims()
    claims.add("李晓婷", date(2026, 5, 1), "南山区沙河街道")
    assert not claims.due_is_free("李婷", date(2026, 5, 1))
    assert not claims.due_is_free("李晓婷", date(2026, 5, 2))
    assert claims.due_is_free("李婷", date(2026, 5, 2))
    assert claims.due_is_free("李晓婷", date(2026, 6, 28))
    assert claims.due_is_free("李晓婷", None)
    assert not claims.address_is_free("李小婷", "南山区沙河街道")
    assert not claims.address_is_free("李晓婷", "南山区沙河街")
    assert claims.address_is_free("王婷", "南山区沙河街道")
    claims.add("王静", date(2026, 5, 1), None)
    assert not claims.due_is_free("王婷", date(2026, 5, 1))
