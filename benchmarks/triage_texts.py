"""The texts that triage is trained and judged on: kinds by voice, read from the files beside this one."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "texts"
TABLE = Path(__file__).parents[1] / "tests" / "listen" / "texts.toml"


@dataclass(frozen=True)
class Sample:
    """One text, the kind it should be given, and whose voice it is in."""

    kind: str
    voice: str
    text: str


def written() -> list[Sample]:
    """Texts to train on: those of voices.txt, and the table that the rules are tested with, by language and kind."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    samples = [
        Sample(kind, f"table {language} {kind}", text)
        for language, kinds in table.items()
        for kind, texts in kinds.items()
        for text in texts
    ]
    return [*_read(FOLDER / "voices.txt"), *samples]


def held_out() -> list[Sample]:
    """The 300 maternal-leak messages that are never trained on."""
    return list(_read(FOLDER / "held_out.txt", "maternal"))


def held_out_others() -> list[Sample]:
    """Texts that sell nothing to mothers, though most speak of babies; never trained on either."""
    return list(_read(FOLDER / "held_out_others.txt"))


def longer() -> list[Sample]:
    """Honest texts of several sentences, never trained on; the parts of a text are judged, and these have many."""
    return list(_read(FOLDER / "longer.txt"))


def _read(file: Path, kind: str = "") -> Iterator[Sample]:
    voice = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            voice = line.removeprefix("== ")
        elif line and not line.startswith("#"):
            yield Sample(kind or voice.split(":")[0], voice, line)
