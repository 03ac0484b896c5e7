"""A month after another: who lives on, who is new, what somebody learns who lays two files side by side."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from canary.demo.city import city_rows, next_month
from canary.demo.world import write_xlsx
from canary.errors import CanaryError
from canary.listen.sort import sort_all
from canary.mint.facts import Row, Table
from canary.plant import seed as seeding
from canary.plant.batch import Done, seed_all, tasks
from canary.plant.before import Befores
from canary.plant.formats.detect import format_of
from canary.plant.month import Followed, MonthFile, follow
from canary.plant.seed import Order, opened
from canary.store import appearances, contacts, numbers, placements, registry
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.evidence import evidence
from canary.store.numbers import NewNumber
from canary.store.schema import Inherited, Number, NumberState, Placement, PlacementState
from canary.store.vault import Vault, new_key
from canary.trace.law import Law

BIRTH, PHONE, HOSPITAL, DUE = 1, 4, 5, 6
SHARED = Path(__file__).parents[3] / "shared" / "data"
JUNE, JULY = datetime(2026, 6, 5, 10, tzinfo=UTC), datetime(2026, 7, 5, 10, tzinfo=UTC)
HELD = [f"+861200000{i:04}" for i in range(300)]


@cache
def months(rows: int = 1_500) -> tuple[Table, Table]:
    june = city_rows(Random(1), rows, date(2026, 6, 1), date(2026, 5, 31))
    return june, next_month(Random(2), june, date(2026, 7, 1), date(2026, 6, 30))


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Store]:
    made = prepared(tmp_path / "lite.sqlite3")
    yield made
    made.close()


def prepared(path: Path, recipients: Sequence[str] = ("bureau", "vendor"), key: str | None = None) -> Store:
    """A registry with numbers out of quarantine and a June and a July copy of every recipient."""
    store = Store(f"sqlite:///{path}", Vault(key or new_key()))
    store.migrate()
    with store.writing() as session:
        numbers.import_numbers(session, JUNE, [NewNumber(n, "twilio", Decimal(1)) for n in HELD], timedelta(0))
        numbers.end_quarantine(session, JUNE, 0.1, seed=bytes(32))
        for who in recipients:
            registry.add_recipient(session, JUNE, who, who, "bureau", None)
            registry.add_copy(session, JUNE, f"{who}-2026-06", who, date(2026, 6, 5))
            registry.add_copy(session, JUNE, f"{who}-2026-07", who, date(2026, 7, 5))
    return store


def files(folder: Path) -> tuple[Path, Path]:
    for name, table in zip(("june", "july"), months(), strict=True):
        if not (folder / f"{name}.xlsx").exists():
            write_xlsx(folder / f"{name}.xlsx", table)
    return folder / "june.xlsx", folder / "july.xlsx"


def plant(store: Store, copy: str, source: Path, last: Path | None = None, **more: Any) -> Followed:
    """One copy as `canary seed --all` does it; the file stands beside its source."""
    at = JUNE if copy.endswith("06") else JULY
    given = {"count": 30, "window": timedelta(days=180), **more}
    order = Order(copy=copy, source=source, target=source.with_name(f"{copy}.xlsx"), **given)
    return follow(store, at, order, MonthFile(opened(source)), Befores([last] if last else []))


def both(store: Store, folder: Path, who: str = "bureau", last: str = "june", **more: Any) -> Followed:
    """June and July of one recipient; `last` is what July is told of June: its original, what was handed out, or
    nothing."""
    june, july = files(folder)
    plant(store, f"{who}-2026-06", june, **more)
    before = {"june": june, "handed out": folder / f"{who}-2026-06.xlsx", "": None}[last]
    return plant(store, f"{who}-2026-07", july, before, **more)


def rows(path: Path) -> list[Row]:
    return list(format_of(path).read(path).rows)


def phones(store: Store, copy: str, planted: bool = True) -> dict[str, str]:
    """Number to name of a copy's own canaries or controls."""
    with store.reading() as session:
        placement = registry.copy(session, copy).placement
        assert placement is not None
        found = [c for c in placement.canaries if c.planted == planted]
        return {
            numbers.e164(session, c.number).removeprefix("+86"): str(placements.facts(session, c)["name"])  # type: ignore[index]
            for c in found
        }


