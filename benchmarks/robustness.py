"""What was done to a found file and what is still found: canaries found of those planted for each treatment, and
false matches, by kind, in generated data without canaries.

Usage: robustness.py [--files 5] [--rows 200] [--others 1000] [--tables 10] [--clean 1000000] [--needles 10000]
[--seed 7] [--only TEXT]. Full size: --files 50 --tables 100 --clean 100000000. --others: further personas sought, who
stand in no file; --only: treatments whose names hold it. Traditional characters and pinyin are spelled by the small
tables below, not by the libraries we use.
"""

import argparse
import csv
import hashlib
import io
import itertools
import json
import random
import sqlite3
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import xlsxwriter
import xlwt

from canary.mint.facts import Cell, Fact
from canary.scan.blocks import Block, Syntax
from canary.scan.matcher import Matcher, finder
from canary.scan.needles import needles
from canary.scan.run import Scan
from canary.store.finds import Sought

CHARACTERS = (
    "陈李张刘黄赵钱孙周吴郑王冯卫芳敏静丽娟艳霞萍婷雪琴红梅玉兰英"
    "华慧珍秀桂凤洁云莲环荣爱香月媛瑞佳嘉琼勤莉叶璐娅琦晶妍茜珊倩"
)
SYLLABLES = (
    "chen li zhang liu huang zhao qian sun zhou wu zheng wang feng wei fang min jing li juan "
    "yan xia ping ting xue qin hong mei yu lan ying hua hui zhen xiu gui feng jie yun lian huan "
    "rong ai xiang yue yuan rui jia jia qiong qin li ye lu ya qi jing yan qian shan qian"
)
PINYIN = dict(zip(CHARACTERS, SYLLABLES.split(), strict=True))
SURNAMES, GIVEN = list(PINYIN)[:14], list(PINYIN)[14:]
SIMPLE = "陈张刘黄赵钱孙吴郑冯卫静丽艳红兰华凤洁云莲环荣爱琼叶龙岗区号妇医预产联系电话户质诊罗院莺娅苹闽"
COMPLEX = "陳張劉黃趙錢孫吳鄭馮衛靜麗艷紅蘭華鳳潔雲蓮環榮愛瓊葉龍崗區號婦醫預產聯繫電話戶質診羅院鶯婭蘋閩"
TRADITIONAL = str.maketrans(SIMPLE, COMPLEX)
TONES = str.maketrans("aeiou", "āéǐòū")
SAME_SOUND = {**dict(zip("丽莉静晶艳妍茜倩", "莉丽晶静妍艳倩茜", strict=True)), "婷": "亭", "芳": "方", "敏": "闽"}
HEADER = ["姓名", "联系电话", "家庭住址", "就诊医院", "预产期", "户口性质"]
FACTS = (Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.HOSPITAL, Fact.DUE_DATE, Fact.HUKOU)
NAME, PHONE, ADDRESS, HOSPITAL, DUE, HUKOU = range(6)
PLANTED, SHADOWS = 8, 4

Rows = list[list[str]]
Made = tuple[str, bytes]  # ending of the file's name, content


def person(rng: random.Random) -> dict[Fact, Cell]:
    return {
        Fact.NAME: rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, 2)),
        Fact.PHONE: f"1{rng.choice('35789')}{rng.randrange(10**9):09}",
        Fact.ADDRESS: f"龙岗区布吉街道{rng.randrange(1, 99)}巷{rng.randrange(1, 999)}号{rng.randrange(100, 999)}",
        Fact.HOSPITAL: rng.choice(["龙岗妇幼", "福田医院", "南山医院", "罗湖医院"]),
        Fact.DUE_DATE: date(2026, 3, 1) + timedelta(days=rng.randrange(180)),
        Fact.HUKOU: rng.choice(["常住", "流动", "暂住"]),
    }


def looked(rng: random.Random, planted: int, shadows: int) -> list[Sought]:
    found = []
    for i in range(planted + shadows):
        facts, own = person(rng), i < planted
        copies = ("j",) if own else ()
        found.append(Sought(i, f"C{i}", "j", copies, f"N{i}", f"+86{facts[Fact.PHONE]}", own, facts))
    return found


def text(rows: Rows, mark: str = ",", header: list[str] | None = HEADER) -> str:
    return "".join(mark.join(cells) + "\n" for cells in [*([header] if header else []), *rows])


def each(change: Callable[[list[str]], list[str]], header: list[str] | None = HEADER) -> Callable[[Rows], Made]:
    return lambda rows: ("csv", text([change(list(cells)) for cells in rows], header=header).encode())


