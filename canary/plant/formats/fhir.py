"""FHIR R4 and R4B in JSON, a Bundle or NDJSON: one row a woman, and new entries spliced into the text."""

from collections.abc import Sequence
from pathlib import Path
from random import Random, SystemRandom

from canary.errors import CanaryError
from canary.mint.facts import Row, Table
from canary.plant.formats.base import Insertion
from canary.plant.formats.clinical import bundle, model
from canary.plant.formats.clinical.bundle import Document, Woman
from canary.plant.formats.clinical.entries import Copy, Host
from canary.plant.formats.clinical.places import Layout
from canary.plant.formats.clinical.splice import Addition, spliced


class FhirFormat:
    """A Bundle, or a resource a line. The columns are those of name, phone, address, hospital, edd and birth date
    that the file fills; a row is a Patient who is neither male nor an infant.

    A new row becomes a whole set of entries modelled on a neighbour's: same profiles, codes and order, fresh ids and
    identifiers of the same shape, visits moved by whole weeks, measurements of other women. Narratives, notes,
    contacts, photographs, further names, telecoms and addresses of the neighbour are left out.
    """

    def __init__(self, rng: Random | None = None) -> None:
        # From the system: ids that somebody could draw again would tell which entries are new.
        self._rng = rng or SystemRandom()

    def read(self, path: Path) -> Table:
        """The table of the file; raises CanaryError when it holds no women."""
        document = bundle.load(path)
        rows = [woman.cells for woman in _women(document)]
        columns = model.shown(rows)
        return Table(tuple(model.HEADER[at] for at in columns), tuple(tuple(row[at] for at in columns) for row in rows))

    def insert(self, source: Path, target: Path, insertions: Sequence[Insertion]) -> None:
        """Write `target` with entries for the new rows; raises CanaryError when no row shows how to write one."""
        document = bundle.load(source)
        women = _women(document)
        columns = model.shown([woman.cells for woman in women])
        host = Host(document, women, self._rng)
        kinds = [str(document.resource(at).get("resourceType")) for at in range(len(document.entries))]
        layout = Layout([woman.records for woman in women], [woman.head for woman in women], kinds)
        additions: list[Addition] = []
        for new in sorted(insertions, key=lambda insertion: insertion.before):
            if not 0 <= new.before <= len(women) or len(new.cells) != len(columns):
                raise CanaryError(f"{source.name}: a new row does not fit the table")
            cells = model.six(dict(zip(columns, new.cells, strict=True)))
            additions += _entries(host, layout, cells, new.before)
        text = spliced(document.text, document.spans, [*additions])
        target.write_bytes(document.mark + _counted(document, text, additions, len(insertions)).encode())


def _women(document: Document) -> list[Woman]:
    try:
        found = bundle.women(document)
    except (AttributeError, TypeError, LookupError) as error:
        raise CanaryError(f"{document.name}: the resources are not as FHIR has them", "validate the export") from error
    if not found:
        raise CanaryError(f"{document.name}: no Patient in it", "choose the file that holds the women")
    return found


def _entries(host: Host, layout: Layout, cells: Row, before: int) -> list[Addition]:
    rows = [woman.cells for woman in host.women]
    like = model.choose(rows, cells, before, lambda at: host.fits(at, cells), host.plain)
    if like is None:
        raise CanaryError(
            f"{host.document.name}: no woman shows how to write a new row's name, phone, address, hospital and dates",
            "leave out of the export what only some women have",
        )
    woman = host.women[like]
    places = layout.places(before, like)
    copy = Copy(host, woman, cells, places)
    found = zip(places, map(copy.text, woman.records), strict=True)
    return [(place, text) for place, text in found if text is not None]


def _counted(document: Document, text: str, additions: Sequence[Addition], rows: int) -> str:
    """Bundle.total raised by what it counted: Patients, matches or entries."""
    if document.total is None:
        return text
    start, end = document.total
    total = int(document.text[start:end])
    patients = sum(document.resource(at).get("resourceType") == "Patient" for at in range(len(document.entries)))
    matches = [e for e in document.entries if (e.get("search") or {}).get("mode") != "include"]
    more = rows if total == patients else len(additions)
    if total != patients and len(matches) < len(document.entries):
        more = sum('"include"' not in new for _, new in additions)
    moved = start + (len(text) - len(document.text) if document.spans and start > document.spans[-1][1] else 0)
    return text[:moved] + str(total + more) + text[moved + end - start :]
