"""What a caller hears: a greeting for each number, and how often anybody is answered. Needs no database to answer."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from threading import Lock

from canary.errors import CanaryError
from canary.store import contacts, greetings
from canary.store.database import Store
from canary.store.e164 import normalise

LONGEST_TEXT = 300
LANGUAGES = ("zh", "en")
HELLO = {
    "zh": "您好，现在不方便接听电话，有事请讲。",
    "en": "Hello. Nobody can come to the phone right now. Please say what it is about.",
}
NOTICE = {"zh": "通话会被录音。", "en": "This call is being recorded."}
QUESTIONS = {
    "zh": ("请问您是哪里？", "请问怎么有我的号码的？", "请问怎么称呼，怎么联系您？"),
    "en": ("Where are you calling from, please?", "How did you get this number?", "Who can be called back, and where?"),
}
BUSY = {"zh": "您好，现在不方便接听，再见。", "en": "Sorry, not now. Goodbye."}


@dataclass(frozen=True)
class Greeting:
    """How a number answers. `text` is said first; it is neutral, an answering machine's, and claims to be nobody. Then
    the `notice` that the call is recorded, unless counsel says otherwise; then `questions`, each once."""

    text: str = ""
    language: str = "zh"
    notice: bool = True
    questions: bool = True

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise CanaryError(f"no language {self.language!r}", f"one of {', '.join(LANGUAGES)}")
        if len(self.text) > LONGEST_TEXT or not self.text.isprintable():
            raise CanaryError("the greeting is too long, or not plain text", f"at most {LONGEST_TEXT} characters")

    def said(self) -> str:
        """The greeting with its notice."""
        return (self.text or HELLO[self.language]) + (NOTICE[self.language] if self.notice else "")


class Way(StrEnum):
    """What is done with a call: answered, turned away with a word, or refused unanswered, which costs nothing."""

    ANSWER = "answer"
    GOODBYE = "goodbye"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Limits:
    """How many calls a day are answered: of one caller, and of all (each lasts ten minutes at most, so this bounds the
    cost)."""

    of_caller: int = 5
    of_all: int = 200


@dataclass
class Desk:
    """Greetings by number and today's calls by caller, as this process knows them: `refresh` adds what the registry
    knows, and what it cannot read then stays as it was."""

    fingerprint: Callable[[str], str]
    limits: Limits = Limits()
    usual: Greeting = Greeting()
    own: Mapping[str, Greeting] = field(default_factory=dict)
    _day: date | None = None
    _calls: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _known: Mapping[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def greeting(self, number: str) -> Greeting:
        """How a number of ours answers."""
        return self.own.get(self.fingerprint(normalise(number) or number), self.usual)

    def way(self, sid: str, caller: str, at: datetime) -> Way:
        """What to do with a call, counting it; the same call asked for again is the same call."""
        mark = self.fingerprint(normalise(caller) or caller)
        with self._lock:
            if self._day != at.date():
                self._day, self._known = at.date(), {}
                self._calls.clear()
            mine = self._calls[mark]
            if sid in mine:
                return Way.ANSWER
            if max(sum(map(len, self._calls.values())), sum(self._known.values())) >= self.limits.of_all:
                return Way.REFUSE
            if max(len(mine), self._known.get(mark, 0) - 1) >= self.limits.of_caller:
                return Way.GOODBYE  # the call itself stands in the registry already, or will soon
            mine.add(sid)
            return Way.ANSWER

    def refresh(self, store: Store, now: datetime) -> None:
        """Read greetings and today's calls. Raises OutsideError while the registry is away."""
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with store.reading() as session:
            kept = greetings.kept(session)
            known = contacts.calls_since(session, start)
        own = {}
        for number, said in kept.items():
            with suppress(CanaryError, TypeError):
                own[number] = Greeting(**said)
        with self._lock:
            self.own = own
            self._known = known if self._day in (None, now.date()) else {}
            self._day = self._day or now.date()
