"""What callers hear: the documents themselves, bounded in time, calls and cost, never in need of a database."""

import os
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.errors import CanaryError, OutsideError
from canary.listen.providers.base import Channel, RawRequest
from canary.listen.providers.twilio import TwilioProvider
from canary.listen.providers.twilio_voice import LONGEST, SAID, SPEECH, TURNS, WAIT, Script
from canary.listen.voice import HELLO, NOTICE, QUESTIONS, Desk, Greeting, Limits, Way
from canary.store import contacts, greetings, numbers
from canary.store.contacts import Arrived
from canary.store.database import Store
from canary.store.numbers import NewNumber
from canary.store.vault import Vault, new_key

GOLDEN = Path(__file__).parent / "golden"
BASE = "https://canary.example/hooks/twilio"
NOW = datetime(2026, 6, 5, 10, tzinfo=UTC)
OURS, CALLER = "+8612000000001", "+8612000000099"
CASES = {
    "usual.zh": Greeting(),
    "usual.en": Greeting(language="en"),
    "own": Greeting("喂，您好，请讲。", notice=False),
    "plain": Greeting(questions=False),
}


def documents(greeting: Greeting) -> str:
    script = Script(BASE)
    found = [script.begin(greeting), *(script.turn(greeting, n) for n in range(1, TURNS + 1)), script.goodbye(greeting)]
    return "\n".join(each.replace("><", ">\n<") + "\n" for each in [*found, script.refuse()])


@pytest.mark.parametrize("case", CASES)
def test_the_documents_are_the_golden_ones(case: str) -> None:
    path, found = GOLDEN / f"voice.{case}.xml", documents(CASES[case])
    if os.environ.get("CANARY_GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == found


def test_twilio_is_asked_for_words_only_if_wished() -> None:
    assert "<Transcription" not in Script(BASE).begin(Greeting())
    assert "<Transcription" in Script(BASE, transcribe=True).begin(Greeting(questions=False))


@pytest.mark.parametrize("questions", [True, False])
def test_a_call_ends_after_ten_minutes_at_most(questions: bool) -> None:
    """Every document leads on to the next at most once, and the last to the recorder."""
    script, greeting = Script(BASE), Greeting(questions=questions)
    chain = [script.begin(greeting), *((script.turn(greeting, n) for n in range(1, TURNS + 1)) if questions else ())]
    asked = [re.findall(r"/turn-(\d)", each) for each in chain]
    assert asked == ([["1"], ["2"], ["3"], []] if questions else [[]])
    (longest,) = re.findall(r'maxLength="(\d+)"', "".join(chain))
    talk = sum(each.count("<Say") for each in chain) * SAID + sum(map(len, asked)) * (WAIT + SPEECH)
    assert int(longest) + talk <= LONGEST
    assert all(each.count("<Hangup") == each.count("<Record ") for each in chain)


def test_the_usual_words_name_nobody_claim_nothing_and_tell_of_the_recording() -> None:
    said = " ".join([*HELLO.values(), *NOTICE.values(), *(q for each in QUESTIONS.values() for q in each)]).lower()
    claims = (
        "我是",
        "本人",
        "i am",
        "i'm",
        " my ",
        "怀孕",
        "宝宝",
        "baby",
        "买",
        "buy",
        "订",
        "order",
        "退订",
        "unsubscribe",
    )
    assert not [claim for claim in claims if claim in said]
    assert all(NOTICE[language] in Greeting(language=language).said() for language in NOTICE)


@pytest.mark.parametrize("text", ["x" * 301, "a\nb", "a\0b", "\ud800", "<\x08"])
def test_a_greeting_that_no_document_can_hold_is_refused(text: str) -> None:
    with pytest.raises(CanaryError, match="plain text"):
        Greeting(text)


def test_markup_in_a_greeting_is_words() -> None:
    assert "<Dial" not in Script(BASE).begin(Greeting("</Say><Dial>+44</Dial>"))


# --- limits -----------------------------------------------------------------------------------------


def desk(limits: Limits = Limits(2, 5), **options: object) -> Desk:  # noqa: B008 - frozen
    return Desk(lambda number: f"mark of {number}", limits, **options)


def test_of_one_caller_only_so_many_calls_a_day_are_answered() -> None:
    door = desk()
    ways = [door.way(f"CA{n}", CALLER, NOW) for n in range(4)]
    assert ways == [Way.ANSWER, Way.ANSWER, Way.GOODBYE, Way.GOODBYE]
    assert door.way("CA1", CALLER, NOW) is Way.ANSWER, "the same call asked for again"
    assert door.way("CA9", "+8612000000098", NOW) is Way.ANSWER
    assert door.way("CA9", CALLER, NOW + timedelta(days=1)) is Way.ANSWER


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), max_size=60))
def test_never_more_calls_a_day_are_answered_than_the_limit(calls: list[tuple[int, int]]) -> None:
    door = desk()
    named = [(f"CA{sid}.{caller}", str(caller)) for sid, caller in calls]
    answered = {(sid, caller) for sid, caller in named if door.way(sid, caller, NOW) is Way.ANSWER}
    assert len(answered) <= 5
    assert all(sum(str(caller) == c for _, c in answered) <= 2 for caller in range(10))


