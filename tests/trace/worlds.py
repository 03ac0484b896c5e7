"""Small releases built by hand for the tests of the arithmetic."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from canary.trace.evidence import Hit, Mark, Outcome, Release

START = datetime(2026, 6, 5, tzinfo=UTC)
WINDOW = timedelta(days=180)


def day(number: int) -> datetime:
    """The moment `number` days after the hand-over."""
    return START + timedelta(days=number)


def release(
    copy: str,
    planted: Collection[str],
    controls: Collection[str],
    heard: Mapping[str, tuple[int, Outcome]] | None = None,
    sources: tuple[str, ...] = (),
    carried: Collection[str] = (),
    names: Mapping[str, frozenset[str]] | None = None,
) -> Release:
    """A release whose numbers rang on the days that `heard` gives, all in one block; a named call uses the
    number's own persona unless `names` says whose."""
    heard, names = heard or {}, names or {}

    def mark(number: str, is_planted: bool) -> Mark:
        rang = heard.get(number)
        contact = sum(number.encode())
        own = frozenset({number}) if rang and rang[1] is Outcome.NAMED else frozenset()
        hits = (Hit(day(rang[0]), rang[1], contact, names.get(number, own)),) if rang else ()
        return Mark(number, "block", is_planted, hits)

    marks = [*(mark(n, True) for n in planted), *(mark(n, False) for n in controls)]
    inherited = tuple(mark(n, True) for n in carried)
    return Release(copy, f"{copy}-holder", START, START + WINDOW, tuple(marks), sources, inherited)