def columns(*kept: int) -> Callable[[Rows], Made]:
    return each(lambda cells: [cells[c] for c in kept], [HEADER[c] for c in kept])


def phone(change: Callable[[str], str], *kept: int) -> Callable[[Rows], Made]:
    """The number treated; beside it the columns `kept`, by default all."""
    own = kept or (NAME, ADDRESS, HOSPITAL, DUE, HUKOU)
    return each(lambda cells: [change(cells[PHONE]), *(cells[c] for c in own)], ["联系电话", *(HEADER[c] for c in own)])


def hashed(kind: str, change: Callable[[str], str] = str, spelled: str = "{}") -> Callable[[Rows], Made]:
    return phone(lambda p: change(hashlib.new(kind, spelled.format(p).encode()).hexdigest()), HUKOU)


def renamed(change: Callable[[str], str], *kept: int, mask: bool = False) -> Callable[[Rows], Made]:
    def treated(cells: list[str]) -> list[str]:
        cells[NAME], cells[PHONE] = change(cells[NAME]), masked(cells[PHONE]) if mask else cells[PHONE]
        return [cells[c] for c in kept]

    return each(treated, [HEADER[c] for c in kept])


def masked(number: str) -> str:
    return f"{number[:3]}****{number[7:]}"


def sounds(name: str, between: str = " ", inside: str = "") -> str:
    surname, *given = (PINYIN[c] for c in name)
    return surname + between + inside.join(given)


def typo(name: str) -> str:
    at = next((i for i, c in enumerate(name) if c in SAME_SOUND), None)
    return name[:-1] + "某" if at is None else name[:at] + SAME_SOUND[name[at]] + name[at + 1 :]


def dated(form: str) -> Callable[[Rows], Made]:
    def treated(cells: list[str]) -> list[str]:
        return [cells[NAME], form.format(*map(int, cells[DUE].split("-")))]

    return each(treated, ["姓名", "预产期"])


