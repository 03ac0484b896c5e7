"""From the registry to findings and to the view a report shows: the path every door takes."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from canary import __version__, turned_up
from canary.campaigns import campaign_views
from canary.listen.providers.every import attested
from canary.listen.sort import sort_all
from canary.mint.facts import Fact
from canary.report.view import ContactView, CopyView, MediaView, NumberView, ReportView
from canary.store import contacts, evidence, finds, ledger, media, numbers, placements, registry, views
from canary.store.database import Store
from canary.trace.evidence import Channel, Evidence, Release
from canary.trace.judge import Terms, judge
from canary.trace.score import fresh
from canary.trace.verdict import Findings, Word


def trace(store: Store, now: datetime, terms: Terms) -> Findings:
    """Triage what came in, count the factors that are due, and judge every copy."""
    sort_all(store)
    with store.reading() as session:
        due = [(r.copy, fresh(r, now)) for r in evidence.evidence(session, now).releases]
    with store.writing() as session:  # short: a webhook may be waiting
        numbers.mark_noisy(session)
        evidence.keep_counted(session, due)
    with store.reading() as session:  # again, for another process may have counted before us
        return _judged(session, evidence.evidence(session, now), terms)


def look_back(store: Store, as_of: datetime, terms: Terms) -> Findings:
    """What could have been said at an earlier moment, with today's triage; counts nothing, records nothing."""
    with store.reading() as session:
        seen = evidence.evidence(session, as_of)
        anew = replace(seen, releases=tuple(replace(r, counted=()) for r in seen.releases))
        return _judged(session, anew, terms)


def _judged(session: Session, seen: Evidence, terms: Terms) -> Findings:
    shown = finds.shown(session, seen.as_of)
    heard = evidence.kinds(session, seen.as_of)
    return turned_up.joined(judge(seen, Channel(), terms, heard, turned_up.beside(shown)), shown)


@dataclass(frozen=True)
class Change:
    """What is new since the verdicts were last entered: whether any word is, and which were taken back: a late
    correction (a caller now allowed, a changed triage) may exonerate, but never silently."""

    any: bool
    taken_back: tuple[str, ...] = ()


def record(store: Store, now: datetime, findings: Findings) -> Change:
    """Enter the verdicts in the ledger if any word changed since the last entry."""
    words = {v.copy: v.word.value for v in findings.verdicts if v.word is not Word.CANNOT_TELL}
    order = [word.value for word in Word]
    with store.writing() as session:
        entries = list(ledger.entries(session, "verdicts"))
        before = dict(entries[-1].payload["words"]) if entries else {}
        if before == words:
            return Change(any=False)
        scores = {v.copy: round(v.log_e, 6) for v in findings.verdicts if v.copy in words}
        payload = {
            "as_of": findings.as_of.isoformat(),
            "alpha": findings.alpha,
            "words": words,
            "log_e": scores,
        }
        ledger.append(session, now, "verdicts", payload)
    now_said = {copy: words.get(copy, Word.CANNOT_TELL.value) for copy in before}
    fallen = [copy for copy, word in now_said.items() if order.index(word) > order.index(before[copy])]
    return Change(True, tuple(f"{c} was `{before[c]}`, now `{now_said[c]}`" for c in fallen))


def report_view(store: Store, findings: Findings, now: datetime, reveal: bool = False) -> ReportView:
    """Everything a report shows. `reveal` opens numbers, callers and personas, and says so in the ledger."""
    if reveal:
        with store.writing() as session:
            ledger.append(session, now, "reveal", {"what": "report", "as_of": findings.as_of.isoformat()})
    with store.reading() as session:
        seen = evidence.evidence(session, findings.as_of)
        commitments = {p.copy.slug: p.commitment for p in views.placements(session)}
        return ReportView(
            findings=findings,
            copies=_copies(session, seen),
            numbers=_numbers(session, seen, reveal),
            contacts=_contacts(session, findings.as_of, reveal),
            commitments=commitments,
            ledger_head=ledger.head(session),
            version=__version__,
            campaigns=campaign_views(session, findings.as_of, reveal),
            simulated=views.simulated(session),
            revealed=reveal,
        )


def _copies(session: Session, seen: Evidence) -> tuple[CopyView, ...]:
    releases, planted = {r.copy: r for r in seen.releases}, views.planted(session)
    return tuple(
        CopyView(
            slug=c.slug,
            recipient=c.recipient.slug,
            recipient_name=c.recipient.name,
            handed_over=c.date,
            made_from=tuple(s.slug for s in c.sources),
            canaries=planted.get(c.slug, 0),
            rang=_rang(releases.get(c.slug)),
        )
        for c in registry.copies(session)
    )


def _rang(release: Release | None) -> int:
    return sum(m.planted and bool(m.hits) for m in release.marks) if release else 0


def _numbers(session: Session, seen: Evidence, reveal: bool) -> tuple[NumberView, ...]:
    copy_of = {m.number: r.copy for r in seen.releases for m in r.marks if m.planted}
    drawn = {m.number for r in seen.releases for m in r.marks}
    first: dict[str, datetime] = {}
    for release in seen.releases:
        for mark in release.marks:
            if mark.hits:
                first[mark.number] = min(mark.hits[0].at, first.get(mark.number, mark.hits[0].at))
    heard = Counter(c.number_id for c in contacts.contacts(session) if c.at <= seen.as_of)
    return tuple(
        NumberView(
            code=numbers.e164(session, n) if reveal else n.code,
            state=n.state,
            copy=copy_of.get(n.code),
            contacts=heard[n.id],
            first_recognised=first.get(n.code),
        )
        for n in numbers.numbers(session)
        if n.code in drawn or not n.noisy  # what rang before any draw is out for good: it is no control of anything
    )


def _contacts(session: Session, as_of: datetime, reveal: bool) -> tuple[ContactView, ...]:
    canaries = {c.number_id: c for c in views.planted_canaries(session)}
    shown = []
    rows = list(views.sorted_contacts(session, as_of))
    heard = [row.contact for row in rows]
    ways, kept = contacts.paths(session, heard), media.of(session, heard)
    for row in rows:
        held = row.contact.number
        canary = canaries.get(held.id) if held else None
        opened = views.opened(session, row.contact) if reveal else None
        code = held.code if held else "unknown"
        shown.append(
            ContactView(
                id=row.contact.id,
                at=row.contact.at,
                channel=row.contact.channel,
                kind=row.kind,
                number=numbers.e164(session, held) if reveal and held else code,
                copy=canary.placement.copy.slug if canary else None,
                reason=row.reason if reveal else row.reason.split(":")[0],
                caller=opened.sender if opened else "",
                persona=str(placements.facts(session, canary).get(Fact.NAME, "")) if reveal and canary else "",
                text=opened.text if opened else "",
                paths=tuple(ways[row.contact.id]),
                attested=attested(row.contact.provider),
                media=tuple(MediaView(m.sha256, m.size or 0, m.content_type) for m in kept[row.contact.id] if m.sha256),
            )
        )
    return tuple(shown)
