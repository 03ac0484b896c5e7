"""HL7 v2 messages (ADT and the like) in ER7: one row a woman, and new messages spliced into the text."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom

from canary.errors import CanaryError
from canary.mint.facts import Row, Table
from canary.plant.formats.base import Insertion
from canary.plant.formats.clinical import messages, model
from canary.plant.formats.clinical.adt import Copy, Host
from canary.plant.formats.clinical.messages import Document, Woman
from canary.plant.formats.clinical.splice import spliced


class Hl7Format:
    """Messages with any line ends, MLLP frames and batch envelopes. The columns are those of name, phone, address,
    hospital, edd and birth date that the file fills; a row is a patient number (PID-3) of a woman.

    A new row becomes as many messages as the woman it is modelled on has: fresh control ids, patient and visit
    numbers of the same shape, times that fit the place. Her next of kin, guarantor, insurance and notes are left out,
    and so is whatever else fewer than three women share.
    """

    def __init__(self, rng: Random | None = None) -> None:
        # From the system: numbers that somebody could draw again would tell which messages are new.
        self._rng = rng or SystemRandom()

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError when it holds no women."""
        rows = [woman.cells for woman in _women(messages.load(path))]
        columns = model.shown(rows)
        return Table(tuple(model.HEADER[at] for at in columns), tuple(tuple(row[at] for at in columns) for row in rows))

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with messages for the new rows; raises CanaryError on what its charset cannot hold."""
        document = messages.load(source)
        women = _women(document)
        columns = model.shown([woman.cells for woman in women])
        host = Host(document, women, self._rng)
        additions: list[tuple[int, datetime, str]] = []
        for new in sorted(insertions, key=lambda insertion: insertion.before):
            if not 0 <= new.before <= len(women) or len(new.cells) != len(columns):
                raise CanaryError(f"{source.name}: a new row does not fit the table")
            cells = model.six(dict(zip(columns, new.cells, strict=True)))
            additions += _messages(host, cells, new.before)
        additions.sort(key=lambda addition: addition[:2])
        text = spliced(document.text, document.spans, [(at, new) for at, _, new in additions])
        target.write_bytes(_encoded(document, messages.recounted(document.text, text)))


def _women(document: Document) -> list[Woman]:
    found = messages.women(document)
    if not found:
        raise CanaryError(f"{document.name}: no message names a woman in PID", "choose the file that holds them")
    return found


def _messages(host: Host, cells: Row, before: int) -> Iterator[tuple[int, datetime, str]]:
    rows = [woman.cells for woman in host.women]
    like = model.choose(rows, cells, before, lambda at: host.fits(at, cells), host.plain)
    if like is None:
        raise CanaryError(
            f"{host.document.name}: no woman shows how to write a new row's name, phone, address, hospital and dates",
            "leave out of the export what only some women have",
        )
    head = host.women[before].records[0] if before < len(rows) else len(host.document.messages)
    return Copy(host, host.women[like], cells).additions(head)


def _encoded(document: Document, text: str) -> bytes:
    try:
        return text.encode(document.encoding)
    except UnicodeEncodeError as error:
        raise CanaryError(
            f"{document.name}: the file's {document.encoding} cannot hold {text[error.start]!r} of a new row",
            "make the new rows from the table's own characters",
        ) from error
