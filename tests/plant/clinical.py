"""Invented women as FHIR files in the layouts that servers write, and as HL7 messages."""

import json
import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

FAMILIES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "芳娜敏静丽艳娟霞秀英华慧巧美婷雪琳玉萍红"
LAST = ["Smith", "Jones", "Brown", "Patel", "Khan", "Green", "Hill", "Wood", "Shaw", "Clarke", "Lewis", "Young"]
FIRST = ["Anna", "Beth", "Cara", "Dina", "Ella", "Faye", "Gina", "Hope", "Iris", "June", "Kate", "Lena", "Mary"]
STREETS = ["科技路", "学府路", "南海大道", "深南大道", "桂庙路"]
ESTATES = ["Baker Street", "High Street", "Mill Lane", "Station Road", "Church Road"]
HOSPITALS = {"h1": "第一人民医院", "h2": "妇幼保健院"}


@dataclass(frozen=True)
class Woman:
    """One invented woman; `han` says in which country she lives."""

    number: int
    family: str
    given: str
    phone: str
    line: str
    district: str
    hospital: str
    due: date
    born: date
    han: bool

    @property
    def name(self) -> str:
        return self.family + self.given if self.han else f"{self.given} {self.family}"


def women(count: int, seed: int = 1, han: bool = True) -> list[Woman]:
    rng = random.Random(seed)
    return [_woman(rng, number, han) for number in range(count)]


def _woman(rng: random.Random, number: int, han: bool) -> Woman:
    street = f"{rng.choice(STREETS)}{rng.randint(1, 90)}号{rng.randint(1, 30)}0{rng.randint(1, 8)}室"
    return Woman(
        number=number,
        family=rng.choice(FAMILIES if han else LAST),
        given="".join(rng.sample(GIVEN, rng.choice([1, 2, 2]))) if han else rng.choice(FIRST),
        phone=f"138{rng.randrange(10**8):08}" if han else f"07700 9{rng.randrange(10**5):05}",
        line=street if han else f"{rng.randint(1, 90)} {rng.choice(ESTATES)}",
        district=rng.choice(["南山区", "福田区"] if han else ["Leeds", "York"]),
        hospital=rng.choice(list(HOSPITALS)),
        due=date(2026, 3, 1) + timedelta(rng.randrange(200)),
        born=date(1985, 1, 1) + timedelta(rng.randrange(5000)),
        han=han,
    )


Resource = dict[str, Any]


def resources(rng: random.Random, woman: Woman, ids: str) -> list[Resource]:
    """Patient, EpisodeOfCare, Condition and two Observations; `ids` is uuid, running or prefix."""

    def number(at: int) -> str:
        if ids == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return str(1000 + woman.number * 5 + at) if ids == "running" else f"m-{at}-{woman.number * 7:06}"

    made = [number(at) for at in range(5)]
    subject = {"reference": f"urn:uuid:{made[0]}" if ids == "uuid" else f"Patient/{made[0]}"}
    place = {"reference": f"Organization/{woman.hospital}", "display": HOSPITALS[woman.hospital]}
    seen = woman.due - timedelta(days=200 - rng.randrange(20))
    last_period = woman.due - timedelta(280)
    bodies: list[Resource] = [
        _patient(rng, woman, place),
        {"status": "active", "patient": subject, "managingOrganization": place, "period": {"start": str(seen)}},
        {
            "clinicalStatus": _coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "code": _coded("http://snomed.info/sct", "77386006", "Pregnant"),
            "subject": subject,
            "onsetDateTime": str(last_period),
            "note": [{"text": f"secret of {woman.name}"}],
        },
        {
            "status": "final",
            "code": _coded("http://loinc.org", "11778-8", "Delivery date Estimated"),
            "subject": {**subject, "display": woman.name},
            "effectiveDateTime": f"{seen}T{rng.randint(8, 16):02}:{rng.randint(10, 59)}:{rng.randint(10, 59)}+08:00",
            "valueDateTime": str(woman.due),
        },
        {
            "status": "final",
            "code": _coded("http://loinc.org", "29463-7", "Body weight"),
            "subject": subject,
            "effectiveDateTime": str(seen),
            "valueQuantity": {"value": rng.randrange(450, 900) / 10, "unit": "kg"},
        },
    ]
    kinds = ["Patient", "EpisodeOfCare", "Condition", "Observation", "Observation"]
    meta = {"meta": {"versionId": "1", "profile": ["http://example.org/maternal"]}}
    return [
        {"resourceType": kind, "id": key, **meta, **body} for kind, key, body in zip(kinds, made, bodies, strict=True)
    ]


def _patient(rng: random.Random, woman: Woman, place: Resource) -> Resource:
    home = {"line": [woman.line], "city": "深圳市", "district": woman.district, "postalCode": "518000"}
    if not woman.han:
        home = {"line": woman.line.split(", "), "city": woman.district, "postalCode": f"{woman.district[:2]}1 4AB"}
    body: Resource = {
        "identifier": [
            {"system": "http://example.org/mrn", "value": f"MR{rng.randrange(10**6, 10**7)}"},
            {"system": "http://example.org/id", "value": f"44030519900101{1000 + woman.number}"},
        ],
        "name": [{"use": "official", "family": woman.family, "given": [woman.given]}],
        "telecom": [{"system": "phone", "value": woman.phone, "use": "mobile"}],
        "gender": "female",
        "birthDate": str(woman.born),
        "address": [home],
        "managingOrganization": place,
    }
    if woman.number % 3 == 0:
        body["telecom"].append({"system": "email", "value": f"secret{woman.number}@example.org"})
        body["contact"] = [{"name": {"text": f"secret husband {woman.number}"}}]
        body["extension"] = [{"url": "http://example.org/mothersMaidenName", "valueString": f"secret{woman.number}"}]
        body["extension"].append({"url": "http://example.org/religion", "valueString": "none"})
    return body


