"""The scheduler process: every job by name, a lease so that only one process runs them."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from canary import drill as drills
from canary import findings, watch
from canary.errors import CanaryError
from canary.listen import lines, phones
from canary.listen import reconcile as logs
from canary.listen.alerts.drain import drain
from canary.listen.media import collect
from canary.listen.transcribe import transcribe
from canary.report.renderers import render
from canary.settings import Settings
from canary.store import leases, numbers
from canary.store.database import Store
from canary.web.app import intake
from canary.web.providers import account, media_terms, providers, transcriber

LEASE = "scheduler"
RETRY_SECONDS = 60.0


def deliveries(settings: Settings, store: Store) -> str:
    """Fetch deliveries from the spool, and judge those that a dying server kept but did not finish."""
    listening = intake(settings, store)
    return f"{listening.drain()} deliveries out of the spool, {listening.resume()} taken up again"


def reconcile(settings: Settings, store: Store) -> str:
    """Read the providers' own logs: add contacts that never reached us, confirm or refute quarantined requests."""
    back = timedelta(days=settings.reconcile_days)
    found = logs.reconcile(store, providers(settings), settings.now(), back)
    watch.unread(settings, store, found)
    told = (
        f"{r.provider}: {r.read} read, {r.added} added, {r.confirmed} confirmed, {r.refuted} refuted" for r in found
    )
    problems = (f"{r.provider} failed: {r.problem}" for r in found if r.problem)
    return "; ".join([*told, *problems]) or "no provider with a log"


def media(settings: Settings, store: Store) -> str:
    """Download pictures and recordings of contacts, keep them encrypted, and turn speech into words if so wished."""
    found = collect(store, providers(settings), settings.now(), media_terms(settings))
    told = (f"{r.provider}: {r.kept} kept, {r.lost} lost, {r.left} left, {r.discarded} deleted there" for r in found)
    problems = (f"{r.provider}: {r.problem}" for r in found if r.problem)
    said = []
    if hears := transcriber(settings):
        said = [f"{transcribe(store, hears, settings.now())} transcribed"]
    return "; ".join([*told, *problems, *said]) or "no provider that keeps any"


def ask_phones(settings: Settings, store: Store) -> str:
    """Ask the phones that can be asked how they are: seen when, battery, SIMs."""
    answered = phones.ask(store, providers(settings), settings.now())
    return f"{answered} phones told how they are"


def verdicts(settings: Settings, store: Store) -> str:
    """Triage what came in, recompute the verdicts, enter changes in the ledger."""
    now = settings.now()
    found = findings.trace(store, now, settings.terms)
    changed = findings.record(store, now, found)
    said = [f"{len(found.verdicts)} copies judged", "verdicts changed" if changed.any else "nothing new"]
    return ", ".join([*said, *(f"taken back: {what}" for what in changed.taken_back)])


def pool(settings: Settings, store: Store) -> str:
    """Move numbers on: quarantine that is over, planted numbers that rang."""
    now = settings.now()
    with store.writing() as session:
        split = numbers.end_quarantine(session, now, settings.control_share)
        burned = numbers.burn(session, now)
    return f"{split} numbers left quarantine, {burned} burned"


def digest(settings: Settings, store: Store) -> str:
    """Write the day's digest: the findings as text, one file a day."""
    now = settings.now()
    found = findings.trace(store, now, settings.terms)
    folder = settings.folder / settings.digest_folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}.txt"
    path.write_text(render("text", findings.report_view(store, found, now), "en"), encoding="utf-8")
    return f"wrote {path.name}"


def drift(settings: Settings, store: Store) -> str:
    """Compare the numbers at Twilio with ours: addresses changed in the console, numbers given up, numbers unheld."""
    ours = account(settings)
    if ours is None:
        return "no account to compare with"
    found = lines.compare(store, ours)
    watch.drifted(settings, store, found)
    said = [f"{code} {' '.join(wrong)}" for code, wrong in found.wrong.items()]
    return "; ".join([*said, *(f"{sid} held by nobody" for sid in found.strays)]) or "all numbers as they should be"


def alerts(settings: Settings, store: Store) -> str:
    """Raise the alerts that are due, send what waits in the outbox, and tell the outside that we live."""
    raised = watch.look(settings, store)
    sent, failed = drain(store, watch.channels(settings), settings.now)
    said = [f"{raised} alerts raised, {sent} sent, {failed} tries failed", watch.beat(settings)]
    return "; ".join(filter(None, said))


def drill(settings: Settings, store: Store) -> str:
    """Text one of our own numbers and follow it to the verdicts, if the last drill was long ago."""
    if not settings.drill_from:
        return "no drill_from: nothing proves that the chain is whole"
    if not drills.due(settings, store):
        return "not due yet"
    done = drills.drill(settings, store)
    return done.problem or f"{done.number} is heard, {done.seconds['stored']:.1f} s by {done.path}"