# --- who lives on ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", ["june", "handed out", ""])
def test_canaries_stand_in_the_next_month_under_the_same_name_and_number(
    lite: Store, tmp_path: Path, last: str
) -> None:
    done = both(lite, tmp_path, last=last)
    old, new = phones(lite, "bureau-2026-06"), phones(lite, "bureau-2026-07")
    june = {str(row[PHONE]): row for row in rows(tmp_path / "bureau-2026-06.xlsx") if row[PHONE] in old}
    july = {str(row[PHONE]): row for row in rows(tmp_path / "bureau-2026-07.xlsx") if row[PHONE] in old}
    assert done.continues == "bureau-2026-06"
    assert 15 <= len(july) == done.carried == 30 - done.gone < 30
    assert all(july[phone][:1] == june[phone][:1] and july[phone][3:5] == june[phone][3:5] for phone in july)
    assert any(june[phone][BIRTH] is None and july[phone][BIRTH] is not None for phone in july)
    assert not set(old) & set(new) and len(new) == done.canaries
    assert done.rows == len(months()[1].rows) + done.carried + done.canaries


def test_every_original_row_stays_and_canaries_stand_in_sort_order(lite: Store, tmp_path: Path) -> None:
    both(lite, tmp_path)
    ours = {*phones(lite, "bureau-2026-06"), *phones(lite, "bureau-2026-07")}
    found = rows(tmp_path / "bureau-2026-07.xlsx")
    assert [row for row in found if row[PHONE] not in ours] == rows(tmp_path / "july.xlsx")
    keys = [(str(row[HOSPITAL]), row[DUE]) for row in found]
    assert keys == sorted(keys)  # type: ignore[type-var]


def test_the_file_holds_as_many_canaries_month_after_month(lite: Store, tmp_path: Path) -> None:
    """New ones come in the share of the new rows, so they replace those that left."""
    done = both(lite, tmp_path)
    assert done.canaries == round(30 * len(newcomers()) / 1_500) == 5
    assert done.carried + done.canaries == pytest.approx(30, abs=8)


