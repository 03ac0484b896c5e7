"""Host tables that several tests of the mint share, as functions: Hypothesis prints its arguments."""

from datetime import date, timedelta
from functools import cache
from random import Random

from canary.demo.city import city_rows
from canary.mint.facts import Row, Table

JUNE, BORN_UNTIL = date(2026, 6, 1), date(2026, 5, 31)
FIRST = [
    "Anna",
    "Beth",
    "Cara",
    "Dina",
    "Ella",
    "Faye",
    "Gina",
    "Hope",
    "Iris",
    "June",
    "Kate",
    "Lena",
    "Mary",
    "Nora",
    "Olga",
    "Rose",
    "Sara",
    "Tess",
    "Vera",
    "Zoe",
]
LAST = [
    "Smith",
    "Jones",
    "Brown",
    "Patel",
    "Khan",
    "Green",
    "Hill",
    "Wood",
    "Shaw",
    "Clarke",
    "Lewis",
    "Young",
    "King",
    "Wright",
    "Scott",
    "Adams",
    "Baker",
    "Reid",
]
STREETS = ["Baker Street", "High Street", "Mill Lane", "Station Road", "Church Road"]


@cache
def city() -> Table:
    """400 women of the invented city."""
    return city_rows(Random(11), 400, JUNE, BORN_UNTIL)


@cache
def english() -> Table:
    """120 women of an English register: text dates, spaced national phones, free-form addresses."""
    rng = Random(12)
    return Table(("No", "Patient Name", "Mobile", "Address", "Hospital", "EDD"), tuple(_women(rng, 120)))


def _women(rng: Random, count: int) -> list[Row]:
    return [
        (
            number,
            f"{rng.choice(FIRST)} {rng.choice(LAST)}",
            f"07700 900{number:03}",
            f"{rng.randint(1, 90)} {rng.choice(STREETS)}, Leeds LS{rng.randint(1, 9)} 4AB",
            rng.choice(["St Mary's", "General"]),
            f"{rng.randint(1, 28):02}/{rng.randint(3, 8):02}/2026",
        )
        for number in range(1, count + 1)
    ]


def naegele(last_period: date) -> date:
    """Nine months and seven days on, days that the month lacks running over."""
    months = last_period.month + 8
    return date(last_period.year + months // 12, months % 12 + 1, 1) + timedelta(last_period.day + 6)


@cache
def clinic(rows: int = 900) -> Table:
    """De-identified first visits: dates and sums that hang together, heaped heights, a missing block, codes."""
    rng = Random(13)
    header = ("code", "age", "gravida", "para", "lmp", "visit", "edd by rule", "week", "height", "weight", "bmi")
    return Table((*header, "hb", "ward", "ward name", "systolic", "diastolic", "constant"), tuple(_visits(rng, rows)))


def _visits(rng: Random, count: int) -> list[Row]:
    rows: list[Row] = []
    for i in range(count):
        lmp = date(2025, 7, 1) + timedelta(rng.randint(0, 300))
        visit, age = lmp + timedelta(rng.randint(40, 90)), rng.randint(18, 42)
        para = min(3, int(rng.expovariate(1.2) * (age - 15) / 15))
        height, weight, ward = rng.choice([150, 155, 160, 158, 162, 165, 170]), rng.randint(42, 90), rng.choice("ABC")
        due = naegele(lmp) + timedelta(rng.randint(-6, 6) if rng.random() < 0.1 else 0)
        systolic = 5 * round(rng.gauss(16 + weight / 9, 2))
        pressure = (systolic, systolic - rng.randint(25, 50)) if rng.random() < 0.8 else (None, None)
        body = (height, weight, round(weight / (height / 100) ** 2, 1), round(rng.gauss(12, 1), 3))
        dates = (lmp.isoformat(), visit.isoformat(), due.isoformat(), str((visit - lmp).days // 7))
        named = {"A": "East", "B": "West", "C": "North"}[ward]
        rows.append((f"P-{i + 17:05}", age, para + rng.randint(1, 2), para, *dates, *body, ward, named, *pressure, 1))
    return rows
