"""The compiled kernel finds the same places as pure Python does, in any bytes, and reads none that are not its own."""

import hashlib
import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import canary.scan
from canary.mint.facts import Fact
from canary.scan import blocks as cutting
from canary.scan import spellings
from canary.scan.blocks import Block, Syntax, blocks, views
from canary.scan.digests import beginnings
from canary.scan.fallback import Fallback
from canary.scan.index import Finder, Index
from canary.scan.kernel import Kernel
from canary.scan.matcher import Matcher
from canary.scan.needles import needles
from canary.scan.person import Person, shown_numbers
from canary.scan.run import Scan
from canary.store.e164 import written
from tests.scan.people import row, scanned, sought

SOURCES = [str(Path(canary.scan.__file__).with_name(name)) for name in ("kernel.c", "digests.c")]
# Beside the fastest that this processor has; AVX2 only where it can run.
CPU = Path("/proc/cpuinfo")
WAYS = ["PORTABLE", "SSE2", *(["AVX2"] if CPU.exists() and " avx2 " in CPU.read_text() else [])]
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")

CANARIES = sought(6, shadows=3)
CANARIES[5] = replace(CANARIES[5], facts={**CANARIES[5].facts, Fact.NAME: "Chen Li-Fang"})
CANARIES[4] = replace(CANARIES[4], facts={**CANARIES[4].facts, Fact.DUE_DATE: None, Fact.ADDRESS: "4567890123号"})
INDEX = Index(needles(CANARIES))
PLAIN = Index(needles(CANARIES, phones_only=True))
PHONE = CANARIES[0].phone[3:]
MD5 = hashlib.md5(PHONE.encode()).hexdigest()
ROWS = [",".join(row(dict(who.facts))) for who in CANARIES]


def compiled(folder: Path, name: str, *flags: str) -> Path:
    out = folder / name
    subprocess.run([str(COMPILER), "-O2", *flags, "-o", str(out), *SOURCES], check=True)
    return out


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("kernel"), "wide.so", "-shared", "-fPIC")


@pytest.fixture(scope="module")
def kernels(library: Path) -> dict[bool, list[Finder]]:
    """All ways to search, for all kinds and for plain numbers."""
    flags = ("-shared", "-fPIC")
    ways = [
        library,
        *(compiled(library.parent, f"{way}.so", *flags, f"-DKERNEL_{way}") for way in ("PORTABLE", "SSE2")),
    ]
    return {index is INDEX: [Fallback(index), *(Kernel(index, way) for way in ways)] for index in (INDEX, PLAIN)}


WORDS: list[list[bytes]] = [
    INDEX.numbers, INDEX.names, [mask.replace(b"*", b"****") for mask in INDEX.masks],
    [spelled.encode() for spelled in (f"+86 {PHONE}", f"44{PHONE}00019", f"{PHONE[:3]}-{PHONE[3:7]}   {PHONE[7:]}")],
    [mark.join((PHONE[:3], PHONE[3:7], PHONE[7:])).encode() for mark in ("-", " - ", "  ", ") ", "   ")],
    [f"{PHONE[0]}.{PHONE[1:]}{end}".encode() for end in ("E+10", "e10", "00E+10", "E+1", "E+100")],
    [text.encode() for text in (MD5, MD5.upper(), MD5[:16], MD5[8:24], MD5 + "0", "F" * 64)],
    [record.encode(encoding) for record in ROWS for encoding in ("utf-8", "gb18030", "utf-16-le")],
    [b"2026", b"3", b"0000000005", b"20260305", b"7" * 100, b"7" * 11, b"1-" * 40, b"12**34##5678", b"*" * 9],
    ["".join(chr(ord(c) + 0xFEE0) for c in PHONE).encode(), b"\0", b"a" * 70, b"\xe9" * 130, b" " * 70],
]  # fmt: skip
APART = [b",", b"\n", b" ", b"  ", b"\t", b"|", b"'", b"-", b"x", b"(", b"e", b"", b"1", b"\xe5", b"\\", b" - "]


def texts(seed: int) -> bytes:
    """Needles whole and cut, in every neighbourhood."""
    rng, made = Random(seed), bytearray()
    for _ in range(rng.randrange(200)):
        piece = rng.choice(rng.choice(WORDS))
        cut = rng.choice([(0, None), (0, None), (0, None), (1, None), (0, -1), (rng.randrange(20), -rng.randrange(20))])
        made += piece[cut[0] : cut[1]] + rng.choice(APART)
    return bytes(made) + rng.randbytes(rng.randrange(3))


