import json
import random
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from canary.errors import CanaryError
from canary.mint.columns import recognise
from canary.mint.facts import Fact
from canary.plant.formats.base import Insertion
from canary.plant.formats.clinical import bundle
from canary.plant.formats.clinical.splice import spliced
from canary.plant.formats.fhir import FhirFormat
from tests.plant import clinical
from tests.plant import workbooks as wb

WOMEN = clinical.women(24)
HAN = ("欧小红", "13911112222", "深圳市福田区红荔路5号101室", "妇幼保健院", "2026-06-06", "1993-04-05")
NEW = [
    Insertion(0, HAN),
    Insertion(9, ("王芳", "13911112223", "深圳市南山区红荔路6号", "第一人民医院", "2026-05-01", "1990-01-02")),
    Insertion(9, ("李娜", "13911112224", "深圳市南山区红荔路7号", "第一人民医院", "2026-08-01", "1991-02-03")),
    Insertion(24, ('张 & "秀"', "13911112225", "深圳市福田区红荔路8号", "妇幼保健院", "2026-03-01", "1992-03-04")),
]


def write(path: Path, ids: str = "uuid", by_type: bool = False, kind: str = "pretty", people=WOMEN) -> Path:
    found = clinical.entries(people, ids, by_type)
    if kind == "lines":
        text = clinical.lines_text(found)
    else:
        indent = {"pretty": 2, "tabbed": 4}.get(kind)
        text = clinical.bundle_text(found, indent, escaped=kind == "escaped", total=kind != "compact")
    path.write_bytes(text.encode())
    return path


def insert(source: Path, new=NEW) -> Path:
    target = source.with_name("out.json")
    FhirFormat(random.Random(3)).insert(source, target, new)
    return target


def pieces(path: Path) -> list[str]:
    document = bundle.load(path)
    return [document.text[a:b] for a, b in document.spans]


def new_resources(source: Path, target: Path) -> list[dict]:
    old = set(pieces(source))
    found = [json.loads(piece) for piece in pieces(target) if piece not in old]
    return [one.get("resource", one) for one in found]


LAYOUTS = [
    *(("uuid", by_type, kind) for by_type in (False, True) for kind in ("pretty", "compact", "lines", "escaped")),
    *((ids, True, kind) for ids in ("running", "prefix") for kind in ("tabbed", "lines")),
]


@pytest.mark.parametrize(("ids", "by_type", "kind"), LAYOUTS)
def test_every_entry_stays_byte_for_byte_and_every_new_row_stands_in_its_place(ids, by_type, kind, tmp_path):
    source = write(tmp_path / "in.json", ids, by_type, kind)
    table = FhirFormat().read(source)
    assert [row[0] for row in table.rows] == [woman.name for woman in WOMEN]
    target = insert(source)
    assert list(FhirFormat().read(target).rows) == wb.spliced(table, NEW)
    old, new = pieces(source), pieces(target)
    assert [piece for piece in new if piece in set(old)] == old
    assert len(new) == len(old) + 5 * len(NEW)


@pytest.mark.parametrize(("ids", "by_type", "kind"), LAYOUTS)
def test_without_the_new_entries_the_file_is_the_old_one(ids, by_type, kind, tmp_path):
    source = write(tmp_path / "in.json", ids, by_type, kind)
    text, old = insert(source).read_text(), set(pieces(source))
    for piece in pieces(tmp_path / "out.json"):
        if piece not in old:
            assert text.count(piece) == 1
            text = re.sub(re.escape(piece) + r",?\s*", "", text)
    plain = re.sub(r",?\s|\"total\": \d+", "", source.read_text())
    assert re.sub(r",?\s|\"total\": \d+", "", text) == plain
    assert source.read_text()[-3:] == insert(source).read_text()[-3:]


@pytest.mark.parametrize("kind", ["pretty", "compact"])
def test_the_bundle_is_valid_and_its_references_lead_somewhere(kind, tmp_path):
    target = insert(write(tmp_path / "in.json", kind=kind))
    Bundle.model_validate_json(target.read_text())
    body = json.loads(target.read_text())
    urls = [entry["fullUrl"] for entry in body["entry"]]
    assert len(set(urls)) == len(urls)
    known = {*urls, *(f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in body["entry"])}
    assert set(re.findall(r'"reference": "(.*?)"', json.dumps(body))) <= known
    assert body.get("total", len(urls)) == len(urls)
    for entry in body["entry"]:
        assert entry.get("request", {}).get("url", entry["resource"]["id"]).endswith(entry["resource"]["id"])


