"""An invented city's report: 26 hospitals feed a registry, which feeds three bureaus and a vendor, twice."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from canary.report.view import CampaignView, ContactView, CopyView, MediaView, NumberView, ReportView
from canary.trace.verdict import Findings, Rival, Verdict, Window, Word

MONTHS = ("2026-06", "2026-07")
HOSPITALS = 26
BUREAUS = {
    "baoan-bureau": "Bao'an Family-Planning Bureau",
    "futian-bureau": "Futian Family-Planning Bureau",
    "luohu-bureau": "Luohu Family-Planning Bureau",
    "checkin-vendor": "Check-in App Vendor",
}
LEAK = "baoan-bureau-2026-06"
AS_OF = datetime(2026, 10, 31, 12, 0, tzinfo=UTC)
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
THRESHOLD = 11.0349  # ln(62 / 0.001)
KINDS = {
    "named": 17,
    "maternal": 6,
    "marketing": 58,
    "service": 21,
    "silent": 143,
    "authorised": 2,
    "other": 4,
}


def leak() -> ReportView:
    """A bureau's June copy leaked: its numbers rang, with some of its sources' that travelled in it."""
    return _view({LEAK: 7, "city-registry-2026-06": 4, "hospital-03-2026-06": 2, "hospital-11-2026-06": 1})


def no_leak() -> ReportView:
    """The same world with no leak: one stray recognised call, nobody accused."""
    view = _view({"hospital-05-2026-06": 1})
    verdicts = tuple(_quiet(v, rise=0.4 if v.copy == "hospital-05-2026-06" else 0) for v in view.findings.verdicts)
    return replace(view, findings=_findings(verdicts, none=0.981, smallest=0.4))


def likely() -> ReportView:
    """Three numbers of one copy rang: more than chance, short of proof."""
    view = _view({LEAK: 3})
    verdicts = tuple(
        replace(v, word=Word.LIKELY, log_e=8.1, posterior=0.93) if v.copy == LEAK else _quiet(v, rise=0)
        for v in view.findings.verdicts
    )
    return replace(view, findings=_findings(verdicts, none=0.058, smallest=0.35))


def hostile() -> ReportView:
    """Revealed, simulated, and full of markup, formulas and terminal escapes where names and texts go."""
    view = leak()
    copies = tuple(
        replace(c, recipient_name="<script>alert('x')</script> & Söhne 宝安区") if c.slug == LEAK else c
        for c in view.copies
    )
    contacts = tuple(
        replace(c, caller="+86<b>1", persona="李<i>娜</i>", text='"><img src=x onerror=alert(1)>\x1b[31m\n=1+1')
        for c in view.contacts
    )
    campaigns = tuple(
        replace(c, callers=("+86<b>1",), sample="<img src=x onerror=alert(1)>\x1b[31m") for c in view.campaigns
    )
    return replace(view, copies=copies, contacts=contacts, campaigns=campaigns, simulated=True, revealed=True)


def _quiet(verdict: Verdict, rise: float) -> Verdict:
    return Verdict(
        verdict.copy,
        verdict.recipient,
        Word.CANNOT_TELL,
        rise,
        THRESHOLD,
        0.0002 + rise / 100,
        verdict.contacts,
    )


def _findings(verdicts: tuple[Verdict, ...], none: float, smallest: float | None) -> Findings:
    return Findings(AS_OF, 0.001, verdicts, none, smallest, KINDS)


def _view(rang: dict[str, int]) -> ReportView:
    copies = tuple(_copies(rang))
    numbers = tuple(_numbers(copies))
    contacts = tuple(_contacts(numbers))
    verdicts = tuple(_verdict(copy, contacts) for copy in copies)
    return ReportView(
        findings=_findings(verdicts, none=1.2e-7, smallest=0.3),
        copies=copies,
        numbers=numbers,
        contacts=contacts,
        commitments={copy.slug: f"{i:08x}" * 8 for i, copy in enumerate(copies, 0x5EED1234)},
        ledger_head="c0ffee42" * 8,
        version="0.1.0",
        campaigns=tuple(_campaigns(contacts)),
    )


def _campaigns(contacts: tuple[ContactView, ...]) -> list[CampaignView]:
    """Recognised contacts in threes, and one of a robocaller who reaches controls as well."""
    found = [c for c in contacts if c.kind in ("named", "maternal")]
    threes = [found[i : i + 3] for i in range(0, len(found) - 2, 3)]
    noise = [c for c in contacts if c.kind == "silent"][:5]
    ties = (("callback",), ("link", "wording"), ("wording",))
    made = [_campaign(group, ties[i % 3], senders=1 + i % 2, controls=0) for i, group in enumerate(threes)]
    return [*made, _campaign(noise, ("callback",), senders=0, controls=2)]


def _campaign(group: list[ContactView], by: tuple[str, ...], senders: int, controls: int) -> CampaignView:
    return CampaignView(
        first=group[0].id,
        contacts=tuple(c.id for c in group),
        by=by,
        kinds=Counter(c.kind for c in group),
        channels=tuple(dict.fromkeys(c.channel for c in group)),
        senders=senders,
        start=group[0].at,
        end=group[-1].at,
        numbers=len(group),
        controls=controls,
        copies=Counter(c.copy for c in group if c.copy),
    )


def _copies(rang: dict[str, int]) -> list[CopyView]:
    made: list[CopyView] = []
    for index, month in enumerate(MONTHS):
        day = date(2026, 6 + index, 1)
        hospitals = [f"hospital-{n:02}" for n in range(1, HOSPITALS + 1)]
        registry = f"city-registry-{month}"
        sources = tuple(f"{slug}-{month}" for slug in hospitals)
        for n, slug in enumerate(hospitals, 1):
            made.append(_copy(slug, f"Hospital No. {n}", month, day, (), rang))
        made.append(_copy("city-registry", "City Maternal Registry", month, day + timedelta(2), sources, rang))
        for slug, name in BUREAUS.items():
            made.append(_copy(slug, name, month, day + timedelta(4), (registry,), rang))
    return made


def _copy(slug: str, name: str, month: str, day: date, made_from: tuple[str, ...], rang: dict[str, int]) -> CopyView:
    copy = f"{slug}-{month}"
    canaries = 4 if slug.startswith("hospital") else 8
    return CopyView(copy, slug, name, day, made_from, canaries, rang.get(copy, 0))


def _numbers(copies: tuple[CopyView, ...]) -> list[NumberView]:
    made: list[NumberView] = []
    for copy in copies:
        for i in range(copy.canaries):
            heard = START + timedelta(days=24 + 9 * i, hours=i) if i < copy.rang else None
            noise = 1 if (len(made) % 3 == 0) else 0
            code = f"N{len(made) + 1:04}"
            made.append(NumberView(code, "planted", copy.slug, noise + (heard is not None), heard))
    for i in range(60):
        made.append(NumberView(f"N{len(made) + 1:04}", "control", None, int(i % 4 == 0), None))
    return made


def _contacts(numbers: tuple[NumberView, ...]) -> list[ContactView]:
    heard: list[ContactView] = []
    for i, number in enumerate(numbers):
        if number.first_recognised:
            kind = "maternal" if i % 4 == 1 else "named"
            reason = "offers a nursery course" if kind == "maternal" else "name and due date as planted"
            heard.append(_contact(number.first_recognised, "sms" if i % 2 else "voice", kind, number, reason))
        if number.contacts > bool(number.first_recognised):
            at = START + timedelta(days=(i * 37) % 150, hours=i % 9)
            heard.append(_contact(at, "voice", ("silent", "marketing")[i % 2], number, ""))
    heard.sort(key=lambda contact: contact.at)
    return [replace(contact, id=n, **_provenance(n, contact)) for n, contact in enumerate(heard, 1)]


def _provenance(n: int, contact: ContactView) -> dict[str, Any]:
    paths = (("webhook",), ("backfill", "webhook"), ("alert",), ("confirmed", "backfill"), ("stream",))[n % 5]
    media = (MediaView(f"{n:08x}" * 8, 48_044, "audio/x-wav"),) if contact.channel == "voice" and n % 3 == 0 else ()
    return {"paths": paths, "attested": ("provider-signed", "device-attested")[n % 2], "media": media}


def _contact(at: datetime, channel: str, kind: str, number: NumberView, reason: str) -> ContactView:
    return ContactView(0, at, channel, kind, number.code, number.copy, reason)


def _verdict(copy: CopyView, contacts: tuple[ContactView, ...]) -> Verdict:
    found = [c for c in contacts if c.copy == copy.slug and c.kind in ("named", "maternal")]
    ids = tuple(c.id for c in found)
    if copy.slug == LEAK and found:
        days = Window(copy.handed_over, found[0].at.date())
        rivals = (Rival("city-registry-2026-06", 0.0007), Rival("baoan-bureau-2026-07", 0.00002))
        return Verdict(copy.slug, copy.recipient, Word.LEAKED, 21.56, THRESHOLD, 0.9992, ids, days, rivals)
    if copy.slug == "city-registry-2026-06" and found:
        return Verdict(copy.slug, copy.recipient, Word.LEAKED, 12.3, THRESHOLD, 0.0007, ids, explained_by=LEAK)
    return Verdict(copy.slug, copy.recipient, Word.CANNOT_TELL, 1.7 * copy.rang, THRESHOLD, 0.000002, ids)
