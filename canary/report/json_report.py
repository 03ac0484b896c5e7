"""The trace as JSON, in the format other programs rely on."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from canary.report.kin import RECOGNISED
from canary.report.view import CampaignView, ContactView, ReportView
from canary.report.words import Words
from canary.trace.verdict import Findings, Pair, Shown, Verdict

FORMAT = "canary-trace/1"


def render(view: ReportView, words: Words) -> str:
    """The document of `canary trace --format json`, the recognised contacts as `heard` (by which paths each came, who
    vouches for it, what was kept of it) and `campaigns`, by the ids of their contacts. The language changes nothing."""
    heard = [_heard(contact) for contact in view.contacts if contact.kind in RECOGNISED]
    more = {"heard": heard, "campaigns": [_campaign(campaign) for campaign in view.campaigns]}
    return _text(trace_document(view.findings, simulated=view.simulated) | more)


def _heard(contact: ContactView) -> dict[str, Any]:
    return {
        "id": contact.id,
        "at": contact.at.isoformat(),
        "channel": contact.channel,
        "kind": contact.kind,
        "number": contact.number,
        "copy": contact.copy,
        "paths": list(contact.paths),
        "attested": contact.attested,
        "media": [{"sha256": m.sha256, "size": m.size, "type": m.content_type} for m in contact.media],
    }


def _campaign(campaign: CampaignView) -> dict[str, Any]:
    return {
        "campaign": campaign.first,
        "contacts": list(campaign.contacts),
        "by": list(campaign.by),
        "kinds": dict(campaign.kinds),
        "channels": list(campaign.channels),
        "senders": campaign.senders,
        "from": campaign.start.isoformat(),
        "to": campaign.end.isoformat(),
        "numbers": campaign.numbers,
        "controls": campaign.controls,
        "copies": dict(campaign.copies),
    }


def dump(findings: Findings, *, simulated: bool = False) -> str:
    """The findings as a JSON text, ending in a newline."""
    return _text(trace_document(findings, simulated=simulated))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def trace_document(findings: Findings, *, simulated: bool = False) -> dict[str, Any]:
    """The findings as plain JSON values."""
    return {
        "format": FORMAT,
        "as_of": findings.as_of.isoformat(),
        "alpha": findings.alpha,
        "verdicts": [verdict_document(verdict) for verdict in findings.verdicts],
        "none_posterior": _finite(findings.none_posterior),
        "smallest_visible_leak": findings.smallest_visible_leak,
        "contacts": dict(findings.contacts),
        "pair": pair_document(findings.pair) if findings.pair else None,
        "found": [shown_document(shown) for shown in findings.found],
        "simulated": simulated,
    }


def shown_document(shown: Shown) -> dict[str, Any]:
    """What one find says of one copy, as plain JSON values."""
    return {
        "find": shown.find,
        "at": shown.at.isoformat(),
        "rows": shown.rows,
        "copy": shown.copy,
        "verdict": str(shown.word),
        "log_e": _finite(shown.log_e),
        "threshold": _finite(shown.threshold),
        "present": shown.present,
        "canaries": shown.planted,
        "by_chance": shown.by_chance,
        "spared": shown.spared,
    }


def pair_document(pair: Pair) -> dict[str, Any]:
    """Two merged copies as plain JSON values; `log_e` is null under the exclusive law."""
    return {
        "copies": list(pair.copies),
        "merge": pair.merge.value,
        "posterior": _finite(pair.posterior),
        "sure": list(pair.sure),
        "log_e": None if pair.log_e is None else _finite(pair.log_e),
        "threshold": _finite(pair.threshold),
    }


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """One verdict as plain JSON values."""
    days = verdict.window
    return {
        "copy": verdict.copy,
        "recipient": verdict.recipient,
        "verdict": str(verdict.word),
        "log_e": _finite(verdict.log_e),
        "threshold": _finite(verdict.threshold),
        "posterior": _finite(verdict.posterior),
        "contacts": list(verdict.contacts),
        "window": {"from": days.start.isoformat(), "to": days.end.isoformat()} if days else None,
        "rivals": [{"copy": rival.copy, "posterior": _finite(rival.posterior)} for rival in verdict.rivals],
        "explained_by": verdict.explained_by,
    }


def _finite(x: float) -> float:
    """JSON has no infinity, but evidence can be infinite (an outcome impossible for an innocent copy)."""
    return max(-sys.float_info.max, min(sys.float_info.max, float(x)))