@settings(max_examples=250)
@given(
    st.integers(0, 2**32).map(texts) | st.binary(max_size=200),
    st.integers(0, 99),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@example(b"," * 63 + PHONE.encode() + b"\n", 0, 0, False, False, False)
@example(f"1.2000000000E+{PHONE[0]}.{PHONE[1:]}E+10".encode(), 0, 0, True, False, False)
@example(f"{PHONE[0]}.{PHONE[1:]}E+{PHONE[0]}.{PHONE[1:]}E+10".encode(), 0, 0, True, False, False)
@example((ROWS[0] + "\n" + ROWS[0] + ROWS[0]).encode(), 0, 0, True, False, False)
def test_the_kernel_gives_the_places_and_counts_of_the_fallback(
    kernels: dict[bool, list[Finder]], text: bytes, fresh: int, sides: int, everything: bool, pipe: bool, cut: bool
) -> None:
    ends = [0, *(m.end() for m in re.finditer(rb"[0-9\xb3]+", text))]
    block = Block(text, ends[fresh % len(ends)] * (sides & 1), bool(sides & 1), bool(sides & 2))
    breaks = np.array([at for at, byte in enumerate(text) if byte in b",\xe9"], np.uint64) if cut else None
    said = []
    for finder in kernels[everything]:
        finder.begin()
        places = finder.search(block, Syntax(pipe=pipe), breaks)
        said.append((sorted(places.hits), places.lines, finder.name_rows.tolist()))
    assert all(other == said[0] for other in said[1:])


@given(st.lists(st.sampled_from(["\n", "张伟,", "張偉 ", "zhangwei,", "-wei ", "," * 30]), max_size=40))
def test_a_row_that_shows_a_name_twice_in_two_scripts_counts_once(library: Path, pieces: list[str]) -> None:
    alike = [
        replace(CANARIES[i], facts={**CANARIES[i].facts, Fact.NAME: name}) for i, name in enumerate(["张伟", "張偉"])
    ]
    index, said = Index(needles(alike)), []
    for finder in (Fallback(index), Kernel(index, library)):
        finder.begin()
        finder.search(Block("".join(pieces).encode()), Syntax(), None)
        said.append(finder.name_rows.tolist())
    assert said[0] == said[1]


@given(st.lists(st.sampled_from(ROWS), min_size=1, max_size=30), st.integers(1, 300), st.booleans())
def test_the_kernel_counts_names_alike_wherever_blocks_end(
    kernels: dict[bool, list[Finder]], rows: list[str], size: int, lines: bool
) -> None:
    text = ("\n" if lines else "号" * 40).join(rows).encode()
    said = []
    longest, cutting.LONGEST, overlap, cutting.OVERLAP = cutting.LONGEST, 2000, cutting.OVERLAP, 300
    try:
        for finder in kernels[True]:
            matcher = Matcher(finder, Syntax())
            matches = [m for block in blocks(io.BytesIO(text), Syntax(), size=size) for m in matcher.search(block)]
            said.append((matches, matcher.rows, finder.name_rows.tolist()))
    finally:
        cutting.LONGEST, cutting.OVERLAP = longest, overlap
    assert all(other == said[0] for other in said[1:])


@given(st.lists(st.integers(0, 900), max_size=20), st.integers(1, 300), st.none() | st.integers(0, 4000))
@example([2500, 3, 5000], 7, None)
def test_blocks_in_one_buffer_are_those_in_many(lengths: list[int], size: int, until: int | None) -> None:
    text = b"\n".join(b"%d" % n * n for n in lengths)
    longest, cutting.LONGEST, overlap, cutting.OVERLAP = cutting.LONGEST, 2000, cutting.OVERLAP, 300
    try:
        copied = list(blocks(io.BytesIO(text), Syntax(), until, size))
        seen = [replace(block, data=bytes(block.data)) for block in views(io.BytesIO(text), until, size)]
    finally:
        cutting.LONGEST, cutting.OVERLAP = longest, overlap
    assert seen == copied


@pytest.mark.parametrize("before", [True, False])
def test_records_longer_than_any_record_are_read_around_a_name_alike(
    kernels: dict[bool, list[Finder]], before: bool
) -> None:
    name, due = ROWS[0].split(",")[0], ROWS[0].split(",")[4]
    seen = set()
    for gap in range(980, 1010):
        near = due + " " * gap + name if before else name + " " * gap + due
        text = ("号 " * 30000 + ROWS[1] + "," + near + " 号" * 30000).encode()
        said = [sorted(f.search(Block(text), Syntax(), None).hits) for f in kernels[True]]
        assert all(other == said[0] for other in said[1:])
        seen.add(len(said[0]))
    assert len(seen) == 2
    assert len({tuple(f.name_rows.tolist()) for f in kernels[True]}) == 1


@given(st.dates(date(1900, 1, 1)), st.sampled_from(["utf-8", "gb18030", "big5"]))
def test_a_record_that_shows_a_date_in_any_spelling_shows_her_sign(day: date, encoding: str) -> None:
    signs = list(Person(1, "N", written("+8613812345678"), {Fact.DUE_DATE: day}).signs())
    for spelled in spellings.dates(day):
        assert any(shown_numbers(f"7,{spelled} 12:30".encode(encoding)).issuperset(sign) for sign in signs)


@pytest.mark.parametrize(("shown", "counts"), [("2026-3-8", True), ("08.03.2026", True), ("2026-08-03", False)])
def test_a_name_is_looked_at_beside_the_numbers_of_her_date_in_an_order_of_dates(
    kernels: dict[bool, list[Finder]], shown: str, counts: bool
) -> None:
    name, due = ROWS[0].split(",")[0], ROWS[0].split(",")[4]
    assert due == "2026-03-08"
    for finder in kernels[True]:
        assert bool(finder.search(Block(f"{name},{shown}".encode()), Syntax(), None).hits) is counts


def test_threads_find_in_ranges_what_one_finds_in_all(tmp_path: Path, library: Path) -> None:
    rows = [ROWS[i % len(ROWS)] if i % 97 == 0 else f"陈丽芳,{i},2026-03-05" for i in range(5000)]
    (tmp_path / "found.csv").write_text("\n".join(rows))
    shared = Kernel(INDEX, library)
    for jobs, size in ((1, 1 << 26), (3, 10_000)):
        scan = Scan(INDEX.needles, jobs, range=size)
        scan.__dict__["_finder"] = shared
        (found,) = scan.files([tmp_path / "found.csv"])
        assert len(found.matches) == 52 and found.rows == 5000
        if jobs == 1:
            alone = found
    assert found.matches == alone.matches
    assert found.name_rows.tolist() == alone.name_rows.tolist()


@given(st.lists(st.binary(max_size=56)))
@example([b"", b"x" * 55, b"13812345678"])
def test_hashes_begin_as_those_of_hashlib(library: Path, words: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("canary.scan.library.built", lambda: library)
        quick = beginnings(words)
        patch.setattr("canary.scan.library.built", lambda: None)
        assert quick == beginnings(words)


def test_random_bytes_touch_no_memory_but_their_own(tmp_path: Path) -> None:
    driver = Path(__file__).with_name("kernel_driver.c")
    for build in ([], *([f"-DKERNEL_{way}"] for way in WAYS)):
        flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
        made = [str(COMPILER), *flags, *build, str(driver), "-o", str(tmp_path / "driver")]
        if subprocess.run(made, capture_output=True).returncode:
            pytest.skip("the compiler has no sanitizers")
        ran = subprocess.run([str(tmp_path / "driver"), "3000"], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_without_a_compiled_kernel_the_scan_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(ROWS).encode()
    with_kernel = scanned(text, CANARIES)
    monkeypatch.setattr("canary.scan.matcher.built", lambda: None)
    without = scanned(text, CANARIES)
    assert with_kernel.matches and with_kernel.matches == without.matches


def test_a_twin_shares_the_tables(library: Path) -> None:
    kernel = Kernel(INDEX, library)
    twin = kernel.twin()
    assert twin._held is kernel._held and twin._kernel != kernel._kernel
    twin.search(Block((ROWS[0] + "\n").encode()), Syntax(), None)
    assert twin.name_rows.any() and not kernel.name_rows.any()
