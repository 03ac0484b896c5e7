"""Says which of a persona's facts beside the name a text uses: dates, hospital, address, topic of an enquiry."""

import re
from calendar import month_name
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from canary.listen.sound import loose, syllables
from canary.listen.wording import compact, is_han, plain
from canary.mint.facts import Cell, Fact

_DATE: Final = re.compile(r"(?P<y>\d{4})\D{0,2}(?P<m>\d{1,2})\D{0,2}(?P<d>\d{1,2})")
# A bare month is in every seasonal offer; it counts only beside a word about birth.
_BIRTH_ZH: Final = (
    "预产|玉产|生产|出生|宝宝|宝贝|孩子|孕|临产|分娩|卸货|生宝|生的|生娃|要生|会生|就生|该生|生对|生吧|左右生|待产|月子"
    + "|yuchanqi|yu chan qi"
)
_BIRTH_EN: Final = (
    r"\b(?:due|edd|baby|babies|expecting|birth|born|newborn|pregnan\w+|delivery|deliver(?:ing)?|arriv\w+"
    + r"|mom|mum|mama)\b"
)
_DIGITS_ZH: Final = "一二三四五六七八九"
_MONTHS_EN: Final = tuple(month.casefold() for month in month_name)
_REGION: Final = re.compile(r"^(?:[^省市区县]{2,3}省)?(?:[^省市区县]{1,3}市)?(?:[^市区县]{1,3}[区县])?")
_PLACE: Final = re.compile(
    r"[^\d\s,，]+?(?:街道|社区|新村|花园|小区|大厦|家园|豪庭|公寓|名居|雅居|宿舍|[苑城路街镇乡村](?!街道|社区))"
)
# What stands before the number of a building, whatever its last character: 金地名峰3栋.
_ESTATE: Final = re.compile(
    r"(?:街道|社区|[路街镇乡村])([\u3400-\u9fff]{3,8})(?=[\da-z]{1,4}(?:栋|座|号|幢|期|单元|楼))"
)
_ESTATE_END: Final = re.compile("(?:花园|小区|家园|公寓|大厦|豪庭|名居|雅居)$")
# Names of kinds of hospital and of nameless village quarters: true of half a city.
_COMMON: Final = re.compile(
    r"[东西南北上下新老]?村|(?:市|区|县)?(?:第?[一二三四五六七八九十]?人民|中心|妇幼保健|妇幼|妇儿|中)?医?院?"
)
# How people shorten the kind of a hospital after its place: 宝安妇幼, 龙华人民, 北大医院.
_SHORT_KINDS: Final = (
    *(("妇幼保健计划生育服务中心", "妇幼"), ("妇幼保健院", "妇幼"), ("妇女儿童医院", "妇儿"), ("妇儿医院", "妇儿")),
    *(("人民医院", "人民"), ("人民医院", "人医"), ("人民医院", "医院"), ("中心医院", "中心"), ("中医院", "中医")),
    ("大学", "大"),
)
_ORDINAL: Final = re.compile(f"第([{_DIGITS_ZH}])(?:人民)?医院")
_ROAD: Final = r"\s+(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl|terrace)\b"
_CARE_EN: Final = re.compile(r"\s+(?:(?:general|community|memorial)\s+)?(?:hospital|medical cent(?:er|re)|clinic)$")
# Shorter sounds and spellings are met by chance.
_SOUNDS, _LETTERS = 4, 8


def used(heard: str, facts: Mapping[Fact, Cell]) -> Iterator[str]:
    """The facts that a plain text uses, by name, without the facts themselves."""
    squeezed = compact(heard)
    for fact, called in ((Fact.DUE_DATE, "due"), (Fact.INFANT_BIRTH_DATE, "birth")):
        if day := _as_date(facts.get(fact)):
            if any(re.search(form, heard) for form in _day_forms(day)):
                yield f"{called} date"
            if _month_near_birth(heard, day):
                yield f"{called} month"
    if (born := _as_date(facts.get(Fact.BIRTH_DATE))) and any(re.search(f, heard) for f in _day_forms(born)):
        yield "her own birth date"
    topic = compact(plain(str(facts.get(Fact.ENQUIRY_TOPIC) or "")))
    if len(topic) >= (2 if is_han(topic[:1] or "x") else 4) and topic in squeezed:
        yield "enquiry topic"
    hospital, address = (plain(str(facts.get(fact) or "")) for fact in (Fact.HOSPITAL, Fact.ADDRESS))
    for called, parts in (("hospital", _hospital_parts(hospital)), ("address", _address_parts(address))):
        if any(compact(part) in squeezed for part in parts):
            yield called
        elif any(_sounded(part, squeezed) or _spelled(part, heard) for part in parts):
            yield f"{called} by sound"
    if any(re.search(near, squeezed) for near in _near_streets(address)):
        yield "address"
    if any(re.search(rf"\b{street}{_ROAD}", heard) for street in _streets_en(address)):
        yield "street"


