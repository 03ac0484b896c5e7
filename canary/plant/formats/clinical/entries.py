"""Writes the entries of a new woman from those of another: her facts, fresh ids, moved times, nothing that names."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from canary.mint.facts import Cell, Row
from canary.plant.formats.clinical import bundle, json_text
from canary.plant.formats.clinical.bundle import Document, Steps, Woman
from canary.plant.formats.clinical.fresh import FreshIds, Habits, is_resident_id, is_time, week_shift
from canary.plant.formats.clinical.json_text import Node
from canary.plant.formats.clinical.model import ADDRESS, BIRTH, DUE, HOSPITAL, NAME, PHONE, days_between
from canary.plant.formats.clinical.people import Addresses, Names, joined_address, joined_name

# What describes one person and nobody else; a copy goes without.
_LEFT_OUT = frozenset({"note", "comment", "contact", "photo", "link", "ifNoneExist"})
_NOT_COPIED = frozenset({"RelatedPerson", "Provenance", "AuditEvent", "Coverage", "DocumentReference", "Media"})
_WORDS = frozenset(
    {
        *("resourceType", "code", "system", "status", "use", "url", "unit", "gender", "language", "contentType"),
        *("profile", "method", "mode", "type", "versionId"),
    }
)
_PERSON_IDS = frozenset({"NI", "NNCHN", "NNxxx", "SS", "SB", "PPN", "DL", "NH", "HC"})
_STAMPS = frozenset({"lastUpdated", "lastModified"})
_DROP = ""


class Host:
    """What the women of a file have in common, and the values that are taken."""

    def __init__(self, document: Document, women: Sequence[Woman], rng: Random) -> None:
        self.document, self.women, self.rng = document, women, rng
        self.escaped = document.text.isascii() and "\\u" in document.text
        self.habits = Habits(rng)
        self.displays: dict[str, str] = {}
        self.hospital_references: dict[str, list[str]] = defaultdict(list)
        resources = [document.resource(at) for at in range(len(document.entries))]
        self.ids = FreshIds(rng, [r["id"] for r in resources if "id" in r])
        self._identifiers: dict[str, list[str]] = defaultdict(list)
        self._fresh: dict[str, FreshIds] = {}
        for resource in resources:
            for identifier in _identifiers(resource):
                self._identifiers[identifier.get("system", "")].append(identifier.get("value", ""))
        for woman in women:
            self._note(woman)
        patients = [document.resource(woman.head) for woman in women]
        self.names = Names(name.get("family", "") for patient in patients for name in patient.get("name") or ())
        homes = [address for patient in patients for address in patient.get("address") or ()]
        self.addresses = Addresses(map(bundle.address_parts, homes))
        self._postal = {tuple(bundle.address_parts(home)[1:]): home.get("postalCode") for home in homes}

    def identifier(self, system: str, like: str) -> str:
        if system not in self._fresh:
            self._fresh[system] = FreshIds(self.rng, self._identifiers[system])
        return self._fresh[system].draw(like)

    def postal_code(self, parts: Sequence[str]) -> str | None:
        return self._postal.get(tuple(parts[1:]))

    def fits(self, at: int, new: Row) -> bool:
        """Whether a copy of woman `at` can hold the cells."""
        woman = self.women[at]
        patient = self.document.resource(woman.head)
        if new[HOSPITAL] is not None and new[HOSPITAL] != woman.cells[HOSPITAL]:
            referred = any(bundle.hospital_of(self.document.resource(r)).get("reference") for r in woman.records)
            if referred and not self.hospital_references[str(new[HOSPITAL])]:
                return False
        if new[ADDRESS] is None or woman.cells[ADDRESS] is None:
            return True
        address = patient["address"][0]
        parts = bundle.address_parts(address)
        loose = "text" in address and joined_address(parts) != address["text"]
        return loose or self.addresses.split(str(new[ADDRESS]), parts) is not None

    def plain(self, at: int) -> bool:
        """Whether a copy of woman `at` would lack nothing that she shows."""
        resources = [self.document.resource(record) for record in self.women[at].records]
        patient = self.document.resource(self.women[at].head)
        single = all(len(patient.get(key) or ()) <= 1 for key in ("name", "telecom", "address"))
        return (
            single
            and not {"contact", "photo", "link"} & patient.keys()
            and all(resource["resourceType"] not in _NOT_COPIED for resource in resources)
        )

    def _note(self, woman: Woman) -> None:
        values: list[tuple[str, str]] = []
        for at in woman.records:
            numbers: dict[str, str] = {}
            for place, text in _leaves(self.document.entries[at], "", ""):
                if isinstance(text, json_text.Number):
                    numbers[place] = text
                else:
                    values.append((place, text))
            resource = self.document.resource(at)
            if numbers:
                self.habits.note_numbers(_kind(resource), numbers)
            hospital = bundle.hospital_of(resource)
            if woman.cells[HOSPITAL] and hospital.get("reference"):
                self.hospital_references[str(woman.cells[HOSPITAL])].append(hospital["reference"])
        self.habits.note(values, woman.cells[DUE])
        for at in woman.records:
            self.displays.update(_displays(self.document.entries[at]))


class Copy:
    """The entries of one new woman with the six cells `new`, modelled on those of `woman`."""

    def __init__(self, host: Host, woman: Woman, new: Row, places: Sequence[int]) -> None:
        """`places` says in front of which entry each copied one will stand."""
        self._host, self._woman, self._new = host, woman, new
        self._document = host.document
        self._ids: dict[str, str] = {}  # ids, identifiers and all other texts that are settled: old -> new
        self._values: dict[str, str] = {}
        self._other: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._times: dict[tuple[str, timedelta], str] = {}
        self._edits: dict[Steps, str] = {}
        for at, place in zip(woman.records, places, strict=True):
            self._rename(at, self._id_near(place, self._document.resource(at)["resourceType"]))
        self._move_hospital()
        self._due_days = days_between(woman.cells[DUE], new[DUE])
        values = [leaf for at in woman.records for leaf in _leaves(self._document.entries[at], "", "")]
        seen = [(place, text) for place, text in values if place.rpartition(".")[2] not in ("birthDate", *_STAMPS)]
        due = {bundle.at_steps(self._document.resource(at), steps) for at, steps in self._dues()}
        shift = week_shift(host.rng, self._due_days)
        self._shift = host.habits.fitted([leaf for leaf in seen if leaf[1] not in due], shift)

    def text(self, at: int) -> str | None:
        """The new entry in place of entry `at` of the model; None if a copy goes without it."""
        resource = self._document.resource(at)
        if resource["resourceType"] in _NOT_COPIED:
            return None
        node = json_text.parse(self._document.text, self._document.spans[at][0])
        body = (node.get("resource") if self._document.bundled else node) or node
        self._edits = dict(self._due_edits(at))
        if self._new[DUE] is None and self._edits and resource["resourceType"] == "Observation":
            return None
        if at == self._woman.head:
            self._edits.update(self._patient_edits(resource, body))
        numbers = {
            place: text
            for place, text in _leaves(self._document.entries[at], "", "")
            if isinstance(text, json_text.Number)
        }
        self._numbers = dict(self._host.habits.numbers(_kind(resource), numbers))
        return self._written(node, "" if self._document.bundled else resource["resourceType"], (), frozenset())

    def _id_near(self, place: int, kind: str) -> str | None:
        """The id of the entry of that kind that a copy would stand beside."""
        for at in (place, place - 1):
            if 0 <= at < len(self._document.entries) and self._document.resource(at).get("resourceType") == kind:
                return self._document.resource(at).get("id")
        return None

    def _rename(self, at: int, near: str | None) -> None:
        """Settles the fresh ids of one entry and every text that refers to it."""
        resource, entry = self._document.resource(at), self._document.entries[at]
        kind, old = resource["resourceType"], resource.get("id", "")
        new = self._host.ids.draw(old, near) if old else ""
        if old:
            self._ids[old] = new
            self._other |= {f"{kind}/{old}": f"{kind}/{new}", f"urn:uuid:{old}": f"urn:uuid:{new}"}
        if self._document.bundled and (url := entry.get("fullUrl", "")):
            tail = old and url.endswith(old)
            self._other[url] = url.removesuffix(old) + new if tail else self._host.ids.draw(url)
        for identifier in _identifiers(resource):
            system, value = identifier.get("system", ""), identifier.get("value", "")
            if value and value not in self._values:
                self._values[value] = self._ids.get(value) or self._host.identifier(system, value)
            named = f"{kind}?identifier={system}|"
            self._other[named + value] = named + self._values.get(value, value)

    def _move_hospital(self) -> None:
        old, new = self._woman.cells[HOSPITAL], self._new[HOSPITAL]
        if self._woman.cells[NAME]:
            self._other[str(self._woman.cells[NAME])] = str(self._new[NAME] or "")
        if old is None or new is None:
            return
        self._other[str(old)] = str(new)
        for at in self._woman.records:
            if reference := bundle.hospital_of(self._document.resource(at)).get("reference"):
                self._other[reference] = reference if old == new else self._host.hospital_references[str(new)][0]

    def _dues(self) -> Iterator[tuple[int, Steps]]:
        for at in self._woman.records:
            yield from ((at, steps) for steps in bundle.due_steps(self._document.resource(at)))

    def _due_edits(self, entry: int) -> Iterator[tuple[Steps, str]]:
        for at, steps in self._dues():
            if at == entry:
                old = bundle.at_steps(self._document.resource(at), steps)
                new = self._new[DUE] if old == self._woman.cells[DUE] else None
                if new is None and self._new[DUE] is not None:
                    new = self._moved(old, timedelta(self._due_days))
                yield steps, self._json(new)

    def _patient_edits(self, patient: dict[str, Any], node: Node) -> dict[Steps, str]:
        edits: dict[Steps, str] = {("birthDate",): self._json(self._new[BIRTH])}
        chosen = {"name": bundle.name_at(patient), "telecom": bundle.phone_at(patient), "address": 0}
        cells = {"name": self._new[NAME], "telecom": self._new[PHONE], "address": self._new[ADDRESS]}
        for key, kept in chosen.items():
            for other in range(len(patient.get(key) or ())):
                if other != kept or cells[key] is None:
                    edits[key, other] = _DROP
        if chosen["telecom"] is not None:
            edits["telecom", chosen["telecom"], "value"] = self._json(cells["telecom"])
        if chosen["name"] is not None and cells["name"] is not None:
            edits |= self._name_edits(patient["name"][chosen["name"]], node, chosen["name"])
        if cells["address"] is not None and patient.get("address"):
            edits |= self._address_edits(patient["address"][0], node)
        return edits

    def _name_edits(self, name: dict[str, Any], node: Node, at: int) -> dict[Steps, str]:
        text = str(self._new[NAME])
        family, given = self._host.names.split(text)
        if "given" not in name or "family" not in name:
            whole = joined_name(family, given)
            family, given = (whole, []) if "family" in name else ("", [whole])
        edits: dict[Steps, str] = {("name", at, "text"): self._json(text)}
        edits["name", at, "family"] = self._json(family)
        if there := node.get("name").items()[at].get("given"):  # type: ignore[union-attr]
            edits["name", at, "given"] = self._list(there, given)
        return edits

    def _address_edits(self, address: dict[str, Any], node: Node) -> dict[Steps, str]:
        text, like = str(self._new[ADDRESS]), bundle.address_parts(address)
        parts = self._host.addresses.split(text, like) or ["", *(part if part in text else "" for part in like[1:])]
        steps: Steps = ("address", 0)
        edits = {(*steps, key): _DROP for key in ("extension", "period", "id")}
        edits[*steps, "text"] = self._json(text)
        for key, part in zip(("district", "city", "state"), parts[1:], strict=True):
            edits[*steps, key] = self._json(part or None)
        edits[*steps, "postalCode"] = self._json(self._host.postal_code(parts))
        if line := node.get("address").items()[0].get("line"):  # type: ignore[union-attr]
            lines = parts[0].split(", ") if len(line.children) == parts[0].count(", ") + 1 else [parts[0]]
            edits[*steps, "line"] = self._list(line, [part for part in lines if part])
        return edits

    def _written(self, node: Node, place: str, steps: Steps, beside: frozenset[str]) -> str | None:
        if place and not place.startswith("entry") and steps in self._edits:
            return self._edits[steps] or None
        if node.kind == '"':
            new = self._string(node.text, place, beside)
            return None if new is None else self._source(node) if new == node.text else self._json(new)
        if node.kind == "0":
            return self._numbers.get(place, self._source(node))
        if node.kind == "{" and (whole := self._object(node, place)) is not None:
            return whole or None
        if not node.children:
            return self._source(node)
        kept = []
        names = frozenset(name for name, _ in node.children)
        place = place + _mark(place, node.value("url"), _code(node))
        for at, (key, child) in enumerate(node.children):
            below = _below(place, key, child.value("resourceType")) if key or node.kind == "{" else place
            if key in _LEFT_OUT or key.startswith("_") or (key == "text" and child.kind == "{"):
                continue
            inside = () if below[:1].isupper() and "." not in below and key else (*steps, key or at)
            new = self._written(child, below, inside, names)
            if new is None and key == "reference":
                return None
            if new is not None:
                kept.append((child, new))
        empty = {name for name, child in node.children if any(child is c for c, _ in kept)} <= {"url"}
        if node.kind == "{" and empty and len(names) > 1:
            return None
        return json_text.written(self._document.text, node, kept)

    def _object(self, node: Node, place: str) -> str | None:
        """An object's text where it is settled as a whole: "" to drop it, None to go on inside."""
        if place.endswith(".identifier") and (value := node.value("value")):
            codes = {coding.value("code") for coding in _items(node.get("type", "coding"))}
            system = node.value("system").casefold()
            if is_resident_id(value) or codes & _PERSON_IDS or "ssn" in system or "passport" in system:
                return _DROP
        reference = node.value("reference")
        if not reference or self._string(reference, place + ".reference", frozenset()) is not None:
            return None
        usual = self._host.habits.usual(place + ".reference")
        if usual is None:
            return _DROP
        display = self._host.displays.get(usual)
        new = {"reference": self._json(usual), "display": self._json(display)}
        kept = [(child, new.get(key, self._source(child))) for key, child in node.children]
        return json_text.written(self._document.text, node, [pair for pair in kept if pair[1]])

    def _string(self, text: str, place: str, beside: frozenset[str]) -> str | None:
        key = place.rpartition(".")[2].partition("[")[0]
        settled = self._ids if key == "id" else self._values if ".identifier." in place else self._other
        if text in settled:
            return settled[text] or None
        local = "/".join(text.split("/_history/")[0].rsplit("/", 2)[-2:])
        if local in self._other:
            return text.replace(local, self._other[local])
        if key in _WORDS or (key == "display" and "code" in beside):
            return text
        habits = self._host.habits
        if key in _STAMPS and is_time(text):
            minutes = -timedelta(seconds=self._shift.seconds)
            return text if habits.shared(place, text) else self._moved(text, minutes)
        if is_time(text):
            bound = habits.follows_due(place)
            return self._moved(text, timedelta(self._due_days) if bound else self._shift)
        if key == "reference":
            return text if habits.shared(place, text) else None
        return habits.other(place, text)

    def _moved(self, text: str, shift: timedelta) -> str:
        """A time moved, the same wherever the model has the same time."""
        return self._times.setdefault((text, shift), self._host.habits.moved(text, shift))

    def _source(self, node: Node) -> str:
        return self._document.text[node.start : node.end]

    def _list(self, node: Node, values: Sequence[str]) -> str:
        return json_text.listed(self._document.text, node, list(map(self._json, values))) if values else _DROP

    def _json(self, value: Cell) -> str:
        return _DROP if value is None or value == "" else json.dumps(str(value), ensure_ascii=self._host.escaped)


