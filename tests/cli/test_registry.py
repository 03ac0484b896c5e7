"""Recipients, copies and numbers by command: what is kept, what is refused, and that refusals change nothing."""

import pytest

from canary.plant.formats.detect import format_of
from tests.cli.conftest import PHONES, Shell, canaries, numbers_csv


def states(shell: Shell) -> dict[str, int]:
    return {k.removeprefix("numbers "): v for k, v in shell.json("status").items() if k.startswith("numbers ")}


# --- recipients -------------------------------------------------------------------------------------------------


def test_recipients_form_a_tree_and_keep_their_names(canary: Shell) -> None:
    assert canary("recipient", "add", "h1", "--name", '妇幼"院" 🏥', "--kind", "hospital").stdout == "h1\n"
    canary("recipient", "add", "w1", "--name", "O'Neill ward", "--kind", "ward", "--parent", "h1")
    assert canary.json("recipient", "list") == {
        "format": "canary-recipients/1",
        "recipients": [
            {"slug": "h1", "name": '妇幼"院" 🏥', "kind": "hospital", "parent": None},
            {"slug": "w1", "name": "O'Neill ward", "kind": "ward", "parent": "h1"},
        ],
    }
    canary("copy", "add", "june", "--recipient", "w1", "--date", "2026-06-05")
    assert canary.json("recipient", "show", "w1") == {
        "format": "canary-recipient/1",
        "slug": "w1",
        "name": "O'Neill ward",
        "kind": "ward",
        "parent": "h1",
        "copies": ["june"],
    }


@pytest.mark.parametrize(("end", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig")], ids=["unix", "excel"])
def test_recipients_are_imported_from_the_csv_excel_writes(canary: Shell, end: str, encoding: str) -> None:
    lines = ("slug,name,kind,parent", 'h1,"宝安, 妇幼",hospital,', "w1,产科,ward,h1")
    assert canary("recipient", "import", canary.write("r.csv", *lines, end=end, encoding=encoding)).stdout == (
        "2 recipients\n"
    )
    assert [(r["name"], r["parent"]) for r in canary.json("recipient", "list")["recipients"]] == [
        ("宝安, 妇幼", None),
        ("产科", "h1"),
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("recipient", "add", "bureau", "--name", "x", "--kind", "y"), "recipient 'bureau' is there already"),
        (("recipient", "add", "x", "--name", "x", "--kind", "y", "--parent", "nobody"), "no recipient 'nobody'"),
        (("recipient", "show", "nobody"), "no recipient 'nobody'"),
        (("copy", "add", "a", "--recipient", "bureau", "--date", "2026-06-05"), "copy 'a' is there already"),
        (("copy", "add", "x", "--recipient", "nobody", "--date", "2026-06-05"), "no recipient 'nobody'"),
        (("copy", "add", "x", "--recipient", "bureau", "--date", "2026-06-05", "--from", "none"), "no copy 'none'"),
        (("copy", "add", "x", "--recipient", "bureau", "--date", "2026-06-05", "--from", "x"), "no copy 'x'"),
        (("copy", "show", "none"), "no copy 'none'"),
        (("copy", "void", "none"), "copy 'none' has no unfinished draw"),
        (("copy", "void", "a"), "copy 'a' has no unfinished draw"),
        (("number", "retire", "N99999"), "no number 'N99999'"),
        (("contact", "show", "7"), "no contact 7"),
        (("job", "run", "sweep"), "no job 'sweep'"),
    ],
)
def test_unknown_and_taken_names_are_refused_and_change_nothing(
    stocked: Shell, command: tuple[str, ...], words: str
) -> None:
    before = stocked("prove", "verify").stdout
    assert words in stocked.refused(*command)
    assert stocked("prove", "verify").stdout == before


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("slug,name,kind,parent", "h1,H,hospital,", "h2,,hospital,"), "r.csv: row 3: column 'name' is empty"),
        (("slug;name;kind", "h1;H;hospital"), "r.csv: no column 'slug'"),
        (("slug,name,kind,parent", "w1,W,ward,h1", "h1,H,hospital,"), "no recipient 'h1'"),
        (("slug,name,kind,parent", "h1,H,hospital,", "h1,H,hospital,"), "recipient 'h1' is there already"),
    ],
)
def test_a_bad_recipient_file_is_refused_whole(canary: Shell, lines: tuple[str, ...], words: str) -> None:
    assert words in canary.refused("recipient", "import", canary.write("r.csv", *lines))
    assert canary.json("recipient", "list")["recipients"] == []


