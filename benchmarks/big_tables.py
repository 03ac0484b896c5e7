"""A registry of a million rows, written as a stream: workbook (shared or inline strings) or CSV.

python benchmarks/big_tables.py OUT.xlsx|OUT.csv [ROWS] [--inline]
"""

import csv
import random
import sys
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

ROWS = 1_000_000
HEADER = ("姓名", "登记日期", "户口性质", "家庭住址", "联系电话", "就诊医院", "预产期")
MORE = ("年龄", "孕次", "产次", "孕周", "身高")
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚"
_GIVEN = "芳娜敏静丽艳娟霞秀燕玲桂英华慧巧美雅洁梅琳素云莲真环雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉嫣雯婷怡欣"
_DAY = date(2026, 3, 1)
_EPOCH = date(1899, 12, 30)
_START = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:L{last}"/>'
    '<sheetViews><sheetView tabSelected="1" workbookViewId="0"/></sheetViews><sheetFormatPr defaultRowHeight="15"/>'
    "<sheetData>"
)
_STRINGS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="{count}" uniqueCount="{unique}">'
)

Cells = Sequence[str | int | date]


def rows(count: int, seed: int = 1) -> Iterator[Cells]:
    """Rows in order of hospital and due date, as a registry is exported."""
    rng = random.Random(seed)
    streets = [f"广州市虚构区{a}街道{b}路" for a in _SURNAMES for b in _GIVEN[:20]]
    estates = [f"{a}{b}花园" for a in _GIVEN for b in _SURNAMES[:30]]
    for at in range(count):
        due = _DAY + timedelta((at % (count // 40 + 1)) * 280 // (count // 40 + 1))
        name = rng.choice(_SURNAMES) + rng.choice(_GIVEN) + (rng.choice(_GIVEN) if rng.random() < 0.8 else "")
        door = f"{rng.randrange(1, 30)}栋{rng.randrange(1, 30)}{rng.randrange(1, 9):02}"
        where = f"{rng.choice(streets)}{rng.randrange(1, 400)}号{rng.choice(estates)}{door}"
        visit = due - timedelta(rng.randrange(150, 230))
        kind = rng.choice(("本市", "外省", "省内"))
        phone = f"12{rng.randrange(10**9):09}"
        weeks = rng.randrange(6, 20)
        hospital = f"虚构第{at // (count // 40 + 1) + 1}医院"
        body = rng.randrange(19, 44), rng.randrange(1, 4), weeks % 2, weeks, rng.randrange(148, 178)
        yield name, visit, kind, where, phone, hospital, due, *body


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="gb18030", newline="") as file:
        out = csv.writer(file)
        out.writerow((*HEADER, *MORE))
        out.writerows(rows(count))


def write_xlsx(path: Path, count: int, inline: bool) -> None:
    """The parts that xlsxwriter makes of an empty table, with the sheet (and the strings) written by hand."""
    import xlsxwriter

    shell = path.with_suffix(".shell")
    with xlsxwriter.Workbook(shell) as book:
        book.add_format({"num_format": "yyyy-mm-dd"})
        book.add_worksheet("登记").write_row(0, 0, (*HEADER, *MORE))
        book.get_worksheet_by_name("登记").write(1, 1, 1, book.add_format({"num_format": "yyyy-mm-dd"}))
    strings: dict[str, int] = {}
    with zipfile.ZipFile(shell) as parts, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for info in parts.infolist():
            if info.filename == "xl/worksheets/sheet1.xml":
                with package.open(_named(info), "w", force_zip64=True) as sheet:
                    for text in _sheet(count, strings, inline):
                        sheet.write(text.encode())
            elif info.filename != "xl/sharedStrings.xml":
                package.writestr(info, parts.read(info))
        with package.open(_named(parts.getinfo("xl/sharedStrings.xml")), "w", force_zip64=True) as table:
            table.write(_STRINGS.format(count=0 if inline else 7 * count + 12, unique=len(strings)).encode())
            for text in strings:
                table.write(f"<si><t>{text}</t></si>".encode())
            table.write(b"</sst>")
    shell.unlink()


def _named(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    new = zipfile.ZipInfo(info.filename, info.date_time)
    new.compress_type = zipfile.ZIP_DEFLATED
    return new


def _sheet(count: int, strings: dict[str, int], inline: bool) -> Iterator[str]:
    yield _START.format(last=count + 1)
    yield _row(1, (*HEADER, *MORE), strings, inline)
    waiting: list[str] = []
    for number, cells in enumerate(rows(count), 2):
        waiting.append(_row(number, cells, strings, inline))
        if len(waiting) == 5_000:
            yield "".join(waiting)
            waiting = []
    yield "".join(waiting) + "</sheetData></worksheet>"


def _row(number: int, cells: Cells, strings: dict[str, int], inline: bool) -> str:
    made = []
    for letter, cell in zip("ABCDEFGHIJKL", cells, strict=True):
        if isinstance(cell, str) and inline:
            made.append(f'<c r="{letter}{number}" t="inlineStr"><is><t>{cell}</t></is></c>')
        elif isinstance(cell, str):
            made.append(f'<c r="{letter}{number}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>')
        elif isinstance(cell, date):
            made.append(f'<c r="{letter}{number}" s="1"><v>{(cell - _EPOCH).days}</v></c>')
        else:
            made.append(f'<c r="{letter}{number}"><v>{cell}</v></c>')
    return f'<row r="{number}" spans="1:12">{"".join(made)}</row>'


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--inline"]
    path, count = Path(words[0]), int(words[1]) if len(words) > 1 else ROWS
    if path.suffix == ".csv":
        write_csv(path, count)
    else:
        write_xlsx(path, count, "--inline" in sys.argv)


if __name__ == "__main__":
    main()
