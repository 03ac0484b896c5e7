"""Contacts under load while everything breaks: sent, answered 2xx, stored, recovered, lost and doubled, by source.

    PYTHONPATH=. python benchmarks/faults.py [--minutes 10] [--database sqlite|postgresql] [--seed N] [--pace 2]

`canary serve` and `canary schedule` run for real, over SQLite or a PostgreSQL of their own, on a small disk of their
own where we may mount one. They hear Twilio's emulator (it posts once; `reconcile` reads its log), Kannel, and senders
that sign as Twilio, SMSGate and SmsForwarder do and try again as those do, all over a line that drops, cuts, repeats
and delays one request in ten. Server, worker, scheduler and database are killed (-9), stopped or locked, the disk is
full, the line is cut: one or two at a time, by seed, and each again and again.

Then all is mended, `canary reconcile` runs, and the registry is counted. Stored: by webhook. Recovered: by the log
alone. Lost: answered 2xx, or standing in a log that is read back, and no contact in the registry; or a request answered
2xx that is not stored. Given up: neither answered 2xx nor stored nor in any log. Doubled: two contacts of one, or one
arrival at the server stored twice. Altered: a contact whose words are not those sent. Exit 1 unless lost, doubled
and altered are 0. (The emulator knows no recordings, so `reconcile` says that its log ended early.)
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import requests
from fault_load import BASIC, CALLER, KEY, LOGGED, OURS, Load, everybody
from fault_world import Disk, Postgres, Program, World
from sqlalchemy import select

from canary.demo.wire import free_port
from canary.errors import OutsideError
from canary.settings import Settings, confine, load
from canary.store import contacts, deliveries, numbers
from canary.store.database import Store
from canary.store.schema import Delivery
from canary.store.vault import Vault, new_key
from canary.web.app import intake
from tests.peers import emulate, kannel, postgres
from tests.peers.bad_line import ARRIVAL, Answer, BadLine

MEGABYTES = 400
SETTINGS = """
bind = "127.0.0.1:{port}"
public_url = "{line}"
twilio_auth_token = "{token}"
twilio_account_sid = "{account}"
twilio_api_url = "{api}"
smsgate_key = "{key}"
smsforwarder_secret = "{key}"
smsforwarder_basic = "{basic}"
kannel_basic = "{basic}"
deliveries_every_seconds = 15
reconcile_every_seconds = 45
verdicts_every_seconds = 120
alerts_every_seconds = 30
"""


@dataclass(frozen=True)
class Row:
    """What became of one source's contacts."""

    sent: int
    answered: int
    stored: int
    recovered: int
    given_up: int
    lost: int
    doubled: int
    altered: int

    @property
    def good(self) -> bool:
        """Nothing was lost, doubled or altered."""
        return not (self.lost or self.doubled or self.altered)


@dataclass(frozen=True)
class Held:
    """What the registry holds: by caller the contacts' paths and the words of the last, and how often each arrival."""

    paths: Mapping[str, list[list[str]]]
    words: Mapping[str, str]
    arrivals: Counter[str]
    waiting: int


@contextmanager
def world(database: str, seed: int, stack: ExitStack) -> Iterator[tuple[World, emulate.Emulator, Path]]:
    """Everything but the senders, running; with the folder of logs."""
    node = shutil.which("node")
    if node is None or not emulate.SCRIPT.exists():
        sys.exit("the Twilio emulator is missing: run `make peers`")
    logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-faults-")))
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="canary-disk-", ignore_cleanup_errors=True)))
    disk = Disk(place, MEGABYTES)
    stack.callback(disk.end)
    emulator = stack.enter_context(emulate.running(node))
    port = free_port()
    line = BadLine(port, re.compile(CALLER), seed)
    emulator.buy(OURS, f"{line.url}/hooks/twilio")
    base = _base(place, database)
    registry = place / "registry"
    registry.mkdir(mode=0o700)
    (registry / "canary.key").write_text(new_key())
    named = {"port": port, "line": line.url, "api": emulator.base, "token": emulator.token}
    named |= {"account": emulator.account, "key": KEY, "basic": BASIC}
    (registry / "canary.toml").write_text(SETTINGS.format(**named))
    confine(registry)
    if base:
        base.look()
        os.environ["CANARY_DATABASE_URL"] = base.url
    _registry(load())
    made = World(line, disk, base, registry / "canary.sqlite3")
    made.programs |= {name: Program(name, os.environ, logs) for name in ("serve", "schedule")}
    with made.running():
        _ready(f"http://127.0.0.1:{port}")
        yield made, emulator, logs


def _base(place: Path, database: str) -> Postgres | None:
    if database == "sqlite":
        return None
    programs = postgres.binaries()
    if programs is None:
        sys.exit("PostgreSQL 15 is missing")
    return Postgres(programs, place / "pg")


def _registry(settings: Settings) -> None:
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    with store.writing() as session:
        numbers.import_numbers(session, datetime.now(UTC), [numbers.NewNumber(OURS, "twilio", Decimal(1))])
    store.close()