def test_every_resource_of_ndjson_is_valid(tmp_path):
    source = write(tmp_path / "in.ndjson", "prefix", True, "lines")
    for resource in new_resources(source, insert(source)):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@pytest.mark.parametrize("ids", ["uuid", "running", "prefix"])
def test_new_ids_have_the_shape_of_the_old_and_none_is_taken(ids, tmp_path):
    source = write(tmp_path / "in.json", ids)
    old = {resource["id"] for resource in map(bundle.load(source).resource, range(122))}
    new = [resource["id"] for resource in new_resources(source, insert(source))]
    assert len(set(new)) == len(new) == 20 and not old & set(new)
    shape = {"uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"}
    assert all(re.fullmatch(shape.get(ids, r"\d{4}" if ids == "running" else r"m-[0-4]-\d{6}"), one) for one in new)
    if ids == "prefix":
        assert all(int(one[4:]) % 7 == 0 for one in new), "the host counts in steps of seven"


def test_nothing_that_names_the_neighbour_is_copied(tmp_path):
    source = write(tmp_path / "in.json")
    text = json.dumps(new_resources(source, insert(source)), ensure_ascii=False)
    assert "secret" not in text
    assert not re.search(r"\d{17}[\dX]", text), "a resident ID is never issued"
    old = source.read_text()
    numbers = re.findall(r'"MR\d+"', text)
    assert len(numbers) == 4 and not [number for number in numbers if number in old]
    names = {woman.name for woman in WOMEN}
    assert not [name for name in re.findall(r'"display": "(.*?)"', text) if name in names]


def test_a_text_is_never_replaced_by_one_of_another_extension(tmp_path):
    source = write(tmp_path / "in.json", people=[woman for woman in WOMEN if woman.number % 3 == 0])
    (patient, *_) = new_resources(source, insert(source, NEW[:1]))
    assert [one for one in patient["extension"] if one["valueString"] == "none"] == [
        {"url": "http://example.org/religion", "valueString": "none"}
    ]
    assert "contact" not in patient and "email" not in str(patient)


def test_times_that_are_one_in_the_model_are_one_in_the_copy(tmp_path):
    found = clinical.entries(WOMEN)
    for at, one in enumerate(found):
        if one["resourceType"] == "Observation":
            one["effectiveDateTime"] = one["issued"] = f"2026-01-{at % 28 + 1:02}T10:20:30.{at:03}+08:00"
    (tmp_path / "in.json").write_text(clinical.bundle_text(found))
    for one in new_resources(tmp_path / "in.json", insert(tmp_path / "in.json"))[3::5]:
        assert one["effectiveDateTime"] == one["issued"]


def test_dates_bound_to_the_due_date_follow_it_and_visits_move_by_whole_weeks(tmp_path):
    source = write(tmp_path / "in.json")
    found = new_resources(source, insert(source, NEW[:1]))
    assert found[2]["onsetDateTime"] == str(date.fromisoformat(HAN[4]) - timedelta(280))
    starts = {resource["period"]["start"]: at for at, resource in enumerate(_episodes(source))}
    assert found[1]["period"]["start"] <= max(starts)


def _episodes(path: Path) -> list[dict]:
    document = bundle.load(path)
    found = [document.resource(at) for at in range(len(document.entries))]
    return [one for one in found if one["resourceType"] == "EpisodeOfCare"]


def test_the_new_patient_has_her_facts_and_her_hospital(tmp_path):
    source = write(tmp_path / "in.json", "running", True)
    patient, episode, *_ = new_resources(source, insert(source, NEW[:1]))
    assert patient["name"] == [{"use": "official", "family": "欧", "given": ["小红"]}]
    assert [t["value"] for t in patient["telecom"]] == [HAN[1]]
    assert (patient["address"][0]["district"], patient["address"][0]["line"]) == ("福田区", ["红荔路5号101室"])
    assert patient["managingOrganization"] == episode["managingOrganization"]
    assert episode["managingOrganization"] == {"reference": "Organization/h2", "display": "妇幼保健院"}