def test_a_bad_recipient_file_is_refused_with_its_row(canary: Shell) -> None:
    lines = ("slug,name,kind,parent", "w1,W,ward,nobody")
    assert "r.csv: row 2" in canary.refused("recipient", "import", canary.write("r.csv", *lines))


@pytest.mark.parametrize("noun", ["recipient", "contact"])
@pytest.mark.parametrize(("text", "encoding"), [("", "utf-8"), ("编号,名称", "gb18030")], ids=["empty", "gb18030"])
def test_an_import_that_is_no_table_is_refused(canary: Shell, noun: str, text: str, encoding: str) -> None:
    assert "x.csv" in canary.refused(noun, "import", canary.write("x.csv", text, end="", encoding=encoding))


@pytest.mark.parametrize(
    "command",
    [
        ("recipient", "add", "", "--name", "x", "--kind", "y"),
        ("recipient", "add", "x" * 81, "--name", "x", "--kind", "y"),
        ("copy", "add", "", "--recipient", "bureau", "--date", "2026-06-05"),
        ("copy", "add", "two words", "--recipient", "bureau", "--date", "2026-06-05"),
    ],
    ids=["empty recipient", "long recipient", "empty copy", "copy with a space"],
)
def test_a_slug_that_nobody_could_type_is_refused(stocked: Shell, command: tuple[str, ...]) -> None:
    stocked.refused(*command)


# --- copies -----------------------------------------------------------------------------------------------------


def test_copies_know_what_they_were_made_from(stocked: Shell) -> None:
    stocked("copy", "add", "d", "--recipient", "bureau", "--date", "2026-07-01", "--from", "c", "--from", "b")
    copies = stocked.json("copy", "list")
    assert copies["format"] == "canary-copies/1"
    assert {c["slug"]: c["from"] for c in copies["copies"]} == {"a": [], "b": ["a"], "c": [], "d": ["b", "c"]}
    graph = stocked.json("copy", "graph")
    assert graph["format"] == "canary-graph/1"
    assert sorted(graph["copies"]) == ["a", "b", "c", "d"]
    assert sorted((e["from"], e["to"]) for e in graph["edges"]) == [("a", "b"), ("b", "d"), ("c", "d")]
    assert all(slug in stocked("copy", "graph").stdout for slug in "abcd")


def test_a_source_named_twice_counts_once(stocked: Shell) -> None:
    stocked("copy", "add", "d", "--recipient", "bureau", "--date", "2026-07-01", "--from", "c", "--from", "c")
    assert stocked.json("copy", "show", "d")["from"] == ["c"]


def test_a_copy_shows_its_canaries_by_code_and_never_by_number(seeded: Shell) -> None:
    shown = seeded.json("copy", "show", "a")
    assert set(shown) == {
        *("format", "slug", "recipient", "date", "from", "file", "canaries", "controls"),
        *("commitment", "file_sha256", "inherited"),
    }
    assert (shown["format"], shown["file"], shown["date"]) == ("canary-copy/1", "a.xlsx", "2026-06-05")
    assert len({c["canary"] for c in shown["canaries"]}) == 12 and shown["controls"] == 20
    assert shown["commitment"] == seeded.ledger("placement")[0]["commitment"]
    assert "12000000" not in str(shown)


def test_the_row_shown_is_the_row_where_the_canary_stands(seeded: Shell) -> None:
    phones = {n["code"]: n["number"] for n in seeded.json("number", "list", "--reveal")["numbers"]}
    rows = format_of(seeded.folder / "a.xlsx").read(seeded.folder / "a.xlsx").rows
    shown = seeded.json("copy", "show", "a")["canaries"]
    assert len(shown) == 12
    for canary in shown:
        assert f"+86{rows[canary['row'] - 1][4]}" == phones[canary["number"]]


@pytest.mark.parametrize("day", ["2026-13-01", "05.06.2026", "2026-02-30", "yesterday"])
def test_a_date_that_is_none_is_wrong_use(stocked: Shell, day: str) -> None:
    result = stocked("copy", "add", "x", "--recipient", "bureau", "--date", day, code=2)
    assert "--date" in result.stderr and result.stdout == ""


# --- numbers ----------------------------------------------------------------------------------------------------


