"""Says whether a text uses the facts we planted: a full name, or a surname and what only the copy tells."""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final

from canary.listen.details import used
from canary.listen.sound import loose, surnames, syllables, toned
from canary.listen.wording import is_han, plain
from canary.mint.facts import Cell, Fact

# What people put between the characters of a name.
_GAP: Final = r"[\s.·•・*_\-]{0,3}"
# After a two-character name: words that follow a name, so 王静 is found in 王静您好 but not in 王静怡.
_AFTER_NAME: Final = re.compile("女士|小姐|太太|妈|宝|家|孕|姐|您|你|吗|的|是|好|在|吧|呢|啊|同志|本人|请|预产|住|先生")
_TITLES_ZH: Final = (
    "女士|小姐|太太|宝妈|妈妈|妈咪|准妈|孕妈|姐(?![妹夫])|妈(?=[您你，,。！!？?\\s]|$)|太(?=[您你，,。！!？?\\s]|$)"
)
_TITLES_EN: Final = r"(?:ms|mrs|miss|mr|mdm|madam|mama|mom|mum|mummy)\b\.?"
_TITLES_PINYIN: Final = r"(?:n[vu]\s?shi|xiao\s?jie|tai\s?tai|bao\s?ma|jie)\b"
# A surname's character may be the tail of one of these: 阳 of 欧阳.
_DOUBLE_SURNAMES: Final = frozenset(
    re.findall("..", "欧阳司马诸葛上官夏侯慕容令狐尉迟东方长孙宇文司徒南宫皇甫端木公孙轩辕钟离闻人独孤")
)
_LETTERS: Final = re.compile("[a-z]")


def names_persona(text: str, facts: Mapping[Fact, Cell]) -> str | None:
    """Why we say that `text` uses planted facts, told without the facts themselves; None if it does not.

    A full name is enough: as written, three characters by their sounds and tones, or three syllables of pinyin.
    What fits more people needs a second fact (due date, month of birth, her own birth date, topic of an enquiry,
    hospital, street, community or estate): a surname with a title, in characters, by sound or in Latin letters; a
    name but for one character or for what dialects confuse; a two-syllable name by sound or in pinyin.
    False matches that remain: a caller who asks for a namesake (王静 is 1 in 600 registered mothers), a name that is
    also a word (文静的), a title guessed right (王 is 7% of people) beside a fact that a whole district shares. They
    fall on control numbers as often as on planted ones, where the background is measured; and since every persona of
    a release is held against the text, planted or shadow, a looser match only names more of them and makes the
    factor smaller (docs/mathematics.md, 3).
    """
    name = _bare(str(facts.get(Fact.NAME) or ""))
    if len(name) < 2:
        return None
    heard = plain(text)
    if not all(map(is_han, name)):
        return _named_en(heard, name, facts)
    # Every rule below needs the surname: most texts hold nobody's, and are spared the patterns.
    if name[0] not in heard and toned(name[0]) not in _toned(heard) and not _spelt(heard, _surname(name)):
        return None if loose(name) not in _loose(heard) else _with_second("name by sound", heard, facts)
    mere_title = re.fullmatch(f"..?(?:{_TITLES_ZH}|先生)", name)  # an enquirer who gave 李女士
    if not mere_title and (how := _full_name(heard, name)):
        return how
    how = "surname with title" if mere_title and _written(heard, name) else _partly(heard, name)
    return _with_second(how, heard, facts) if how else None


def _with_second(how: str, heard: str, facts: Mapping[Fact, Cell]) -> str | None:
    further = next(used(heard, facts), None)
    return f"{how}, and {further}" if further else None


@lru_cache(maxsize=4096)
def _bare(name: str) -> str:
    return re.sub(r"[·•・]", "", plain(name)).strip()


def _surname(name: str) -> str:
    return name[:2] if name[:2] in _DOUBLE_SURNAMES else name[:1]


@lru_cache(maxsize=256)
def _joined(heard: str) -> str:
    """Without what people put between characters."""
    return re.sub(r"(?<=[\u3400-\u9fff])[\s.·•・*_\-]{1,3}(?=[\u3400-\u9fff])", "", heard)


@lru_cache(maxsize=256)
def _toned(heard: str) -> str:
    return toned(_joined(heard))


@lru_cache(maxsize=256)
def _loose(heard: str) -> str:
    return loose(_joined(heard))


@lru_cache(maxsize=4)
def _sounding(titles: str) -> str:
    return toned(titles)


def _spelt(heard: str, surname: str) -> bool:
    return bool(_LETTERS.search(heard)) and any(way in heard for way in surnames(surname))


def _full_name(heard: str, name: str) -> str | None:
    if _written(heard, name):
        return "full name"
    if len(name) < 3:
        return None
    if toned(name) in _toned(heard):
        return "full name by sound"
    return "full name in pinyin" if _in_pinyin(heard, name) else None


