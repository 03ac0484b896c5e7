"""From evidence to verdicts: thresholds, what an accused descendant explains, rivals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from canary.trace.evidence import Channel, Evidence, Mark, Release
from canary.trace.pairs import believe, either_leaked, exposed
from canary.trace.posterior import Posterior, posterior
from canary.trace.power import smallest_visible_leak
from canary.trace.score import Score, score
from canary.trace.verdict import Findings, Pair, Rival, Verdict, Window, Word

if TYPE_CHECKING:  # it takes a while to import: where a copy may be explained by another
    import networkx as nx

LIKELY_ALPHA = 0.05
PAIR_SURE = 0.999
RIVALS_SHOWN = 5


@dataclass(frozen=True)
class Terms:
    """On what terms copies are judged: `alpha` over all copies together, of which `planned` are expected.

    The number of copies must not grow under the test: what early copies were allowed would be forgotten. So
    the threshold rests on the planned number from the first copy on, and only beyond it on the actual one.
    `hit_rate` is how many of a leaked copy's numbers are expected to ring within a window: it tells only how
    small a leak would have been seen; None where that is not asked.
    """

    alpha: float
    planned: int = 0
    hit_rate: float | None = 0.5

    def threshold(self, copies: int, alpha: float | None = None) -> float:
        """ln(n / alpha) for n copies, planned or actual."""
        return math.log(max(1, self.planned, copies) / (alpha or self.alpha))


def judge(
    evidence: Evidence,
    channel: Channel,
    terms: Terms,
    counts: Mapping[str, int] | None = None,
    beside: Mapping[str, float] | None = None,
) -> Findings:
    """The verdicts on every copy of the evidence; `counts` of contacts by kind are passed through. What other
    evidence says (`beside`, log ratios by copy) weighs in the posterior alone.

    `leaked` means sup E >= n/alpha and not explained by an accused copy made from this one; `likely` means
    sup E >= n/0.05 with the largest posterior. P(any innocent copy `leaked`) <= alpha (see trace.score).
    """
    ahead = {r.copy: score(r, channel, evidence.as_of) for r in evidence.releases}
    threshold = terms.threshold(len(evidence.releases))
    bars = Bars(threshold, terms.threshold(len(evidence.releases), LIKELY_ALPHA))
    beliefs = posterior(evidence, channel, beside)
    named = {c: s for c, s in ahead.items() if s.log_sup >= threshold or _likely(c, s, bars, beliefs)}
    explained = _explained(evidence, channel, named, threshold)
    verdicts = [_verdict(r, ahead[r.copy], bars, beliefs, explained.get(r.copy)) for r in evidence.releases]
    order = list(Word)
    verdicts.sort(key=lambda v: (order.index(v.word), -v.posterior, -v.log_e, v.copy))
    visible = terms.hit_rate and smallest_visible_leak(evidence, channel, threshold, terms.hit_rate)
    pair = _pair(evidence, channel, terms)
    return Findings(evidence.as_of, terms.alpha, tuple(verdicts), beliefs.none, visible, dict(counts or {}), pair)


def _pair(evidence: Evidence, channel: Channel, terms: Terms) -> Pair | None:
    """The two copies that leaked together, where it is all but sure (`PAIR_SURE`) that two did."""
    releases = evidence.releases
    if len(releases) < 2:
        return None
    beliefs = believe(exposed(evidence), channel)
    if beliefs.two < PAIR_SURE:
        return None
    i, j, merge, share = beliefs.best()
    each = zip(releases, beliefs.each(), strict=True)
    return Pair(
        copies=(releases[i].copy, releases[j].copy),
        merge=merge,
        posterior=share,
        sure=tuple(release.copy for release, mine in each if mine >= PAIR_SURE),
        log_e=either_leaked(releases[i], releases[j], channel, evidence.as_of),
        threshold=math.log(math.comb(max(terms.planned, len(releases)), 2) / terms.alpha),
    )


@dataclass(frozen=True)
class Bars:
    """The thresholds (nats) of `leaked` and `likely`."""

    leaked: float
    likely: float


def copy_graph(evidence: Evidence) -> "nx.DiGraph[str]":
    """The copy graph, an edge from each source to the copy made from it."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(r.copy for r in evidence.releases)
    graph.add_edges_from((source, r.copy) for r in evidence.releases for source in r.sources)
    return graph


def _likely(copy: str, ahead: Score, bars: Bars, beliefs: Posterior) -> bool:
    mine = beliefs.copies[copy]
    return ahead.log_sup >= bars.likely and mine == max(beliefs.copies.values()) and mine > beliefs.none


def _explained(evidence: Evidence, channel: Channel, named: Mapping[str, Score], threshold: float) -> dict[str, str]:
    """Which accused copies are already explained by a copy made from them that is named too (leaked or likely).

    A copy stays accused beside its descendant only when the canaries the descendant never held accuse it too.
    """
    if not any(release.sources for release in evidence.releases):
        return {}
    import networkx as nx

    graph = copy_graph(evidence)
    releases = {r.copy: r for r in evidence.releases}
    explained = {}
    for copy, ahead in named.items():
        below = sorted(nx.descendants(graph, copy) & named.keys())
        held = frozenset(m.number for d in below for m in releases[d].carried)
        if not below or ahead.log_sup < threshold:
            continue
        if score(releases[copy], channel, evidence.as_of, without=held).log_sup < threshold:
            explained[copy] = max(below, key=lambda d: len(nx.ancestors(graph, d)))
    return explained


def _verdict(release: Release, ahead: Score, bars: Bars, beliefs: Posterior, explained_by: str | None) -> Verdict:
    mine = beliefs.copies[release.copy]
    if explained_by is not None:
        word = Word.CANNOT_TELL
    elif ahead.log_sup >= bars.leaked:
        word = Word.LEAKED
    elif _likely(release.copy, ahead, bars, beliefs):
        word = Word.LIKELY
    else:
        word = Word.CANNOT_TELL
    heard = _heard(release)
    rivals = sorted(((c, p) for c, p in beliefs.copies.items() if c != release.copy), key=lambda cp: -cp[1])
    return Verdict(
        copy=release.copy,
        recipient=release.recipient,
        word=word,
        log_e=ahead.log_sup,
        threshold=bars.leaked,
        posterior=mine,
        contacts=tuple(sorted(hit.contact for mark in heard for hit in mark.hits)),
        window=None if word is Word.CANNOT_TELL else _window(release, heard, ahead),
        rivals=tuple(Rival(c, p) for c, p in rivals[:RIVALS_SHOWN]),
        explained_by=explained_by,
    )


def _heard(release: Release) -> list[Mark]:
    return [m for m in release.marks if m.planted and m.hits]


def _window(release: Release, heard: list[Mark], ahead: Score) -> Window | None:
    """From the hand-over to the first caller who knew a planted persona, or else to when the score peaked.

    Not to the first contact: that one may be a nuisance call, and a window that ends too early is an alibi.
    """
    named = [hit.at for mark in heard for hit in mark.hits if mark.number in hit.names]
    end = min(named, default=ahead.sup_at)
    return Window(release.start.date(), end.date()) if end else None
