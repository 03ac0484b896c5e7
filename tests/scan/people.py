"""Invented personas and the tables they stand in, for tests of the scan."""

from datetime import date, timedelta
from random import Random

from canary.mint.facts import Cell, Fact
from canary.scan.needles import needles
from canary.scan.run import Scan, Scanned
from canary.store.finds import Sought

HEADER = ["姓名", "联系电话", "家庭住址", "就诊医院", "预产期", "户口性质"]
SURNAMES, GIVEN = "陈李张刘黄赵钱孙周吴", "芳敏静丽娟艳霞萍婷雪琴红梅玉兰"
HOSPITALS = ["龙岗妇幼", "福田医院", "南山医院", "罗湖医院", "宝安中医院"]


def person(rng: Random, i: int) -> dict[Fact, Cell]:
    """One woman, whose address is her own."""
    return {
        Fact.NAME: rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN),
        Fact.PHONE: f"1{rng.choice('2')}{rng.randrange(10**8):08}{i % 10}",
        Fact.ADDRESS: f"深圳市龙岗区布吉街道{rng.randrange(1, 99)}巷{i}号{rng.randrange(100, 999)}",
        Fact.HOSPITAL: rng.choice(HOSPITALS),
        Fact.DUE_DATE: date(2026, 3, 1) + timedelta(days=rng.randrange(180)),
        Fact.HUKOU: rng.choice(["常住", "流动", "暂住"]),
    }


def row(facts: dict[Fact, Cell]) -> list[str]:
    """Her row under `HEADER`."""
    order = (Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.HOSPITAL, Fact.DUE_DATE, Fact.HUKOU)
    return [str(facts[fact]) for fact in order]


def sought(count: int, shadows: int = 0, seed: int = 5) -> list[Sought]:
    """Canaries 0 to count - 1 of copy `j`, then shadows."""
    rng = Random(seed)
    found = []
    for i in range(count + shadows):
        facts = person(rng, i)
        facts[Fact.PHONE] = f"1200{i:07}"
        planted = i < count
        copies = ("j",) if planted else ()
        found.append(Sought(i, f"C{i}", "j", copies, f"N{i}", f"+861200{i:07}", planted, facts))
    return found


def everyone(canaries: list[Sought], others: int, seed: int = 6) -> list[list[str]]:
    """The rows of all canaries planted, among those of `others`, shuffled."""
    rng = Random(seed)
    rows = [row(dict(who.facts)) for who in canaries if who.planted] + [
        row({**person(rng, 1000 + i), Fact.PHONE: f"139{rng.randrange(10**8):08}"}) for i in range(others)
    ]
    rng.shuffle(rows)
    return rows


def scanned(content: bytes, looked: list[Sought], **options: object) -> Scanned:
    """The one part of a fragment."""
    from canary.scan import STDIN

    (part,) = Scan(needles(looked), stdin=content, **options).files([STDIN])  # type: ignore[arg-type]
    return part


def found(part: Scanned) -> dict[int, int]:
    """Row to persona, for rows that show one."""
    return {match.row: i for match in part.matches for i in match.by}
