"""The draw: repeatable from its seed, uniform, and shared among blocks by size alone."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.trace.law import apportion, controls_for, draw

LABELS = [f"N{i}" for i in range(6)]


def test_draw_is_repeatable_from_its_seed():
    assert draw(b"seed", LABELS, 3) == draw(b"seed", list(reversed(LABELS)), 3)
    assert draw(b"seed", LABELS, 3) != draw(b"other", LABELS, 3)


def test_every_pair_is_drawn_about_equally_often():
    """15 pairs, 6,000 seeds: each expected 400 times; 5 standard deviations is 97."""
    counts = Counter(draw(seed.to_bytes(4), LABELS, 2) for seed in range(6000))
    assert len(counts) == 15
    assert all(abs(count - 400) < 97 for count in counts.values())


def test_drawing_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="7 of 6"):
        draw(b"seed", LABELS, 7)


@given(st.dictionaries(st.text(min_size=1), st.integers(0, 50), min_size=1), st.data())
def test_apportionment_gives_the_count_and_never_more_than_a_block_has(available, data):
    count = data.draw(st.integers(0, sum(available.values())))
    shares = apportion(available, count)
    assert sum(shares.values()) == count
    assert all(shares[b] <= available[b] for b in shares)


@pytest.mark.parametrize(
    ("pool", "share", "controls"),
    [(840, 0.1, 84), (100, 0.1, 20), (30, 0.1, 10), (3, 0.1, 1), (1, 0.1, 1), (0, 0.1, 0)],
)
def test_controls_are_a_share_of_the_pool_with_a_floor(pool, share, controls):
    assert controls_for(pool, share) == controls
