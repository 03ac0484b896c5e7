"""Hostile requests that a coverage-guided fuzzer (atheris) finds: no exception, no 5xx, nothing unsigned accepted.

    pip install 'canary-records[fuzz]'
    python benchmarks/abuse_guided.py [--runs 50000] [--seed N] [--corpus DIRECTORY]

Its inputs grow towards code of the intake, the providers and triage that no input has reached yet, from a corpus made
by the grammar of `abuse.py`. Each is kept, verified, read and sorted as the server would, in this process. The first
byte of an input chooses hook, content type and whether it is signed; the rest, up to a line end, is the query where
there is one, and then the body. On a failure atheris prints the traceback and leaves the input.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import quote_from_bytes, urlencode

import atheris

with atheris.instrument_imports(include=["canary.listen", "canary.web", "canary.store"]):
    from canary.web.app import create_app

from abuse import answered, registry
from abuse_grammar import BASIC, FORM, JSON, SECRET, Shot, basic, shots, smsforwarder_fields, smsgate_headers
from twilio.request_validator import RequestValidator

from canary.listen.providers.twilio_signature import parsed_form
from canary.listen.sort import sort_all

HOOKS = (
    "twilio/sms", "twilio/voice", "twilio/status", "twilio/recording", "twilio/transcription", "twilio/events",
    "twilio/turn-1", "smsgate/webhook", "smsforwarder/webhook", "kannel/sms",
)  # fmt: skip
SIGNED, AS_JSON = 0x80, 0x40
SORT_EVERY = 500  # requests
# libFuzzer's spelling: a backslash before quotes and backslashes, \\x for bytes.
TOKENS = r"""
MessageSid=SM1 CallSid=CA1 &From=%2B86 &To=%2B86 &Body= &NumMedia=1 &CallStatus=completed &SequenceNumber= &id=
&RecordingSid=RE1 &TranscriptionData= &charset=UTF-16BE %E5%A5%B6%E7%B2%89 {\"transcript\": \"payload\": \"data\":{
\"event\":\"sms:received\" \"type\":\"com.twilio.messaging.inbound-message.received\" \\u0000 1e999 [[[[ \xff\xfe
"""


def shot(data: bytes, public: str) -> tuple[Shot, bool]:
    """The request an input stands for, and whether it is signed."""
    how, rest = (data[0], data[1:]) if data else (0, b"")
    hook, kind = HOOKS[how % 16 % len(HOOKS)], JSON if how & AS_JSON else FORM
    query, _, body = rest.partition(b"\n") if hook.startswith("kannel") else (b"", b"", rest)
    signed = bool(how & SIGNED)
    secret, credentials = (SECRET, BASIC) if signed else ("another", "phone:another")
    target = f"/hooks/{hook}" + (f"?{quote_from_bytes(query, safe='&=%+')}" if query else "")
    headers = [("Content-Type", kind), basic(credentials)]
    if hook.startswith("twilio"):
        target += f"?bodySHA256={hashlib.sha256(body).hexdigest()}" if kind == JSON else ""
        form = {} if kind == JSON else parsed_form(body)
        headers.append(("X-Twilio-Signature", RequestValidator(secret).compute_signature(public + target, form)))
    elif hook.startswith("smsgate"):
        headers += smsgate_headers(secret, body)
    elif hook.startswith("smsforwarder"):
        fields = smsforwarder_fields(secret)
        as_json = json.dumps(dict(fields)).encode().rstrip(b"}") + b"," + body.lstrip(b"{")
        body = as_json if kind == JSON else urlencode(fields).encode() + b"&" + body
    return Shot("", target.encode(), tuple((n.encode(), v.encode()) for n, v in headers), body), signed


def corpus(folder: Path, public: str, seed: int) -> None:
    """Inputs from the grammar: their hooks and bodies, signed and not."""
    rng = random.Random(seed)
    for n, made in enumerate(shots(seed, 400, public)):
        path, _, query = made.target.decode("latin-1").partition("?")
        hook = path.removeprefix("/hooks/")
        if hook not in HOOKS or len(made.body) > 4000:
            continue
        as_json = AS_JSON if dict(made.headers).get(b"Content-Type") == JSON.encode() else 0
        first = bytes([HOOKS.index(hook) | as_json | rng.choice((0, SIGNED, SIGNED))])
        (folder / f"{n:04}").write_bytes(first + (query.encode() + b"\n" if hook == "kannel/sms" else b"") + made.body)


class Target:
    """Sends each input to the app, and checks what it is answered."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.settings = registry(Path(self._folder.name))
        self.app = create_app(self.settings)
        self.store = self.settings.store()
        self.answers: Counter[tuple[str, int]] = Counter()

    def __call__(self, data: bytes) -> None:
        """One input; raises what the app raises, and AssertionError on an answer that must not be."""
        made, signed = shot(data, self.settings.public_url)
        status = answered(self.app, made)
        self.answers["signed" if signed else "unsigned", status] += 1
        assert status < 500, f"answered {status}"
        assert signed or status != 200, "accepted though nobody signed it"
        if sum(self.answers.values()) % SORT_EVERY == 0:
            sort_all(self.store)


def main() -> None:
    """Run, and print what was answered."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--corpus", type=Path, default=None, help="kept from run to run")
    given = parser.parse_args()
    target = Target()
    folder = given.corpus or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    corpus(folder, target.settings.public_url, given.seed)
    tokens = folder.with_name(folder.name + ".dict")
    tokens.write_text("".join(f'"{token}"\n' for token in TOKENS.split()))
    options = [f"-atheris_runs={given.runs}", f"-seed={given.seed}", f"-dict={tokens}", "-max_len=6000", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(folder)], target)
    try:
        atheris.Fuzz()
    finally:
        for (kind, status), n in sorted(target.answers.items()):
            print(f"{kind} answered {status}: {n:,}")


if __name__ == "__main__":
    main()
