"""A FHIR file taken apart: where its entries stand, which of them belong to which woman, and her six cells."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.errors import CanaryError, OutsideError
from canary.mint.facts import Row
from canary.plant.formats.clinical import json_text
from canary.plant.formats.clinical.model import adults, day_of
from canary.plant.formats.clinical.people import joined_address, joined_name
from canary.plant.formats.clinical.splice import Span

Resource = dict[str, Any]
Steps = tuple[str | int, ...]

_DUE_CODES = frozenset({"11778-8", "11779-6", "11780-4", "11781-2"})
_DUE_URLS = ("edd", "estimateddelivery", "expecteddelivery", "estimateddateofdelivery", "duedate", "deliverydate")
_OTHER_NAMES = ("old", "maiden", "nickname", "anonymous")


@dataclass(frozen=True)
class Document:
    """The text of a Bundle or of NDJSON: entry i stands at spans[i]; `total` is where Bundle.total stands."""

    name: str
    mark: bytes
    text: str
    spans: Sequence[Span]
    entries: Sequence[Resource]
    bundled: bool
    total: Span | None = None

    def resource(self, at: int) -> Resource:
        return self.entries[at].get("resource") or {} if self.bundled else self.entries[at]


@dataclass(frozen=True)
class Woman:
    """The entry of her Patient, all entries that are hers alone, and her cells."""

    head: int
    records: Sequence[int]
    cells: Row


def load(path: Path) -> Document:
    """The file taken apart; raises CanaryError on text that is no Bundle and no NDJSON of resources."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}", "check the path and its permissions") from error
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    try:
        text = data[len(mark) :].decode("utf-8")
        start = len(text) - len(text.lstrip(" \t\r\n"))
        try:
            first, end = json_text.decoder().raw_decode(text, start)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if isinstance(first, dict) and first.get("resourceType") == "Bundle" and not text[end:].strip():
            return _bundle(path.name, mark, text, start, first)
        return _lines(path.name, mark, text)
    except ValueError as error:
        raise CanaryError(f"{path.name}: no FHIR in JSON: {error}", "export a Bundle or NDJSON in UTF-8") from error


def _bundle(name: str, mark: bytes, text: str, start: int, bundle: Resource) -> Document:
    if "signature" in bundle:
        raise CanaryError(f"{name}: the Bundle is signed", "a new entry breaks the signature: export it unsigned")
    parts = {key: (at, end) for key, at, end in json_text.elements(text, start)}
    spans = [(at, end) for _, at, end in json_text.elements(text, parts["entry"][0])] if "entry" in parts else []
    return Document(name, mark, text, spans, bundle.get("entry", []), True, parts.get("total"))


def _lines(name: str, mark: bytes, text: str) -> Document:
    spans: list[Span] = []
    entries: list[Resource] = []
    at = 0
    for number, line in enumerate(text.split("\n"), 1):
        if content := line.strip(" \t\r"):
            begin = at + line.index(content)
            entry = json_text.decoder().decode(content)
            if not isinstance(entry, dict) or "resourceType" not in entry or entry["resourceType"] == "Bundle":
                raise CanaryError(f"{name}: line {number} is no FHIR resource", "export a Bundle or NDJSON")
            spans.append((begin, begin + len(content)))
            entries.append(entry)
        at += len(line) + 1
    return Document(name, mark, text, spans, entries, False)


def women(document: Document) -> list[Woman]:
    """A woman for each Patient that could be one, in the order of the file."""
    resources = [document.resource(at) for at in range(len(document.entries))]
    heads = [at for at, found in enumerate(resources) if found.get("resourceType") == "Patient"]
    whose = {key: at for at in heads for key in keys(document, at)}
    records: dict[int, list[int]] = {at: [at] for at in heads}
    for at, resource in enumerate(resources):
        if resource.get("resourceType") != "Patient":
            owners = {head for ref in references(resource) if (head := whose.get(ref)) is not None}
            if len(owners) == 1:
                records[owners.pop()].append(at)
    hospitals = hospital_names(document)
    found = [Woman(head, sorted(records[head]), _cells(resources, records[head], hospitals)) for head in heads]
    grown = [woman for woman in found if resources[woman.head].get("gender") != "male"]
    return [grown[at] for at in adults([woman.cells for woman in grown])]