def test_a_canary_leaves_when_a_woman_like_her_has_come_or_the_file_has_her_number(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    plant(lite, "bureau-2026-06", june)
    ours = phones(lite, "bureau-2026-06")
    due = [r for r in rows(tmp_path / "bureau-2026-06.xlsx") if r[PHONE] in ours and str(r[DUE]) > "2026-07-15"]
    twin, held = (due[0][0], None, "常住", None, "12999999999", *due[0][HOSPITAL:]), ("某", None, *due[1][2:])
    table = Table(months()[1].header, (*months()[1].rows, twin, held))
    write_xlsx(july, table)
    plant(lite, "bureau-2026-07", july, june)
    found = Counter(row[PHONE] for row in rows(tmp_path / "bureau-2026-07.xlsx"))
    assert (found[due[0][PHONE]], found[due[1][PHONE]]) == (0, 1)
    assert any(found[row[PHONE]] for row in due[2:])


def test_new_canaries_are_due_when_new_women_are(lite: Store, tmp_path: Path) -> None:
    both(lite, tmp_path, count=120)
    new = phones(lite, "bureau-2026-07")
    ours = [row for row in rows(tmp_path / "bureau-2026-07.xlsx") if row[PHONE] in new]
    assert autumn(newcomers()) > 0.9
    assert autumn(ours) > 0.6


def newcomers() -> list[Row]:
    """The women of July who were not there in June."""
    known = {(row[0], row[PHONE]) for row in months()[0].rows}
    return [row for row in months()[1].rows if (row[0], row[PHONE]) not in known]


def autumn(some: list[Row]) -> float:
    return sum(str(row[DUE]) >= "2026-09-01" for row in some) / len(some)


def test_a_number_that_rang_lives_on_and_is_never_drawn_again(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    plant(lite, "bureau-2026-06", june)
    with lite.writing() as session:
        session.execute(update(Number).where(Number.state == NumberState.PLANTED).values(noisy=True))
        numbers.burn(session, JUNE)
    done = plant(lite, "bureau-2026-07", july, june)
    assert done.carried >= 15
    assert not set(phones(lite, "bureau-2026-06")) & set(phones(lite, "bureau-2026-07"))


def test_who_lives_on_does_not_depend_on_what_was_heard(tmp_path: Path) -> None:
    found = []
    for rang in (False, True):
        folder = tmp_path / str(rang)
        folder.mkdir()
        store = prepared(folder / "r.sqlite3", key="A" * 43 + "=")
        june, july = files(folder)
        plant(store, "bureau-2026-06", june, secret=b"1" * 32)
        if rang:
            with store.writing() as session:
                session.execute(update(Number).where(Number.state == NumberState.PLANTED).values(noisy=True))
                numbers.burn(session, JUNE)
        plant(store, "bureau-2026-07", july, june, secret=b"2" * 32)
        found.append(rows(folder / "bureau-2026-07.xlsx"))
        store.close()
    assert found[0] == found[1]


def test_a_number_given_up_stands_in_no_further_file(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    plant(lite, "bureau-2026-06", june)
    with lite.writing() as session:
        session.execute(update(Number).where(Number.state == NumberState.PLANTED).values(state=NumberState.COOLING))
    assert plant(lite, "bureau-2026-07", july, june).carried == 0


def test_a_number_cannot_be_given_up_while_a_later_copy_that_carries_it_is_watched(lite: Store, tmp_path: Path) -> None:
    both(lite, tmp_path)
    with lite.reading() as session:
        placement = registry.copy(session, "bureau-2026-07").placement
        assert placement is not None
        carried = next(c for c in appearances.written(session, placement) if c.number not in _own(placement))
    after_june = JUNE + timedelta(days=181)
    with lite.writing() as session, pytest.raises(CanaryError, match="watched until"):
        numbers.retire(session, after_june, carried.number)


def _own(placement: Placement) -> set[str]:
    return {c.number.code for c in placement.canaries}


def test_carried_canaries_keep_their_place_among_equals(lite: Store, tmp_path: Path) -> None:
    """The host's rows keep their order from month to month; a canary that changed places would be the only one."""
    table = Table(months()[0].header, tuple(sorted(months()[1].rows, key=lambda r: (str(r[HOSPITAL]), r[DUE]))))  # type: ignore[type-var, arg-type, return-value]
    write_xlsx(tmp_path / "june.xlsx", table)
    write_xlsx(tmp_path / "july.xlsx", table)
    both(lite, tmp_path)
    ours = phones(lite, "bureau-2026-06")
    june = [str(r[PHONE]) for r in rows(tmp_path / "bureau-2026-06.xlsx") if r[PHONE]]
    july = {str(r[PHONE]): i for i, r in enumerate(rows(tmp_path / "bureau-2026-07.xlsx"))}
    order = [july[phone] for phone in june if phone in july]
    assert len(set(ours) & set(july)) > 20
    assert order == sorted(order)


# --- what stands in the registry ------------------------------------------------------------------------------------


def test_the_next_copy_is_made_from_the_last_and_its_marks_are_the_new_canaries(lite: Store, tmp_path: Path) -> None:
    done = both(lite, tmp_path)
    with lite.reading() as session:
        june, july = evidence(session, JULY).releases
        inherited = session.scalars(select(Inherited)).all()
        edges = list(registry.graph(session).edges)
    assert len(july.carried) == done.carried == len(inherited)
    assert sum(m.planted for m in july.marks) == done.canaries
    assert {m.number for m in july.carried} < {m.number for m in june.marks if m.planted}
    assert not {m.number for m in july.carried} & {m.number for m in july.marks}
    assert july.sources == ("bureau-2026-06",)
    assert edges == [("bureau-2026-06", "bureau-2026-07")]
    assert done.remarks == ()


def test_a_call_to_a_carried_canary_counts_for_the_copy_it_was_first_planted_in(lite: Store, tmp_path: Path) -> None:
    both(lite, tmp_path)
    with lite.reading() as session:
        july = registry.copy(session, "bureau-2026-07").placement
        assert july is not None
        carried = next(c for c in appearances.written(session, july) if c.number not in _own(july))
    heard(lite, carried.e164, JULY + timedelta(days=3))
    with lite.reading() as session:
        june, later = evidence(session, JULY + timedelta(days=4)).releases
    assert [m.number for m in june.marks if m.hits] == [carried.number]
    assert [m.number for m in later.carried if m.hits] == [carried.number]
    assert not any(m.hits for m in later.marks)


def heard(store: Store, to: str, at: datetime) -> None:
    text = "您好，我们是月子中心，给您介绍一下产后修复和月嫂服务。"
    with store.writing() as session:
        contacts.record(session, at, Arrived("hand", "1", "text", "text", to, "1069", text, None, {}))
    sort_all(store)


def test_a_voided_copy_is_not_followed(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    plant(lite, "bureau-2026-06", june)
    with lite.writing() as session:
        placements.void(session, JUNE, session.scalars(select(Placement.id)).one(), "never got out")
    done = plant(lite, "bureau-2026-07", july, june)
    assert (done.continues, done.carried, done.canaries) == (None, 0, 30)


def test_a_copy_seeded_before_rows_were_kept_is_followed_by_a_fresh_start(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    plant(lite, "bureau-2026-06", june)
    with lite.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM appearance")
    done = plant(lite, "bureau-2026-07", july, june)
    assert done.canaries == 30 and "before canaries lived on" in done.remarks[0]


def test_two_copies_of_one_day_leave_open_which_is_followed_until_one_is_named(lite: Store, tmp_path: Path) -> None:
    june, july = files(tmp_path)
    with lite.writing() as session:
        registry.add_copy(session, JUNE, "second", "bureau", date(2026, 6, 5))
        registry.add_copy(session, JUNE, "named", "bureau", date(2026, 7, 5), ["second"])
    plant(lite, "bureau-2026-06", june)
    plant(lite, "second", june)
    with pytest.raises(CanaryError, match="bureau-2026-06 and second"):
        plant(lite, "bureau-2026-07", july, june)
    assert plant(lite, "named", july, june).continues == "second"


def test_under_the_shared_law_no_file_holds_a_number_twice(tmp_path: Path) -> None:
    store = prepared(tmp_path / "r.sqlite3")
    with store.writing() as session:
        for number in numbers.numbers(session)[100:]:
            number.state = NumberState.COOLING
    both(store, tmp_path, law=Law.SHARED, count=60)
    found = rows(tmp_path / "bureau-2026-07.xlsx")
    ours = Counter(row[PHONE] for row in found if row[PHONE] in {n.removeprefix("+86") for n in HELD})
    assert set(ours.values()) == {1}
    with store.reading() as session:
        july = evidence(session, JULY).releases[1]
    twice = {m.number for m in july.carried} & {m.number for m in july.marks if m.planted}
    assert twice, "the draw of the new copy does not look at who lives on"
    store.close()


# --- two files side by side -----------------------------------------------------------------------------------------


def sides(before: list[Row], after: list[Row]) -> dict[str, list[Row]]:
    """What somebody sees who matches two files row by row: who came, who left, whose cells changed."""
    old, new = ({(r[0], r[PHONE] or r[3]): r for r in rows} for rows in (before, after))
    return {
        "came": [new[key] for key in new.keys() - old.keys()],
        "left": [old[key] for key in old.keys() - new.keys()],
        "changed": [new[key] for key in new.keys() & old.keys() if new[key] != old[key]],
    }


def precision(found: list[Row], ours: set[str]) -> float:
    return sum(row[PHONE] in ours for row in found) / len(found)


def assert_hidden(store: Store, folder: Path) -> None:
    june, july = (rows(folder / f"bureau-2026-0{month}.xlsx") for month in (6, 7))
    ours = {*phones(store, "bureau-2026-06"), *phones(store, "bureau-2026-07")}
    for what, found in sides(june, july).items():
        base = precision(july, ours)
        # Two standard errors of a count this small, on top of twice the base rate.
        assert precision(found, ours) <= 2 * base + 2 * (2 * base / len(found)) ** 0.5, what


def test_month_to_month_a_canary_is_no_likelier_among_the_rows_that_changed(lite: Store, tmp_path: Path) -> None:
    both(lite, tmp_path, count=60)
    assert_hidden(lite, tmp_path)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data folder is not beside this checkout")
def test_month_to_month_in_the_citys_registry_too(lite: Store, tmp_path: Path) -> None:
    names = ("city_registry_2026-06.xlsx", "city_registry_2026-07.xlsx")
    tables = [format_of(SHARED / name).read(SHARED / name) for name in names]
    some = set(sorted({str(row[HOSPITAL]) for row in tables[0].rows})[:4])
    for name, table in zip(("june", "july"), tables, strict=True):
        write_xlsx(tmp_path / f"{name}.xlsx", Table(table.header, tuple(r for r in table.rows if r[HOSPITAL] in some)))
    both(lite, tmp_path, count=60)
    assert_hidden(lite, tmp_path)


def test_two_recipients_of_one_file_differ_by_their_canaries_and_those_look_like_any_rows(
    lite: Store, tmp_path: Path
) -> None:
    """What cannot be helped: only-in-one rows of identical extracts are canaries. They are spread as all rows are."""
    both(lite, tmp_path, "bureau", count=60)
    both(lite, tmp_path, "vendor", count=60)
    mine, theirs = ({*rows(tmp_path / f"{who}-2026-07.xlsx")} for who in ("bureau", "vendor"))
    only = mine - theirs
    assert len(only) == len(phones(lite, "bureau-2026-07")) + len(_carried(lite, "bureau-2026-07"))
    born = sum(row[BIRTH] is not None for row in only) / len(only)
    assert born == pytest.approx(sum(row[BIRTH] is not None for row in mine) / len(mine), abs=0.2)


def _carried(store: Store, copy: str) -> list[str]:
    with store.reading() as session:
        placement = registry.copy(session, copy).placement
        assert placement is not None
        return [c.number for c in appearances.written(session, placement) if c.number not in _own(placement)]


# --- everybody in one go --------------------------------------------------------------------------------------------


def everybody(store: Store, folder: Path, source: Path, month: date, *last: Path) -> list[Done]:
    at = JUNE if month.month == 6 else JULY
    with store.reading() as session:
        work = tasks(session, [source], month)
    order = Order("", source, folder, 20, timedelta(days=180))
    return list(seed_all(store, at, work, order, Befores(last)))


def test_a_run_that_breaks_off_is_taken_up_where_it_stopped(
    lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    june, _ = files(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    publish, seen = seeding._publish, list[Path]()

    def second_dies(part: Path, target: Path) -> None:
        seen.append(target)
        if len(seen) == 2:
            raise KeyboardInterrupt
        publish(part, target)

    with monkeypatch.context() as patched:
        patched.setattr(seeding, "_publish", second_dies)
        with pytest.raises(KeyboardInterrupt):
            everybody(lite, out, june, date(2026, 6, 1))
    first = (out / "bureau-2026-06.xlsx").read_bytes()
    with pytest.raises(CanaryError, match="'vendor-2026-06' has an unfinished draw"):
        everybody(lite, out, june, date(2026, 6, 1))
    with lite.writing() as session:
        half = session.scalars(select(Placement).where(Placement.state == PlacementState.DRAWN)).one()
        placements.void(session, JUNE, half.id, "crash")
    done = everybody(lite, out, june, date(2026, 6, 1))
    assert [d.followed is None for d in done] == [True, False]
    assert (out / "bureau-2026-06.xlsx").read_bytes() == first
    assert {p.name for p in out.iterdir() if not p.name.startswith(".")} == {
        "bureau-2026-06.xlsx",
        "vendor-2026-06.xlsx",
    }


def test_a_file_that_appeared_just_before_the_crash_is_sealed(
    lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    june, _ = files(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(placements, "seal", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            everybody(lite, tmp_path, june, date(2026, 6, 1))
    done = everybody(lite, tmp_path, june, date(2026, 6, 1))
    assert [d.followed is None for d in done] == [True, False]
    with lite.reading() as session:
        assert placements.unsealed(session) == []


def test_one_fit_serves_all_who_get_the_same_file(lite: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    june, july = files(tmp_path)
    fits = []
    real = seeding.host_of
    monkeypatch.setattr(seeding, "host_of", lambda *a: fits.append(1) or real(*a))
    everybody(lite, tmp_path, june, date(2026, 6, 1))
    done = everybody(lite, tmp_path, july, date(2026, 7, 1), june)
    assert len(fits) == 2
    assert [d.followed.carried > 8 for d in done if d.followed] == [True, True]


def test_files_called_like_recipients_or_copies_are_theirs(lite: Store, tmp_path: Path) -> None:
    with lite.reading() as session:
        named = tasks(session, [Path("vendor.csv"), Path("bureau-2026-07.xlsx")], date(2026, 7, 1))
        made = tasks(session, [Path("vendor.csv")], date(2026, 8, 1))
        for_all = tasks(session, [Path("export.xlsx")], date(2026, 8, 1))
        assert [(t.copy, t.source.name, t.made) for t in named] == [
            ("bureau-2026-07", "bureau-2026-07.xlsx", False),
            ("vendor-2026-07", "vendor.csv", False),
        ]
        assert [(t.copy, t.made) for t in made] == [("vendor-2026-08", True)]
        assert [t.copy for t in for_all] == ["bureau-2026-08", "vendor-2026-08"]
        with pytest.raises(CanaryError, match=r"nobody\.csv"):
            tasks(session, [Path("vendor.csv"), Path("nobody.csv")], date(2026, 7, 1))
        with pytest.raises(CanaryError, match="two files for copy"):
            tasks(session, [Path("vendor.csv"), Path("vendor-2026-07.csv")], date(2026, 7, 1))
