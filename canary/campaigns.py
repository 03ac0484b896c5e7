"""Campaigns as a report shows them: what belongs together, and which copies' canaries it reached."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from canary.listen.campaign import Campaign, campaigns_of
from canary.report.kin import CONTROL, RECOGNISED
from canary.report.view import CampaignView
from canary.store import views
from canary.store.database import vault_of
from canary.store.schema import Canary

Reached = Mapping[int, Sequence[Canary]]  # by number id, its planted canaries


def campaign_views(session: Session, as_of: datetime, reveal: bool) -> tuple[CampaignView, ...]:
    """All campaigns heard until `as_of`, first those that recognised canaries most; permitted callers left out."""
    together = campaigns_of(session, as_of)
    members: defaultdict[int, list[views.Sorted]] = defaultdict(list)
    for row in views.sorted_contacts(session, as_of):
        if row.contact.id in together and row.kind != "authorised":
            members[together[row.contact.id].first].append(row)
    planted: defaultdict[int, list[Canary]] = defaultdict(list)
    for canary in views.planted_canaries(session):
        if canary.number_id is not None:
            planted[canary.number_id].append(canary)
    by_first = {campaign.first: campaign for campaign in together.values()}
    shown = [_view(session, by_first[first], rows, planted, reveal) for first, rows in members.items() if len(rows) > 1]
    return tuple(sorted(shown, key=_rank))


def _rank(campaign: CampaignView) -> tuple[int, ...]:
    # What came to numbers that stood in no copy yet says nothing of a leak, however much of it there is.
    recognised = sum(campaign.kinds.get(kind, 0) for kind in RECOGNISED)
    return -min(recognised, sum(campaign.copies.values())), -recognised, -len(campaign.contacts), campaign.first


def _view(
    session: Session, campaign: Campaign, rows: Sequence[views.Sorted], planted: Reached, reveal: bool
) -> CampaignView:
    unknown = vault_of(session).fingerprint("")
    opened = [views.opened(session, row.contact) for row in rows] if reveal else []
    rung = Counter(copy for copy, _ in set(_rung(rows, planted)))
    held = {row.contact.number for row in rows if row.contact.number}
    return CampaignView(
        first=campaign.first,
        contacts=tuple(row.contact.id for row in rows),
        by=campaign.by,
        kinds=dict(Counter(row.kind for row in rows).most_common()),
        channels=tuple(dict.fromkeys(row.contact.channel for row in rows)),
        senders=len({row.contact.sender_fingerprint for row in rows} - {unknown}),
        start=rows[0].contact.at,
        end=rows[-1].contact.at,
        numbers=len(held),
        controls=sum(number.state == CONTROL for number in held),
        copies=dict(sorted(rung.items(), key=lambda one: (-one[1], one[0]))),
        callers=tuple(sorted({each.sender for each in opened if each.sender})),
        sample=next((each.text for each in opened if each.text.strip()), ""),
    )


def _rung(rows: Sequence[views.Sorted], planted: Reached) -> Iterator[tuple[str, int]]:
    """Copy and number of each canary that a contact reached once it was planted."""
    for row in rows:
        for canary in planted.get(row.contact.number_id or 0, ()):
            if canary.placement.drawn_at <= row.contact.at and canary.number_id is not None:
                yield canary.placement.copy.slug, canary.number_id
