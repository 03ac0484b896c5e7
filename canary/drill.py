"""A real drill: a text from ourselves to one of our numbers, followed from the provider to the verdicts."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from canary import findings, watch
from canary.errors import CanaryError, OutsideError
from canary.listen import reconcile as logs
from canary.listen.providers.twilio_numbers import TwilioNumbers
from canary.listen.sort import sort_all
from canary.settings import Settings
from canary.store import drills, ledger, permissions
from canary.store.database import Store
from canary.store.drills import Target
from canary.store.e164 import normalise
from canary.web.providers import providers, shop

POLL = 0.5  # seconds
STEPS = ("sent", "stored", "sorted", "judged")


@dataclass
class Drilled:
    """How far a drill came: the number's code, the path the text came by, the kind it was sorted as, and for each
    step reached the seconds since
    the text was sent; `problem` says what broke, "" if nothing did."""

    number: str
    path: str = ""
    kind: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    problem: str = ""


def drill(settings: Settings, store: Store, code: str | None = None, wait: float | None = None) -> Drilled:
    """Send a text from `drill_from`, see it stored, sorted as authorised and not counted by the verdicts; keep and
    alert the outcome. Raises CanaryError when it is not set up, OutsideError when the provider takes no text."""
    sender, rents = _sender(settings), shop(settings)
    if rents is None:
        raise CanaryError("no Twilio account", "set twilio_account_sid and twilio_auth_token")
    with store.writing() as session:
        target = drills.target(session, sender, code)
        if target is None:
            raise CanaryError(f"no number {code or 'rented'} to drill", "see `canary number buy` and `configure`")
        if not permissions.is_allowed(session, sender):  # our own call must never count as evidence
            permissions.allow(session, sender, "drill")
            ledger.append(session, settings.now(), "allow", {"note": "drill"})
        begun = drills.start(session, settings.now(), target.number_id)
    done = Drilled(target.code)
    try:
        _follow(settings, store, rents, target, done, settings.drill_wait_seconds if wait is None else wait)
    except OutsideError:
        done.problem = _broken(done)
        raise
    finally:
        with store.writing() as session:
            drills.finish(session, begun, done.path, done.seconds, done.problem or _unreached(done))
        watch.drilled(settings, store, done.number, done.problem)
    return done


def due(settings: Settings, store: Store) -> bool:
    """Whether the scheduler should drill now: a restart is no reason for a text."""
    with store.reading() as session:
        last = drills.last(session)
    pause = timedelta(seconds=0.9 * settings.drill_every_seconds)
    return last is None or settings.now() - last.at >= pause


def _sender(settings: Settings) -> str:
    found = normalise(settings.drill_from)
    if found is None:
        raise CanaryError("drill_from: no telephone number", "a number of your Twilio account that can send texts")
    return found


def _broken(done: Drilled) -> str:
    # Never the error's own words: they may hold a number, and go into an alert.
    return (
        "the database or the provider failed on the way" if "sent" in done.seconds else "Twilio did not take the text"
    )


def _unreached(done: Drilled) -> str:
    return "" if set(done.seconds) == set(STEPS) else drills.UNFINISHED


def _follow(settings: Settings, store: Store, rents: TwilioNumbers, target: Target, done: Drilled, wait: float) -> None:
    sender, words = _sender(settings), f"canary drill {secrets.token_hex(8)}"
    start = time.monotonic()
    rents.text(sender, target.number, words)
    done.seconds["sent"] = time.monotonic() - start
    found = _awaited(store, sender, target, words, wait)
    if found is None:
        logs.reconcile(store, providers(settings), settings.now(), timedelta(days=settings.reconcile_days))
        found = _awaited(store, sender, target, words, 0)
    if found is None:
        done.problem = f"the text to {target.code} never came, neither by webhook nor in the provider's log"
        return
    contact_id, paths = found
    done.path, done.seconds["stored"] = "webhook" if "webhook" in paths else paths[0], time.monotonic() - start
    sort_all(store)
    with store.reading() as session:
        done.kind, _ = drills.made_of(session, contact_id)
    done.seconds["sorted"] = time.monotonic() - start
    findings.trace(store, settings.now(), settings.terms)
    with store.reading() as session:
        _, counted = drills.made_of(session, contact_id)
    done.seconds["judged"] = time.monotonic() - start
    done.problem = _judged(target.code, paths, done.kind, counted=counted)


def _judged(code: str, paths: list[str], kind: str, *, counted: bool) -> str:
    if kind != "authorised" or counted:
        return f"our own text to {code} was sorted as {kind}" + (" and counted as evidence" if counted else "")
    if not {"webhook", "stream"} & set(paths):
        return f"the text to {code} came by the provider's log alone: webhooks do not reach us"
    return ""


def _awaited(store: Store, sender: str, target: Target, words: str, wait: float) -> tuple[int, list[str]] | None:
    deadline = time.monotonic() + wait
    while True:
        with store.reading() as session:
            found = drills.arrived(session, sender, target.number_id, words)
        if found or time.monotonic() >= deadline:
            return found
        time.sleep(POLL)


def lines(done: Drilled) -> list[Mapping[str, object]]:
    """The steps in order, with seconds, as doors show them."""
    said = {"sent": f"to {done.number}", "stored": f"by {done.path}", "sorted": done.kind, "judged": "not evidence"}
    reached = [(step, done.seconds[step]) for step in STEPS if step in done.seconds]
    shown = [{"step": step, "seconds": round(after, 2), "result": said[step]} for step, after in reached]
    return [*shown, {"step": "chain", "seconds": None, "result": done.problem or "whole"}]
