"""When a mother is worth a call: silence tells little before her season has come, and nothing after it.

The staged marketing of 2008 (CASES 1): antenatal classes from the third month on, keepsakes at birth, photographs
at a hundred days. Only power and the posterior rest on it; the score counts silence once, when a window closes.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

OPENS = timedelta(days=180)  # before the due date
CLOSES = timedelta(days=120)  # after it
LEAST = timedelta(days=60)  # whoever is at the end of her season when the copy leaves is hardly called any more


def elapsed(due: date | None, start: datetime, now: datetime, end: datetime) -> float:
    """The share (0 to 1) of one woman's calls to be expected by `now`, from a copy handed over at `start`.

    Calls come evenly over her season; without a due date, evenly over the window from `start` to `end`.
    """
    if due is None:
        return min(1.0, max(0.0, (now - start) / (end - start)))
    noon = datetime.combine(due, time(12), tzinfo=UTC)
    opens, closes = max(start, noon - OPENS), noon + CLOSES
    passed = max(timedelta(), min(now, closes) - opens)
    return passed / max(LEAST, closes - opens)


def window(dues: Iterable[date], start: datetime, least: timedelta) -> timedelta:
    """How long a copy is listened for: `least`, or until the last woman's season is over."""
    last = max(dues, default=None)
    if last is None:
        return least
    return max(least, timedelta(days=(last + CLOSES - start.date()).days))
