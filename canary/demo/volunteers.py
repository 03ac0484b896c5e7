"""Invented volunteers of a research cohort: a wide table without names or telephone numbers."""

import random
from datetime import date, timedelta

from canary.mint.facts import Cell, Row, Table

HEADER = (
    "Participant ID", "Date of recruitment", "Sex", "Age at recruitment", "Centre", "Ethnic group", "Height", "Weight",
    "Body mass index", "Systolic blood pressure", "Diastolic blood pressure", "Pulse rate", "Smoking status",
    "Alcohol days per week", "Pack years", "Number of live births", "Age at menarche", "Haemoglobin", "Cholesterol",
    "Glucose", "Creatinine", "Grip strength", "Sleep hours", "Walks per week", "Diabetes", "Asthma", "Last follow up",
)  # fmt: skip
CENTRES = {"Leeds": 7, "Bristol": 5, "Cardiff": 3, "Glasgow": 4, "Croydon": 6, "Hounslow": 5, "Newcastle": 4}
GROUPS = {"White": 82, "South Asian": 8, "Black": 5, "Mixed": 3, "Other": 2}
_FIRST = date(2006, 3, 13)


def volunteers(rng: random.Random, count: int) -> Table:
    """`count` people whose measurements hang together as people's do."""
    ids = rng.sample(range(1_000_000, 6_000_000), count)
    return Table(HEADER, tuple(_volunteer(rng, i) for i in ids))


def _volunteer(rng: random.Random, participant: int) -> Row:
    woman = rng.random() < 0.55
    age = min(70, max(38, round(rng.gauss(56, 8))))
    height = round(rng.gauss(163 if woman else 176, 6.5), 1)
    bmi = max(16.0, rng.gammavariate(30, 0.9))
    weight = round(bmi * (height / 100) ** 2, 1)
    systolic = round(rng.gauss(105 + 0.6 * age + 0.4 * (bmi - 27), 15))
    smoking = rng.choices(("Never", "Previous", "Current"), (55, 35, 10))[0]
    diabetic = rng.random() < 0.02 + 0.004 * max(0.0, bmi - 25)
    recruited = _FIRST + timedelta(days=rng.randrange(1_600))
    blood = _blood(rng, woman, diabetic)
    return (
        participant,
        recruited.isoformat(),
        "Female" if woman else "Male",
        age,
        rng.choices(list(CENTRES), list(CENTRES.values()))[0],
        rng.choices(list(GROUPS), list(GROUPS.values()))[0],
        height,
        weight,
        round(weight / (height / 100) ** 2, 1),
        systolic,
        min(systolic - 15, round(rng.gauss(48 + 0.25 * systolic, 8))),
        round(rng.gauss(69, 11)),
        smoking,
        rng.choices(range(8), (25, 18, 14, 12, 8, 6, 5, 12))[0],
        None if smoking == "Never" else round(rng.gammavariate(2, 10), 1),
        rng.choices(range(6), (18, 13, 43, 18, 6, 2))[0] if woman else None,
        round(rng.gauss(13, 1.6)) if woman and rng.random() > 0.04 else None,
        *blood,
        round(rng.gauss(24 if woman else 39, 6)),
        rng.choices(range(4, 11), (2, 5, 18, 39, 29, 5, 2))[0],
        rng.choices(range(8), (3, 2, 5, 8, 9, 17, 10, 46))[0],
        "Yes" if diabetic else "No",
        "Yes" if rng.random() < 0.12 else "No",
        (recruited + timedelta(days=rng.randrange(400, 4_000))).isoformat() if rng.random() < 0.3 else None,
    )


def _blood(rng: random.Random, woman: bool, diabetic: bool) -> tuple[Cell, ...]:
    """Haemoglobin (g/dl), cholesterol and glucose (mmol/l), creatinine (umol/l); one in sixteen gave no blood."""
    if rng.random() < 1 / 16:
        return None, None, None, None
    return (
        round(rng.gauss(13.5 if woman else 15.0, 1.0), 1),
        round(rng.gauss(5.7, 1.1), 2),
        round(rng.gauss(7.5 if diabetic else 5.0, 1.5 if diabetic else 0.6), 2),
        round(rng.gauss(64 if woman else 81, 12), 1),
    )
