"""Small invented tables, one for each shipped profile: every rule of it holds in every row."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from canary.mint.facts import Row, Table
from canary.mint.keeping import naegele
from tests.mint.tables import FIRST, LAST, STREETS

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "静敏丽娟雪梅晓燕佳慧思玉兰海霞雅琪丹婷欣倩莹萍娜颖薇瑶媛红蓉怡珊妍彤悦琴云英"
QUARTERS = ["粤海", "招商", "蛇口", "沙河", "桃源", "西丽"]


def person(rng: Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN)


def home(rng: Random) -> str:
    return f"南山区{rng.choice(QUARTERS)}街道{rng.choice('东西南北上下')}园社区"


def phone(n: int) -> str:
    return f"12900{n:06}"


def years(day: date, born: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


HANDBOOK = (
    *("手册编号", "姓名", "出生日期", "身份证号", "联系电话", "家庭住址", "建册单位", "建册日期", "末次月经", "预产期"),
    *("初检日期", "孕周", "年龄", "孕次", "产次", "身高", "体重", "BMI", "收缩压", "舒张压", "丈夫姓名", "丈夫电话"),
    *("配偶身份证号", "婴儿出生日期", "分娩方式", "出生体重", "出生医学证明号"),
)


def handbook_row(rng: Random, n: int) -> Row:
    lmp = date(2025, 9, 1) + timedelta(rng.randrange(150))
    due, visit = naegele(lmp), lmp + timedelta(rng.randrange(50, 120))
    born = date(1988, 1, 1) + timedelta(rng.randrange(5000))
    parity = rng.choice([0, 0, 0, 1, 1, 2])
    height, weight = rng.choice([155, 158, 160, 165]), rng.randrange(45, 75)
    birth = due + timedelta(rng.randint(-14, 5)) if due < date(2026, 8, 1) else None
    return (
        *(f"NS{n:05}", person(rng), born, f"4403**********{rng.randrange(50, 100)}", phone(n)),
        *(home(rng), rng.choice(["第一医院", "第二医院"]), visit - timedelta(7), lmp, due),
        *(visit, f"{(visit - lmp).days // 7}+{(visit - lmp).days % 7}", years(visit, born), parity + rng.randint(1, 2)),
        *(
            parity,
            height,
            weight,
            round(weight / (height / 100) ** 2, 1),
            rng.randrange(100, 130),
            rng.randrange(60, 85),
        ),
        *(person(rng), phone(10**5 + n), f"44030619{rng.randrange(10**10):010}", birth),
        *(rng.choice(["顺产", "剖宫产"]) if birth else None, rng.randrange(2500, 3900) if birth else None),
        f"R{rng.randrange(10**9):09}" if birth else None,
    )


def psychiatric_row(rng: Random, n: int) -> Row:
    born = date(1950, 1, 1) + timedelta(rng.randrange(18000))
    onset = born + timedelta(6600 + rng.randrange(2000))
    diagnosed = onset + timedelta(rng.randrange(200))
    registered = diagnosed + timedelta(rng.randrange(300))
    visit = date(2026, 5, 1) + timedelta(rng.randrange(30))
    days = [day.isoformat() for day in (onset, diagnosed, registered, visit, visit + timedelta(90))]
    return (
        *(n, person(rng), rng.choice("男女"), born.isoformat(), None, phone(n), home(rng)),
        *("社康中心", *days, years(visit, born), person(rng), phone(10**5 + n)),
    )


PSYCHIATRIC = (
    *("序号", "姓名", "性别", "出生日期", "身份证号", "联系电话", "现住址", "管理机构", "初次发病时间", "确诊日期"),
    *("建档日期", "最近随访日期", "下次随访日期", "年龄", "监护人姓名", "监护人电话"),
)


def enquiry_row(rng: Random, n: int) -> Row:
    asked = date(2026, 5, 1) + timedelta(rng.randrange(30))
    name = rng.choice([person(rng), f"{rng.choice(SURNAMES)}女士", f"{rng.choice(SURNAMES)}先生"])
    back = asked + timedelta(rng.randrange(5)) if rng.random() < 0.6 else None
    topic = rng.choice(["双眼皮", "隆鼻", "前列腺", "月经不调"])
    return (f"V{n:06}", name, phone(n), f"wx{rng.randrange(10**8)}", topic, rng.choice(["深圳", "广州"]), asked, back)


def english_row(rng: Random, n: int) -> Row:
    lmp = date(2025, 9, 1) + timedelta(rng.randrange(150))
    visit = lmp + timedelta(rng.randrange(50, 90))
    born = date(1988, 1, 1) + timedelta(rng.randrange(5000))
    height, weight, parity = rng.choice([1.55, 1.6, 1.68]), rng.randrange(48, 90), rng.choice([0, 1, 2])
    days = [f"{day:%d/%m/%Y}" for day in (born, lmp, lmp + timedelta(280), visit)]
    name, address = f"{rng.choice(FIRST)} {rng.choice(LAST)}", f"{rng.randint(1, 240)} {rng.choice(STREETS)}, Leeds"
    return (
        *(n, name, f"07700 900{n:03}", address, *days, (visit - lmp).days // 7),
        *(years(visit, born), parity + 1, parity, height, weight, round(weight / height**2)),
    )


ENGLISH = (
    *("No", "Patient Name", "Mobile", "Address", "Mother's date of birth", "LMP", "EDD", "Booking date"),
    *("Weeks at booking", "Maternal age", "Gravida", "Para", "Height", "Booking weight", "BMI"),
)
ENQUIRY = ("访客编号", "称呼", "手机号", "微信号", "咨询项目", "城市", "咨询日期", "回访日期")
RESEARCH = ("Participant ID", "Sex", "Date of recruitment", "Weight", "Height", "BMI", "Parity", "Gravidity")


def zh_row(rng: Random, n: int) -> Row:
    lmp = date(2025, 9, 1) + timedelta(rng.randrange(150))
    registered = lmp + timedelta(rng.randrange(50, 120))
    gravidity = rng.randint(1, 4)
    birth = lmp + timedelta(rng.randint(266, 285)) if lmp < date(2025, 10, 1) else None
    return (
        *(person(rng), birth, "流动", home(rng), phone(n), rng.choice(["第一医院", "第二医院"])),
        *(lmp + timedelta(280), lmp, registered, (registered - lmp).days // 7, gravidity, rng.randrange(gravidity)),
    )


ZH = (
    *("姓名", "出生日期(婴儿)", "户口性质", "家庭住址", "联系电话", "就诊医院"),
    *("预产期", "末次月经", "建册日期", "孕周", "孕次", "产次"),
)


def research_row(rng: Random, n: int) -> Row:
    height, weight, parity = rng.randrange(150, 185), rng.randrange(48, 100), rng.choice([0, 1, 2])
    recruited = date(2010, 1, 1) + timedelta(rng.randrange(900))
    return (
        *(1_000_000 + 7 * n, rng.choice([0, 1]), recruited, weight, height, round(weight / (height / 100) ** 2, 2)),
        *(parity, parity + rng.randrange(2)),
    )


def table(header: tuple[str, ...], row: Callable[[Random, int], Row], rows: int = 60) -> Table:
    rng = Random(5)
    return Table(header, tuple(row(rng, n) for n in range(1, rows + 1)))


TABLES = {
    "maternal-zh": table(ZH, zh_row),
    "maternal-en": table(ENGLISH, english_row),
    "prenatal-handbook-zh": table(HANDBOOK, handbook_row),
    "enquiry-zh": table(ENQUIRY, enquiry_row),
    "psychiatric-zh": table(PSYCHIATRIC, psychiatric_row),
    "research-extract": table(RESEARCH, research_row),
}
