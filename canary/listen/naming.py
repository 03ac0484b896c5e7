"""Says whether a text uses the facts we planted: a full name, or a surname and what only the copy tells."""

import re
from calendar import month_name
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from canary.listen.wording import compact, is_han, plain
from canary.mint.facts import Cell, Fact

# What people put between the characters of a name.
_GAP: Final = r"[\s.·•・*_\-]{0,3}"
# After a two-character name: words that follow a name, so 王静 is found in 王静您好 but not in 王静怡.
_AFTER_NAME: Final = re.compile("女士|小姐|太太|妈|宝|家|孕|姐|您|你|吗|的|是|好|在|吧|呢|啊|同志|本人|请|预产|住|先生")
_TITLES_ZH: Final = "女士|小姐|太太|宝妈|妈妈|准妈妈|孕妈"
_TITLES_EN: Final = r"(?:ms|mrs|miss|mr|madam|mama|mom|mum)\b\.?"
# A surname's character may be the tail of one of these: 阳 of 欧阳.
_DOUBLE_SURNAMES: Final = frozenset(
    re.findall("..", "欧阳司马诸葛上官夏侯慕容令狐尉迟东方长孙宇文司徒南宫皇甫端木公孙轩辕钟离闻人独孤")
)
_DATE: Final = re.compile(r"(?P<y>\d{4})\D{0,2}(?P<m>\d{1,2})\D{0,2}(?P<d>\d{1,2})")
# A bare month is in every seasonal offer; it counts only beside a word about birth.
_BIRTH_ZH: Final = "预产|生产|出生|宝宝|孩子|孕|临产|分娩|生宝|生的|生娃|要生|待产"
_BIRTH_EN: Final = r"\b(?:due|baby|expecting|birth|born|pregnan\w+|delivery|deliver)\b"
_DIGITS_ZH: Final = "一二三四五六七八九"
_MONTHS_EN: Final = tuple(month.casefold() for month in month_name)
_REGION: Final = re.compile(r"^(?:[^省市区县]{2,3}省)?(?:[^省市区县]{1,3}市)?(?:[^市区县]{1,3}[区县])?")
_PLACE: Final = re.compile(
    r"[^\d\s,，]+?(?:街道|社区|新村|花园|小区|大厦|家园|豪庭|公寓|名居|雅居|宿舍|[苑城路街镇乡村](?!街道|社区))"
)
# Names of kinds of hospital and of nameless village quarters: true of half a city.
_COMMON: Final = re.compile(
    r"[东西南北上下新老]?村|(?:市|区|县)?(?:第?[一二三四五六七八九十]?人民|中心|妇幼保健|妇儿|中)?医?院"
)
_ROAD: Final = r"\s+(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl|terrace)\b"
_CARE_EN: Final = re.compile(r"\s+(?:(?:general|community|memorial)\s+)?(?:hospital|medical cent(?:er|re)|clinic)$")


def names_persona(text: str, facts: Mapping[Fact, Cell]) -> str | None:
    """Why we say that `text` uses planted facts, told without the facts themselves; None if it does not.

    A full name is enough; a surname counts only with a title and a second fact: due date, month of
    birth, her own birth date, topic of an enquiry, hospital, street, community or estate. False matches
    that remain: a caller who asks for a namesake (王静 is 1 in 600 registered mothers), a name that is also
    a word (文静的), a title guessed right (王 is 7% of people) beside a fact that a whole district shares.
    They fall on control numbers as often as on planted ones, where the background is measured.
    """
    name = re.sub(r"[·•・]", "", plain(str(facts.get(Fact.NAME) or ""))).strip()
    if len(name) < 2:
        return None
    heard = plain(text)
    chinese = all(map(is_han, name))
    # Every rule below needs the surname: most texts hold nobody's, and are spared the patterns.
    if (name[0] if chinese else re.split(r"\s+", name)[-1]) not in heard:
        return None
    mere_title = chinese and re.fullmatch(f"..?(?:{_TITLES_ZH}|先生)", name)  # an enquirer who gave 李女士
    if not mere_title and (_full_name_zh if chinese else _full_name_en)(heard, name):
        return "full name"
    if not (_titled_zh if chinese else _titled_en)(heard, name) and not (mere_title and _full_name_zh(heard, name)):
        return None
    further = next(_further(heard, facts), None)
    return f"surname with title, and {further}" if further else None


