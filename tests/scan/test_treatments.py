"""Whatever is done to a file, its canaries are found in their rows, and nobody else is."""

import hashlib
import json
import random
from collections.abc import Callable

import phonenumbers
import pytest

from canary.scan.needles import Kind
from canary.store.e164 import Written, written
from tests.scan.people import HEADER, everyone, found, row, scanned, sought

CANARIES = sought(8, shadows=4)
ROWS = everyone(CANARIES, 120)
NAME, PHONE, ADDRESS, HOSPITAL, DUE, HUKOU = range(6)
Cells = list[str]


def planted(rows: list[Cells]) -> dict[int, int]:
    own = {tuple(row(dict(c.facts))): c.id for c in CANARIES if c.planted}
    return {at: own[tuple(cells)] for at, cells in enumerate(rows, 1) if tuple(cells) in own}


def text(rows: list[Cells], header: Cells | None = None, mark: str = ",") -> str:
    return "".join(mark.join(cells) + "\n" for cells in ([header] if header else []) + rows)


def phones(change: Callable[[str], str]) -> str:
    return text([[*cells[:PHONE], change(cells[PHONE]), *cells[PHONE + 1 :]] for cells in ROWS], HEADER)


def only(*columns: int) -> str:
    return text([[cells[c] for c in columns] for cells in ROWS], [HEADER[c] for c in columns])


