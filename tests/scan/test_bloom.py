"""A keyed filter answers for its numbers, wrongly for a stated share of others, and cannot be listed."""

import hashlib
from pathlib import Path

import pytest

from canary.errors import CanaryError
from canary.scan import bloom
from canary.scan.sift import Sifted, sifted
from tests.scan.test_treatments import CANARIES, ROWS, SPELLINGS, phones, planted

NUMBERS = [who.phone for who in CANARIES]
SECRET = b"s" * 32
FILTER = bloom.made(NUMBERS, SECRET)


def sift(content: bytes, held: bloom.Bloom = FILTER) -> Sifted:
    (part,) = sifted([Path("-")], held, lambda done, rows: None, content)
    assert part.error == ""
    return part


@pytest.mark.parametrize("spelling", [name for name in SPELLINGS if name != "masked"])
def test_rows_of_every_spelling_are_given_by_number(spelling: str) -> None:
    part = sift(phones(SPELLINGS[spelling]).encode(), bloom.made(NUMBERS, SECRET, 1e-6))
    assert part.hits == list(planted(ROWS)) and part.rows == len(ROWS)


@pytest.mark.parametrize("rate", [1e-2, 1e-3])
def test_false_answers_are_as_frequent_as_stated(rate: float) -> None:
    held = bloom.made(NUMBERS, SECRET, rate)
    tried = 100_000
    wrong = sum(b"%d" % number in held for number in range(13_900_000_000, 13_900_000_000 + tried))
    assert wrong == pytest.approx(rate * tried, rel=0.35)


def test_nothing_of_the_numbers_can_be_read_in_it() -> None:
    text = FILTER.text()
    for phone in NUMBERS:
        assert phone[3:] not in text and hashlib.sha256(phone[3:].encode()).hexdigest()[:16] not in text
    fewer = bloom.made(NUMBERS[:1], SECRET)
    assert len(fewer.bits) == len(FILTER.bits)  # nor how many there are


def test_two_filters_of_one_registry_agree_in_their_false_answers() -> None:
    later = bloom.made(NUMBERS[:6], SECRET)
    numbers = [b"%d" % number for number in range(13_900_000_000, 13_900_100_000)]
    both = sum(word in FILTER and word in later for word in numbers)
    assert both > 0.5 * sum(word in FILTER for word in numbers)


def test_another_secret_makes_another_filter() -> None:
    assert bloom.made(NUMBERS, b"t" * 32).bits != FILTER.bits


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b'{"format": "canary-filter/1", "key": "", "bits": ""}'])
def test_what_is_no_filter_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(CanaryError, match=r"f\.json"):
        bloom.load(tmp_path / "f.json")


def test_a_filter_written_is_the_filter_read(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(FILTER.text())
    assert bloom.load(tmp_path / "f.json") == FILTER
