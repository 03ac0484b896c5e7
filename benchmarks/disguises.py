"""How many sellers hide behind a code, a kind word or odd spelling, and whether honest texts are taken for them: each
voice of the texts we wrote left out of training in turn.

    python benchmarks/disguises.py
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from triage import models
from triage_texts import Sample

from canary.characters import readings, simplified, toneless
from canary.listen.kinds import Kind
from canary.listen.model import Weights
from canary.listen.providers.base import Channel
from canary.listen.triage import Heard, base_kind
from canary.listen.wording import is_han

CODES = (
    ("您的验证码是123456。", "您的验证码是123456，", "【平台】验证码 884213，5分钟内有效，请勿泄露。", "动态码：6631 "),
    ("Your code is 123456. ", "Your verification code is 884213, do not share it. ", "491020 is your code! "),
)
KIND_WORDS = (
    (
        *("妈，我晚点回家，不用等我吃饭。", "你到楼下等我，我拿个快递。"),
        *("姐，昨天的饭钱我转你了，谢谢。", "提醒：周五晚上同学聚会，别迟到。"),
    ),
    ("Don't forget the meeting tomorrow at nine. ", "Hey, I'm running late, see you at eight. "),
)
Way = Callable[[str, random.Random], str]


def chinese(text: str) -> bool:
    return any(map(is_han, text))


def before(openings: tuple[tuple[str, ...], tuple[str, ...]]) -> Way:
    return lambda text, rng: rng.choice(openings[not chinese(text)]) + text


def behind(closings: tuple[tuple[str, ...], tuple[str, ...]]) -> Way:
    def way(text: str, rng: random.Random) -> str:
        end = "" if text[-1] in "。！？.!?" else "。" if chinese(text) else "."
        return f"{text}{end} {rng.choice(closings[not chinese(text)])}"

    return way


def between(marks: str, share: float = 1) -> Way:
    def way(text: str, rng: random.Random) -> str:
        told = ""
        for one, following in pairwise(text + " "):
            told += one + (rng.choice(marks) if is_han(one) and is_han(following) and rng.random() < share else "")
        return told

    return way


def traditional(text: str, rng: random.Random) -> str:
    back = {new: chr(old) for old, new in simplified().items()}
    return "".join(back.get(c, c) for c in text)


def pinyin(tones: bool) -> Way:
    def spelled(c: str) -> str:
        found = readings(c)
        return f"{found[0] if tones else toneless(found[0])} " if found else c

    return lambda text, rng: "".join(map(spelled, text))


DISGUISES: dict[str, Way] = {
    "as it is": lambda text, rng: text,
    "a code before": before(CODES),
    "a code behind": behind(CODES),
    "a kind word before": before(KIND_WORDS),
    "a kind word behind": behind(KIND_WORDS),
    "a code before, a kind word behind": lambda text, rng: behind(KIND_WORDS)(before(CODES)(text, rng), rng),
    "digits between characters": between("0123456789"),
    "digits between half of them": between("0123456789", 0.5),
    "clause marks between characters": between("，。、！%"),
    "letters between characters": between("abxyz"),
    "traditional characters": traditional,
    "pinyin": pinyin(False),
    "pinyin with tones": pinyin(True),
}
ODD_SPELLING = tuple(name for name in DISGUISES if "between" in name or name[:3] in ("tra", "pin"))


def counts() -> Counter[tuple[str, str, bool]]:
    """By disguise and kind, how many texts are called maternal and how many not; sales only if they are undisguised."""
    found: Counter[tuple[str, str, bool]] = Counter()
    for voice, weights in models():
        for sample, name, text in _disguised(voice, weights):
            found[name, sample.kind, _maternal(text, weights)] += 1
    return found


def _disguised(voice: list[Sample], weights: Weights) -> Iterator[tuple[Sample, str, str]]:
    rng = random.Random(5)
    for sample in voice:
        if sample.kind == "maternal" and not _maternal(sample.text, weights):
            continue
        for name, way in DISGUISES.items():
            if chinese(sample.text) or name not in ODD_SPELLING:
                yield sample, name, way(sample.text, rng)
    honest = [sample for sample in voice if sample.kind in ("other", "service")]
    for one, following in pairwise(honest):  # two of one voice in one text: parts are judged, and it has more of them
        yield one, "two texts in one", f"{re.sub('[。.]$', '', one.text)}。 {following.text}"


def _maternal(text: str, weights: Weights) -> bool:
    return base_kind(Heard(Channel.TEXT, text, None, allowed=False), weights).kind is Kind.MATERNAL


def main() -> None:
    found = counts()
    print(f"{'called maternal':36}{'sales':>12}{'personal':>12}{'service':>12}{'other sales':>14}")
    for name in (*DISGUISES, "two texts in one"):
        cells = []
        for kind in ("maternal", "other", "service", "marketing"):
            called, not_called = found[name, kind, True], found[name, kind, False]
            cells.append(f"{called}/{called + not_called}")
        print(f"{name:36}{cells[0]:>12}{cells[1]:>12}{cells[2]:>12}{cells[3]:>14}")


if __name__ == "__main__":
    main()
