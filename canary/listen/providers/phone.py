"""What a phone tells of itself, as events that belong to no contact: its state, and the SIMs it sees."""

import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from canary.listen.providers.base import Channel, Event, legible, storable
from canary.store.phones import PREFIX, SIMS, STATE


def state_event(device: str, key: str, told: Mapping[str, str], at: datetime | None = None) -> Event:
    """Battery in per cent, `charging` and `online` ("yes" or "no"), whichever it told; `key` tells reports apart."""
    return Event(_sid(device), f"{STATE}{key}", Channel.MESSAGE, details=dict(told), at=at)


def sims_event(device: str, key: str, cards: Mapping[str, str], at: datetime | None = None) -> Event:
    """By slot from "1", the number printed on each card (ICCID), "" where it is not told."""
    told = json.dumps({slot: storable(card)[:40] for slot, card in sorted(cards.items())})
    part = f"{SIMS}{key}:{sha256(told.encode()).hexdigest()[:8]}"
    return Event(_sid(device), part, Channel.MESSAGE, details={"sims": told}, at=at)


def _sid(device: str) -> str:
    # Its name goes into alerts and onto terminals, and a phone gives itself whatever name it likes.
    return PREFIX + legible(device)[:60]


def hour(at: datetime) -> str:
    """A key for reports of which one an hour is enough."""
    return f"{at:%Y-%m-%dT%H}"