def _coded(system: str, code: str, display: str | None = None) -> Resource:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def entries(all_women: Iterable[Woman], ids: str = "uuid", by_type: bool = False) -> list[Resource]:
    """Organizations, then the women's resources, woman by woman or kind by kind."""
    rng = random.Random(7)
    sets = [resources(rng, woman, ids) for woman in all_women]
    flat = [one for found in (zip(*sets, strict=True) if by_type else sets) for one in found]
    return [{"resourceType": "Organization", "id": key, "name": name} for key, name in HOSPITALS.items()] + flat


def bundle_text(found: Sequence[Resource], indent: int | None = 2, escaped: bool = False, total: bool = True) -> str:
    is_uuid = len(found[2]["id"]) == 36
    prefix = "urn:uuid:" if is_uuid else "http://fhir.example.org/"
    listed = [
        {
            "fullUrl": prefix + (r["id"] if is_uuid else f"{r['resourceType']}/{r['id']}"),
            "resource": r,
            "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"},
        }
        for r in found
    ]
    body = {"resourceType": "Bundle", "type": "transaction", "entry": listed}
    if total:
        body = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": listed}
        for entry in listed:
            del entry["request"]
    return json.dumps(body, indent=indent, ensure_ascii=escaped) + "\n"


def lines_text(found: Sequence[Resource]) -> str:
    return "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in found)


def messages(all_women: Iterable[Woman], in_time: bool = True, charset: str = "UNICODE UTF-8") -> list[list[str]]:
    """A04 of every woman and A08 of every fourth, as segments."""
    rng = random.Random(8)
    found: list[tuple[datetime, list[str]]] = []
    for woman in all_women:
        at = datetime(2025, 9, 1, 8) + timedelta(minutes=rng.randrange(200_000))
        record = f"{rng.randrange(10**6, 10**7)}"
        found.append((at, _message(rng, woman, at, "A04", record)))
        if woman.number % 4 == 0:
            later = at + timedelta(days=7, minutes=rng.randrange(300))
            found.append((later, _message(rng, woman, later, "A08", record)))
    if in_time:
        found.sort(key=lambda pair: pair[0])
    made = [segments for _, segments in found]
    for number, segments in enumerate(made):
        segments[0] = segments[0].replace("CONTROL", f"MSG{number * 3 + 100:06}").replace("CHARSET", charset)
    return made


def _message(rng: random.Random, woman: Woman, at: datetime, event: str, record: str) -> list[str]:
    time = f"{at:%Y%m%d%H%M%S}"
    place = HOSPITALS[woman.hospital] if woman.han else woman.hospital
    home = f"{woman.line}^^深圳市{woman.district}^^518000" if woman.han else f"{woman.line}^^{woman.district}^^AB1 4AB"
    weight = rng.randrange(450, 900) / 10
    segments = [
        f"MSH|^~\\&|HIS|{place}|REG|CITY|{time}||ADT^{event}^ADT_A01|CONTROL|P|2.5|||||CHN|CHARSET",
        f"EVN|{event}|{time}",
        f"PID|1||{record}^^^MRN^MR~44030519900101{1000 + woman.number}^^^^NNCHN||{woman.family}^{woman.given}"
        f"||{woman.born:%Y%m%d}|F|||{home}||{woman.phone}^PRN^CP~^NET^Internet^secret{woman.number}@example.org",
        f"PV1|1|O|OB^{rng.randint(1, 3)}^{rng.randint(1, 9)}^{place}||||D{rng.randint(1, 9)}^Who"
        f"||||||||||||V{rng.randrange(10**5, 10**6)}",
        f"OBX|1|DT|11778-8^Delivery date Estimated^LN||{woman.due:%Y%m%d}||||||F",
        f"OBX|2|NM|29463-7^Body weight^LN||{weight}|kg|||||F",
        f"OBX|3|DT|8665-2^Last menstrual period^LN||{woman.due - timedelta(280):%Y%m%d}||||||F",
    ]
    if woman.number % 5 == 0:
        segments.insert(3, f"NK1|1|secret^husband{woman.number}|SPO||13700000{woman.number:03}")
    return segments


def hl7_text(made: Sequence[Sequence[str]], end: str = "\r", frame: str = "") -> str:
    """One text: `frame` is "" for bare messages, mllp or batch."""
    whole = [end.join(segments) + end for segments in made]
    if frame == "mllp":
        return "".join(f"\x0b{text}\x1c\r" for text in whole)
    if frame == "batch":
        middle = len(whole) // 2
        parts = [whole[:middle], whole[middle:]]
        batches = [f"BHS|^~\\&|HIS{end}{''.join(part)}BTS|{len(part)}{end}" for part in parts]
        return f"FHS|^~\\&|HIS{end}{''.join(batches)}FTS|2{end}"
    return "".join(whole)