def _full_name_zh(heard: str, name: str) -> bool:
    if not set(name) <= set(heard):
        return False
    for found in re.finditer(_GAP.join(name), heard):
        if heard[max(0, found.start() - 1) : found.start() + 1] in _DOUBLE_SURNAMES:
            continue
        after = heard[found.end() :]
        if found.group() != name:  # spelled apart: what follows may be spelled apart too
            after = re.sub(f"^{_GAP}", "", after)
        if len(name) > 2 or not after or not is_han(after[0]) or _AFTER_NAME.match(after):
            return True
    return False


def _titled_zh(heard: str, name: str) -> bool:
    surname = name[:2] if name[:2] in _DOUBLE_SURNAMES else name[:1]
    for found in re.finditer(f"{_GAP.join(surname)}{_GAP}(?:{_TITLES_ZH})", heard):
        if heard[max(0, found.start() - 1) : found.start() + 1] not in _DOUBLE_SURNAMES:
            return True
    return False


def _full_name_en(heard: str, name: str) -> bool:
    words = re.findall(r"[^\W\d_]+(?:['\-][^\W\d_]+)*", name)
    if len(words) < 2:
        return False
    first, last = re.escape(words[0]), re.escape(words[-1])
    middle = r"(?:[^\W\d_]+\.?\W{1,3})?"
    return bool(re.search(rf"\b{first}\W{{1,3}}{middle}{last}\b|\b{last},\s?{first}\b", heard))


def _titled_en(heard: str, name: str) -> bool:
    last = re.escape(re.split(r"\s+", name)[-1])
    return bool(re.search(rf"\b{_TITLES_EN}\s?{last}\b", heard))


def _further(heard: str, facts: Mapping[Fact, Cell]) -> Iterator[str]:
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
    if any(compact(part) in squeezed for part in _hospital_parts(hospital)):
        yield "hospital"
    if any(part in squeezed for part in _address_parts(address)):
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
    return rf"(?:(?<!\d)0?{day.month}|(?<!十){_numeral(day.month)})\s?月份?"


def _month_en(day: date) -> str:
    name = _MONTHS_EN[day.month]
    return name if day.month == 5 else rf"{name[:3]}(?:{name[3:]}|t)?\.?"


def _day_forms(day: date) -> Iterator[str]:
    yield rf"{_month_zh(day)}\s?(?:0?{day.day}(?!\d)|{_numeral(day.day)}(?![十{_DIGITS_ZH}]))"
    yield rf"\b{_month_en(day)}\s(?:the )?0?{day.day}(?:st|nd|rd|th)?\b"
    yield rf"\b0?{day.day}(?:st|nd|rd|th)?\s(?:of )?{_month_en(day)}\b"
    yield rf"(?<!\d){day.year}[\-/.]0?{day.month}[\-/.]0?{day.day}(?!\d)"
    yield rf"(?<![\d/.])0?{day.month}[/.]0?{day.day}(?![\d%])"


def _month_near_birth(heard: str, day: date) -> bool:
    zh, en = _month_zh(day), rf"\b{_month_en(day)}\b"
    if day.month == 5:  # "you may be due for a check"
        en = rf"\b(?:in|this|early|late|mid|due|of)[\s\-]{en}"
    near = (rf"{zh}.{{0,6}}(?:{_BIRTH_ZH})", rf"(?:{_BIRTH_ZH}).{{0,8}}{zh}")
    far = (rf"{en}.{{0,30}}{_BIRTH_EN}", rf"{_BIRTH_EN}.{{0,30}}{en}")
    return any(re.search(form, heard) for form in near + far)


def _hospital_parts(hospital: str) -> Iterator[str]:
    if len(hospital) >= 4:
        yield hospital
    shorter = _REGION.sub("", hospital), re.sub("[省市区县]", "", hospital)
    yield from (part for part in shorter if len(part) >= 4 and not _COMMON.fullmatch(part))
    if " " in (bare := _CARE_EN.sub("", hospital)):  # "St Mary's", never "Mercy"
        yield bare


def _address_parts(address: str) -> Iterator[str]:
    parts = _PLACE.findall(_REGION.sub("", address))
    yield from (part for part in parts if len(part) >= 3 and not _COMMON.fullmatch(part))


def _streets_en(address: str) -> Iterator[str]:
    for street in re.finditer(rf"([a-z][a-z'.]+(?: [a-z'.]+)?){_ROAD}", address):
        yield re.escape(street[1])