def _partly(heard: str, name: str) -> str | None:
    """A use of the name that fits more people than the name does."""
    surname = _surname(name)
    if _titled(_joined(heard), surname, _TITLES_ZH):
        return "surname with title"
    if _titled(_toned(heard), toned(surname), _sounding(_TITLES_ZH)):
        return "surname by sound with title"
    if _spelt(heard, surname) and _titled_latin(heard, surname):
        return "surname in Latin letters with title"
    if len(name) > 2 and _but_one(_joined(heard), name):
        return "name but for one character"
    if loose(name) in _loose(heard):
        return "name by sound"
    return "name in pinyin" if len(name) == 2 and _in_pinyin(heard, name) else None


def _written(heard: str, name: str) -> bool:
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


@lru_cache(maxsize=1)
def _double_sounds() -> frozenset[str]:
    return _DOUBLE_SURNAMES | {toned(double) for double in _DOUBLE_SURNAMES}


def _titled(heard: str, surname: str, titles: str) -> bool:
    if surname not in heard:
        return False
    for found in re.finditer(f"{surname}(?:{titles})", heard):
        if heard[max(0, found.start() - 1) : found.start() + 1] not in _double_sounds():
            return True
    return False


def _titled_latin(heard: str, surname: str) -> bool:
    ways = "|".join(surnames(surname))
    return bool(re.search(rf"\b{_TITLES_EN}\s?(?:{ways})\b|\b(?:{ways})\s?{_TITLES_PINYIN}", heard))


def _in_pinyin(heard: str, name: str) -> bool:
    """The syllables of a name in Latin letters, surname first or last, given name written together or apart."""
    if not _spelt(heard, surname := _surname(name)):
        return False
    ways = [f"(?:{'|'.join(way)})" for way in syllables(name[len(surname) :]) if way]
    if len(ways) != len(name) - len(surname):
        return False
    first, last = r"[\s\-']?".join(ways), "|".join(surnames(surname))
    return bool(re.search(rf"\b(?:{last})[\s,\-]{{0,2}}{first}\b|\b{first}[\s\-]{{1,2}}(?:{last})\b", heard))


def _but_one(heard: str, name: str) -> bool:
    """A name of three characters with another one in place of one of the given name's."""
    if len(name) != 3 or name[0] not in heard:
        return False
    other = "[\u3400-\u9fff]"
    if name[2] in heard and re.search(f"{name[0]}{other}{name[2]}", heard):
        return True
    asked = r"(?=女士|小姐|太太|[您你吗吧，,。！!？?\s]|$)"
    return name[:2] in heard and bool(re.search(f"{name[:2]}(?![您你女小太]){other}{asked}", heard))


def _named_en(heard: str, name: str, facts: Mapping[Fact, Cell]) -> str | None:
    words = re.findall(r"[^\W\d_]+(?:['\-][^\W\d_]+)*", name)
    if not words or not (words[-1] in heard or words[0] in heard or _mistyped(heard, words)):
        return None
    if len(words) > 1 and _full_name_en(heard, words):
        return "full name"
    first, last = re.escape(words[0]), re.escape(words[-1])
    if re.search(rf"\b{_TITLES_EN}\s?{last}\b", heard):
        return _with_second("surname with title", heard, facts)
    if len(words) > 1 and re.search(rf"\b(?:hi|hey|hello|dear)\W{{1,2}}{first}\b|^{first}\s?[,!]", heard):
        return _with_second("first name in a greeting", heard, facts)
    return _with_second("full name mistyped", heard, facts) if _mistyped(heard, words) else None


def _full_name_en(heard: str, words: list[str]) -> bool:
    first, last = re.escape(words[0]), re.escape(words[-1])
    middle = r"(?:[^\W\d_]+\.?\W{1,3})?"
    return bool(re.search(rf"\b{first}\W{{1,3}}{middle}{last}\b|\b{last},\s?{first}\b", heard))


def _mistyped(heard: str, words: list[str]) -> bool:
    """First and last name side by side, each of five letters or more with at most one wrong, missing or swapped."""
    if len(words) < 2 or min(len(words[0]), len(words[-1])) < 5:
        return False
    said = re.findall(r"[^\W\d_]+", heard)
    return any(_one_off(a, words[0]) and _one_off(b, words[-1]) for a, b in pairwise(said))


def _one_off(said: str, meant: str) -> bool:
    if said == meant:
        return True
    if abs(len(said) - len(meant)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(said, meant, strict=False)) if a != b), min(len(said), len(meant)))
    a, b = said[start:], meant[start:]
    return a[1:] == b or b[1:] == a or a[1:] == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