def _as_date(cell: Cell) -> date | None:
    if isinstance(cell, date):  # a datetime is one
        return cell
    found = _DATE.search(str(cell or ""))
    try:
        return date(int(found["y"]), int(found["m"]), int(found["d"])) if found else None
    except ValueError:
        return None


def _numeral(number: int) -> str:
    """11 → 十一, 20 → 二十."""
    tens, ones = divmod(number, 10)
    ten = "" if tens == 0 else ("十" if tens == 1 else _DIGITS_ZH[tens - 1] + "十")
    return ten + (_DIGITS_ZH[ones - 1] if ones else "")


def _month_zh(day: date) -> str:
    return rf"(?:(?<!\d)0?{day.month}|(?<!十){_numeral(day.month)})\s?(?:月份?|yue\b)"


def _month_en(day: date) -> str:
    name = _MONTHS_EN[day.month]
    return name if day.month == 5 else rf"{name[:3]}(?:{name[3:]}|t)?\.?"


def _day_forms(day: date) -> Iterator[str]:
    yield rf"{_month_zh(day)}\s?(?:0?{day.day}(?!\d)|{_numeral(day.day)}(?![十{_DIGITS_ZH}]))"
    yield rf"\b{_month_en(day)}\s(?:the )?0?{day.day}(?:st|nd|rd|th)?\b"
    yield rf"\b0?{day.day}(?:st|nd|rd|th)?\s(?:of )?{_month_en(day)}\b"
    yield rf"(?<!\d){day.year}[\-/.]0?{day.month}[\-/.]0?{day.day}(?!\d)"
    yield rf"(?<![\d/.\-])0?{day.month}[/.\-]0?{day.day}(?![\d%\-]|\s?(?:折|元|块|周|孕周|个月|岁|天))"
    yield rf"(?:due|edd|born)\D{{0,12}}(?<!\d)0?{day.day}/0?{day.month}(?!\d)"


def _month_near_birth(heard: str, day: date) -> bool:
    zh, en = _month_zh(day), rf"\b{_month_en(day)}\b"
    if day.month == 5:  # "you may be due for a check"
        en = rf"\b(?:in|this|early|late|mid|due|of)[\s\-]{en}"
    near = (rf"{zh}.{{0,6}}(?:{_BIRTH_ZH})", rf"(?:{_BIRTH_ZH}).{{0,8}}{zh}")
    far = (rf"{en}.{{0,30}}{_BIRTH_EN}", rf"{_BIRTH_EN}.{{0,30}}{en}")
    return any(re.search(form, heard) for form in near + far)


@lru_cache(maxsize=1024)
def _hospital_parts(hospital: str) -> tuple[str, ...]:
    placed = (re.sub("[省市区县]", "", part) for part in (hospital, re.sub("^[^市]{2,7}市", "", hospital)))
    named = {_REGION.sub("", hospital), *placed}
    named |= {part.replace(kind, short) for part in tuple(named) for kind, short in _SHORT_KINDS if kind in part}
    named |= {_ORDINAL.sub(r"\1院", part) for part in named} | {part.replace("北京大", "北大") for part in named}
    found = [part for part in sorted(named) if len(part) >= 4 and not _COMMON.fullmatch(part)]
    if " " in (bare := _CARE_EN.sub("", hospital)):  # "St Mary's", never "Mercy"
        found.append(bare)
    return tuple([hospital, *found] if len(hospital) >= 4 else found)


@lru_cache(maxsize=4096)
def _address_parts(address: str) -> tuple[str, ...]:
    parts = [*_PLACE.findall(_REGION.sub("", address)), *_ESTATE.findall(address)]
    parts += [core for part in parts if len(core := _ESTATE_END.sub("", part)) >= 3]
    return tuple(dict.fromkeys(part for part in parts if len(part) >= 3 and not _COMMON.fullmatch(part)))


def _near_streets(address: str) -> Iterator[str]:
    """A street without its last word counts where a place is meant: 住马田, 马田这边."""
    for place in _address_parts(address):
        if (core := re.sub("(?:街道|社区)$", "", place)) != place and len(core) >= 2:
            yield f"(?:住|在|来|离){re.escape(core)}|{re.escape(core)}(?:这边|那边|附近|街[^舞])"


def _streets_en(address: str) -> Iterator[str]:
    for street in re.finditer(rf"([a-z][a-z'.]+(?: [a-z'.]+)?){_ROAD}", address):
        yield re.escape(street[1])


def _sounded(part: str, squeezed: str) -> bool:
    return len(part) >= _SOUNDS and all(map(is_han, part)) and loose(part) in loose(squeezed)


def _spelled(part: str, heard: str) -> bool:
    """Whether a part is written in pinyin, run together or apart."""
    if not any("a" <= c <= "z" for c in heard) or not all(map(is_han, part)):
        return False
    letters = "".join(next(iter(ways), "") for ways in syllables(part))
    return len(letters) >= _LETTERS and letters in re.sub("[^a-z]", "", heard)