def test_numbers_wait_in_quarantine_and_seed_says_so(canary: Shell) -> None:
    result = canary("number", "import", numbers_csv(canary, PHONES))
    assert result.stdout == "60 numbers imported; now 60 quarantine\n"
    canary("recipient", "add", "h", "--name", "H", "--kind", "hospital")
    canary("copy", "add", "june", "--recipient", "h", "--date", "2026-06-05")
    lines = (f"王{i}妹,{12000000000 + i},2026-06-{i % 28 + 1:02}" for i in range(40))
    host = canary.write("host.csv", "姓名,联系电话,预产期", *lines)
    error = canary.refused("seed", "june", host, "-o", "out.csv")
    assert "12 canaries wanted, 0 numbers ready" in error and "quarantine" in error
    assert not (canary.folder / "out.csv").exists()


def test_quarantine_ends_when_its_time_has_come_and_not_before(canary: Shell) -> None:
    canary("number", "import", numbers_csv(canary, PHONES))
    for elapsed, left, there in ((27, 0, {"quarantine": 60}), (28, 60, {"control": 20, "ready": 40})):
        canary.sql("UPDATE number SET quarantined_until = datetime('now', ?)", f"{28 - elapsed} days")
        assert canary("job", "run", "numbers").stdout.startswith(f"{left} numbers left quarantine")
        assert states(canary) == there
    block = canary.ledger("block")
    assert [(b["numbers"], b["controls"]) for b in block] == [(60, 20)]
    assert canary("job", "run", "numbers").stdout.startswith("0 numbers left quarantine")


def test_the_quarantine_of_the_settings_is_kept(canary: Shell) -> None:
    canary.write("canary.toml", "quarantine_days = 3")
    canary("number", "import", numbers_csv(canary, PHONES))
    canary.sql("UPDATE number SET quarantined_until = datetime(quarantined_until, '-4 days')")
    canary("job", "run", "numbers")
    assert states(canary) == {"control": 20, "ready": 40}


def test_no_quarantine_splits_at_once_and_warns(canary: Shell) -> None:
    result = canary("number", "import", numbers_csv(canary, PHONES), "--quarantine-days", "0")
    assert result.stdout == "60 numbers imported; now 20 control, 40 ready\n"
    assert "no quarantine" in result.stderr


def test_importing_without_quarantine_leaves_earlier_numbers_in_theirs(canary: Shell) -> None:
    canary("number", "import", numbers_csv(canary, PHONES[:30]))
    canary("number", "import", numbers_csv(canary, PHONES[30:]), "--quarantine-days", "0")
    assert states(canary)["quarantine"] == 30


def test_the_quarantine_days_of_an_import_are_kept(canary: Shell) -> None:
    canary("number", "import", numbers_csv(canary, PHONES), "--quarantine-days", "7")
    canary.sql("UPDATE number SET quarantined_until = datetime(quarantined_until, '-8 days')")
    canary("job", "run", "numbers")
    assert states(canary) == {"control": 20, "ready": 40}


@pytest.mark.parametrize(("end", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig")], ids=["unix", "excel"])
@pytest.mark.parametrize(
    ("spelling", "more", "e164"),
    [
        ("+86 130-0013-8000", (), "+8613000138000"),
        ("13000138000", (), "+8613000138000"),
        ("0086 13000138000", (), "+8613000138000"),
        ("07700 900123", ("--region", "GB"), "+447700900123"),
        ('"(202) 555-0123"', ("--region", "US"), "+12025550123"),
    ],
)
def test_numbers_are_read_however_they_are_written(
    canary: Shell, spelling: str, more: tuple[str, ...], e164: str, encoding: str, end: str
) -> None:
    file = canary.write("n.csv", "number,provider,monthly_cost", f"{spelling},twilio,1.15", end=end, encoding=encoding)
    canary("number", "import", file, *more)
    assert [n["number"] for n in canary.json("number", "list", "--reveal")["numbers"]] == [e164]


GOOD = "+8613000138000,twilio,1"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("number", "hello"), "n.csv: row 2: column 'number': 'hello' is not a telephone number"),
        (("number,provider,monthly_cost", GOOD, "110,x,1"), "n.csv: row 3: column 'number': '110'"),
        (("number,provider,monthly_cost", GOOD, ",x,1"), "n.csv: row 3: column 'number' is empty"),
        (("number,provider,monthly_cost", GOOD, "13000138001,x,free"), "n.csv: row 3: column 'monthly_cost': 'free'"),
        (("phone,provider", "13000138001,x"), "n.csv: no column 'number'"),
        (("number;provider", "13000138001;x"), "n.csv: no column 'number'"),
        ((), "n.csv: no column 'number'"),
        (
            ("number", "13000138001", "+86 130 0013 8001"),
            "n.csv: row 3: column 'number': +8613000138001 stands above already",
        ),
    ],
)
def test_a_bad_number_file_names_the_place_and_imports_nothing(
    canary: Shell, lines: tuple[str, ...], words: str
) -> None:
    result = canary("number", "import", canary.write("n.csv", *lines), code=2)
    assert words in result.stderr and result.stdout == ""
    assert canary.json("number", "list") == {"format": "canary-numbers/1", "numbers": []}
    assert canary.ledger("numbers") == []


