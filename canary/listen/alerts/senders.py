"""New senders: who is alerted about, and by which marks a sender is known again."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import phonenumbers
from sqlalchemy.orm import Session

from canary.store import contacts, incidents, outbox
from canary.store.database import Store, queue, vault_of
from canary.store.incidents import Fresh

LISTED = 10
_LINK = re.compile(r"(?:https?://|www\.)[^\s，。！？；、）】》\"'<>]+", re.IGNORECASE)
_HANDLE = re.compile(r"(?:微信|薇信|v信|wx|wechat|vx|qq)[^\w]{0,3}[号號]?[^\w]{0,3}([a-z0-9_-]{5,20})", re.IGNORECASE)
_WITHHELD = frozenset({"", "anonymous", "unknown", "restricted", "private", "unavailable", "+266696687"})


def senders(store: Store, now: datetime, again: timedelta, channels: Iterable[str]) -> int:
    """Alert once about every sender of evidence on a copy's numbers; returns how many alerts that made a channel. A new
    number, callback number, link or chat name always alerts; one that is known does after it was quiet for `again`.
    Contacts of one copy share an alert, which counts them all. A withheld number cannot be known again."""
    with store.writing() as session:
        queue(session, "incidents")  # scheduler and command line may look at the same contacts at once
        found = incidents.fresh(session)
        heard = contacts.heard(session, [each.contact for each in found])
        news: dict[str, list[str]] = {}
        for each in found:
            incidents.looked_at(session, each.contact.id)
            copy = ", ".join(each.copies)
            keys = _keys(session, each, heard[each.contact.id][0])
            title = f"{copy}: contact {each.contact.id} was the first"
            if incidents.meet(session, each.contact.at, keys, title[:200], again):
                code = each.contact.number.code if each.contact.number else "unknown"
                about = f"{each.contact.channel}, {each.kind}, on {code}"
                news.setdefault(copy, []).append(f"contact {each.contact.id} ({about})")
        for copy, lines in news.items():
            outbox.put(session, now, channels, _said(copy, lines))
    return len(news)


def _said(copy: str, lines: list[str]) -> dict[str, str]:
    more = [f"and {len(lines) - LISTED} more: `canary contact list`"] if len(lines) > LISTED else []
    title = f"Copy {copy}: " + ("a new sender" if len(lines) == 1 else f"{len(lines)} new senders")
    shown = "\n".join([*lines[:LISTED], *more, "Look at one with `canary contact show ID`."])
    return {"scope": incidents.SENDER, "severity": "high", "title": title, "text": shown}


def _keys(session: Session, each: Fresh, text: str) -> list[str]:
    """A keyed hash for every mark, within the copies it came from."""
    vault, place = vault_of(session), "|".join(each.copies)
    sender = contacts.sender(session, each.contact)
    withheld = sender.strip().lower() in _WITHHELD
    named = [f"contact {each.contact.id}"] if withheld else [f"sender {sender}"]
    return [vault.fingerprint(f"{place}\n{mark}") for mark in (*named, *marks(text))]


def marks(text: str) -> list[str]:
    """The ways to reach a sender that a text offers: numbers to call back, links, chat names; each once."""
    found = [
        f"number {phonenumbers.format_number(m.number, phonenumbers.PhoneNumberFormat.E164)}" for m in _calls(text)
    ]
    found += [f"link {link.rstrip('.,;:!?)').lower()}" for link in _LINK.findall(text)]
    found += [f"name {name.lower()}" for name in _HANDLE.findall(text)]
    return list(dict.fromkeys(found))


def _calls(text: str) -> Iterable[phonenumbers.PhoneNumberMatch]:
    return phonenumbers.PhoneNumberMatcher(text, "CN", phonenumbers.Leniency.VALID)
