"""The facts a persona is made of, and the cell values a table holds them in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

Cell = str | int | float | bool | date | datetime | None
Row = tuple[Cell, ...]


class Fact(StrEnum):
    """What a column means; a profile maps header texts to these names."""

    NAME = "name"
    PHONE = "phone"
    ADDRESS = "address"
    HOSPITAL = "hospital"
    DUE_DATE = "due_date"
    INFANT_BIRTH_DATE = "infant_birth_date"
    HUKOU = "hukou"
    RESIDENT_ID = "resident_id"
    RUNNING_NUMBER = "running_number"
    BIRTH_DATE = "birth_date"
    ENQUIRY_TOPIC = "enquiry_topic"


@dataclass(frozen=True)
class Table:
    """One host table: `header` of n columns, `rows` of n cells each; an empty cell is None."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """A synthetic person: `cells` as they stand in the host's columns, `facts` as plain values."""

    cells: Row
    facts: Mapping[Fact, Cell]
