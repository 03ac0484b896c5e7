"""`canary scan`: which canaries stand in files that turned up, and which copy they came from."""

import gc
import hashlib
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from canary.cli.output import format_option, remark
from canary.errors import CanaryError
from canary.scan import STDIN, no_collection, size_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from canary.cli.searched import Sums

SELDOM = 100_000  # objects between two looks for garbage: matches are none, and the collector would walk them all
PIECE = 1 << 24  # bytes hashed at a time: between two of them Python's lock is waited for
SWITCH = 0.001  # seconds for which Python runs one thread while others wait
SOON = 0.01  # seconds until an interruption that was lost is raised again
LAW_ROWS = 5000  # from here the law calls a leak of health data "especially serious" (CASES 3)
FRAGMENT = 1 << 28  # bytes, held in memory
BIG = 1 << 26  # bytes from which more processes than one are worth their start


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Threads or processes to scan with.  [default: one a core if files are big]",
)
@click.option("--phones-only", is_flag=True, help="Plain telephone numbers alone: faster.")
@click.option(
    "--law-rows",
    type=click.IntRange(min=1),
    default=LAW_ROWS,
    show_default=True,
    help="Say if so many are passed.",
)
@click.option("--no-ledger", is_flag=True, help="A rehearsal: enter nothing in the ledger.")
@click.option(
    "--filter",
    "filter_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Search with this exported filter, without registry: numbers of rows alone.",
)
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who searches.")
@click.option("--cluster", default="", envvar="RAY_ADDRESS", help="The Ray cluster's address.  [default: this machine]")
@format_option
@click.pass_context
def scan(
    ctx: click.Context,
    files: tuple[Path, ...],
    jobs: int | None,
    phones_only: bool,
    law_rows: int,
    no_ledger: bool,
    filter_file: Path | None,
    engine: str,
    cluster: str,
    style: str,
) -> None:
    """Find canaries in FILES that turned up (folders, archives, - for a pasted fragment) and say which copy leaked.

    Exit code 1 when a canary is found. Nothing of any other row is shown, stored or written anywhere.
    """
    gc.set_threshold(SELDOM)
    sys.setswitchinterval(SWITCH)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's other threads only wait here, and busily at that
    try:
        paths = _expanded(files)
        fragment = _fragment() if STDIN in paths else b""
        with _ended_in_order(), _hashing(() if no_ledger or filter_file else paths, fragment) as hashed:
            with no_collection():
                # Imported here: it takes as long as to hash a gigabyte, which goes on beside.
                from canary.cli.searched import Wish, scanned, sifted

            if filter_file:
                report = sifted(paths, filter_file, fragment, style)
            else:
                beyond = cluster if engine == "ray" else None
                wish = Wish(jobs or _jobs(paths), phones_only, law_rows, not no_ledger, beyond)
                report = scanned(paths, wish, fragment, hashed, style)
    except KeyboardInterrupt:
        remark("interrupted: nothing was kept")
        ctx.exit(128 + signal.SIGINT)
    if any(shown.get("canaries") or shown.get("hits") for shown in report["files"]):
        ctx.exit(1)
    if any(shown["error"] for shown in report["files"]):
        raise CanaryError("nothing found, but not everything could be read", "see the remarks above")


def _jobs(paths: Sequence[Path]) -> int:
    return len(os.sched_getaffinity(0)) if sum(map(size_of, paths)) >= BIG else 1


def _fragment() -> bytes:
    fragment = sys.stdin.buffer.read(FRAGMENT + 1)
    if not fragment:
        raise CanaryError("stdin: nothing came", "paste the rows and end with Ctrl-D, or pipe a file into it")
    if len(fragment) > FRAGMENT:
        raise CanaryError(f"stdin: more than {FRAGMENT >> 20} MB", "save it as a file and scan that")
    return fragment


def _expanded(files: Sequence[Path]) -> list[Path]:
    """The files to read, each once; raises CanaryError if there are none."""
    found: dict[Path, Path] = {}
    for path in files:
        below = list(_below(path)) if path != STDIN and path.is_dir() else [path]
        if not below:
            remark(f"{path}: no file in it")
        for each in below:
            found.setdefault(each if each == STDIN else Path(os.path.realpath(each)), each)
    if not found:
        raise CanaryError("no file to scan", "name files, or folders that hold some")
    return list(found.values())


def _below(folder: Path) -> Iterator[Path]:
    """All files in a folder, and whatever cannot be looked into, which is an error when it is read."""
    closed: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders.sort()
        for path in (Path(place, name) for name in sorted([*names, *folders])):
            if path.is_symlink():
                remark(f"{path}: a link, not followed")
            elif path.is_file() or not path.exists():
                yield path
            elif not path.is_dir():
                remark(f"{path}: a pipe, socket or device, passed over")
    yield from closed


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """An end from outside (a closed terminal, a shutdown) is as Ctrl-C, and neither is lost: raised where Python only
    prints what is raised (in a finalizer, or while it forks), it is raised again."""

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    def ignored(lost: "sys.UnraisableHookArgs") -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, SOON)
        else:
            told(lost)

    told, sys.unraisablehook = sys.unraisablehook, ignored
    ends = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = [each for each in ends if signal.getsignal(each) == signal.SIG_DFL]
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        sys.unraisablehook = told


@contextmanager
def _hashing(paths: Sequence[Path], fragment: bytes) -> "Iterator[Future[Sums]]":
    """The files' SHA-256 and sizes, taken beside the scan; given up when the scan is."""
    stop = Event()
    with ThreadPoolExecutor(1) as beside:
        try:
            yield beside.submit(lambda: {path: _hash(path, fragment, stop) for path in paths})
        finally:
            stop.set()


def _hash(path: Path, fragment: bytes, stop: Event) -> tuple[str, int]:
    if path != STDIN and not path.is_file():  # a pipe would be waited for
        return "", 0
    digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(PIECE))
    try:
        with io.BytesIO(fragment) if path == STDIN else path.open("rb") as file:
            while not stop.is_set() and (got := file.readinto(buffer)):
                digest.update(buffer[:got])
                size += got
    except OSError:  # the scan itself says so
        return "", 0
    return digest.hexdigest(), size


COMMANDS = (scan,)
