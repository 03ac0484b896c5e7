"""Sightings by hand and the allow-list."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from canary.plant.formats.detect import format_of
from tests.cli.conftest import PHONES, Shell, canaries

CALLER = "+8612099999999"


def contacts(shell: Shell) -> list[tuple[str, str | None]]:
    return [(c["kind"], c["number"]) for c in shell.json("contact", "list")["contacts"]]


def codes(shell: Shell) -> dict[str, str]:
    """Number code by phone."""
    return {n["number"]: n["code"] for n in shell.json("number", "list", "--reveal")["numbers"]}


def planted_person(shell: Shell) -> tuple[str, str]:
    """Phone and name of somebody planted in copy a."""
    planted = {n["number"] for n in shell.json("number", "list", "--state", "planted", "--reveal")["numbers"]}
    for row in format_of(shell.folder / "a.xlsx").read(shell.folder / "a.xlsx").rows:
        if f"+86{row[4]}" in planted and len(str(row[0])) == 3:
            return f"+86{row[4]}", str(row[0])
    raise AssertionError("nobody of three characters was planted")


@pytest.mark.parametrize("spelling", ["{}", "{0[3]}{1}", "86-{1}", "{0} "])
def test_a_sighting_on_a_number_is_stored_and_sorted(seeded: Shell, spelling: str) -> None:
    text = {"{}": PHONES[0], "{0[3]}{1}": PHONES[0][3:], "86-{1}": f"0086 {PHONES[0][3:]}", "{0} ": f" {PHONES[0]} "}
    result = seeded("contact", "add", "--number", text[spelling], "--via", "hotline", "--text", "推荐月子中心")
    assert re.fullmatch(r"SI[0-9a-f]{32}\n", result.stdout)
    assert contacts(seeded) == [("maternal", codes(seeded)[PHONES[0]])]
    assert [s["via"] for s in seeded.ledger("sighting")] == ["hotline"]


def test_a_sighting_about_a_canary_lands_on_its_number(seeded: Shell) -> None:
    phone, name = planted_person(seeded)
    number = codes(seeded)[phone]
    for code in canaries(seeded, "a"):
        seeded("contact", "add", "--canary", code, "--via", "look-up", "--text", f"{name}女士您好")
    found = contacts(seeded)
    assert len({n for _, n in found}) == 12
    assert ("named", number) in found
    assert sum(kind == "named" for kind, _ in found) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ((), "one number or one canary"),
        (("--number", PHONES[0], "--canary", "C00000000"), "one number or one canary"),
        (("--number", "13912345678"), "we hold no number 13912345678"),
        (("--number", "hello"), "we hold no number hello"),
        (("--canary", "C00000000"), "no canary 'C00000000'"),
        (("--number", PHONES[0], "--at", "2199-01-01"), "in the future"),
    ],
)
def test_a_sighting_that_cannot_be_is_refused_and_not_stored(
    seeded: Shell, fields: tuple[str, ...], words: str
) -> None:
    assert words in seeded.refused("contact", "add", "--via", "wechat", "--text", "x", *fields)
    assert contacts(seeded) == []
    assert seeded.ledger("sighting") == []


@pytest.mark.parametrize("at", ["2026-13-01", "5 June", "2026-06-05T25:00"])
def test_a_time_that_is_none_is_wrong_use(seeded: Shell, at: str) -> None:
    command = ("contact", "add", "--number", PHONES[0], "--via", "x", "--text", "x", "--at", at)
    assert "--at" in seeded(*command, code=2).stderr


def test_a_sighting_keeps_the_time_it_was_seen(seeded: Shell) -> None:
    seeded("contact", "add", "--number", PHONES[0], "--via", "x", "--text", "x", "--at", "2026-06-05 09:30")
    assert seeded.json("contact", "list")["contacts"][0]["at"] == "2026-06-05T09:30:00+00:00"


HEAD = "at,number,canary,via,text,sender,entered_by"


@pytest.mark.parametrize(("end", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig")], ids=["unix", "excel"])
def test_sightings_are_imported_from_the_csv_excel_writes(seeded: Shell, end: str, encoding: str) -> None:
    lines = (
        HEAD,
        f'2026-06-22T10:30,{PHONES[0]},,wechat,"奶粉, 特价 😀",{CALLER},me',
        f"2026-06-22T10:30+08:00,{PHONES[1]},,letter,“hello”,,",
        f"2026-06-21,,{canaries(seeded, 'a')[0]},hotline,,,",
    )
    result = seeded("contact", "import", seeded.write("s.csv", *lines, end=end, encoding=encoding))
    assert result.stdout == "3 sightings\n"
    listed = seeded.json("contact", "list")["contacts"]
    assert [(c["at"][:16], c["kind"]) for c in listed] == [
        ("2026-06-21T00:00", "other"),
        ("2026-06-22T02:30", "other"),
        ("2026-06-22T10:30", "maternal"),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-06-22T10:30,13912345678,,wechat,x,,", "s.csv: row 3: we hold no number"),
        ("2026-06-22T10:30,,C0,wechat,x,,", "s.csv: row 3: no canary 'C0'"),
        ("2026-06-22T10:30,,,wechat,x,,", "s.csv: row 3: a sighting is about one"),
        (f"22/06/2026,{PHONES[1]},,wechat,x,,", "s.csv: row 3: column 'at': not a time"),
        (f",{PHONES[1]},,wechat,x,,", "s.csv: row 3: column 'at' is empty"),
        (f"2026-06-22T10:30,{PHONES[1]},,,x,,", "s.csv: row 3: column 'via' is empty"),
        (f"2199-06-22T10:30,{PHONES[1]},,wechat,x,,", "s.csv: row 3: seen at 2199"),
    ],
)
def test_an_import_with_one_bad_row_stores_none(seeded: Shell, line: str, words: str) -> None:
    file = seeded.write("s.csv", HEAD, f"2026-06-22T10:30,{PHONES[0]},,wechat,x,,", line)
    assert words in seeded.refused("contact", "import", file)
    assert contacts(seeded) == []
    assert seeded.ledger("sighting") == []


@pytest.mark.parametrize("how", [CALLER, CALLER[3:], "0086 120 9999 9999"])
def test_allowing_a_caller_authorises_what_it_said_before_and_after(seeded: Shell, how: str) -> None:
    say = ("contact", "add", "--via", "call", "--text", "奶粉特价", "--from")
    seeded(*say, CALLER, "--number", PHONES[0])
    seeded(*say, "+8612088888888", "--number", PHONES[1])
    assert [kind for kind, _ in contacts(seeded)] == ["maternal", "maternal"]
    assert seeded("allow", "add", how, "--note", "诊所提醒 '😀'").stdout == "allowed: 诊所提醒 '😀'\n"
    assert [kind for kind, _ in contacts(seeded)] == ["authorised", "maternal"]
    seeded(*say, CALLER, "--number", PHONES[2])
    assert [kind for kind, _ in contacts(seeded)] == ["authorised", "maternal", "authorised"]
    assert seeded.json("allow", "list") == {
        "format": "canary-allowed/1",
        "allowed": [
            {
                "entry": None,
                "number": CALLER,
                "note": "诊所提醒 '😀'",
                "channel": None,
                "from": None,
                "to": None,
                "removed": None,
            }
        ],
    }
    assert CALLER not in str(seeded.ledger("allow")) and len(seeded.ledger("allow")) == 1


def test_contacts_that_belong_together_are_shown_as_one_campaign(seeded: Shell) -> None:
    for i, text in enumerate(["月嫂上门，回电 12077778888", "奶粉特价", "催乳 12077778888"]):
        seeded("contact", "add", "--via", "call", "--text", text, "--number", PHONES[i])
    assert [c["campaign"] for c in seeded.json("contact", "list")["contacts"]] == [1, None, 1]
    shown = seeded.json("contact", "show", "3")
    assert (shown["campaign"], shown["campaign_by"], shown["campaign_contacts"]) == (1, ["callback"], [1, 3])
    assert "12077778888" not in str(shown)


@pytest.mark.parametrize("who", [(CALLER,), ("--channel", "sighting"), (CALLER, "--channel", "sighting")])
def test_the_calendar_authorises_on_its_days_only(seeded: Shell, who: tuple[str, ...]) -> None:
    say = ("contact", "add", "--via", "call", "--text", "您好，月子中心优惠", "--from", CALLER, "--number", PHONES[0])
    for day in ("2026-05-31 23:59", "2026-06-01 00:00", "2026-06-03 23:59", "2026-06-04 00:00"):
        seeded(*say, "--at", day)
    seeded("allow", "add", *who, "--from", "2026-06-01", "--to", "2026-06-03", "--note", "reminders of June")
    assert [kind for kind, _ in contacts(seeded)] == ["maternal", "authorised", "authorised", "maternal"]
    assert seeded.json("contact", "show", "2")["kind"] == "authorised"
    entry = seeded.json("allow", "list")["allowed"][0]
    assert (entry["from"], entry["to"]) == ("2026-06-01", "2026-06-03")
    assert CALLER not in str(seeded.ledger("allow"))


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ((CALLER, "--from", "2026-06-01"), "go together"),
        ((CALLER, "--from", "2026-06-02", "--to", "2026-06-01"), "the first day first"),
        (("--channel", "call"), "without days"),
        (("--from", "2026-06-01", "--to", "2026-06-03"), "neither caller nor channel"),
        ((CALLER, "--from", "2026-06-01", "--to", "9999-12-31"), "no day after it"),
    ],
)
def test_a_calendar_entry_that_says_too_little_is_refused(seeded: Shell, who: tuple[str, ...], words: str) -> None:
    assert words in seeded.refused("allow", "add", *who, "--note", "x")
    assert seeded.json("allow", "list")["allowed"] == []


def test_who_is_taken_off_the_list_counts_from_then_on_and_leaves_a_trace(seeded: Shell) -> None:
    say = ("contact", "add", "--via", "call", "--text", "月子中心优惠", "--from", CALLER, "--number")
    seeded("allow", "add", CALLER, "--note", "reminder line")
    seeded(*say, PHONES[0], "--at", "2026-06-01")
    assert seeded("allow", "remove", CALLER[3:], "--note", "it sells").stdout == "no longer allowed: reminder line\n"
    seeded(*say, PHONES[1])
    assert [kind for kind, _ in contacts(seeded)] == ["authorised", "maternal"], "the past is not judged again"
    assert seeded.ledger("disallow") == [{"note": "it sells", "was": "reminder line", "entry": None}]
    assert seeded.json("allow", "list")["allowed"] == []
    (gone,) = seeded.json("allow", "list", "--all")["allowed"]
    assert gone["note"] == "reminder line" and gone["removed"]
    assert "in force" in seeded.refused("allow", "remove", CALLER, "--note", "again")
    assert "is not in the range" in seeded("allow", "remove", "--entry", str(10**20), "--note", "x", code=2).stderr
    seeded("allow", "add", CALLER, "--note", "it does not")
    assert [kind for kind, _ in contacts(seeded)] == ["authorised", "authorised"]


def test_an_entry_taken_out_of_the_calendar_ends_then(seeded: Shell) -> None:
    say = ("contact", "add", "--via", "call", "--text", "月子中心优惠", "--from", CALLER, "--number", PHONES[0])
    for channel in ("call", "sighting"):
        seeded("allow", "add", "--channel", channel, "--from", "2026-06-01", "--to", "2199-06-30", "--note", channel)
    one, other = seeded.json("allow", "list")["allowed"]
    seeded(*say, "--at", "2026-06-02")
    seeded("allow", "remove", "--entry", str(other["entry"]), "--note", "put off")
    seeded(*say)
    assert [kind for kind, _ in contacts(seeded)] == ["authorised", "maternal"]
    assert [entry["entry"] for entry in seeded.json("allow", "list")["allowed"]] == [one["entry"]]
    expected = {"note": "put off", "was": "sighting", "entry": 2, "from": "2026-06-01", "before": "2199-07-01"}
    assert seeded.ledger("disallow") == [expected]


@pytest.mark.parametrize("what", [(), (CALLER, "--entry", "1"), ("--entry", "7"), ("+8612011111111",)])
def test_taking_off_what_is_not_there_is_refused(seeded: Shell, what: tuple[str, ...]) -> None:
    seeded("allow", "add", CALLER, "--note", "x")
    seeded.refused("allow", "remove", *what, "--note", "y")
    assert seeded.ledger("disallow") == [] and len(seeded.json("allow", "list")["allowed"]) == 1


def test_an_entry_for_another_caller_or_channel_does_not_apply(seeded: Shell) -> None:
    seeded("contact", "add", "--via", "call", "--text", "月子中心优惠", "--from", CALLER, "--number", PHONES[0])
    for who in (("+8612088888888",), ("--channel", "call"), (CALLER, "--channel", "text")):
        seeded("allow", "add", *who, "--from", "2000-01-01", "--to", "2099-01-01", "--note", "x")
    assert [kind for kind, _ in contacts(seeded)] == ["maternal"]


def test_allowing_the_seller_takes_the_accusation_back(heard: Shell) -> None:
    def words() -> dict[str, str]:
        return {v["copy"]: v["verdict"] for v in heard.json("trace")["verdicts"]}

    assert words() == {"a": "leaked", "c": "cannot tell"}
    heard("allow", "add", CALLER, "--note", "our own reminder line")
    assert "taken back since the last look: a was `leaked`, now `cannot tell`" in heard("trace").stderr
    assert words() == {"a": "cannot tell", "c": "cannot tell"}


@pytest.mark.parametrize("number", ["", "  "])
def test_allowing_nobody_is_refused(heard: Shell, number: str) -> None:
    heard("contact", "add", "--number", PHONES[0], "--via", "letter", "--text", "奶粉特价")
    heard("allow", "add", number, "--note", "slip", code=2)


def test_a_contact_is_shown_without_words_unless_revealed(heard: Shell) -> None:
    plain = heard.json("contact", "show", "1")
    listed = {"format", "id", "at", "channel", "kind", "campaign", "number", "provider", "reason"}
    assert set(plain) == listed | {"attested", "media", "paths", "campaign_by", "campaign_contacts"}
    assert (plain["attested"], plain["paths"]) == ("entered by hand", ["hand"])
    assert "奶粉" not in str(plain) and CALLER not in str(plain)
    assert heard.ledger("reveal") == []
    shown = heard.json("contact", "show", "1", "--reveal")
    assert (shown["text"], shown["sender"]) == ("奶粉特价", CALLER)
    assert heard.ledger("reveal") == [{"what": "contact 1"}]


def test_what_a_caller_wrote_cannot_give_a_terminal_orders(seeded: Shell) -> None:
    seeded("contact", "add", "--number", PHONES[0], "--via", "hotline", "--text", "奶粉\x1b[2J\nverdict  leaked")
    shown = seeded("contact", "show", "1", "--reveal").stdout
    assert "\x1b" not in shown and "奶粉\\x1b[2J\\nverdict  leaked" in shown


def test_contacts_are_filtered_by_kind(heard: Shell) -> None:
    heard("contact", "add", "--number", PHONES[0], "--via", "call", "--text", "您的验证码是 123456")
    assert len(heard.json("contact", "list", "--kind", "maternal")["contacts"]) == 12
    assert len(heard.json("contact", "list", "--kind", "service")["contacts"]) == 1
    assert "12 " not in heard("contact", "list", "--kind", "silent").stdout


def test_a_sighting_just_now_is_not_in_the_future(seeded: Shell) -> None:
    at = (datetime.now(UTC) - timedelta(seconds=61)).strftime("%Y-%m-%dT%H:%M")
    seeded("contact", "add", "--number", PHONES[0], "--via", "x", "--text", "x", "--at", at)