def keys(document: Document, at: int) -> list[str]:
    """The texts by which other resources refer to this one."""
    resource, entry = document.resource(at), document.entries[at]
    kind, number = resource.get("resourceType", ""), resource.get("id")
    found = [f"{kind}/{number}", f"urn:uuid:{number}"] if number else []
    if document.bundled and entry.get("fullUrl"):
        found.append(entry["fullUrl"])
    numbers = [i for i in resource.get("identifier") or () if isinstance(i, dict)]
    return found + [f"{kind}?identifier={i.get('system', '')}|{i.get('value', '')}" for i in numbers]


def references(value: Any) -> Iterator[str]:
    """Every reference in a resource, an absolute one also without its server."""
    if isinstance(value, dict):
        if isinstance(text := value.get("reference"), str):
            yield text
            yield "/".join(text.split("/_history/")[0].rsplit("/", 2)[-2:])
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def hospital_names(document: Document) -> dict[str, str]:
    """Reference -> name of every Organization in the file."""
    found: dict[str, str] = {}
    for at in range(len(document.entries)):
        resource = document.resource(at)
        if resource.get("resourceType") == "Organization" and resource.get("name"):
            found.update((key, str(resource["name"])) for key in keys(document, at))
    return found


def hospital_of(resource: Resource) -> Resource:
    """The reference to the hospital in a Patient, EpisodeOfCare or Encounter."""
    return resource.get("managingOrganization") or resource.get("serviceProvider") or {}


def name_at(patient: Resource) -> int | None:
    """Which of a patient's names is the one to show."""
    names = patient.get("name") or []
    usual = [at for at, name in enumerate(names) if name.get("use") not in _OTHER_NAMES]
    return next(iter(usual), 0 if names else None)


def phone_at(patient: Resource) -> int | None:
    """Which of a patient's telecoms is her telephone: a mobile if there is one."""
    telecom = [(at, t) for at, t in enumerate(patient.get("telecom") or []) if t.get("value")]
    phones = [(at, t) for at, t in telecom if t.get("system", "phone") in ("phone", "sms")]
    return next((at for at, t in phones if t.get("use") == "mobile"), phones[0][0] if phones else None)


def address_parts(address: Resource) -> list[str]:
    """Street lines, district, city and state, narrowest first."""
    lines = [str(line or "") for line in address.get("line") or []]
    return [", ".join(lines), *(str(address.get(key) or "") for key in ("district", "city", "state"))]


def due_steps(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    """The way to each due date in a resource: an Observation by its LOINC code, or an extension by its URL."""
    if isinstance(value, list):
        for at, child in enumerate(value):
            yield from due_steps(child, (*steps, at))
    if not isinstance(value, dict):
        return
    codes = {coding.get("code") for coding in (value.get("code") or {}).get("coding") or ()} if not steps else set()
    url = "".join(filter(str.isalnum, str(value.get("url", "")).rsplit("/", 1)[-1].casefold()))
    if codes & _DUE_CODES or any(url.startswith(text) or url.endswith(text) for text in _DUE_URLS):
        yield from ((*steps, key) for key in ("valueDateTime", "valueDate") if day_of(value.get(key)))
    for key, child in value.items():
        if isinstance(child, dict | list):
            yield from due_steps(child, (*steps, key))


def at_steps(value: Any, steps: Steps) -> Any:
    """What stands at the end of the way."""
    for step in steps:
        value = value[step]
    return value


def _cells(resources: Sequence[Resource], records: Sequence[int], hospitals: dict[str, str]) -> Row:
    patient = resources[records[0]]
    mine = [resources[at] for at in records]
    due = next((at_steps(found, steps) for found in mine for steps in due_steps(found)), None)
    name, phone = name_at(patient), phone_at(patient)
    address = (patient.get("address") or [{}])[0]
    places = filter(None, map(hospital_of, mine))
    hospital = next((text for place in places if (text := _hospital_text(place, hospitals))), None)
    return (
        _name_text(patient["name"][name]) or None if name is not None else None,
        patient["telecom"][phone]["value"] if phone is not None else None,
        address.get("text") or joined_address(address_parts(address)) or None,
        hospital,
        due,
        patient.get("birthDate") or None,
    )


def _name_text(name: Resource) -> str:
    return name.get("text") or joined_name(name.get("family") or "", [g for g in name.get("given") or [] if g])


def _hospital_text(place: Resource, hospitals: dict[str, str]) -> str:
    known = next((hospitals[ref] for ref in references(place) if ref in hospitals), "")
    return known or str(place.get("display") or "")