JOBS: Mapping[str, Callable[[Settings, Store], str]] = {
    "deliveries": deliveries,
    "reconcile": reconcile,
    "media": media,
    "verdicts": verdicts,
    "numbers": pool,
    "digest": digest,
    "drift": drift,
    "phones": ask_phones,
    "alerts": alerts,
    "drill": drill,
}


def run_job(settings: Settings, store: Store, name: str) -> str:
    """Run one job now; says in a sentence what it did. Raises CanaryError on an unknown name."""
    if name not in JOBS:
        raise CanaryError(f"no job {name!r}", f"jobs: {', '.join(JOBS)}")
    return JOBS[name](settings, store)


def run_forever(settings: Settings, say: Callable[[str], None]) -> None:
    """Run all jobs at their intervals until SIGTERM or SIGINT, while this process holds the lease."""
    store = settings.store()
    holder = f"{socket.gethostname()}:{os.getpid()}"
    every = {name: float(getattr(settings, f"{name}_every_seconds")) for name in JOBS}
    threads = ThreadPoolExecutor()
    scheduler = BackgroundScheduler(executors={"default": threads}, timezone="UTC")
    turn = _Turn(store, holder, settings.lease_seconds, lambda: _all_now(scheduler, every))
    soon = datetime.now(UTC) + timedelta(seconds=1)
    # Late is better than never: by default a run that begins a second late, on a busy machine, is left out.
    how: dict[str, Any] = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None, "next_run_time": soon}
    for name, seconds in every.items():
        again = _again(scheduler, name, seconds)
        scheduler.add_job(_job(settings, store, name, turn, (say, again)), "interval", seconds=seconds, id=name, **how)
    renew = _quietly("lease", turn.mine, say, lambda: None)
    how["next_run_time"] = datetime.now(UTC)
    scheduler.add_job(renew, "interval", seconds=settings.lease_seconds / 4, id="lease", **how)
    asked = SimpleQueue[int]()  # unlike an Event it may be told by a signal at any moment
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda signum, frame: asked.put(signum))
    scheduler.start()
    say(f"scheduler {holder} runs {', '.join(every)}")
    asked.get()
    scheduler.shutdown(wait=False)  # it would wait with a lock in its hand that a job which fails meanwhile needs
    threads.shutdown(wait=True)
    with store.writing() as session:
        leases.give_back(session, LEASE, holder, datetime.now(UTC))


class _Turn:
    """Whether it is our turn to run jobs; `taken` is called whenever it becomes ours. It is renewed four times in
    `seconds` and runs out after three of the four, so that a holder that was killed is replaced within `seconds`."""

    def __init__(self, store: Store, holder: str, seconds: float, taken: Callable[[], None]) -> None:
        self._store, self._holder, self._taken = store, holder, taken
        self._lasting = timedelta(seconds=seconds * 3 / 4)
        self._held, self._mutex = False, threading.Lock()

    def mine(self) -> bool:
        """Take or renew the lease."""
        with self._store.writing() as session:
            mine = leases.acquire(session, LEASE, self._holder, datetime.now(UTC), self._lasting)
        with self._mutex:
            new, self._held = mine and not self._held, mine
        if new:
            self._taken()
        return mine


def _all_now(scheduler: BackgroundScheduler, names: Iterable[str]) -> None:
    # What the last holder left undone: its digest was due in a minute, and ours would be in a day.
    for name in names:
        _next(scheduler, name, timedelta(0))


def _again(scheduler: BackgroundScheduler, name: str, seconds: float) -> Callable[[], None]:
    """Has a job that failed run again sooner than its interval."""

    return lambda: _next(scheduler, name, timedelta(seconds=min(seconds, RETRY_SECONDS)))


def _next(scheduler: BackgroundScheduler, name: str, after: timedelta) -> None:
    with suppress(JobLookupError):  # the scheduler is ending
        scheduler.modify_job(name, next_run_time=datetime.now(UTC) + after)


def _job(
    settings: Settings, store: Store, name: str, turn: _Turn, told: tuple[Callable[[str], None], Callable[[], None]]
) -> Callable[[], None]:
    say, again = told

    def job() -> None:
        if turn.mine():
            say(f"{name}: {run_job(settings, store, name)}")

    return _quietly(name, job, say, again)


def _quietly(
    name: str, run: Callable[[], object], say: Callable[[str], None], again: Callable[[], None]
) -> Callable[[], None]:
    """As `run`; a scheduler that dies of one bad minute would be noticed too late."""

    def quietly() -> None:
        try:
            run()
        except (CanaryError, OSError) as error:
            say(f"{name}: {error}")
            again()

    return quietly
