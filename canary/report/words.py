"""The report's words in each language, and how that language writes numbers, odds and dates."""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from importlib import resources

from canary.errors import CanaryError

LANGUAGES = ("en", "zh")
SCALE = "scale"  # powers of ten that have a name; the only table that differs between languages
_SURE = re.compile(r" \d\.\d\d$")  # how probable the model finds it
BEYOND = 15  # odds past 10^15 are a statement about the model, not about the world


class Words:
    """Looks up words of one language; numbers are rounded so that what is printed stays true."""

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise CanaryError(f"No report words for language {lang!r}", f"choose one of {', '.join(LANGUAGES)}")
        self.lang = lang
        table = tomllib.loads(resources.files("canary.report").joinpath(f"words/{lang}.toml").read_text("utf-8"))
        self._scale = sorted(((int(power), str(word)) for power, word in table.pop(SCALE).items()), reverse=True)
        self._words = dict(_flatten(table))

    def templates(self) -> Mapping[str, str]:
        """Every key with its template."""
        return self._words

    def t(self, key: str, **args: object) -> str:
        """The text for `key`; when `n` is 1 the form `key_one` is preferred."""
        one = f"{key}_one"
        template = self._words[one if args.get("n") == 1 and one in self._words else key]
        shown = {name: self.count(value) if type(value) is int else value for name, value in args.items()}
        return template.format(**shown)

    def name(self, group: str, raw: str) -> str:
        """The word for a code such as a channel or a kind; an unknown code stands for itself."""
        return self._words.get(f"{group}.{raw.replace(' ', '_')}", raw)

    def reason(self, told: str) -> str:
        """Why a contact is of its kind (see `canary.listen.triage`, `naming`); what is quoted of it stays as it is."""
        rule, _, phrase = told.partition(": ")
        rule, sure = (rule[:-5], rule[-4:]) if _SURE.search(rule) else (rule, "")
        how, _, further = rule.partition(", and ")
        said = self.name("reason", how)
        said = self.t("reasoned.both", how=said, further=self.name("reason", further)) if further else said
        said = self.t("reasoned.sure", rule=said, p=sure) if sure else said
        return self.t("reasoned.quoted", rule=said, phrase=phrase) if phrase else said

    def join(self, items: list[str]) -> str:
        """A list inside a sentence."""
        return self._words["format.comma"].join(items)

    def count(self, n: int) -> str:
        """A whole number with separators."""
        return f"{n:,}"

    def how_many(self, n: int) -> str:
        """A count inside a sentence, where nought has a word of its own."""
        return self.t("format.many", x=n) if n else self.t("format.zero")

    def percent(self, share: float, *, exact: bool = False) -> str:
        """A share in per cent; 0 and 100 appear only when `exact` and exactly true."""
        if exact and share in (0.0, 1.0):
            return self.t("format.percent", x=f"{share * 100:.0f}")
        if share < 0.001:
            return self.t("format.percent", x="<0.1")
        if share > 0.999:
            return self.t("format.percent", x=">99.9")
        digits = 0 if 0.1 <= share <= 0.9 else 1
        return self.t("format.percent", x=f"{share * 100:.{digits}f}")

    def percent_up(self, share: float) -> str:
        """A share rounded up to whole per cent, for "this much or more"."""
        return self.t("format.percent", x=str(math.ceil(round(share * 100, 6))))

    def one_in(self, log_n: float) -> str:
        """The chance 1/e^log_n as "1 in 2.3 million", n rounded down so that "at most" stays true."""
        if log_n <= 0:
            return self.t("format.no_odds")
        if log_n >= BEYOND * math.log(10):
            return self.t("format.beyond", n=self._large(10.0**BEYOND))
        return self.t("format.one_in", n=self._large(math.exp(log_n) * (1 + 1e-9)))

    def day(self, day: date) -> str:
        """A calendar day as this language writes it."""
        return self._words["format.day"].format(y=day.year, m=day.month, d=day.day)

    def moment(self, at: datetime) -> str:
        """A day and a minute, with the zone when it is known."""
        return f"{self.day(at)} {clock(at)}"

    def _large(self, n: float) -> str:
        for power, word in self._scale:
            if n >= 10.0**power:
                return word.format(x=_few_digits_down(n / 10.0**power))
        return _few_digits_down(n)


def clock(at: datetime) -> str:
    """Hours and minutes, with the zone when it is known."""
    return f"{at:%H:%M} {at.tzname() or ''}".rstrip()


def stamp(at: datetime) -> str:
    """A moment in a table, the same in every language."""
    return f"{at:%Y-%m-%d} {clock(at)}"


def _few_digits_down(x: float) -> str:
    """Two digits below a hundred, three above, never rounded up."""
    if x < 10:
        return f"{math.floor(x * 10) / 10:g}"
    unit = 10 ** max(0, math.floor(math.log10(x)) - 2)
    return f"{math.floor(x / unit) * unit:,}"


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)
