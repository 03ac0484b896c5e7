"""Hostile requests of all providers against the server: no 5xx, no traceback, nothing unsigned counted, memory bounded.

    python benchmarks/abuse.py [--inside 40000] [--wire 12000] [--seed N]

`inside` of them go to the WSGI app in this process, `wire` of them over sockets to `canary serve` (gunicorn), some in
chunks. Exits with 1 if anything was answered 5xx, logged a traceback, or was counted though nobody signed it.
"""

import argparse
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from abuse_grammar import CONFIG, FORGED, Shot, shots
from flask import Flask

from canary.listen.sort import sort_all
from canary.settings import Settings, load
from canary.store import contacts, deliveries, views
from canary.store.database import Store
from canary.store.vault import Vault, new_key
from canary.web.app import create_app

MEASURED = (0.2, 0.6, 1)  # the shares of requests after which memory is measured
Answers = Counter[tuple[str, int]]


def registry(folder: Path) -> Settings:
    """A fresh registry with every provider, in force for this process and its children."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f'bind = "127.0.0.1:{port}"\npublic_url = "http://127.0.0.1:{port}"\n'
    (folder / "canary.toml").write_text(address + CONFIG)
    (folder / "canary.key").write_text(new_key())
    os.environ["CANARY_CONFIG"] = str(folder / "canary.toml")
    settings = load()
    store = Store(settings.url, Vault(settings.secret()))
    store.migrate()
    store.close()
    return settings


def inside(settings: Settings, fired: Sequence[Shot], threads: int = 8) -> tuple[Answers, list[int]]:
    """Answers by kind and status, and how many KiB this process held at the times of `MEASURED`."""
    app = create_app(settings)
    return _all(fired, partial(answered, app), threads, lambda: rss([os.getpid()]))


def answered(app: Flask, shot: Shot) -> int:
    """The status that an app in this process answers with; raises what it raises."""
    statuses: list[str] = []
    found = app(_environ(shot), lambda status, headers, info=None: statuses.append(status) or (lambda data: None))
    b"".join(found)
    return int(statuses[0].split()[0])


def _environ(shot: Shot) -> dict[str, Any]:
    target = shot.target.decode("latin-1")
    path, _, query = target.partition("?")
    found: dict[str, Any] = {
        "REQUEST_METHOD": shot.method.decode(),
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.input": io.BytesIO(shot.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "CONTENT_LENGTH": str(len(shot.body)),
    }
    for name, value in shot.headers:
        key = name.decode().upper().replace("-", "_")
        found[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    return found


def wire(settings: Settings, fired: Sequence[Shot], threads: int = 16) -> tuple[Answers, list[int], str]:
    """The same over sockets to the real server, and what it logged."""
    log = settings.folder / "serve.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "canary", "serve"], stdout=out, stderr=out, start_new_session=True
        )
    try:
        _wait(settings.bind)
        host, _, port = settings.bind.partition(":")

        def fire(shot: Shot) -> int:
            return exchange((host, int(port)), spelled(shot, settings.bind, random.Random(hash(shot.body) & 0xFFFF)))

        return *_all(fired, fire, threads, lambda: rss(family(server.pid))), log.read_text(errors="replace")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=20)


def spelled(shot: Shot, host: str, rng: random.Random) -> bytes:
    """A request as bytes on the wire, its body at once or in chunks."""
    headers = [(name, value) for name, value in shot.headers if name != b"Host"] + [(b"Host", host.encode())]
    body = shot.body
    if rng.random() < 0.1:
        headers.append((b"Transfer-Encoding", b"chunked"))
        pieces = [body[i : i + 700] for i in range(0, len(body), 700)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        headers.append((b"Content-Length", str(len(body)).encode()))
    lines = [shot.method + b" " + shot.target + b" HTTP/1.1", *(name + b": " + value for name, value in headers)]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body


def exchange(address: tuple[str, int], sent: bytes, seconds: float = 20) -> int:
    """The status that a request is answered with; 0 when the connection is closed without an answer."""
    with socket.create_connection(address, timeout=seconds) as line:
        got = b""
        with suppress(OSError):  # the server may hang up on nonsense before it has read all of it
            line.sendall(sent)
        with suppress(ConnectionResetError):
            while piece := line.recv(65536):
                got += piece
    return int(got.split(b" ", 2)[1]) if got.startswith(b"HTTP/1.") else 0


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def rss(pids: Iterable[int]) -> int:
    """The memory that processes hold, in KiB."""
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _all(
    fired: Sequence[Shot], fire: Callable[[Shot], int], threads: int, held: Callable[[], int]
) -> tuple[Answers, list[int]]:
    answers: Answers = Counter()
    marks = [int(len(fired) * share) for share in (0, *MEASURED)]
    sizes = []
    with ThreadPoolExecutor(threads) as pool:
        for first, last in pairwise(marks):
            statuses = pool.map(fire, fired[first:last])
            answers.update((shot.kind, status) for shot, status in zip(fired[first:last], statuses, strict=True))
            sizes.append(held())
    return answers, sizes


def _wait(bind: str) -> None:
    host, _, port = bind.partition(":")
    for _ in range(300):
        try:
            if exchange((host, int(port)), b"GET /readyz HTTP/1.0\r\n\r\n") == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def counted(settings: Settings) -> dict[str, int]:
    """What the registry holds after triage of it all: deliveries in quarantine, contacts, those that are forged."""
    store = settings.store()
    sort_all(store)
    with store.reading() as session:
        found = list(contacts.contacts(session))
        forged = 0
        for first in range(0, len(found), 500):
            batch = found[first : first + 500]
            heard = contacts.heard(session, batch)
            forged += sum(
                FORGED in c.sid or FORGED in heard[c.id][0] or FORGED in views.opened(session, c).sender for c in batch
            )
        result = {"quarantined": deliveries.quarantined(session), "contacts": len(found), "forged": forged}
    store.close()
    return result


def run(inside_count: int, wire_count: int, seed: int) -> dict[str, Any]:
    """Both runs, each on a registry of its own; what was sent, answered, logged and counted."""
    told: dict[str, Any] = {}
    for name, count in (("inside", inside_count), ("wire", wire_count)):
        with tempfile.TemporaryDirectory() as folder:
            settings = registry(Path(folder))
            fired = shots(seed, count, settings.public_url)
            started = time.monotonic()
            answers, sizes, *log = (inside if name == "inside" else wire)(settings, fired)
            by_kind: dict[str, dict[str, int]] = {}
            for (kind, status), n in sorted(answers.items()):
                by_kind.setdefault(kind, {})[str(status)] = n
            told[name] = {
                "sent": count,
                "seconds": round(time.monotonic() - started, 1),
                "answers": by_kind,
                "server_errors": sum(n for (_, status), n in answers.items() if status >= 500),
                "accepted_forged": sum(answers[kind, 200] for kind in ("forged", "tampered")),
                "tracebacks": sum("Traceback" in text for text in log),
                "held_kib": sizes,
                **counted(settings),
            }
            if log and told[name]["tracebacks"]:
                print(log[0][-4000:], file=sys.stderr)
        seed += 1
    return told


def failed(told: dict[str, Any], most_kib: int = 64 << 10) -> bool:
    """Whether anything is as it must never be."""
    never = ("server_errors", "tracebacks", "forged")
    grown = [each["held_kib"][-1] - each["held_kib"][0] for each in told.values()]
    return any(each[name] for each in told.values() for name in never) or max(grown) > most_kib


def main() -> None:
    """Run, print as JSON, exit 1 on a failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=int, default=40_000)
    parser.add_argument("--wire", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=20261122)
    given = parser.parse_args()
    told = run(given.inside, given.wire, given.seed)
    print(json.dumps(told, indent=1))
    raise SystemExit(failed(told))


if __name__ == "__main__":
    main()
