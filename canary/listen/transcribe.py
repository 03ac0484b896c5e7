"""Words out of recordings that are kept here, by a program that the operator supplies; nothing is ever downloaded."""

import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from canary.errors import CanaryError, OutsideError
from canary.store import media
from canary.store.database import Store

SECONDS = 600  # for one recording
MOST = 20  # a run: speech is slow
LONGEST = 20_000  # characters


class Unreadable(OutsideError):
    """A recording that no further try will make readable."""


class Transcriber(Protocol):
    """Turns one recording into the words that were said, "" if there were none. Raises Unreadable, OutsideError."""

    def words(self, recording: bytes) -> str:
        """The words of a WAV file."""
        ...


@dataclass(frozen=True)
class Command:
    """A program that prints the words, "{file}" in `line` being where the recording stands; run without a shell."""

    line: str

    def __post_init__(self) -> None:
        if not any("{file}" in part for part in self._parts()):
            raise CanaryError("transcriber_command: without {file}", "name the program, its options, and {file}")

    def _parts(self) -> list[str]:
        try:
            return shlex.split(self.line)
        except ValueError as error:
            raise CanaryError(f"transcriber_command: {error}", "close the quotes") from None

    def words(self, recording: bytes) -> str:
        """What the program prints."""
        with tempfile.TemporaryDirectory() as folder:  # of this user alone, and gone again afterwards
            path = Path(folder) / "recording.wav"
            path.write_bytes(recording)
            parts = [part.replace("{file}", str(path)) for part in self._parts()]
            try:
                done = subprocess.run(parts, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=True)
            except (OSError, subprocess.SubprocessError) as error:
                raise OutsideError(f"transcriber_command: {type(error).__name__}", "run it by hand") from error
        return done.stdout.decode("utf-8", "replace").strip()[:LONGEST]


def transcribe(store: Store, transcriber: Transcriber, now: datetime) -> int:
    """Transcribe recordings that are kept and have no words yet, each once; returns how many. What is recognised counts
    like words that the provider heard. One that fails holds up no other: it is tried again, and when all were tried
    its OutsideError is raised."""
    with store.reading() as session:
        due = media.wordless(session, MOST)
    failed: OutsideError | None = None
    for row in due:
        with store.reading() as session:
            recording = media.content(session, row.id)
        try:
            said = transcriber.words(recording)
        except Unreadable:
            said = ""  # it is kept for human ears
        except OutsideError as error:
            failed = error
            continue
        with store.writing() as session:
            media.worded(session, row, said.replace("\0", ""), now)
    if failed:
        raise failed
    return len(due)
