"""The report as plain text for terminals and mail, and the table of `canary trace`."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from canary.report.campaign_rows import campaign_cells, told
from canary.report.kin import RECOGNISED, ranked
from canary.report.story import Names, evidence, headline, tell, window, word_of
from canary.report.view import ContactView, ReportView
from canary.report.words import Words, stamp
from canary.trace.verdict import Findings, Verdict, Word

WIDTH = 100
QUIET_ROWS = 15
CONTACT_ROWS = 60
CAMPAIGN_ROWS = 20
CLOSING = "，。；：、）”？！"
TOKEN = re.compile(rf"[⺀-￯][{CLOSING}]*|\s+|[^\s⺀-￯]+[{CLOSING}]*")


def render(view: ReportView, words: Words) -> str:
    """The whole report as plain text."""
    story, t = tell(view, words), words.t
    parts = [
        *_banner(view, words),
        t("title.as_of", moment=words.moment(view.findings.as_of)),
        _wrap(story.headline),
        _wrap(story.alpha),
        _section(t("title.why"), story.why),
        _section(t("title.else"), [t("format.sentence_gap").join((p.head, p.body)) for p in story.alternatives]),
        _section(t("title.missed"), story.missed),
        _section(t("title.sure"), story.sure),
        _titled(t("title.copies"), _verdicts(view.findings, words, Names(view, words))),
        _titled(t("title.contacts"), _contacts(view, words)),
        _titled(t("title.campaigns"), _campaigns(view, words)),
        _titled(t("title.all_contacts"), _kinds(view.findings, words)),
        _section(t("title.method"), story.method),
        _section(t("title.limits"), story.limits),
        _titled(t("title.commitments"), _commitments(view, words)),
        t("table.version", version=view.version),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def trace_table(findings: Findings) -> str:
    """The table of `canary trace`: the verdict in a sentence, then a row a copy."""
    words = Words("en")
    recipients = {verdict.copy: verdict.recipient for verdict in findings.verdicts}

    def name(slug: str) -> str:
        return words.t("headline.copy_plain", copy=slug, recipient=recipients[slug])

    return f"{headline(findings, words, name)}\n\n{_verdicts(findings, words)}\n"


def _verdicts(findings: Findings, words: Words, names: Names | None = None) -> str:
    verdicts = ranked(findings)
    loud = [v for v in verdicts if v.word is not Word.CANNOT_TELL]
    quiet = [v for v in verdicts if v.word is Word.CANNOT_TELL]
    columns = ("slug", "recipient", "verdict", "evidence", "posterior", "contacts", "window")
    rows = [[words.t(f"table.{column}") for column in columns]]
    rows += [_verdict_row(v, words, names) for v in loud + quiet[:QUIET_ROWS]]
    hidden = len(quiet) - QUIET_ROWS
    more = [words.t("table.more", n=hidden)] if hidden > 0 else []
    return "\n".join([align(rows), *more])


def _verdict_row(verdict: Verdict, words: Words, names: Names | None) -> list[str]:
    return [
        verdict.copy,
        names.recipient(verdict) if names else verdict.recipient,
        word_of(verdict, words),
        evidence(verdict, words),
        words.percent(verdict.posterior),
        words.count(len(verdict.contacts)),
        window(verdict, words),
    ]


def _contacts(view: ReportView, words: Words) -> str:
    found = [contact for contact in view.contacts if contact.kind in RECOGNISED]
    if not found:
        return words.t("table.no_contacts")
    columns = ["id", "at", "channel", "kind", "number", "copy", "paths", "attested", "reason"]
    columns += ["caller", "persona", "text"] if view.revealed else []
    rows = [[words.t(f"table.{column}") for column in columns]]
    rows += [_contact_row(contact, words, revealed=view.revealed) for contact in found[:CONTACT_ROWS]]
    hidden = len(found) - CONTACT_ROWS
    more = [words.t("table.more_contacts", n=hidden)] if hidden > 0 else []
    return "\n".join([align(rows), *more, *_media(found, words)])


def _media(found: Sequence[ContactView], words: Words) -> list[str]:
    rows = [[str(c.id), m.content_type, words.count(m.size), m.sha256] for c in found for m in c.media]
    return ["", words.t("table.media"), align(rows)] if rows else []


def _contact_row(contact: ContactView, words: Words, *, revealed: bool) -> list[str]:
    row = [
        str(contact.id), stamp(contact.at), words.name("channel", contact.channel),
        words.name("kind", contact.kind), contact.number, contact.copy or "", paths_of(contact, words),
        words.name("attested", contact.attested), words.reason(contact.reason),
    ]  # fmt: skip
    return [*row, contact.caller, contact.persona, contact.text] if revealed else row


def paths_of(contact: ContactView, words: Words) -> str:
    """How we learned of a contact, in words."""
    return words.join([words.name("path", path) for path in contact.paths])


def _campaigns(view: ReportView, words: Words) -> str:
    if not view.campaigns:
        return ""
    shown = view.campaigns[:CAMPAIGN_ROWS]
    rows = [campaign_cells(campaign, words) for campaign in shown]
    table = align([[words.t(f"campaign.{key}") for key in rows[0]], *(list(row.values()) for row in rows)])
    said = [_wrap(f"{c.first}: {_one_line(line)}", "- ") for c in shown for line in told(c, view, words)]
    hidden = len(view.campaigns) - len(shown)
    more = [words.t("campaign.more", n=hidden)] if hidden else []
    return "\n".join([_wrap(words.t("campaign.means")), table, *more, *said])


def _kinds(findings: Findings, words: Words) -> str:
    return align(
        [words.name("kind", kind), words.count(n), words.name("kind_means", kind)]
        for kind, n in findings.contacts.items()
    )


def _commitments(view: ReportView, words: Words) -> str:
    lines = [_wrap(words.t("table.commitments"))] if view.commitments else []
    lines += [align([slug, code] for slug, code in view.commitments.items())] if view.commitments else []
    return "\n".join([*lines, f"{words.t('table.ledger_head')}: {view.ledger_head}"])


def _banner(view: ReportView, words: Words) -> list[str]:
    lines = [f"*** {words.t('title.simulated')} ***"] if view.simulated else []
    return lines + ([f"*** {words.t('title.revealed')} ***"] if view.revealed else [])


def _section(title: str, sentences: Sequence[str]) -> str:
    return _titled(title, "\n".join(_wrap(s, "- ") for s in sentences)) if sentences else ""


def _titled(title: str, body: str) -> str:
    return f"{title}\n{'-' * width(title)}\n{body}" if body else ""


def _wrap(sentence: str, bullet: str = "") -> str:
    """Fold at spaces and between Chinese characters, never inside a code or before closing punctuation."""
    lines, indent = [bullet], " " * len(bullet)
    for token in TOKEN.findall(sentence):
        if width(lines[-1] + token.rstrip()) > WIDTH and lines[-1].strip():
            lines.append(indent)
            token = token.lstrip()
        lines[-1] += token
    return "\n".join(line.rstrip() for line in lines)


def width(text: str) -> int:
    """Columns the text takes in a terminal, where a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def align(rows: Iterable[Sequence[str]]) -> str:
    """Rows in left-aligned columns, two spaces apart, without control characters."""
    clean = [[_one_line(cell) for cell in row] for row in rows]
    widths = [max(width(cell) for cell in column) for column in zip(*clean, strict=True)]
    lines = ("  ".join(cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True)) for row in clean)
    return "\n".join(line.rstrip() for line in lines)


def _one_line(cell: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in cell).split())
