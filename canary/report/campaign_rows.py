"""The table of campaigns, cell by cell, as text and HTML show it."""

from collections.abc import Sequence

from canary.report.kin import RECOGNISED
from canary.report.view import CampaignView, ReportView
from canary.report.words import Words

# A leak high up rings canaries of many copies: those with most are named.
COPIES = 4
CALLERS = 12


def campaign_cells(campaign: CampaignView, words: Words) -> dict[str, str]:
    """The cells by their keys in [campaign] of the words."""
    return {
        "id": str(campaign.first),
        "contacts": words.count(len(campaign.contacts)),
        "recognised": words.count(sum(campaign.kinds.get(kind, 0) for kind in RECOGNISED)),
        "channels": words.join([words.name("channel", channel) for channel in campaign.channels]),
        "senders": words.count(campaign.senders) if campaign.senders else words.t("campaign.unknown"),
        "days": words.t("format.day_span", start=campaign.start.date(), end=campaign.end.date()),
        "copies": _copies(campaign, words),
        "controls": words.count(campaign.controls),
        "by": words.join([words.name("tied_by", why) for why in campaign.by]),
    }


def told(campaign: CampaignView, view: ReportView, words: Words) -> list[str]:
    """Who they were and a sample of their words: of a revealed report only."""
    if not view.revealed:
        return []
    callers = [_few(campaign.callers, CALLERS, words)] if campaign.callers else []
    return callers + ([campaign.sample] if campaign.sample else [])


def _copies(campaign: CampaignView, words: Words) -> str:
    rung = [words.t("format.aside", x=slug, y=words.count(n)) for slug, n in campaign.copies.items()]
    return _few(rung, COPIES, words) if rung else words.t("campaign.no_copy")


def _few(items: Sequence[str], most: int, words: Words) -> str:
    hidden = len(items) - most
    more = [words.t("campaign.others", n=hidden)] if hidden > 0 else []
    return words.join([*items[:most], *more])