def _leaves(value: Any, place: str, key: str) -> Iterator[tuple[str, str]]:
    """(place, text) of every text and number in an entry."""
    if isinstance(value, dict):
        here = place + _mark(place, value.get("url"), _code_of(value))
        if not place and "resourceType" in value:
            here = _kind(value)
        for name, child in value.items():
            kind = child.get("resourceType", "") if isinstance(child, dict) else ""
            yield from _leaves(child, _below(here, name, kind), name)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, place, key)
    elif isinstance(value, str):
        yield place, value


def _below(place: str, key: str, kind: str) -> str:
    if key == "resource" and kind:
        return kind
    return f"{place or 'entry'}.{key}"


def _code(node: Node) -> str:
    coding = _items(node.get("code", "coding"))
    return coding[0].value("code") if coding else ""


def _code_of(value: dict[str, Any]) -> str:
    code = value.get("code")
    coding = code.get("coding") if isinstance(code, dict) else None
    return str(coding[0].get("code", "")) if coding else ""


def _mark(place: str, url: Any, code: str) -> str:
    """What tells objects at one place apart: an extension's URL, or a code."""
    mark = url if place.endswith(("xtension", "xtension]")) else code
    return f"[{mark}]" if place and mark else ""


def _kind(resource: dict[str, Any]) -> str:
    kind = str(resource.get("resourceType"))
    return kind + _mark(kind, None, _code_of(resource))


def _items(node: Node | None) -> list[Node]:
    return node.items() if node else []


def _identifiers(resource: dict[str, Any]) -> list[dict[str, Any]]:
    found = resource.get("identifier") or []
    return [i for i in (found if isinstance(found, list) else [found]) if isinstance(i, dict)]


def _displays(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str) and isinstance(value.get("display"), str):
            yield value["reference"], value["display"]
        for child in value.values():
            yield from _displays(child)
    elif isinstance(value, list):
        for child in value:
            yield from _displays(child)