def test_a_cost_that_is_none_has_a_way_out(canary: Shell) -> None:
    canary.refused("number", "import", canary.write("n.csv", "number,monthly_cost", "13000138001,free"))


@pytest.mark.parametrize("cost", ["NaN", "Infinity", "-5", "1e30"])
def test_a_cost_that_nobody_pays_is_refused(canary: Shell, cost: str) -> None:
    file = canary.write("n.csv", "number,monthly_cost", f"13000138001,{cost}")
    assert "monthly_cost" in canary("number", "import", file, code=2).stderr


def test_a_number_held_already_is_named_with_file_and_row(canary: Shell) -> None:
    file = canary.write("n.csv", "number", "13000138001", "", "13000138001")
    assert "n.csv: row 4: column 'number'" in canary.refused("number", "import", file)


def test_a_region_that_is_none_is_named(canary: Shell) -> None:
    file = canary.write("n.csv", "number", "13000138001")
    assert "XX" in canary("number", "import", file, "--region", "XX", code=2).stderr


def test_numbers_are_listed_by_code_and_revealed_only_with_a_ledger_line(stocked: Shell) -> None:
    assert "+8612" not in stocked("number", "list").output
    listed = stocked.json("number", "list")["numbers"]
    assert set(listed[0]) == {"code", "state", "since", "provider", "monthly_cost", "block"}
    assert stocked.ledger("reveal") == []
    shown = stocked.json("number", "list", "--reveal")["numbers"]
    assert [n["number"] for n in shown] == PHONES
    assert stocked.ledger("reveal") == [{"what": "number list"}]
    controls = stocked.json("number", "list", "--state", "control")["numbers"]
    assert len(controls) == 20 and {n["state"] for n in controls} == {"control"}


@pytest.mark.parametrize("command", [("number", "list", "--state", "redy"), ("contact", "list", "--kind", "nmaed")])
def test_a_filter_that_names_nothing_is_wrong_use(stocked: Shell, command: tuple[str, ...]) -> None:
    stocked(*command, code=2)


def test_health_sums_states_and_costs_by_provider(seeded: Shell) -> None:
    seeded("number", "import", seeded.write("more.csv", "number,provider,monthly_cost", "13000138001,aws,0.5"))
    states_now = "20 control, 24 planted, 16 ready"
    assert seeded.json("number", "health") == {
        "format": "canary-health/1",
        "health": [
            {"provider": "aws", "numbers": 1, "monthly_cost": "0.50", "states": "1 quarantine"},
            {
                "provider": "twilio",
                "numbers": 60,
                "monthly_cost": "69.00",
                "states": states_now,
            },
        ],
    }


def test_a_retired_number_is_never_planted(stocked: Shell) -> None:
    ready = stocked.json("number", "list", "--state", "ready")["numbers"]
    for number in ready[:30]:
        assert stocked("number", "retire", number["code"]).stdout == f"{number['code']}: cooling\n"
    assert "11 canaries wanted, 10 numbers ready" in stocked.refused(
        "seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "11"
    )
    stocked("seed", "a", "city.xlsx", "-o", "a.xlsx", "--canaries", "10")
    planted = {n["code"] for n in stocked.json("number", "list", "--state", "planted")["numbers"]}
    assert planted == {n["code"] for n in ready[30:]}


def test_codes_of_canaries_are_not_codes_of_numbers(seeded: Shell) -> None:
    numbers = {n["code"] for n in seeded.json("number", "list")["numbers"]}
    assert not numbers & {*canaries(seeded, "a"), *canaries(seeded, "c")}


@pytest.mark.parametrize("noun", ["recipient", "copy", "number", "contact", "allow"])
def test_an_empty_list_is_empty_json_and_a_remark(canary: Shell, noun: str) -> None:
    body = canary.json(noun, "list")
    assert body.pop("format").startswith("canary-")
    assert list(body.values()) == [[]]
    table = canary(noun, "list")
    assert table.stdout == "" and table.stderr.startswith("no ")
