"""The demo's city: who holds which copy, made from which, and how the monthly files come about."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import xlsxwriter

from canary.demo.city import district_of
from canary.mint.facts import Cell, Table

DISTRICTS = {"宝安区": "baoan", "龙岗区": "longgang", "南山区": "nanshan"}
REGISTRY, VENDOR = "city-registry", "checkin-vendor"
VENDOR_HOSPITALS = 5
HOSPITAL, DUE_DATE, ADDRESS = "就诊医院", "预产期", "家庭住址"


@dataclass(frozen=True)
class Holder:
    """A recipient of the demo."""

    slug: str
    name: str
    kind: str


@dataclass(frozen=True)
class City:
    """The holders of the demo; `hospitals` in the order of their names in the registry file."""

    hospitals: tuple[Holder, ...]

    @classmethod
    def of(cls, table: Table) -> "City":
        """The city whose registry is `table`."""
        names = sorted({str(cell) for cell in column(table, HOSPITAL)})
        return cls(tuple(Holder(f"hospital-{i:02d}", name, "hospital") for i, name in enumerate(names, 1)))

    def holders(self) -> Iterator[Holder]:
        """Everybody who gets a copy: 26 hospitals, the city registry, three bureaus, one vendor."""
        yield from self.hospitals
        yield Holder(REGISTRY, "市妇幼信息中心", "registry")
        for name, slug in DISTRICTS.items():
            yield Holder(f"bureau-{slug}", f"{name}计划生育局", "bureau")
        yield Holder(VENDOR, "产检签到服务商", "vendor")


def column(table: Table, header: str) -> list[Cell]:
    """The cells of one column."""
    index = table.header.index(header)
    return [row[index] for row in table.rows]


def rows_of_hospital(table: Table, name: str) -> Table:
    """What one hospital reports."""
    return _where(table, [cell == name for cell in column(table, HOSPITAL)])


def rows_of_district(table: Table, district: str) -> Table:
    """What a district's bureau is sent: the women who live there."""
    return _where(table, [district_of(str(cell or "")) == district for cell in column(table, ADDRESS)])


def rows_of_vendor(table: Table, hospitals: Sequence[str]) -> Table:
    """What the check-in vendor serves."""
    return _where(table, [cell in hospitals for cell in column(table, HOSPITAL)])


def merged(tables: Sequence[Table]) -> Table:
    """The registry: the hospitals' files one after another, each by due date as it came."""
    return Table(tables[0].header, tuple(row for table in tables for row in table.rows))


def _where(table: Table, keep: Sequence[bool]) -> Table:
    return Table(table.header, tuple(row for row, kept in zip(table.rows, keep, strict=True) if kept))


def write_xlsx(path: Path, table: Table) -> None:
    """Write a table as the city's exporter does."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("孕产妇信息")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, table.header)
        sheet.freeze_panes(1, 0)
        for index, row in enumerate(table.rows, start=1):
            for position, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(index, position, cell, day)
                elif cell is not None:
                    sheet.write(index, position, cell)


def write_gb18030(path: Path, table: Table) -> None:
    """Write a table as the vendor's system does: GB18030, CRLF."""
    lines = [",".join(table.header), *(",".join(map(_plain, row)) for row in table.rows)]
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode("gb18030"))


def _plain(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def secret(seed: int, what: str) -> bytes:
    """A draw's seed in the demo: repeatable from --seed, unlike a real one."""
    return hashlib.sha256(f"canary-demo/{seed}/{what}".encode()).digest()
