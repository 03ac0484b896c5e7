"""Invents a Shenzhen-style maternal registry, month after month, in the columns of the leaked disc."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

from faker import Generator

from canary.mint.facts import Cell, Row, Table
from canary.mint.locales import zh_CN
from canary.mint.providers import ColdStartProvider

HEADER = ("姓名", "出生日期(婴儿)", "户口性质", "家庭住址", "联系电话", "就诊医院", "预产期")
BIRTH, ADDRESS, PHONE, HOSPITAL, DUE = 1, 3, 4, 5, 6

_DISTRICT = re.compile(rf"(?:广东省)?(?:深圳市)?({'|'.join(zh_CN.STREETS)})")
_LATEST = 7  # days past the due date; then labour is induced
_MONTHS_BACK, _MONTHS_AHEAD = 3, 2
_NO_ADDRESS, _NO_PHONE = 0.015, 0.005
_MOVED, _LATE = 0.01, 0.012  # shares of a month's registry that leave early, and that register late


def city_rows(rng: Random, rows: int, month: date, born_until: date) -> Table:
    """`rows` invented women exported in `month`: due from 3 months before to 2 after, with births by then."""
    return _sorted(rng, _Registrar(rng).enter(rows, _first(month, -_MONTHS_BACK), _end(month), born_until))


def next_month(rng: Random, table: Table, month: date, born_until: date) -> Table:
    """The same registry exported in a later `month`: women leave its window, give birth, and enter it."""
    start, end = _first(month, -_MONTHS_BACK), _end(month)
    registrar = _Registrar(rng, table.rows)
    known_until = max((birth for row in table.rows if (birth := _day(row[BIRTH]))), default=date.min)
    stay = [row for row in table.rows if (_day(row[DUE]) or start) >= start and rng.random() >= _MOVED]
    stay = [_delivered(rng, row, known_until, born_until) for row in stay]
    late = round(_LATE * len(stay))
    stay += registrar.enter(late, start, end, born_until)
    newest = max((due for row in table.rows if (due := _day(row[DUE]))), default=start - timedelta(1))
    enter = max(0, len(table.rows) - len(stay))
    return _sorted(rng, stay + registrar.enter(enter, max(start, newest + timedelta(1)), end, born_until))


def district_of(address: str) -> str | None:
    """The Shenzhen district an address names, or None."""
    match = _DISTRICT.match(address)
    return match[1] if match else None


def district_of_hospital(hospital: str) -> str | None:
    """The home district of one of the 26 hospitals, or None."""
    return zh_CN.HOSPITALS[hospital].district if hospital in zh_CN.HOSPITALS else None


class _Registrar:
    """Enters invented women, no two with one phone number."""

    def __init__(self, rng: Random, known: Iterable[Row] = ()) -> None:
        self._rng, self._phones = rng, {row[PHONE] for row in known}
        generator = Generator()
        generator.random = rng
        self._people = ColdStartProvider(generator)

    def enter(self, count: int, start: date, end: date, born_until: date) -> list[Row]:
        """`count` women due between `start` and `end`, both included."""
        return [self._woman(start, (end - start).days, born_until) for _ in range(count)]

    def _woman(self, start: date, days: int, born_until: date) -> Row:
        rng, people = self._rng, self._people
        due = start + timedelta(rng.randint(0, days))
        birth = due + timedelta(_offset(rng))
        hospital = people.hospital()
        return (
            people.maternal_name(),
            birth if birth <= born_until else None,
            people.hukou(),
            None if rng.random() < _NO_ADDRESS else people.home_address(hospital),
            None if rng.random() < _NO_PHONE else self._phone(),
            hospital,
            due,
        )

    def _phone(self) -> str:
        """No Chinese mobile begins 12, so the number is nobody's."""
        phone = f"12{self._rng.randrange(10**9):09}"
        while phone in self._phones:
            phone = f"12{self._rng.randrange(10**9):09}"
        self._phones.add(phone)
        return phone


def _delivered(rng: Random, row: Row, known_until: date, born_until: date) -> Row:
    """The row with its birth, if that fell after the last export and is known by now."""
    due = _day(row[DUE])
    if row[BIRTH] is not None or due is None:
        return row
    offset = _offset(rng)
    while due + timedelta(offset) <= known_until and due + timedelta(_LATEST) > known_until:
        offset = _offset(rng)
    birth = max(due + timedelta(offset), known_until + timedelta(1))
    return row if birth > born_until else (*row[:BIRTH], birth, *row[BIRTH + 1 :])


def _offset(rng: Random) -> int:
    """Days from due date to birth: most within two weeks, a twentieth well before."""
    if rng.random() < 0.05:
        return -rng.randint(21, 56)
    offset = round(rng.gauss(-1.5, 6.5))
    return offset if -21 < offset <= _LATEST else _offset(rng)


def _sorted(rng: Random, rows: list[Row]) -> Table:
    """Hospital by hospital, each by due date; the order within a day says nothing."""
    rng.shuffle(rows)
    rows.sort(key=lambda row: (str(row[HOSPITAL]), _day(row[DUE]) or date.max))
    return Table(HEADER, tuple(rows))


def _first(month: date, shift: int) -> date:
    index = month.year * 12 + month.month - 1 + shift
    return date(index // 12, index % 12 + 1, 1)


def _end(month: date) -> date:
    return _first(month, _MONTHS_AHEAD + 1) - timedelta(1)


def _day(cell: Cell) -> date | None:
    return cell if isinstance(cell, date) else None
