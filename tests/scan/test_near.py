"""Misspelled names and numbers cut short: found with what else stands in the row, as far as chance allows."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pypinyin import Style, lazy_pinyin

from canary.mint.facts import Fact
from canary.scan import near
from canary.scan.needles import Kind, needles
from canary.scan.run import Scan
from tests.scan.people import HEADER, found, person, row, scanned, sought
from tests.scan.test_treatments import ADDRESS, CANARIES, DUE, HOSPITAL, HUKOU, NAME, PHONE, ROWS, planted
from tests.scan.test_treatments import text as plain_text

Cells = list[str]
# A registry of some size knows how rare an address is.
OTHERS = [replace(who, id=1000 + who.id, number=f"O{who.id}", phone=f"+861300{who.id:07}") for who in sought(0, 150, 8)]


def text(rows: list[Cells], header: Cells | None = None) -> bytes:
    return plain_text(rows, header).encode()


def treated(change: Callable[[Cells], Cells], header: Cells | None = None) -> bytes:
    return text([change(cells) for cells in ROWS], header)


def typo(name: str) -> str:
    return name[:-1] + "某"


def masked(number: str) -> str:
    return f"{number[:3]}****{number[7:]}"


def syllables(name: str, style: Style = Style.NORMAL) -> str:
    return " ".join(lazy_pinyin(name, style=style)).title()


SOUNDS: dict[str, Callable[[Cells], Cells]] = {
    "tones": lambda c: [syllables(c[NAME], Style.TONE), c[DUE]],
    "apart": lambda c: [syllables(c[NAME]), c[DUE]],
    "apart, address": lambda c: [syllables(c[NAME]).upper(), c[ADDRESS]],
}
NEARLY: dict[str, Callable[[Cells], Cells]] = {
    "mask, due": lambda c: [masked(c[PHONE]), c[DUE]],
    "typo, mask": lambda c: [typo(c[NAME]), masked(c[PHONE])],
    "typo, due and time, beginning of address": lambda c: [
        typo(c[NAME]),
        f"{c[DUE]} 00:00:00",
        c[ADDRESS].partition("号")[0],
    ],
    "typo, due, address masked": lambda c: [typo(c[NAME]), c[DUE], c[ADDRESS].partition("号")[0] + "号***"],
    "typo, address": lambda c: [typo(c[NAME]), c[ADDRESS]],
}


@pytest.mark.parametrize("treatment", SOUNDS)
def test_names_are_found_by_their_sound_however_it_is_spelled(treatment: str) -> None:
    part = scanned(treated(SOUNDS[treatment]), CANARIES)
    assert found(part) == planted(ROWS)
    assert all(kinds == (Kind.PINYIN,) and 0 < m.chance < 1 for m in part.matches for kinds in m.by.values())


@pytest.mark.parametrize("treatment", NEARLY)
def test_what_is_nearly_hers_is_found_with_what_else_is_hers(treatment: str) -> None:
    part = scanned(treated(NEARLY[treatment]), [*CANARIES, *OTHERS])
    right = found(part).items() & planted(ROWS).items()
    # There are 2,250 names here: some have more namesakes than chance allows.
    assert len(right) >= len(planted(ROWS)) - 1 and len(part.matches) <= len(right) + 1
    assert all(0 < m.chance <= near.UNLIKELY / (len(CANARIES) + len(OTHERS)) for m in part.matches)


def test_shadows_are_found_as_canaries_are() -> None:
    rows = [row(dict(who.facts)) for who in CANARIES]
    part = scanned(text([[typo(c[NAME]), masked(c[PHONE]), c[HUKOU]] for c in rows]), CANARIES)
    assert found(part) == {at: who.id for at, who in enumerate(CANARIES, 1)}


@pytest.mark.parametrize(
    "change",
    [
        lambda c: [typo(c[NAME]), c[HOSPITAL], c[HUKOU]],
        lambda c: ["某" + c[NAME][1:], c[DUE], c[HOSPITAL]],
        lambda c: [c[NAME][0] + "某某", c[DUE], c[HOSPITAL]],
        lambda c: [c[NAME], f"{int(c[PHONE]):.1E}"],
    ],
    ids=["no date", "other surname", "two characters wrong", "two digits"],
)
def test_too_little_is_nobody(change: Callable[[Cells], Cells]) -> None:
    assert not scanned(treated(change), CANARIES).matches


def test_a_namesake_nearly_on_another_day_is_nobody() -> None:
    rows = [[typo(c[NAME]), "2027-01-01", c[HOSPITAL]] for c in ROWS]
    assert not scanned(text(rows), CANARIES).matches


def test_where_something_surer_is_found_nothing_weaker_is_looked_for() -> None:
    mine, other = (row(dict(CANARIES[i].facts)) for i in (0, 1))
    part = scanned(text([mine, [typo(other[NAME]), masked(other[PHONE]), *other[3:]]], None), CANARIES)
    assert 0 in found(part).values() and Kind.ALIKE not in {k for m in part.matches for ks in m.by.values() for k in ks}


def test_files_without_canaries_hold_as_few_as_is_allowed() -> None:
    rng, matches, files = random.Random(3), 0, 60
    looked = needles(sought(40, shadows=40))
    for _ in range(files):
        rows = [row({**person(rng, 5000 + i)}) for i in range(100)]
        content = text([[cells[NAME], masked(cells[PHONE]), cells[HOSPITAL], cells[DUE]] for cells in rows], None)
        (part,) = Scan(looked, stdin=content).files([Path("-")])
        matches += sum(Kind.ALIKE in kinds for m in part.matches for kinds in m.by.values())
    assert matches <= near.UNLIKELY * files + 1


def test_a_larger_file_is_not_searched_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "MOST_ROWS", 100)
    assert not scanned(treated(NEARLY["typo, mask"]), CANARIES).matches
    assert not scanned(treated(NEARLY["typo, mask"], [HEADER[NAME], HEADER[PHONE]]), CANARIES).matches


def test_a_record_too_long_to_be_a_row_is_not_searched_so() -> None:
    cells = next(cells for cells in ROWS if tuple(cells) == tuple(row(dict(CANARIES[0].facts))))
    line = f"{typo(cells[NAME])},{masked(cells[PHONE])},"
    assert scanned(f"{line}{'x' * 100}\n".encode(), CANARIES).matches
    assert not scanned(f"{line}{'x' * 100_000}\n".encode(), CANARIES).matches


def test_ranges_find_what_one_finds(tmp_path: Path) -> None:
    path, looked = tmp_path / "a.csv", needles(CANARIES)
    path.write_bytes(treated(NEARLY["typo, mask"]))
    (alone,), (together,) = Scan(looked).files([path]), Scan(looked, jobs=2, range=700).files([path])
    assert alone.matches and alone.matches == together.matches


def test_a_row_that_is_surely_ones_and_hardly_anothers_says_so_of_each() -> None:
    mine, hers = (dict(CANARIES[i].facts) for i in (0, 1))
    hers[Fact.DUE_DATE] = mine[Fact.DUE_DATE]
    looked = [replace(CANARIES[1], facts=hers), *CANARIES[:1], *CANARIES[2:], *OTHERS]
    sure, sound = row(mine), syllables(str(hers[Fact.NAME]))
    shown = ",".join([typo(sure[NAME]), sure[DUE], sure[ADDRESS].partition("号")[0] + "号***", sound])
    rows = "\n".join([shown, *(f"张三{i},2020-01-01,2,{sound}" for i in range(500))])
    chances = {i: m.chance for m in scanned(rows.encode(), looked).matches if m.row == 1 for i in m.by}
    assert chances[CANARIES[0].id] < near.UNLIKELY < chances[CANARIES[1].id]