def sampled(rows: Rows) -> Made:
    return "csv", text(random.Random(len(rows)).sample(rows, max(1, len(rows) // 100))).encode()


def encoded(encoding: str) -> Callable[[Rows], Made]:
    def made(rows: Rows) -> Made:
        whole = text([[c[NAME], c[DUE], c[HOSPITAL]] for c in rows], header=["姓名", "预产期", "就诊医院"])
        return "csv", (whole.translate(TRADITIONAL) if encoding == "big5" else whole).encode(encoding)

    return made


def records(rows: Rows) -> list[dict[str, str]]:
    return [dict(zip(HEADER, cells, strict=True)) for cells in rows]


def xlsx(rows: Rows) -> Made:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        sheet = book.add_worksheet()
        for at, cells in enumerate([HEADER, *rows]):
            sheet.write_row(at, 0, [float(c) if c.isdigit() else c for c in cells])
    return "xlsx", held.getvalue()


def xls(rows: Rows) -> Made:
    held, book = io.BytesIO(), xlwt.Workbook()
    sheet = book.add_sheet("s")
    for at, cells in enumerate([HEADER, *rows]):
        for column, cell in enumerate(cells):
            sheet.write(at, column, cell)
    book.save(held)
    return "xls", held.getvalue()


def sql(rows: Rows) -> Made:
    values = ",".join("(" + ",".join(f"'{cell}'" for cell in cells) + ")" for cells in rows)
    return "sql", f"CREATE TABLE t (a varchar(9));\nINSERT INTO t VALUES {values};\n".encode()


def sqlite(rows: Rows) -> Made:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (a, b, c, d, e, f)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()
        return "db", database.serialize()


def zipped(rows: Rows) -> Made:
    inner, held = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("a.csv", text(rows))
    with zipfile.ZipFile(held, "w") as package:
        package.writestr("inner.zip", inner.getvalue())
    return "zip", held.getvalue()


def partly(rows: Rows) -> Made:
    """In every row two of four cells are edited: never both the number and the name's companion."""
    edits = [(NAME, "王某"), (PHONE, "13911111111"), (ADDRESS, "不详"), (DUE, "2026-02-30")]
    pairs = [pair for pair in itertools.combinations(edits, 2) if {PHONE, NAME} != {c for c, _ in pair}]
    changed = []
    for at, cells in enumerate(rows):
        edit = dict(pairs[at % len(pairs)])
        changed.append([edit.get(c, cell) for c, cell in enumerate(cells)])
    return "csv", text(changed).encode()


TREATMENTS: dict[str, Callable[[Rows], Made]] = {
    "as it was": each(list),
    "no header": each(list, None),
    "columns dropped: number alone": columns(PHONE),
    "columns dropped: name, due": columns(NAME, DUE),
    "columns dropped: name, address": columns(NAME, ADDRESS),
    "columns dropped: address, hospital, due": columns(ADDRESS, HOSPITAL, DUE),
    "columns reordered": columns(HUKOU, DUE, PHONE, ADDRESS, NAME, HOSPITAL),
    "columns renamed": each(list, ["a", "b", "c", "d", "e", "f"]),
    "columns renamed in pinyin": each(list, ["xingming", "dianhua", "dizhi", "yiyuan", "yuchanqi", "hukou"]),
    "columns merged": each(lambda c: [f"{c[NAME]} {c[PHONE]} {c[ADDRESS]}", c[DUE]], ["客户", "日期"]),
    "number: spaces": phone(lambda p: f"{p[:3]} {p[3:7]} {p[7:]}"),
    "number: +86": phone(lambda p: f"+86{p}"),
    "number: 0086-": phone(lambda p: f"0086-{p}"),
    "number: float, all digits": phone(lambda p: f"{p[0]}.{p[1:]}E+10", HUKOU),
    "number: 1.3812E+10; name": phone(lambda p: f"{int(p):.4E}", NAME, HUKOU),
    "number: 1.38E+10; name": phone(lambda p: f"{int(p):.2E}", NAME, HUKOU),
    "number: 1.38E+10; name, due": phone(lambda p: f"{int(p):.2E}", NAME, DUE),
    "number: masked; name": phone(masked, NAME, HUKOU),
    "number: masked; address": phone(masked, ADDRESS, HUKOU),
    "number: masked; due": phone(masked, DUE, HUKOU),
    "md5": hashed("md5"),
    "MD5 upper": hashed("md5", str.upper),
    "md5 cut to 16": hashed("md5", lambda h: h[:16]),
    "md5 middle 16, upper": hashed("md5", lambda h: h[8:24].upper()),
    "md5 of +86": hashed("md5", spelled="+86{}"),
    "sha1": hashed("sha1"),
    "sha1 cut to 16": hashed("sha1", lambda h: h[:16]),
    "sha256 upper": hashed("sha256", str.upper),
    "sha256 cut to 16": hashed("sha256", lambda h: h[:16]),
    "pinyin: Chen Yating; due": renamed(lambda n: sounds(n).title(), NAME, DUE),
    "pinyin: YATING CHEN; due": renamed(lambda n: " ".join(reversed(sounds(n).upper().split())), NAME, DUE),
    "pinyin: chenyating; due": renamed(lambda n: sounds(n, ""), NAME, DUE),
    "pinyin: tones; due": renamed(lambda n: sounds(n).translate(TONES), NAME, DUE),
    "pinyin: chen ya ting; due": renamed(lambda n: sounds(n, inside=" "), NAME, DUE),
    "pinyin: chen ya ting; number masked": renamed(lambda n: sounds(n, inside=" "), NAME, PHONE, mask=True),
    "traditional: name, due": renamed(lambda n: n.translate(TRADITIONAL), NAME, DUE),
    "traditional: everything, no number": lambda rows: (
        "csv",
        text([[c[NAME], c[ADDRESS]] for c in rows], header=["姓名", "住址"]).translate(TRADITIONAL).encode(),
    ),
    "traditional: address, hospital, due": lambda rows: (
        "csv",
        text([c[ADDRESS : DUE + 1] for c in rows], header=["住址", "醫院", "日期"]).translate(TRADITIONAL).encode(),
    ),
    "typo in name; due": renamed(typo, NAME, DUE),
    "typo in name; number masked": renamed(typo, NAME, PHONE, mask=True),
    "typo in name; number masked, due": renamed(typo, NAME, PHONE, DUE, mask=True),
    "typo in name; number": renamed(typo, NAME, PHONE),
    "typo in name; due, hospital": renamed(typo, NAME, DUE, HOSPITAL),
    "typo in name; due, beginning of address": each(
        lambda c: [typo(c[NAME]), c[DUE], c[ADDRESS].partition("巷")[0] + "巷"], ["姓名", "预产期", "住址"]
    ),
    "typo in name; address": renamed(typo, NAME, ADDRESS),
    "typo in number; name, due": each(lambda c: [c[NAME], c[PHONE][:-1] + str(9 - int(c[PHONE][-1])), c[DUE]], None),
    **{f"name only with due date {form}": dated(form) for form in (
        "{0}/{1}/{2}", "{0}年{1}月{2}日", "{2:02}.{1:02}.{0}", "{1}/{2}/{0}", "{0}{1:02}{2:02}",
        "{0}-{1:02}-{2:02} 00:00:00", "{0}-{1:02}-{2:02}T00:00:00Z",
    )},
    "rows shuffled": lambda rows: ("csv", text(random.Random(1).sample(rows, len(rows))).encode()),
    "deduplicated": lambda rows: ("csv", text([list(c) for c in dict.fromkeys(map(tuple, rows + rows))]).encode()),
    "cut to 1 %": sampled,
    "two copies merged": lambda rows: ("csv", (text(rows[::2]) + text(rows[1::2], ";")).encode()),
    "canary rows partly edited": partly,
    **{f"encoding {name}": encoded(name) for name in ("utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-be", "big5")},
    "xlsx, numbers as numbers": xlsx,
    "xls": xls,
    "tsv": lambda rows: ("tsv", text(rows, "\t").encode()),
    "json": lambda rows: ("json", json.dumps(records(rows), ensure_ascii=False).encode()),
    "json, escaped, indented": lambda rows: ("json", json.dumps(records(rows), indent=1).encode()),
    "json lines": lambda rows: ("jsonl", "\n".join(json.dumps(r) for r in records(rows)).encode()),
    "sql dump": sql,
    "sqlite": sqlite,
    "zip in zip": zipped,
}  # fmt: skip


def treated(name: str, files: int, count: int, others: list[Sought]) -> tuple[int, int, int, int, Counter[str]]:
    """Canaries planted, found, found in a row not theirs, others found; the kinds by which."""
    planted = found = wrong = shadows = 0
    kinds: Counter[str] = Counter()
    for at in range(files):
        rng = random.Random(f"{name} {at}")
        people = looked(rng, PLANTED, SHADOWS)
        rows = [[str(person(rng)[fact]) for fact in FACTS] for _ in range(count)]
        rows += [[str(who.facts[fact]) for fact in FACTS] for who in people[:PLANTED]]
        rng.shuffle(rows)
        ending, content = TREATMENTS[name](rows)
        kept = {str(who.facts[Fact.ADDRESS]) for who in people[:PLANTED]}
        there = PLANTED
        if name == "cut to 1 %":
            there = sum(cells[ADDRESS] in kept for cells in csv.reader(io.StringIO(content.decode())))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"found.{ending}"
            path.write_bytes(content)
            parts = Scan(needles([*people, *others])).files([path])
        assert not any(part.error for part in parts), parts[0].error
        shown = Counter(i for part in parts for match in part.matches for i in match.by)
        kinds.update("/".join(k) for part in parts for match in part.matches for k in match.by.values())
        planted += there
        found += sum(i < PLANTED for i in shown)
        wrong += sum(times - 1 for i, times in shown.items() if i < PLANTED)
        shadows += sum(times for i, times in shown.items() if i >= PLANTED)
    return planted, found, wrong, shadows, kinds


def digits(rng: np.random.Generator, rows: int, width: int) -> np.ndarray:
    return rng.integers(48, 58, (rows, width), dtype=np.uint8)


def clean(rng: np.random.Generator, rows: int, sought: np.ndarray, by_sound: bool) -> bytes:
    """Rows without canaries, of fixed width: name (or its sound), number, number masked, digest, due date."""
    names = [s + a + b for s in SURNAMES for a in GIVEN for b in GIVEN if a != b]
    spelled = [sounds(n).title().ljust(20) if by_sound else n for n in names]
    table = np.array([list(n.encode()) for n in spelled], np.uint8)
    days = np.array([list(str(date(2026, 3, 1) + timedelta(days=i)).encode()) for i in range(180)], np.uint8)
    number = rng.integers(13_000_000_000, 14_000_000_000, rows)
    number[np.isin(number, sought)] = 10_000_000_000
    phone = np.frombuffer(number.astype("S11").tobytes(), np.uint8).reshape(rows, 11)
    mask = digits(rng, rows, 11)
    mask[:, :2], mask[:, 3:7] = np.frombuffer(b"13", np.uint8), ord("*")
    digest = np.frombuffer(b"0123456789abcdef", np.uint8)[rng.integers(0, 16, (rows, 32), dtype=np.uint8)]
    mark, end = np.full((rows, 1), ord(","), np.uint8), np.full((rows, 1), ord("\n"), np.uint8)
    name, due = table[rng.integers(0, len(table), rows)], days[rng.integers(0, 180, rows)]
    return np.hstack((name, mark, phone, mark, mask, mark, digest, mark, due, end)).tobytes()


def false_matches(rows: int, count: int, seed: int) -> Iterator[str]:
    """Lines of a table: kind, false matches, expected of the chance that the scan itself states."""
    random_people = random.Random(7)
    people = [looked(random_people, 1, 0)[0] for _ in range(count)]
    people = [Sought(i, f"C{i}", "j", ("j",), f"N{i}", f"+8613{i * 618_033_989 % 10**9:09}", True, p.facts)
              for i, p in enumerate(people)]  # fmt: skip
    sought = np.array([int(p.phone[3:]) for p in people])
    held, rng, piece = finder(needles(people)), np.random.default_rng(seed), 200_000
    for by_sound in (False, True):
        matcher, kinds = Matcher(held, Syntax(first=0)), Counter[str]()
        generated = searched = 0.0
        for start in range(0, rows, piece):
            begun = time.perf_counter()
            data = clean(rng, min(piece, rows - start), sought, by_sound)
            made = time.perf_counter()
            kinds.update("/".join(k) for m in matcher.search(Block(data)) for k in m.by.values())
            generated, searched = generated + made - begun, searched + time.perf_counter() - made
        shown = ", ".join(f"{kind} {n:,}" for kind, n in sorted(kinds.items())) or "none"
        yield f"{'names in pinyin' if by_sound else 'names in characters'}, {rows:,} rows: {shown} ({searched:.1f} s)"


SHOWN: dict[str, Callable[[list[str]], list[str]]] = {
    "name, due": lambda c: [c[NAME], c[DUE]],
    "name, hospital, due": lambda c: [c[NAME], c[HOSPITAL], c[DUE]],
    "name, number masked": lambda c: [c[NAME], masked(c[PHONE])],
    "name, number masked, due": lambda c: [c[NAME], masked(c[PHONE]), c[DUE]],
    "number masked, due": lambda c: [masked(c[PHONE]), c[DUE]],
    "pinyin, due": lambda c: [sounds(c[NAME], inside=" "), c[DUE]],
    "all but the number": lambda c: [c[NAME], *c[ADDRESS:]],
    "all": list,
}


def false_in_tables(tables: int) -> Iterator[str]:
    """Lines of a table: how many small files without canaries show somebody, by kind."""
    for sought, rows, files in ((12, 200, 3 * tables), (200, 200, tables), (1000, 500, tables // 2)):
        shown: Counter[str] = Counter()
        for at in range(files):
            rng = random.Random(f"{sought} {at}")
            held = needles(looked(rng, sought // 2, sought - sought // 2))
            made = [[str(person(rng)[fact]) for fact in FACTS] for _ in range(rows)]
            for change in SHOWN.values():
                (part,) = Scan(held, stdin=each(change, None)(made)[1]).files([Path("-")])
                shown.update({"/".join(kinds) for match in part.matches for kinds in match.by.values()})
        kinds = ", ".join(f"{kind} in {n}" for kind, n in sorted(shown.items())) or "none"
        yield f"{sought:,} personas, {files * len(SHOWN):,} files of {rows} rows: {kinds}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--clean", type=int, default=1_000_000)
    parser.add_argument("--needles", type=int, default=10_000)
    parser.add_argument("--others", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="")
    parser.add_argument("--tables", type=int, default=10)
    chosen = parser.parse_args()
    print(f"| treatment, {chosen.files} files | found / planted | in other rows | other personas | by |")
    print("|---|---|---|---|---|")
    others = [
        Sought(10**6 + at, f"O{at}", "o", (), f"O{at}", who.phone, False, who.facts)
        for at, who in enumerate(looked(random.Random("others"), 0, chosen.others))
    ]
    for name in (name for name in TREATMENTS if chosen.only in name):
        planted, found, wrong, shadows, kinds = treated(name, chosen.files, chosen.rows, others)
        by = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common(3))
        print(f"| {name} | {found} / {planted} | {wrong} | {shadows} | {by} |", flush=True)
    print("\nsmall files without canaries, of eight choices of columns:")
    for line in false_in_tables(chosen.tables):
        print(line, flush=True)
    print(f"\nfalse matches of {chosen.needles:,} canaries in rows without any (number, mask, digest, name, due date):")
    for line in false_matches(chosen.clean, chosen.needles, chosen.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
