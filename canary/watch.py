"""What is worth an alert: senders, verdicts, providers that fall silent, phones unwell, a spool that does not drain,
drift, drills."""

import time
from collections.abc import Iterator
from datetime import timedelta

from canary.errors import CanaryError, OutsideError
from canary.listen import phones
from canary.listen.alerts.base import Channel, Severity, post, secure
from canary.listen.alerts.chat import Slack, Teams
from canary.listen.alerts.mail import Mail
from canary.listen.alerts.senders import senders
from canary.listen.alerts.syslog import Syslog
from canary.listen.alerts.webhook import Webhook
from canary.listen.lines import Compared
from canary.listen.reconcile import Reconciled
from canary.listen.sort import sort_all
from canary.settings import Settings
from canary.store import deliveries, incidents, ledger
from canary.store.database import Store
from canary.store.incidents import Sign
from canary.web.providers import phone_limits, providers


def channels(settings: Settings) -> dict[str, Channel]:
    """The ways out that the settings name. Raises CanaryError on one that is half set up."""
    found: list[Channel] = []
    if url := settings.alert_email_url.get_secret_value():
        to = tuple(part.strip() for part in settings.alert_email_to.split(",") if part.strip())
        found.append(Mail(url, settings.alert_email_from, to))
    if url := settings.alert_slack_url.get_secret_value():
        found.append(Slack(secure("alert_slack_url", url)))
    if url := settings.alert_teams_url.get_secret_value():
        found.append(Teams(secure("alert_teams_url", url)))
    if url := settings.alert_webhook_url.get_secret_value():
        found.append(Webhook(secure("alert_webhook_url", url), _signing(settings)))
    if settings.alert_syslog:
        found.append(Syslog(settings.alert_syslog))
    return {channel.name: channel for channel in found}


def _signing(settings: Settings) -> str:
    if secret := settings.alert_webhook_secret.get_secret_value():
        return secret
    raise CanaryError("alert_webhook_url: no alert_webhook_secret", "whoever gets them must be able to check them")


def beat(settings: Settings) -> str:
    """Tell the outside that we live, if it wants to know; says what went wrong, "" if nothing did."""
    try:
        if url := settings.heartbeat_url.get_secret_value():
            post("heartbeat", secure("heartbeat_url", url))
    except OutsideError as error:
        return error.message
    return ""


def look(settings: Settings, store: Store) -> int:
    """Raise the alerts that are due; returns how many that made a channel. Safe to run twice, by anyone."""
    sort_all(store)
    now, names = settings.now(), tuple(channels(settings))
    said = senders(store, now, timedelta(hours=settings.alert_again_hours), names)
    found = {"verdict": _verdicts(store), "quiet": quiet(settings, store), "spool": _spool(settings)}
    found["phone"] = _phones(settings, store)
    read = {scope: list(signs) for scope, signs in found.items()}  # before the write lock is taken
    with store.writing() as session:
        return said + sum(incidents.settle(session, now, scope, signs, names) for scope, signs in read.items())


def _verdicts(store: Store) -> Iterator[Sign]:
    with store.reading() as session:
        entries = list(ledger.entries(session, "verdicts"))
    words: dict[str, str] = entries[-1].payload["words"] if entries else {}
    for copy, word in words.items():
        text = f"The copy {copy} is now judged `{word}`. See `canary trace`; no step before the report was read."
        yield Sign(copy, word, Severity.HIGH, f"Copy {copy}: {word}", text)


def quiet(settings: Settings, store: Store) -> Iterator[Sign]:
    """The providers from whom nothing has come for `quiet_days`."""
    with store.reading() as session:
        last = deliveries.last_heard(session)
    for name in sorted(last.keys() & providers(settings).keys()):
        silent = settings.now() - last[name]
        if silent > timedelta(days=settings.quiet_days):
            text = "Ring one of its numbers, or run `canary drill`: nothing may reach us any more."
            yield Sign(name, "quiet", Severity.WARNING, f"Nothing heard of {name} for {silent.days} days", text)


def _phones(settings: Settings, store: Store) -> Iterator[Sign]:
    for name, told in phones.known(store, providers(settings), settings.now(), phone_limits(settings)).items():
        for phone in (phone for phone in told if phone.wrong):
            # The state leaves the figures out: a battery that falls on is no news.
            codes = " ".join(code for code, _ in phone.wrong)
            title = f"Phone {phone.device} ({name}): {', '.join(words for _, words in phone.wrong)}"
            text = "What comes to its numbers may be lost. Look at the phone; `canary doctor` says how the others are."
            yield Sign(f"{name} {phone.device}", codes, Severity.WARNING, title, text)


def _spool(settings: Settings) -> Iterator[Sign]:
    waiting = settings.spool().waiting()
    patience = max(600.0, 5 * settings.deliveries_every_seconds)
    if waiting and time.time() - int(waiting[0].name[:20]) / 1e9 > patience:
        text = "See `canary doctor`: the database is away, or the key that sealed them."
        yield Sign("spool", "waits", Severity.WARNING, "Deliveries wait in the spool and do not drain", text)


def drifted(settings: Settings, store: Store, found: Compared) -> None:
    """Alert what changed at Twilio behind our back."""
    hint = "Somebody changed it in the console. `canary number configure` sets it again."
    signs = [Sign(c, " ".join(w), Severity.WARNING, f"{c}: {', '.join(w)}", hint) for c, w in found.wrong.items()]
    text = "It is paid for, and nothing that comes to it counts. `canary number buy` it, or give it up in the console."
    signs += [Sign(sid, "stray", Severity.WARNING, f"{sid} points here, held by nobody", text) for sid in found.strays]
    _settle(settings, store, "drift", signs)


def drilled(settings: Settings, store: Store, code: str, problem: str) -> None:
    """Alert a drill that did not come through, and that one did again."""
    text = f"{problem}. What others send may be lost as well. See `canary doctor`, then `canary drill` again."
    signs = [Sign("drill", "broken", Severity.HIGH, f"The drill of {code} failed", text)] if problem else []
    _settle(settings, store, "drill", signs)


def unread(settings: Settings, store: Store, found: list[Reconciled]) -> None:
    """Alert the logs that could not be read to their end."""
    text = "What webhooks lose is not made good until it can. See `canary reconcile`."
    named = [r for r in found if r.problem]
    signs = [
        Sign(r.provider, "unread", Severity.WARNING, f"The log of {r.provider} cannot be read", text) for r in named
    ]
    _settle(settings, store, "log", signs)


def _settle(settings: Settings, store: Store, scope: str, signs: list[Sign]) -> None:
    with store.writing() as session:
        incidents.settle(session, settings.now(), scope, signs, channels(settings))
