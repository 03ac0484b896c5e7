"""Recipients and copies: the tree of who was handed data, the graph of what was made from what."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from canary.errors import CanaryError
from canary.store.ledger import append
from canary.store.schema import Copy, CopySource, Recipient

if TYPE_CHECKING:  # it takes a while to import, which few commands need wait for
    import networkx as nx


def recipient(session: Session, slug: str) -> Recipient:
    """The recipient of that slug. Raises CanaryError if there is none."""
    found = session.scalar(select(Recipient).where(Recipient.slug == slug))
    if found is None:
        raise CanaryError(f"no recipient {slug!r}", "see `canary recipient list`")
    return found


def add_recipient(session: Session, at: datetime, slug: str, name: str, kind: str, parent: str | None) -> Recipient:
    """Record a recipient. Raises CanaryError if the slug is taken or no slug, or the parent unknown."""
    _check_slug(slug)
    if session.scalar(select(Recipient.id).where(Recipient.slug == slug)):
        raise CanaryError(f"recipient {slug!r} is there already", f"see `canary recipient show {slug}`")
    above = recipient(session, parent) if parent else None
    added = Recipient(slug=slug, name=name, kind=kind, parent_id=above.id if above else None)
    session.add(added)
    append(session, at, "recipient", {"slug": slug, "kind": kind, "parent": parent})
    return added


def _check_slug(slug: str) -> None:
    if not re.fullmatch(r"[\w.-]{1,80}", slug):
        raise CanaryError(f"{slug!r} is no slug", "letters, digits, dots, dashes and underscores, at most 80")


def recipients(session: Session) -> Sequence[Recipient]:
    """All recipients by slug."""
    return session.scalars(select(Recipient).order_by(Recipient.slug).options(selectinload(Recipient.parent))).all()


def copy(session: Session, slug: str) -> Copy:
    """The copy of that slug. Raises CanaryError if there is none."""
    found = session.scalar(select(Copy).where(Copy.slug == slug))
    if found is None:
        raise CanaryError(f"no copy {slug!r}", "see `canary copy list`, or `canary copy add` it first")
    return found


def add_copy(
    session: Session, at: datetime, slug: str, recipient_slug: str, day: date, sources: Sequence[str] = ()
) -> Copy:
    """Record a copy and what it was made from. Raises CanaryError on unknown, taken or impossible slugs."""
    _check_slug(slug)
    if session.scalar(select(Copy.id).where(Copy.slug == slug)):
        raise CanaryError(f"copy {slug!r} is there already", f"see `canary copy show {slug}`")
    holder = recipient(session, recipient_slug)
    added = Copy(slug=slug, recipient_id=holder.id, date=day)
    made_from = [copy(session, source) for source in dict.fromkeys(sources)]
    session.add(added)
    session.flush()
    session.add_all(CopySource(copy_id=added.id, source_id=source.id) for source in made_from)
    payload = {"slug": slug, "recipient": recipient_slug, "date": day.isoformat(), "from": sorted(sources)}
    append(session, at, "copy", payload)
    return added


def copies(session: Session) -> Sequence[Copy]:
    """All copies by date and slug, with recipient and sources."""
    query = select(Copy).order_by(Copy.date, Copy.slug)
    return session.scalars(query.options(selectinload(Copy.recipient), selectinload(Copy.sources))).all()


def graph(session: Session) -> "nx.DiGraph[str]":
    """The copy graph by slug, an edge from source to the copy made from it."""
    import networkx as nx

    result: nx.DiGraph[str] = nx.DiGraph()
    for each in copies(session):
        result.add_node(each.slug, recipient=each.recipient.slug, date=each.date.isoformat())
        result.add_edges_from((source.slug, each.slug) for source in each.sources)
    return result
