"""How the phones fare that listen for us: what each told of itself last, and what is wrong with it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from canary.listen.intake import arrived
from canary.listen.providers.base import Attested, Phone, Provider
from canary.store import contacts, phones
from canary.store.database import Store
from canary.store.phones import Told

NEVER = "has never answered"
# Without a word for so long, a phone that no setting names was given up, or goes by another name since.
GIVEN_UP = timedelta(days=30)
# Whose contacts come from phones of ours.
_DEVICES = (Attested.DEVICE, Attested.DEVICE_SIGNED)


@dataclass(frozen=True)
class Limits:
    """When a phone is unwell: a battery of so many per cent or less that is not charging, or nothing heard for `quiet`.
    SIMs are compared with those of `back` ago; `sims` are the settings' SIMs, as "DEVICE/1"."""

    battery: int
    quiet: timedelta
    back: timedelta
    sims: Mapping[str, str]


def ask(store: Store, providers: Mapping[str, Provider], now: datetime) -> int:
    """Ask every phone that can be asked how it is, and keep what it says; how many answered. Safe to run twice."""
    answered = set()
    for name, provider in providers.items():
        events = list(provider.phones(now))
        with store.writing() as session:
            told = [(event.at or now, arrived(name, "phone", event)) for event in events]
            contacts.record_all(session, told)
        answered |= {(name, event.sid) for event in events}
    return len(answered)


def known(store: Store, providers: Mapping[str, Provider], now: datetime, limits: Limits) -> dict[str, list[Phone]]:
    """By provider: its phones with what is wrong with each, those it should ask but never heard of among them. Phones
    that neither `sims` nor the provider names are left out once they were given up."""
    found: dict[str, list[Phone]] = {}
    sims = {sim.partition("/")[0] for sim in limits.sims}
    with store.reading() as session:
        for name, provider in ((n, p) for n, p in providers.items() if p.attested in _DEVICES):
            heard = phones.told(session, name, now - limits.back)
            kept = sims.union(provider.devices)
            told = {device: t for device, t in heard.items() if device in kept or now - t.seen <= GIVEN_UP}
            found[name] = [_phone(device, each, now, limits) for device, each in told.items()]
            found[name] += [Phone(d, None, ((NEVER, NEVER),)) for d in provider.devices if d not in told]
    return found


def _phone(device: str, told: Told, now: datetime, limits: Limits) -> Phone:
    if now - told.seen > limits.quiet:
        # How its battery was then says nothing of now.
        return Phone(device, told.seen, (("quiet", f"not seen since {told.seen:%Y-%m-%d %H:%M}"),))
    state = told.state if now - told.state_at <= limits.quiet else {}
    return Phone(device, told.seen, (*_state(state, limits), *_sims(device, told, limits)))


def _state(state: Mapping[str, str], limits: Limits) -> Iterator[tuple[str, str]]:
    level = state.get("battery", "")
    if level.isdecimal() and len(level) < 4 and int(level) <= limits.battery and state.get("charging") != "yes":
        yield "battery", f"battery {level} %" + (", not charging" if state.get("charging") == "no" else "")
    if state.get("online") == "no":
        yield "offline", "no internet"


def _sims(device: str, told: Told, limits: Limits) -> Iterator[tuple[str, str]]:
    before, here = _cards(told.sims_then), _cards(told.sims_now)
    if here is None or not (before or here):  # it may not be allowed to see its SIMs
        return
    wanted = {name.rpartition("/")[2].removeprefix("SIM") for name in limits.sims if name.startswith(f"{device}/")}
    for slot in sorted(wanted | set(before or {})):
        was, now = (before or {}).get(slot, ""), here.get(slot)
        if now is None:
            yield f"sim{slot}", f"SIM {slot} is gone"
        elif was and now and was != now:
            yield f"sim{slot}", f"SIM {slot} is another card than before"


def _cards(state: Mapping[str, str]) -> dict[str, str] | None:
    with suppress(ValueError):
        found = json.loads(state.get("sims", ""))
        return {str(slot): str(card) for slot, card in found.items()} if isinstance(found, dict) else None
    return None
