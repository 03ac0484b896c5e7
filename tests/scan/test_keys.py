"""Words to look for: each once, with all its owners; and of names, every word in every encoding."""

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canary.scan.anchors import SIDES, anchors
from canary.scan.keys import LONGEST_KEY, Keys


@given(st.lists(st.tuples(st.binary(max_size=2), st.integers(0, 9))))
def test_each_word_stands_once_with_its_owners_in_order(pairs: list[tuple[bytes, int]]) -> None:
    expected: defaultdict[bytes, list[int]] = defaultdict(list)
    for word, owner in pairs:
        expected[word].append(owner)
    keys = Keys.of([word for word, _ in pairs], np.array([owner for _, owner in pairs], np.uint32))
    assert list(keys.words) == list(expected)
    assert [keys.whose(at) for at in range(len(keys.words))] == list(expected.values())


def owned(names: list[str]) -> dict[bytes, set[int]]:
    keys = anchors(names)
    return {word: set(keys.whose(at)) for at, word in enumerate(keys.words)}


def test_a_name_is_looked_for_as_each_encoding_writes_it_and_by_its_sound() -> None:
    found = owned(["李静", "陈丽芳"])
    written, sounding = (len(SIDES) + side for side in SIDES)
    for text, encodings in (("陈丽芳", ("utf-8", "gb18030")), ("陳麗芳", ("utf-8", "gb18030", "big5"))):
        assert all(found[text.encode(encoding)] == {written} for encoding in encodings)
    assert found[b"\\u9648\\u4e3d\\u82b3"] == {written}
    assert found[b"chenlifang"] == found[b"lifang"] == {sounding}
    assert not any(b"?" in word for word in found)


def test_names_that_sound_alike_share_their_word() -> None:
    assert owned(["李静", "李晶"])[b"lijing"] == {1, 3}


@given(st.lists(st.text(max_size=40)))
def test_any_text_may_be_a_name(names: list[str]) -> None:
    found = owned(names)
    assert all(0 < len(word) <= LONGEST_KEY for word in found)
    assert all(owner < len(SIDES) * len(names) for owners in found.values() for owner in owners)
