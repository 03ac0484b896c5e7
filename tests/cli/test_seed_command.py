"""`canary seed` and `canary mint` as a person types them; what seeding does inside is tested in tests/plant."""

import csv
from pathlib import Path

import pytest

from canary.demo.world import write_gb18030, write_xlsx
from canary.mint.facts import Table
from canary.plant.formats.detect import format_of
from tests.cli.conftest import Shell, canaries
from tests.mint.tables import city, clinic, english

SMALL = Table(city().header, city().rows[:60])


def rows(path: Path) -> int:
    return len(format_of(path).read(path).rows)


def test_seed_says_what_it_did(stocked: Shell) -> None:
    assert stocked.json("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "5") == {
        "format": "canary-seed/1",
        "copy": "a",
        "canaries": 5,
        "controls": 20,
        "inherited": 0,
        "rows": 95,
        "commitment": stocked.ledger("placement")[0]["commitment"],
        "remarks": [],
        "file": "a.xlsx",
    }
    assert rows(stocked.folder / "a.xlsx") == 95
    assert [p.name for p in stocked.folder.glob("*part")] == []


def test_how_many_is_a_setting_unless_said(stocked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_CANARIES_PER_COPY", "4")
    stocked("seed", "a", "city.xlsx", "-o", "a.xlsx")
    stocked("seed", "b", "city.xlsx", "-o", "b.xlsx", "--canaries", "6")
    assert (len(canaries(stocked, "a")), len(canaries(stocked, "b"))) == (4, 6)


def test_a_copy_made_from_a_seeded_file_inherits_its_canaries(seeded: Shell) -> None:
    assert seeded.json("seed", "b", "a.xlsx", "-o", "b.xlsx", "--canaries", "3")["inherited"] == 12


def test_a_file_with_canaries_of_a_copy_it_was_not_declared_from_is_remarked(seeded: Shell) -> None:
    seeded("copy", "add", "x", "--recipient", "bureau", "--date", "2026-06-06")
    result = seeded("seed", "x", "a.xlsx", "-o", "x.xlsx", "--canaries", "3")
    assert "carries canaries of a, which no --from declares" in result.stderr
    assert "carries" not in seeded("seed", "b", "a.xlsx", "-o", "b.xlsx", "--canaries", "3").stderr


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("city list.xlsx", "out list.xlsx"),
        ("孕妇 'a' \"b\" 😀.xlsx", "交付 😀 'x'.xlsx"),
        ("in put/city.csv", "out put/given.csv"),
        ("./in put/../city.csv", "./given.csv"),
    ],
)
def test_paths_with_spaces_quotes_emoji_and_folders(stocked: Shell, source: str, target: str) -> None:
    for folder in ("in put", "out put"):
        (stocked.folder / folder).mkdir()
    (write_xlsx if source.endswith("xlsx") else write_gb18030)(stocked.folder / source, SMALL)
    before = (stocked.folder / source).read_bytes()
    stocked("seed", "a", source, "-o", target, "--canaries", "3")
    assert rows(stocked.folder / target) == 63
    assert (stocked.folder / source).read_bytes() == before
    assert stocked.json("copy", "show", "a")["file"] == Path(target).name


def test_a_relative_config_is_found_from_where_the_command_runs(
    stocked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stocked.folder / "sub").mkdir()
    monkeypatch.chdir(stocked.folder / "sub")
    stocked("seed", "a", "../city.xlsx", "-o", "../a.xlsx", "--canaries", "3")
    monkeypatch.delenv("CANARY_CONFIG")
    assert "no key" in stocked.refused("status")
    monkeypatch.setenv("CANARY_CONFIG", "../canary.toml")
    assert stocked.json("copy", "show", "a")["file"] == "a.xlsx"


def test_headers_with_trailing_spaces_and_a_second_sheet_are_no_obstacle(stocked: Shell) -> None:
    import openpyxl

    book = openpyxl.load_workbook(stocked.folder / "city.xlsx")
    for cell in book.worksheets[0][1]:
        cell.value = f" {cell.value}  "
    book.create_sheet("说明").append(["第二张表", "不动"])
    book.save(stocked.folder / "two.xlsx")
    stocked("seed", "a", "two.xlsx", "-o", "a.xlsx", "--canaries", "3")
    after = openpyxl.load_workbook(stocked.folder / "a.xlsx")
    assert [cell.value for cell in after["说明"][1]] == ["第二张表", "不动"]
    assert after.worksheets[0].max_row == 94
    assert after.worksheets[0]["A1"].value == " 姓名  "


def test_an_english_table_is_seeded_with_a_profile_of_the_house(stocked: Shell) -> None:
    profile = Path(__file__).parents[2] / "config" / "profiles" / "maternal-en.toml"
    with (stocked.folder / "en.csv").open("w", newline="") as file:
        csv.writer(file).writerows(row[1:] for row in [english().header, *english().rows])
    stocked("number", "import", gb_numbers(stocked), "--region", "GB", "--quarantine-days", "0")
    stocked("seed", "a", "en.csv", "-o", "out.csv", "--profile", str(profile), "--canaries", "50")
    phones = [row[1] for row in format_of(stocked.folder / "out.csv").read(stocked.folder / "out.csv").rows]
    assert any(str(p).startswith("07700 901") for p in phones)
    assert len(phones) == 170


def gb_numbers(shell: Shell) -> str:
    return shell.write("gb.csv", "number,provider", *(f"07700 901{i:03},gb" for i in range(30)))