def test_what_other_processes_answered_counts_and_a_registry_that_is_away_changes_nothing(tmp_path: Path) -> None:
    with closing(Store(f"sqlite:///{tmp_path / 'r.sqlite3'}", Vault(new_key()))) as store:
        store.migrate()
        with store.writing() as session:
            (held,) = numbers.import_numbers(session, NOW, [NewNumber(OURS, "twilio", Decimal(1))])
            greetings.keep(
                session, NOW, held, {"text": "喂，请讲。", "language": "zh", "notice": True, "questions": False}
            )
            calls = [Arrived("twilio", f"CA{n}", "contact", "call", OURS, CALLER, "", None, {}) for n in range(4)]
            contacts.record_all(session, [(NOW, call) for call in calls])
        door = Desk(store.vault.fingerprint, Limits(2, 50))
        door.refresh(store, NOW)
        assert door.way("CA7", CALLER, NOW) is Way.GOODBYE
        assert door.greeting(OURS) == Greeting("喂，请讲。", questions=False)
        with store.writing() as session:
            greetings.keep(session, NOW, held, None)
        door.refresh(store, NOW)
        assert door.greeting(OURS) == Greeting()
    gone = Store(f"sqlite:///{tmp_path / 'nowhere' / 'r.sqlite3'}", Vault(new_key()))
    with pytest.raises(OutsideError):
        door.refresh(gone, NOW)
    assert door.way("CA8", CALLER, NOW) is Way.GOODBYE


# --- through the provider ---------------------------------------------------------------------------


def asked(to: str = OURS, sid: str = "CA1", **extra: str) -> RawRequest:
    form = {"CallSid": sid, "From": CALLER, "To": to, "Direction": "inbound", "CallStatus": "ringing", **extra}
    return RawRequest(BASE, {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode(), NOW)


def test_each_number_answers_in_its_own_words_and_who_calls_too_often_is_told_goodbye_then_refused() -> None:
    own = {f"mark of {OURS}": Greeting("喂，请讲。")}
    provider = TwilioProvider("token", BASE, desk=desk(Limits(1, 2), own=own))
    answers = [provider.answer("voice", asked(sid=sid)).body for sid in ("CA1", "CA2")]
    assert "喂，请讲。" in answers[0] and "再见" in answers[1] and "<Record" not in answers[1]
    other = replace(
        asked(to="+12025550123", sid="CA3"), body=asked(to="+12025550123", sid="CA3").body.replace(b"99", b"98")
    )
    assert HELLO["zh"] in provider.answer("voice", other).body
    assert "<Reject" in provider.answer("voice", asked(sid="CA4", To="+12025550124")).body
    assert "Gather" in provider.answer("turn-1", asked(sid="CA4")).body


@pytest.mark.parametrize("body", [b"", b"\xff\0", b"{", b"To=&From=&CallSid="])
def test_whatever_comes_is_answered(body: bytes) -> None:
    provider = TwilioProvider("token", BASE, desk=desk())
    for kind in ("application/json", "x"):
        assert "<Response>" in provider.answer("voice", RawRequest(BASE, {"content-type": kind}, body, NOW)).body


def test_what_was_said_to_a_question_is_kept_with_the_call() -> None:
    provider = TwilioProvider("token", BASE)
    contact, said = provider.parse("turn-2", asked(SpeechResult="我们是月子中心", Confidence="0.9"))
    assert (contact.part, contact.channel, contact.sender) == ("contact", Channel.CALL, CALLER)
    assert (said.part, said.text, said.details["Confidence"]) == ("speech:2", "我们是月子中心", "0.9")
    assert [event.part for event in provider.parse("turn-2", asked(SpeechResult=" "))] == ["contact"]