def test_the_columns_are_recognised(tmp_path):
    columns = recognise(FhirFormat().read(write(tmp_path / "in.json")))
    assert set(columns) == {Fact.NAME, Fact.PHONE, Fact.ADDRESS, Fact.HOSPITAL, Fact.DUE_DATE}


def test_a_column_that_no_woman_fills_is_not_shown(tmp_path):
    found = clinical.entries(WOMEN)
    patients = [one for one in found if one["resourceType"] == "Patient"]
    for one in patients:
        one.pop("managingOrganization"), one.pop("address"), one.pop("birthDate")
    (tmp_path / "in.ndjson").write_text(clinical.lines_text(patients))
    table = FhirFormat().read(tmp_path / "in.ndjson")
    assert table.header == ("name", "phone")
    new = [Insertion(3, ("赵敏", "13911112222"))]
    assert list(FhirFormat().read(insert(tmp_path / "in.ndjson", new)).rows) == wb.spliced(table, new)


def test_men_and_infants_are_no_rows(tmp_path):
    found = clinical.entries(WOMEN)
    patients = [one for one in found if one["resourceType"] == "Patient"]
    patients[0]["gender"], patients[1]["birthDate"] = "male", "2026-02-03"
    (tmp_path / "in.json").write_text(clinical.bundle_text(found))
    assert len(FhirFormat().read(tmp_path / "in.json").rows) == len(WOMEN) - 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no FHIR"),
        ('{"resourceType": "Bundle"}', "no Patient"),
        ('{"resourceType": "Bundle", "signature": {}, "entry": []}', "signed"),
        ('{"resourceType": "Patient"}\n[]\n', "line 2"),
        ("[" * 100_000, "no FHIR"),
        ('{"resourceType": "Patient", "name": {"family": "Smith"}}', "not as FHIR"),
        ('{"resourceType": "Bundle", "entry": {"resource": 1}}', "not as FHIR|no FHIR"),
        ('{"resourceType": "Bundle", "entry": [{"resource": 1}, 2]}', "not as FHIR|no FHIR"),
    ],
)
def test_what_is_no_fhir_is_refused_by_name(text, words, tmp_path):
    (tmp_path / "in.json").write_text(text)
    with pytest.raises(CanaryError, match=rf"in\.json: .*{words}"):
        FhirFormat().read(tmp_path / "in.json")


def test_a_row_that_no_woman_shows_how_to_write_is_refused(tmp_path):
    source = write(tmp_path / "in.json")
    with pytest.raises(CanaryError, match="no woman shows"):
        insert(source, [Insertion(0, (*HAN[:3], "another hospital", *HAN[4:]))])


@settings(max_examples=25, deadline=None)
@given(
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 99),
    han=st.booleans(),
    picks=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 8), st.integers(0, 8)), max_size=5),
)
def test_what_was_there_is_there_and_what_was_added_is_found(tmp_path_factory, layout, seed, han, picks):
    people = clinical.women(9, seed, han)
    source = write(tmp_path_factory.mktemp("fhir") / "in.json", *layout, people=people)
    table = FhirFormat().read(source)
    rows = table.rows
    new = [Insertion(before, (rows[a][0], rows[b][1], *rows[a][2:4], *rows[b][4:])) for before, a, b in picks]
    target = insert(source, new)
    assert list(FhirFormat().read(target).rows) == wb.spliced(table, new)
    old = pieces(source)
    assert [piece for piece in pieces(target) if piece in set(old)] == old


@given(st.lists(st.text("xyz", min_size=1), min_size=1), st.sampled_from([", ", ",\n  ", "\r\n"]), st.data())
def test_splicing_parts_new_pieces_like_old_ones(pieces_, part, data):
    text, spans = "[", []
    for at, piece in enumerate(pieces_):
        text += part * bool(at)
        spans.append((len(text), len(text) + len(piece)))
        text += piece
    new = data.draw(st.lists(st.tuples(st.integers(0, len(spans)), st.text("AB", min_size=1)), max_size=4))
    expected = list(pieces_)
    for shift, (index, piece) in enumerate(sorted(new, key=lambda pair: pair[0])):
        expected.insert(index + shift, piece)
    part = part if len(pieces_) > 1 else "\n"
    assert spliced(text + "]", spans, new) == "[" + part.join(expected) + "]"