def _ready(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        time.sleep(0.2)
    raise OutsideError(f"the server is not ready after {seconds:.0f} s", "see its log")


def settled(settings: Settings) -> str:
    """`canary reconcile`, and what the job `deliveries` does a minute later; what the command said."""
    command = [sys.executable, "-m", "canary", "reconcile"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    store = settings.store()
    service = intake(settings, store)
    deadline = time.monotonic() + 30
    while service.spool.waiting() and time.monotonic() < deadline:
        service.drain()
        time.sleep(0.2)
    service.resume(timedelta())
    store.close()
    return said.stdout + said.stderr


def held(settings: Settings) -> Held:
    """Read the whole registry."""
    store = settings.store()
    paths: defaultdict[str, list[list[str]]] = defaultdict(list)
    words = {}
    with store.reading() as session:
        every = contacts.contacts(session)
        for start in range(0, len(every), 500):
            some = every[start : start + 500]
            ways, said = contacts.paths(session, some), contacts.heard(session, some)
            for contact in some:
                caller = contacts.sender(session, contact).lstrip("+")
                paths[caller].append(ways[contact.id])
                words[caller] = said[contact.id][0]
        kept = [deliveries.opened(session, row).request["headers"] for row in session.scalars(select(Delivery))]
        unjudged = deliveries.waiting(session)
    store.close()
    arrivals = Counter(headers.get(ARRIVAL, "") for headers in kept)
    return Held(paths, words, arrivals, unjudged + len(settings.spool().waiting()))


def row(source: str, sent: Mapping[str, str], found: Held, answers: list[Answer]) -> Row:
    """What became of one source's contacts."""
    answered = {a.caller for a in answers if 200 <= a.status < 300 and a.caller in sent}
    there = sent.keys() & found.paths.keys()
    recovered = {caller for caller in there if all(ways == ["backfill"] for ways in found.paths[caller])}
    missing = sent.keys() - there
    lost = missing if source in LOGGED else missing & answered
    mine = [a.arrival for a in answers if a.caller in sent]
    lost_requests = sum(200 <= a.status < 300 and not found.arrivals[a.arrival] for a in answers if a.caller in sent)
    doubled = sum(len(found.paths[caller]) > 1 for caller in there) + sum(found.arrivals[a] > 1 for a in mine)
    altered = 0 if source.endswith("call") else sum(found.words[caller] != sent[caller] for caller in there)
    stored = len(there) - len(recovered)
    return Row(
        len(sent),
        len(answered),
        stored,
        len(recovered),
        len(missing - lost),
        len(lost) + lost_requests,
        doubled,
        altered,
    )


def table(load_: Load, made: World, found: Held) -> bool:
    """Print what became of everything; whether it is good."""
    rows = {source: row(source, sent, found, made.line.answers) for source, sent in load_.sent.items()}
    print(f"\n{'source':22}{'sent':>7}{'answered 2xx':>14}{'stored':>8}{'recovered':>11}", end="")
    print(f"{'given up':>10}{'lost':>6}{'doubled':>9}{'altered':>9}")
    total = Row(*(sum(values) for values in zip(*(vars(r).values() for r in rows.values()), strict=True)))
    for source, each in {**rows, "all": total}.items():
        print(f"{source:22}{each.sent:7}{each.answered:14}{each.stored:8}{each.recovered:11}", end="")
        print(f"{each.given_up:10}{each.lost:6}{each.doubled:9}{each.altered:9}")
    statuses = Counter(answer.status or "none" for answer in made.line.answers)
    print(f"\nfaults: {dict(sorted(made.done.items()))}")
    print(f"requests that met: {dict(sorted((k or 'nothing', v) for k, v in made.line.mishaps.items()))}")
    print(f"answers of the server: {dict(sorted(statuses.items(), key=str))}")
    print(f"most in the spool at once: {made.spooled}; left unjudged or spooled: {found.waiting}")
    if "kannel" not in rows:
        print("Kannel is not installed: run `make peers`")
    return total.good and not found.waiting


def main() -> None:
    parser = argparse.ArgumentParser(description="Nothing answered 2xx is lost while everything breaks.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--pace", type=float, default=2, help="contacts a second of each source")
    parser.add_argument("--longest", type=float, default=10, help="seconds of a fault")
    options = parser.parse_args()
    print(f"{options.minutes} minutes on {options.database}, seed {options.seed}", flush=True)
    with ExitStack() as stack:
        with world(options.database, options.seed, stack) as (made, emulator, logs):
            hook = f"{made.line.url.replace('://', f'://{BASIC}@')}/hooks/kannel/sms"
            gateway = stack.enter_context(kannel.running(hook, logs)) if kannel.installed() else None
            load_ = everybody(made.line.url, emulator, gateway, options.pace)
            made.trouble(random.Random(options.seed), options.minutes * 60, options.longest)
            made.line.share = 0.0
            _ready(f"http://127.0.0.1:{made.line.backend}")
            load_.finish(40)
            _quiet(made.line)
            settings = load()
            print(settled(settings), end="")
        if made.postgres:
            made.postgres.wanted = True
            made.postgres.look()
        found = held(settings)
        if made.postgres:
            made.postgres.end()
        good = table(load_, made, found)
        crashes = {name: program.log.read_text().count("Traceback") for name, program in made.programs.items()}
        print(f"tracebacks in the logs: {crashes}")
        if any(crashes.values()) or not good:
            for name, program in made.programs.items():
                kept = f"{tempfile.gettempdir()}/faults-{options.database}-{options.seed}-{name}.log"
                print(f"see {shutil.copy(program.log, kept)}")
    sys.exit(not good)


def _quiet(line: BadLine) -> None:
    """Wait until nobody sent anything for four seconds: Kannel goes on trying by itself, every two."""
    before, deadline = -1, time.monotonic() + 90
    while before != len(line.answers) and time.monotonic() < deadline:
        before = len(line.answers)
        time.sleep(4)


if __name__ == "__main__":
    main()
