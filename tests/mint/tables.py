"""Host tables that several tests of the mint share, as functions: Hypothesis prints its arguments."""

from datetime import date
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
