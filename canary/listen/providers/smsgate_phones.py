"""What SMSGate phones tell of themselves: in pings, when the app starts, and in their server's list of devices."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from canary.listen.providers.base import Event, text_in
from canary.listen.providers.phone import hour, sims_event, state_event

_SLOTS = frozenset("12345678")


def told(found: Mapping[str, Any], stamp: str) -> tuple[Event, ...]:
    """The state in a `system:ping`, or the SIMs in an `app:started`; nothing of any other event. Of pings with stamps
    (seconds) of one hour, the first is kept."""
    device, event, payload = text_in(found, "deviceId"), text_in(found, "event"), found.get("payload")
    known = stamp.isascii() and stamp.isdecimal() and len(stamp) < 13
    key = str(int(stamp) // 3600) if known else text_in(found, "id")[:60]
    inside = payload if isinstance(payload, dict) else {}
    if device and event == "system:ping":
        return (state_event(device, key, _state(inside.get("health"))),)
    if device and event == "app:started" and isinstance(inside.get("simCards"), list):
        return (sims_event(device, key, _cards(inside["simCards"])),)
    return ()


def listed(device: Mapping[str, Any], now: datetime) -> Event | None:
    """When a phone was last seen by its server, and its SIMs where the server knows them."""
    name, cards = text_in(device, "id"), device.get("simCards")
    try:
        seen = min(now, datetime.fromisoformat(text_in(device, "lastSeen")).astimezone(UTC))
    except (ValueError, OverflowError):
        return None
    if not name:
        return None
    if isinstance(cards, list):
        return sims_event(name, hour(seen), _cards(cards), seen)
    return state_event(name, hour(seen), {}, seen)


def _state(health: object) -> dict[str, str]:
    seen = dict(_checks(health))
    state = {"battery": str(seen["battery:level"])} if "battery:level" in seen else {}
    flags = {"charging": "battery:charging", "online": "connection:status"}
    return state | {name: "yes" if seen[check] else "no" for name, check in flags.items() if check in seen}


def _checks(health: object) -> Iterable[tuple[str, int]]:
    checks = health.get("checks") if isinstance(health, dict) else None
    for name, check in checks.items() if isinstance(checks, dict) else ():
        value = check.get("observedValue") if isinstance(check, dict) else None
        if isinstance(value, int | float) and -1e6 < value < 1e6:  # and neither nan nor endless
            yield str(name), int(value)


def _cards(cards: Iterable[object]) -> dict[str, str]:
    known = {text_in(card, "simNumber"): text_in(card, "iccid") for card in cards if isinstance(card, dict)}
    return {slot: card for slot, card in known.items() if slot in _SLOTS}