def test_a_table_that_numbers_its_rows_is_refused(stocked: Shell) -> None:
    with (stocked.folder / "en.csv").open("w", newline="") as file:
        csv.writer(file).writerows([english().header, *english().rows])
    assert "column 'No' numbers the rows one by one" in stocked.refused("seed", "a", "en.csv", "-o", "out.csv")
    assert not (stocked.folder / "out.csv").exists()


PROFILES = {
    "unknown key": ("colour = 1", "unknown profile key 'colour'"),
    "unknown fact": ('[headers]\nshoe_size = ["x"]', "unknown fact 'shoe_size'"),
    "no TOML": ("headers = [", "p.toml"),
    "other column": ('[headers]\nphone = ["姓名"]', "does not hold telephone numbers"),
    "no column": ('[headers]\nphone = ["nowhere"]', "no phone column among '姓名'"),
}


@pytest.mark.parametrize("case", PROFILES)
def test_a_bad_profile_is_refused(stocked: Shell, case: str) -> None:
    text, words = PROFILES[case]
    profile = stocked.write("p.toml", text)
    result = stocked("seed", "a", "city.xlsx", "-o", "a.xlsx", "--profile", profile, code=2)
    assert words in result.stderr and result.stderr.startswith("canary: ")
    assert not (stocked.folder / "a.xlsx").exists()


def test_a_profile_that_is_no_text_is_refused(stocked: Shell) -> None:
    assert "city.xlsx" in stocked.refused("seed", "a", "city.xlsx", "-o", "a.xlsx", "--profile", "city.xlsx")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("seed", "a", "none.xlsx", "-o", "a.xlsx"), "none.xlsx"),
        (("seed", "a", ".", "-o", "a.xlsx"), "directory"),
        (("seed", "a", "city.xlsx"), "--output"),
        (("seed", "a", "city.xlsx", "-o", "."), "directory"),
        (("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "0"), "--canaries"),
        (("seed", "a", "city.xlsx", "-o", "a.xlsx", "--profile", "none.toml"), "none.toml"),
        (("mint", "city.xlsx", "--count", "0", "-o", "m.csv"), "--count"),
    ],
)
def test_arguments_that_cannot_be_are_wrong_use(stocked: Shell, arguments: tuple[str, ...], words: str) -> None:
    result = stocked(*arguments, code=2)
    assert words in result.stderr and result.stdout == ""


@pytest.mark.parametrize("output", ["none/out.xlsx", "city.xlsx/out.xlsx", "x" * 250 + ".xlsx"], ids=str.__len__)
def test_an_output_that_cannot_be_made_is_the_outside_world(
    stocked: Shell, output: str, request: pytest.FixtureRequest
) -> None:
    before = stocked("prove", "verify").stdout
    stocked.refused("seed", "a", "city.xlsx", "-o", output, "--canaries", "3", code=3)
    assert stocked("prove", "verify").stdout == before


def test_an_output_named_for_another_format_is_refused(stocked: Shell) -> None:
    write_gb18030(stocked.folder / "city.csv", SMALL)
    stocked.refused("seed", "a", "city.csv", "-o", "out.xlsx", "--canaries", "3")


def test_mint_writes_persons_in_the_columns_of_the_table(canary: Shell) -> None:
    write_gb18030(canary.folder / "city.csv", SMALL)
    for name in ("one.csv", "two.csv"):
        canary("mint", "city.csv", "--count", "20", "-o", name, "--seed", "7")
    one = (canary.folder / "one.csv").read_text(encoding="utf-8")
    assert one == (canary.folder / "two.csv").read_text(encoding="utf-8")
    header, *persons = csv.reader(one.splitlines())
    assert tuple(header) == SMALL.header and len(persons) == 20
    assert all(person[4].startswith("12") for person in persons if person[4])
    known = {(row[0], row[3]) for row in SMALL.rows}
    assert not known & {(person[0], person[3]) for person in persons}


def test_a_table_without_phones_is_minted_and_seeded_on_its_profiles_word(stocked: Shell) -> None:
    write_gb18030(stocked.folder / "extract.csv", clinic(200))
    (stocked.folder / "extract.toml").write_text("phones = false\n")
    stocked("mint", "extract.csv", "--count", "5", "-o", "m.csv", "--profile", "extract.toml")
    header, *persons = csv.reader((stocked.folder / "m.csv").read_text(encoding="utf-8").splitlines())
    assert tuple(header) == clinic(200).header and len(persons) == 5
    stocked.refused("seed", "a", "extract.csv", "-o", "o.csv", "--canaries", "3")
    stocked("seed", "a", "extract.csv", "-o", "o.csv", "--canaries", "3", "--profile", "extract.toml")
    assert len((stocked.folder / "o.csv").read_text(encoding="gb18030").splitlines()) == 1 + 200 + 3


def test_mint_needs_no_registry(bare: Shell) -> None:
    write_gb18030(bare.folder / "city.csv", SMALL)
    bare("mint", "city.csv", "--count", "2", "-o", "m.csv")


@pytest.mark.parametrize(("output", "code"), [("city.csv", 2), ("none/m.csv", 3)])
def test_mint_refuses_an_output_it_cannot_make(canary: Shell, output: str, code: int) -> None:
    write_gb18030(canary.folder / "city.csv", SMALL)
    canary.refused("mint", "city.csv", "--count", "2", "-o", output, code=code)
