"""What files that turned up say of every copy: judged once, as a test of its own, and joined with what calls say."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from canary.scan.needles import NUMBER_ITSELF
from canary.scan.record import Match
from canary.scan.run import Scanned
from canary.store import evidence, finds
from canary.store.database import Store
from canary.store.finds import Sought
from canary.trace import found
from canary.trace.evidence import Channel, Evidence, Release
from canary.trace.judge import Terms, judge
from canary.trace.posterior import log_ratio
from canary.trace.verdict import Findings, Shown, Verdict, Window, Word


def judged(
    store: Store, now: datetime, terms: Terms, looked: Sequence[Sought], files: Sequence[Scanned], digest: str = ""
) -> Findings:
    """What files found together say, by themselves; nothing is kept. `digest` tells one find from another.

    Finds share one alpha of their own, beside that of the calls: the k-th is tested at 6 / (pi k)^2 of it, and these
    shares add up to 1 however many finds there will be.
    """
    rows = [match for scanned in files for match in scanned.matches]
    seen = [_sighting(at, match) for at, match in enumerate(rows)]
    hits = found.hits([found.Standing(s.id, s.copy, s.number) for s in looked], seen, now)
    channel = found.channel(seen)
    with store.reading() as session:
        share = 6 / (math.pi * finds.place(session, digest)) ** 2
        read = evidence.file_evidence(session, now, hits, looked)
    findings = judge(read, channel, replace(terms, alpha=terms.alpha * share, hit_rate=None))
    shown = _shown(findings, read, channel, sum(scanned.rows for scanned in files))
    verdicts = tuple(replace(v, contacts=()) for v in findings.verdicts)
    return replace(findings, alpha=terms.alpha, verdicts=verdicts, found=shown)


def beside(shown: Sequence[Shown]) -> Mapping[str, float]:
    """What all finds together add to the log odds of each copy."""
    return {copy: sum(s.log_ratio for s in shown if s.copy == copy) for copy in {s.copy for s in shown}}


def joined(findings: Findings, shown: Sequence[Shown]) -> Findings:
    """The findings of calls with what finds say: the stronger word of the two counts, for each keeps its own alpha."""
    order = list(Word)
    verdicts = [_stronger(v, [s for s in shown if s.copy == v.copy and not s.explained_by]) for v in findings.verdicts]
    verdicts.sort(key=lambda v: (order.index(v.word), -v.posterior, -v.log_e, v.copy))
    telling = tuple(s for s in shown if s.present or s.word is not Word.CANNOT_TELL)
    return replace(findings, verdicts=tuple(verdicts), found=telling)


def _stronger(verdict: Verdict, shown: Sequence[Shown]) -> Verdict:
    order = list(Word)
    best = min(shown, key=lambda s: (order.index(s.word), s.threshold - s.log_e), default=None)
    if best is None or order.index(best.word) >= order.index(verdict.word):
        return verdict
    window = Window(best.since, best.at.date())
    return replace(
        verdict, word=best.word, log_e=best.log_e, threshold=best.threshold, window=window, explained_by=None
    )


def _sighting(at: int, match: Match) -> found.Sighting:
    recognised = frozenset(i for i, kinds in match.by.items() if not NUMBER_ITSELF.issuperset(kinds))
    return found.Sighting(at, match.numbers, match.named, recognised)


def _shown(findings: Findings, read: Evidence, channel: Channel, rows: int) -> tuple[Shown, ...]:
    said = {v.copy: v for v in findings.verdicts}
    return tuple(_of(release, said[release.copy], read, channel, rows) for release in read.releases)


def _of(release: Release, said: Verdict, read: Evidence, channel: Channel, rows: int) -> Shown:
    planted, spared = ([m for m in release.marks if m.planted == side] for side in (True, False))
    return Shown(
        find=0,
        at=read.as_of,
        rows=rows,
        copy=release.copy,
        word=said.word,
        log_e=said.log_e,
        threshold=said.threshold,
        log_ratio=log_ratio(release, channel, read.as_of),
        present=sum(bool(m.hits) for m in planted),
        planted=len(planted),
        by_chance=sum(bool(m.hits) for m in spared),
        spared=len(spared),
        since=release.start.date(),
        explained_by=said.explained_by,
    )
