"""`canary init`, `doctor`, `status`: from nothing to a working registry, and whether it is well."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import click
from sqlalchemy.orm import Session

from canary import watch
from canary.cli.output import format_option, remark, show_list, show_one
from canary.errors import CanaryError
from canary.listen import phones
from canary.prove.chain import first_break
from canary.schedule import LEASE
from canary.settings import Settings, load
from canary.store import deliveries, drills, incidents, leases, ledger, numbers, outbox, placements, registry, views
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from canary.web.providers import phone_limits, providers, transcriber


@click.command()
def init() -> None:
    """Make the key (if there is none) and the tables; safe to run again, also to migrate."""
    settings = load()
    settings.folder.mkdir(parents=True, exist_ok=True)
    made = make_key(settings)
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    store.check()
    with store.writing() as session:
        if not any(True for _ in ledger.entries(session, "init")):
            ledger.append(session, settings.now(), "init", {"clock": "system"})
    if made:
        remark(f"made {settings.key_file.name}: keep a copy in a safe. Without it nothing can be read again.")
    click.echo(f"registry ready: {store.engine.url.render_as_string()}")
    remark("next: canary recipient add, canary number import, canary copy add, canary seed (docs/operators.md)")


def make_key(settings: Settings) -> bool:
    """Write a new key beside the config unless one is given or there; says whether it did."""
    if settings.key.get_secret_value() or settings.key_file.exists():
        return False
    handle = os.open(settings.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(new_key() + "\n")
    return True


@click.command()
@format_option
def status(style: str) -> None:
    """How many recipients, copies, numbers by state, contacts by kind."""
    settings = load()
    store = settings.store()
    with store.reading() as session:
        heard: dict[str, int] = {}
        for row in views.sorted_contacts(session, settings.now()):
            heard[row.kind] = heard.get(row.kind, 0) + 1
        line = {
            "recipients": len(registry.recipients(session)),
            "copies": len(registry.copies(session)),
            "seeded copies": len(views.placements(session)),
            **{f"numbers {state}": count for state, count in sorted(numbers.counts(session).items())},
            **{f"contacts {kind}": count for kind, count in sorted(heard.items())},
            "deliveries in quarantine": deliveries.quarantined(session),
            "ledger head": ledger.head(session)[:16],
        }
    show_one("status", line, style)


@click.command()
@format_option
def doctor(style: str) -> None:
    """Check key, database, ledger, public URL, provider and pool. Exit 1 if something needs care."""
    found = [{"check": name, "result": result, "hint": hint} for name, result, hint in _checks()]
    show_list("doctor", found, style)
    if any(line["result"] != "ok" for line in found):
        raise SystemExit(1)


def _checks() -> Iterator[tuple[str, str, str]]:
    settings = load()
    try:
        store = settings.store()
    except CanaryError as error:
        yield "registry", error.message, error.hint
        return
    yield "registry", "ok", ""
    yield from _setting_checks(settings, store)
    with store.reading() as session:
        broken = first_break(ledger.entries(session))
        yield (
            "ledger",
            "ok" if broken is None else f"broken at entry {broken}",
            "restore from backup" if broken else "",
        )
        half = [p.copy.slug for p in placements.unsealed(session)]
        drawn = f"unfinished: {', '.join(half)}"
        hint = "if the file (a database: its rows) is there: `canary copy seal SLUG FILE|URL`"
        hint += "; else `canary copy void SLUG` and seed again"
        yield "draws", drawn if half else "ok", hint if half else ""
        ready = numbers.counts(session).get("ready", 0)
        enough = ready >= settings.canaries_per_copy
        yield from _quiet(settings, store)
        yield from _scheduled(leases.until(session, LEASE))
        yield from _alerting(settings, session)
        yield from _rented(settings, session)
        yield from _drilled(settings, session)
        waiting = len(settings.spool().waiting())
        hint = "`canary job run deliveries`; what stays is sealed with a key that is not in force" if waiting else ""
        yield "spool", f"{waiting} deliveries wait" if waiting else "ok", hint
        yield "pool", "ok" if enough else f"{ready} numbers ready", "" if enough else "canary number import"


def _quiet(settings: Settings, store: Store) -> Iterator[tuple[str, str, str]]:
    silent = {sign.key: sign.title for sign in watch.quiet(settings, store)}
    with store.reading() as session:
        last = deliveries.last_heard(session)
    for name in sorted(last.keys() & providers(settings).keys()):
        days = (settings.now() - last[name]).days
        hint = "ring one of its numbers: nothing may reach us any more" if name in silent else ""
        yield f"heard of {name}", f"nothing for {days} days" if name in silent else "ok", hint


def _scheduled(until: datetime | None) -> Iterator[tuple[str, str, str]]:
    # Against the machine's clock, as the lease is kept, also where a simulated registry has its own.
    if until is None:
        return
    if until < datetime.now(UTC):
        yield "scheduler", f"not running since {until:%Y-%m-%d %H:%M}", "`canary schedule`"
    else:
        yield "scheduler", "ok", ""


def _alerting(settings: Settings, session: Session) -> Iterator[tuple[str, str, str]]:
    try:
        ways = watch.channels(settings)
    except CanaryError as error:
        yield "alerts", error.message, error.hint
        return
    if ways:
        stuck = [f"{count} wait for {name}: {error}" for name, (count, error) in outbox.stuck(session).items()]
        yield "alerts", "; ".join(stuck) or "ok", "`canary alert test`" if stuck else f"by {', '.join(ways)}"


def _rented(settings: Settings, session: Session) -> Iterator[tuple[str, str, str]]:
    if settings.twilio_account_sid:
        wrong = [i.title for i in incidents.incidents(session) if i.scope == "drift"]
        yield "numbers at Twilio", "; ".join(wrong) or "ok", "`canary number health`" if wrong else ""


def _drilled(settings: Settings, session: Session) -> Iterator[tuple[str, str, str]]:
    if not settings.drill_from:
        return
    last = drills.last(session)
    late = timedelta(seconds=3 * settings.drill_every_seconds)
    if last is None:
        yield "drill", "never run", "`canary drill`"
    elif last.problem:
        yield "drill", f"{last.at:%Y-%m-%d %H:%M}: {last.problem}", "`canary drill` again"
    elif settings.now() - last.at > late:
        yield "drill", f"the last was on {last.at:%Y-%m-%d}", "is the scheduler running?"
    else:
        yield "drill", "ok", f"{last.at:%Y-%m-%d %H:%M}, heard after {last.stored or 0:.1f} s by {last.path}"


def _setting_checks(settings: Settings, store: Store) -> Iterator[tuple[str, str, str]]:
    https = urlsplit(settings.public_url).scheme == "https"
    yield (
        "public_url",
        "ok" if https else f"{settings.public_url or 'not set'}: not https",
        "" if https else "set it",
    )
    yield from _transcribing(settings)
    known = providers(settings)
    told = phones.known(store, known, settings.now(), phone_limits(settings))
    for name, provider in known.items():
        here = told.get(name, [])
        wrong = "; ".join(provider.health(here))
        well = f"phones heard of: {len(here)}" if here else ""
        yield name, wrong or "ok", "see docs/operators.md" if wrong else well


def _transcribing(settings: Settings) -> Iterator[tuple[str, str, str]]:
    try:
        if transcriber(settings):
            yield "transcriber", "ok", settings.transcriber
    except CanaryError as error:
        yield "transcriber", error.message, error.hint


COMMANDS = (init, status, doctor)
