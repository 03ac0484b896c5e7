"""The matcher finds exactly what a slow reading of every line finds, wherever blocks are cut."""

import gzip
import io
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.mint.facts import Fact
from canary.scan.blocks import OVERLAP, Block, Syntax, blocks, sniff
from canary.scan.matcher import Matcher, finder
from canary.scan.needles import needles
from canary.scan.record import Match
from canary.scan.run import Scan
from tests.scan.people import everyone, found, row, scanned, sought

SQL = "INSERT INTO w VALUES ('{0}'), ('{0}'), ('{0}');\n"
CANARIES = sought(5, shadows=3)
NEEDLES = needles(CANARIES)
PLAIN = needles(CANARIES, phones_only=True)
FORMS = sorted(PLAIN.digits.words)
WHOSE = {word: [PLAIN.codes[i] for i in PLAIN.digits.whose(at)] for at, word in enumerate(PLAIN.digits.words)}
pieces = st.one_of(
    st.sampled_from(FORMS),
    st.sampled_from([b",", b"\n", b"\n", b" ", b"x", b"-", b"\t", "陈".encode(), "陈".encode("gbk")]),
    st.integers(0, 10**12).map(lambda n: b"%d" % n),
)
texts = st.lists(pieces, max_size=60).map(b"".join)


def slow(text: bytes) -> list[tuple[int, frozenset[str]]]:
    """Every line's whole runs of digits, looked up one by one."""
    rows = []
    for at, line in enumerate(text.split(b"\n"), 1):
        runs = [run for run in re.findall(rb"[0-9]+", line) if run in WHOSE]
        if runs:
            rows.append((at, frozenset(n for run in runs for n in WHOSE[run])))
    return rows


def fast(text: bytes, size: int) -> list[tuple[int, frozenset[str]]]:
    matcher = Matcher(finder(PLAIN), Syntax())
    matches = [m for block in blocks(io.BytesIO(text), Syntax(), size=size) for m in matcher.search(block)]
    return [(m.row, m.numbers) for m in matches]


@given(texts, st.integers(1, 40))
def test_plain_numbers_are_found_exactly_as_by_reading_line_by_line(text: bytes, size: int) -> None:
    assert fast(text, size) == slow(text)


def signature(matches: list[Match]) -> list[object]:
    return [(m.row, m.numbers, m.named, dict(m.by)) for m in matches]


@given(st.integers(1, 500), st.sampled_from(["utf-8", "gb18030"]), st.permutations(range(20)))
def test_all_kinds_are_found_alike_wherever_blocks_end(size: int, encoding: str, order: list[int]) -> None:
    rows = everyone(CANARIES, 15)
    masked = [[c[0], f"{c[1][:3]}****{c[1][7:]}", *c[2:]] for c in rows]
    text = "\n".join(",".join((rows if i % 2 else masked)[i]) for i in order).encode(encoding)
    whole, cut = Matcher(finder(NEEDLES), Syntax()), Matcher(finder(NEEDLES), Syntax())
    expected = [m for block in blocks(io.BytesIO(text), Syntax()) for m in whole.search(block)]
    assert len(expected) == 5
    found = [m for block in blocks(io.BytesIO(text), Syntax(), size=size) for m in cut.search(block)]
    assert signature(found) == signature(expected) and cut.rows == whole.rows == 20
    assert cut.finder.name_rows.tolist() == whole.finder.name_rows.tolist()


def test_one_endless_line_is_read_in_bounded_pieces_and_nothing_is_missed_at_their_borders() -> None:
    size = 256
    import canary.scan.blocks as module

    longest, module.LONGEST = module.LONGEST, 3 * OVERLAP
    try:
        mine = [",".join(row(dict(c.facts))) for c in CANARIES]
        for shift in range(0, 60, 7):
            text = ("号," * 9 * OVERLAP + "x" * shift + ",").join(mine).encode()
            pieces = list(blocks(io.BytesIO(text), Syntax(), size=size))
            assert max(len(piece.data) for piece in pieces) <= 3 * OVERLAP + 2 * size
            matcher = Matcher(finder(NEEDLES), Syntax())
            matches = [m for piece in pieces for m in matcher.search(piece)]
            assert {i for m in matches for i in m.by} == set(range(8)) and matcher.rows == 1
    finally:
        module.LONGEST = longest


def test_a_number_cut_by_a_piece_of_an_endless_line_is_not_taken_for_a_shorter_one() -> None:
    phone = FORMS[0]
    block = next(blocks(io.BytesIO(b"," + phone), Syntax()))
    open_ended = replace(block, open_right=True, last=False)
    assert Matcher(finder(PLAIN), Syntax()).search(block) and not Matcher(finder(PLAIN), Syntax()).search(open_ended)


def test_a_number_that_stands_whole_in_one_row_is_not_seen_in_longer_ones() -> None:
    phone = FORMS[0]
    assert [row for row, _ in fast(b"\n".join([b"1" + phone, phone, phone + b"9", b""]), 999)] == [2]


def test_shadows_are_looked_for_as_canaries_are() -> None:
    looked = sought(2, shadows=2)
    rows = [row(dict(who.facts)) for who in looked]
    part = scanned("\n".join(",".join([c[0], *c[2:]]) for c in rows).encode(), looked)
    assert found(part) == {1: 0, 2: 1, 3: 2, 4: 3}


@pytest.mark.parametrize("text", ["name,phone\n{0}\n{0}\n", "{0}\n", '[{{"n": "{0}"}}, {{"n": "{0}"}}]', SQL])
@pytest.mark.parametrize("size", [20, 60])
def test_a_text_that_breaks_off_counts_as_many_rows_as_one_that_ends_there(text: str, size: int) -> None:
    whole = text.format("nobody in here") * (1 if "[" in text else 20)
    syntax, read = sniff(whole.encode()), b""
    matcher = Matcher(finder(NEEDLES), syntax)
    for block in blocks(io.BytesIO(whole.encode()), syntax, size=size):
        matcher.search(block)
        read += bytes(block.data[block.fresh :])
        ended = Matcher(finder(NEEDLES), syntax)
        ended.search(Block(read, last=True))
        assert matcher.whole_rows == ended.rows


def test_of_a_file_that_breaks_off_rows_are_counted_and_namesakes_told(tmp_path: Path) -> None:
    told = row(dict(CANARIES[0].facts))
    mine, other = f"{told[0]},{told[4]}\n", f"{told[0]},2020-01-01\n"
    packed = gzip.compress((mine + other * 200_000).encode() + random.Random(1).randbytes(1 << 20))
    (tmp_path / "a.csv.gz").write_bytes(packed[: -1 << 10])
    part = Scan(NEEDLES).files([tmp_path / "a.csv.gz"])[-1]
    assert "a.csv.gz" in part.error and part.rows > 190_000
    assert part.matches[0].chance > 1000


def test_a_namesake_in_a_row_that_is_surely_anothers_has_a_chance_of_her_own() -> None:
    mine = dict(CANARIES[0].facts)
    hers = {**mine, Fact.ADDRESS: "深圳市另一条街9号", Fact.PHONE: CANARIES[1].facts[Fact.PHONE]}
    looked = [CANARIES[0], replace(CANARIES[1], facts=hers)]
    for shown in (row(mine), row({**mine, Fact.PHONE: "none"})):
        matches = scanned(",".join(shown).encode(), looked).matches
        chances = {i: match.chance for match in matches for i in match.by}
        assert chances[0] == 0 < chances[1] and {match.row for match in matches} == {1}