SPELLINGS = {
    "plus": lambda p: f"+86{p}",
    "plus and space": lambda p: f"+86 {p}",
    "86": lambda p: f"86{p}",
    "0086": lambda p: f"0086{p}",
    "hyphens": lambda p: f"{p[:3]}-{p[3:7]}-{p[7:]}",
    "spaces": lambda p: f"{p[:3]} {p[3:7]} {p[7:]}",
    "all prefixes and hyphens": lambda p: f"+86 {p[:3]}-{p[3:7]}-{p[7:]}",
    "float": lambda p: f"{p}.0",
    "scientific": lambda p: f"{p[0]}.{p[1:]}E+10",
    "quoted": lambda p: f'"{p}"',
    "formula": lambda p: f'="{p}"',
    "masked": lambda p: f"{p[:3]}****{p[7:]}",
    "md5": lambda p: hashlib.md5(p.encode()).hexdigest(),
    "MD5": lambda p: hashlib.md5(p.encode()).hexdigest().upper(),
    "md5 of +86": lambda p: hashlib.md5(f"+86{p}".encode()).hexdigest(),
    "md5, 16": lambda p: hashlib.md5(p.encode()).hexdigest()[:16],
    "md5, middle 16": lambda p: hashlib.md5(p.encode()).hexdigest()[8:24],
    "sha1": lambda p: hashlib.sha1(p.encode()).hexdigest(),
    "SHA256": lambda p: hashlib.sha256(p.encode()).hexdigest().upper(),
    "sha256 of hyphens": lambda p: hashlib.sha256(f"{p[:3]}-{p[3:7]}-{p[7:]}".encode()).hexdigest(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_numbers_are_found_in_every_spelling(spelling: str) -> None:
    part = scanned(phones(SPELLINGS[spelling]).encode(), CANARIES)
    assert found(part) == planted(ROWS)
    assert part.rows == len(ROWS)


@pytest.mark.parametrize(("spelling", "kind"), [("md5, 16", Kind.MD5), ("sha1", Kind.SHA1), ("masked", Kind.MASKED)])
def test_a_match_says_by_what(spelling: str, kind: Kind) -> None:
    part = scanned(phones(SPELLINGS[spelling]).encode(), CANARIES)
    assert all(kind in kinds and Kind.PHONE not in kinds for m in part.matches for kinds in m.by.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("columns", [(PHONE,), (DUE, NAME), (NAME, PHONE, ADDRESS, HOSPITAL, DUE, HUKOU)])
def test_encodings_and_column_orders_change_nothing(encoding: str, columns: tuple[int, ...]) -> None:
    assert found(scanned(only(*columns).encode(encoding), CANARIES)) == planted(ROWS)


def test_big5_names_are_read() -> None:
    looked = sought(3)
    for who in looked:
        who.facts[next(iter(who.facts))] = "陳雅婷"  # type: ignore[index]
    rows = [[str(who.facts["name"]), str(who.facts["due_date"])] for who in looked]  # type: ignore[index]
    assert set(found(scanned(text(rows).encode("big5"), looked)).values()) == {0, 1, 2}


@pytest.mark.parametrize("mark", ["\t", ";", "|"])
def test_any_delimiter_does(mark: str) -> None:
    part = scanned(text([[c[NAME], c[DUE]] for c in ROWS], ["姓名", "预产期"], mark).encode(), CANARIES)
    assert found(part) == planted(ROWS)


DATES = [
    "{0}/{1}/{2}",
    "{0}年{1}月{2}日",
    "{2:02}.{1:02}.{0}",
    "{1}/{2}/{0}",
    "{0}{1:02}{2:02}",
    "{0}-{1:02}-{2:02} 00:00:00",
]


@pytest.mark.parametrize("date", DATES)
def test_names_are_found_with_due_dates_in_any_format(date: str) -> None:
    rows = [[c[NAME], date.format(*map(int, c[DUE].split("-")))] for c in ROWS]
    part = scanned(text(rows).encode(), CANARIES)
    assert found(part) == planted(ROWS)
    assert all(kinds == (Kind.NAME_DUE,) and 0 < m.chance < 1 for m in part.matches for kinds in m.by.values())


def test_names_are_found_with_addresses() -> None:
    assert found(scanned(only(ADDRESS, NAME).encode(), CANARIES)) == planted(ROWS)


def test_a_name_or_a_mask_alone_is_nobody() -> None:
    assert not scanned(only(NAME).encode(), CANARIES).matches
    masked = [[f"{c[PHONE][:3]}****{c[PHONE][7:]}", c[HUKOU]] for c in ROWS]
    assert not scanned(text(masked).encode(), CANARIES).matches


def test_values_alone_tell_where_the_address_is_left_with_a_chance() -> None:
    part = scanned(only(ADDRESS, HOSPITAL, DUE, HUKOU).encode(), CANARIES)
    assert found(part) == planted(ROWS)
    assert all(kinds == (Kind.VALUES,) and 0 < m.chance < 0.01 for m in part.matches for kinds in m.by.values())


def test_values_are_nobodys_where_names_and_numbers_are_shown_that_are_not_hers() -> None:
    hers = [["王某某", "13911111111", *cells[2:]] for cells in ROWS]
    assert not scanned(text(hers, HEADER).encode(), CANARIES).matches


def test_values_that_many_share_are_nobody() -> None:
    assert not scanned(only(HOSPITAL, HUKOU).encode(), CANARIES).matches


def test_rows_shuffled_and_cut_are_found_where_they_stand() -> None:
    rows = [*ROWS]
    random.Random(1).shuffle(rows)
    cut = rows[:40]
    part = scanned(text(cut).encode(), CANARIES)
    assert found(part) == planted(cut) and len(planted(cut)) < 8
    assert part.rows == 40


def test_an_edited_name_is_found_by_number_and_an_edited_number_by_name() -> None:
    mine = row(dict(CANARIES[0].facts))
    edited = [["王某", *mine[1:]], [mine[NAME], "13911111111", *mine[2:]]]
    by = [kinds for m in scanned(text(edited).encode(), CANARIES).matches for kinds in m.by.values()]
    assert by == [(Kind.PHONE,), (Kind.NAME_DUE, Kind.NAME_ADDRESS)]


def records(rows: list[Cells]) -> list[dict[str, str]]:
    return [dict(zip(HEADER, cells, strict=True)) for cells in rows]


FORMS = {
    "json lines": lambda rows: "\n".join(
        json.dumps(dict(zip(HEADER, r, strict=True)), ensure_ascii=False) for r in rows
    ),
    "json": lambda rows: json.dumps(records(rows), ensure_ascii=False),
    "pretty json": lambda rows: json.dumps(records(rows), indent=2),
    "sql": lambda rows: (
        "CREATE TABLE t (a varchar(9));\nINSERT INTO t VALUES "
        + ",".join("(" + ",".join(f"'{v}'" for v in r) + ")" for r in rows)
        + ";\n"
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("drop_phone", [False, True])
def test_json_and_sql_dumps_count_records(form: str, drop_phone: bool) -> None:
    rows = [[c[NAME], "" if drop_phone else c[PHONE], *c[2:]] for c in ROWS]
    part = scanned(FORMS[form](rows).encode(), CANARIES)
    assert found(part) == planted(ROWS)
    assert part.rows == len(ROWS)


def test_digits_inside_longer_numbers_are_nobody() -> None:
    phone = str(CANARIES[0].phone)[3:]
    lines = [f"44{phone}00019", f"1{phone}", f"{phone}7", hashlib.md5(phone.encode()).hexdigest() + "00"]
    assert not scanned("\n".join(lines).encode(), CANARIES).matches


@pytest.mark.parametrize("length", [32, 40, 64])
def test_digits_inside_the_hash_of_another_are_nobody(length: int) -> None:
    phone = str(CANARIES[0].phone)[3:]
    for token in (f"{phone}a".ljust(length, "0"), f"b{phone}".rjust(length, "7"), f"c{phone}D".rjust(length, "e")):
        assert not scanned(f"x,{token},y".encode(), CANARIES).matches
        assert scanned(f"x,{token}g,{phone}".encode(), CANARIES).matches


def test_a_pasted_fragment_needs_no_table() -> None:
    name, phone, *_ = row(dict(CANARIES[3].facts))
    assert found(scanned(f"出售 {name} {phone[:3]} {phone[3:7]} {phone[7:]} 2026-03".encode(), CANARIES)) == {1: 3}


@pytest.mark.parametrize("second", "0123456789")
def test_chinese_mobile_numbers_are_spelled_as_the_library_spells_them(second: str) -> None:
    rng = random.Random(second)
    for e164 in (f"+861{second}{rng.randrange(10**9):09}" for _ in range(20)):
        parsed, kinds = phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat
        national, international = (
            phonenumbers.format_number(parsed, kind) for kind in (kinds.NATIONAL, kinds.INTERNATIONAL)
        )
        assert written(e164) == Written(e164, 86, e164[3:], national, international)
