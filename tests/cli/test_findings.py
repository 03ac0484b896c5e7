"""`canary trace` and `canary report`: the contract of their output, and what they leave on disk and in the ledger."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from canary.findings import report_view, trace
from canary.report import kin
from canary.settings import load
from tests.cli.conftest import PHONES, Shell, canaries

CALLER = "+8612099999999"
TOP = {"format", "as_of", "alpha", "verdicts", "none_posterior", "smallest_visible_leak", "contacts"}
VERDICT = {"copy", "recipient", "verdict", "log_e", "threshold", "posterior", "contacts", "window", "rivals"}
SECRETS = (CALLER, "12000000", "奶粉特价")


def test_the_copy_whose_canaries_rang_is_named_and_the_others_are_not(heard: Shell) -> None:
    found = heard.json("trace")
    words = {v["copy"]: (v["verdict"], v["recipient"], len(v["contacts"])) for v in found["verdicts"]}
    assert words == {"a": ("leaked", "registry", 12), "c": ("cannot tell", "bureau", 0)}
    a, c = sorted(found["verdicts"], key=lambda v: str(v["copy"]))
    assert a["log_e"] >= a["threshold"] > c["log_e"]
    assert a["posterior"] > 0.9 > c["posterior"]
    assert found["contacts"] == {"maternal": 12}


def test_trace_keeps_the_contract_of_its_json(heard: Shell) -> None:
    found = heard.json("trace")
    assert (found["format"], found["alpha"]) == ("canary-trace/1", 0.001)
    assert isinstance(found["none_posterior"], float)
    for verdict in found["verdicts"]:
        assert {
            "copy",
            "recipient",
            "verdict",
            "log_e",
            "threshold",
            "posterior",
            "contacts",
            "window",
            "rivals",
        } <= set(verdict)
        assert verdict["verdict"] in {"leaked", "likely", "cannot tell"}
        assert all(isinstance(verdict[key], float) for key in ("log_e", "threshold", "posterior"))
        assert verdict["window"] is None or set(verdict["window"]) == {"from", "to"}
        assert all(set(rival) == {"copy", "posterior"} for rival in verdict["rivals"])


def test_the_top_of_the_trace_json_holds_the_contract_keys(heard: Shell) -> None:
    assert set(heard.json("trace")) >= TOP


def test_a_contact_on_the_first_day_has_a_probability(stocked: Shell) -> None:
    stocked("seed", "a", "city.xlsx", "-o", "a.xlsx")
    stocked("contact", "add", "--canary", canaries(stocked, "a")[0], "--via", "wechat", "--text", "奶粉特价")
    assert 0 < stocked.json("trace")["verdicts"][0]["posterior"] < 1


def test_a_report_shows_each_campaign_and_the_copies_whose_canaries_it_rang(heard: Shell) -> None:
    say = ("contact", "add", "--via", "call", "--number")
    planted = {n["number"] for n in heard.json("number", "list", "--state", "planted", "--reveal")["numbers"]}
    free = next(phone for phone in PHONES if phone not in planted)
    for number in (free, *sorted(planted)[:1]):
        heard(
            *say,
            number,
            "--text",
            "您好，公积金可以贷款三十万，利息低，当天到账，回电 12077778888",
            "--from",
            "1068888",
        )
    formula, loan = heard.json("trace")["campaigns"]
    assert (formula["copies"], formula["kinds"], formula["senders"]) == ({"a": 12}, {"maternal": 12}, 1)
    assert (formula["numbers"], formula["controls"], formula["by"]) == (12, 0, ["callback"])
    assert formula["from"] == formula["to"] and len(formula["contacts"]) == 12
    assert (loan["kinds"], loan["numbers"], sum(loan["copies"].values())) == ({"marketing": 2}, 2, 1)
    heard("report", "--format", "csv", "-o", "r.csv")
    rows = csv.DictReader(io.StringIO((heard.folder / "r.csv").read_text("utf-8-sig")))
    assert f"{formula['campaign']}=12" in next(row for row in rows if row["copy"] == "a")["campaigns"]


def test_a_contact_before_the_draw_did_not_ring_a_canary(heard: Shell) -> None:
    heard.sql("UPDATE placement SET drawn_at = datetime('now', '-1 day')")
    assert heard.json("trace")["campaigns"][0]["copies"] == {}


def test_permitted_callers_are_no_campaign(heard: Shell) -> None:
    heard("allow", "add", CALLER, "--note", "our own reminder line")
    assert heard.json("trace")["campaigns"] == []


@pytest.mark.parametrize("style", ["html", "text"])
def test_callers_and_words_of_a_campaign_need_reveal(heard: Shell, style: str) -> None:
    heard("report", "--format", style, "-o", "hidden")
    heard("report", "--format", style, "--reveal", "-o", "shown")
    hidden, shown = ((heard.folder / name).read_text("utf-8") for name in ("hidden", "shown"))
    tail = slice(hidden.index("Campaigns"), None), slice(shown.index("Campaigns"), None)
    assert not any(secret in hidden[tail[0]] for secret in SECRETS)
    assert all(secret in shown[tail[1]] for secret in (CALLER, "奶粉特价"))


def test_nothing_heard_accuses_nobody(seeded: Shell) -> None:
    found = seeded.json("trace")
    assert {v["verdict"] for v in found["verdicts"]} == {"cannot tell"}
    assert "No copy is accused" in seeded("trace").stdout


def test_nothing_seeded_is_an_answer_too(canary: Shell) -> None:
    assert canary.json("trace")["verdicts"] == []
    canary("report", "--format", "html", "-o", "empty.html")
    assert "<html" in (canary.folder / "empty.html").read_text(encoding="utf-8")


def test_a_verdict_enters_the_ledger_once(heard: Shell) -> None:
    assert heard.ledger("verdicts") == []
    for _ in range(2):
        heard("trace")
    heard("job", "run", "verdicts")
    assert [v["words"] for v in heard.ledger("verdicts")] == [{"a": "leaked"}]


def test_as_of_the_past_sees_nothing_of_today_and_records_nothing(heard: Shell) -> None:
    past = heard.json("trace", "--as-of", "2020-01-01")
    assert past["as_of"].startswith("2020-01-01T00:00:00") and past["verdicts"] == [] and past["contacts"] == {}
    assert heard.ledger("verdicts") == []


def test_the_table_names_the_copy_and_no_secret(heard: Shell) -> None:
    result = heard("trace")
    assert "leaked" in result.stdout and "a " in result.stdout
    assert not any(secret in result.output for secret in SECRETS)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("style", ["html", "text", "json", "csv"])
def test_every_report_is_written_whole_to_file_and_stdout_and_holds_no_secret(
    heard: Shell, style: str, lang: str
) -> None:
    command = ("report", "--format", style, "--lang", lang, "--as-of", f"{datetime.now(UTC):%Y-%m-%d}", "-o")
    result = heard(*command, "the report 孕.out")
    assert (result.stdout, result.stderr) == ("", "wrote the report 孕.out\n")
    text = (heard.folder / "the report 孕.out").read_bytes().decode("utf-8")
    assert check_report(text, style, lang)
    assert not any(secret in text for secret in SECRETS)
    assert not any(code in text for code in canaries(heard, "a"))
    printed = heard(*command, "-")
    assert printed.stderr == ""
    if style != "html":  # ids inside an SVG differ from run to run
        assert printed.stdout.rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n")
    assert heard.ledger("reveal") == []


def check_report(text: str, style: str, lang: str) -> bool:
    if style == "json":
        body = json.loads(text)
        return body["format"] == "canary-trace/1" and [v["copy"] for v in body["verdicts"]] == ["a", "c"]
    if style == "csv":
        lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        return {line["copy"]: line["verdict"] for line in lines} == {"a": "leaked", "c": "cannot tell"}
    chinese = sum("一" <= ch <= "鿿" for ch in text)
    in_language = chinese > 300 if lang == "zh" else "leaked" in text and chinese < 300
    self_contained = "http://" not in text.replace("http://www.w3.org", "") and "<script src" not in text
    return in_language and (
        style == "text" or (text.rstrip().endswith("</html>") and "<svg" in text and self_contained)
    )


def test_revealing_shows_callers_and_writes_a_ledger_line(heard: Shell) -> None:
    heard("report", "--format", "html", "--reveal", "-o", "open.html")
    text = (heard.folder / "open.html").read_text(encoding="utf-8")
    assert CALLER in text and any(phone in text for phone in PHONES)
    assert [r["what"] for r in heard.ledger("reveal")] == ["report"]


def test_a_report_replaces_the_one_of_yesterday(heard: Shell) -> None:
    (heard.folder / "r.txt").write_text("yesterday")
    heard("report", "--format", "text", "-o", "r.txt")
    assert "yesterday" not in (heard.folder / "r.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("output", ["none/r.html", "city.xlsx/r.html"])
def test_a_report_that_cannot_be_written_is_the_outside_world_and_leaves_nothing(
    heard: Shell, output: str, request: pytest.FixtureRequest
) -> None:
    before = sorted(p.name for p in heard.folder.iterdir())
    assert output in heard.refused("report", "--format", "html", "-o", output, code=3)
    assert [n for n in sorted(p.name for p in heard.folder.iterdir()) if "sqlite3-" not in n] == [
        n for n in before if "sqlite3-" not in n
    ]


def test_a_report_that_fails_half_way_leaves_no_part(heard: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    (heard.folder / "r.txt").write_text("yesterday")
    monkeypatch.setattr(Path, "replace", full)
    assert "No space left" in heard.refused("report", "--format", "text", "-o", "r.txt", code=3)
    assert (heard.folder / "r.txt").read_text() == "yesterday"
    assert not list(heard.folder.glob(".r.txt*"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "docx", "-o", "r"),
        ("--format", "html"),
        ("--format", "html", "--lang", "fr", "-o", "r"),
        ("--format", "html", "-o", "."),
        ("--format", "html", "-o", "r", "--as-of", "tomorrow"),
    ],
)
def test_a_report_of_a_kind_that_is_none_is_wrong_use(canary: Shell, arguments: tuple[str, ...]) -> None:
    assert canary("report", *arguments, code=2).stdout == ""


def test_a_number_that_rang_before_any_draw_is_no_control(seeded: Shell) -> None:
    [[number, code]] = seeded.sql("SELECT id, code FROM number WHERE state = 'control' ORDER BY id LIMIT 1")
    assert code in controls(seeded)
    seeded.sql("UPDATE number SET noisy = 1 WHERE id = ?", number)
    assert code in controls(seeded), "one of a draw stays one, whatever it heard since"
    seeded.sql("DELETE FROM canary WHERE number_id = ?", number)
    assert code not in controls(seeded)


def controls(shell: Shell) -> set[str]:
    """The codes of the numbers that a report tells as held back."""
    settings = load()
    store, now = settings.store(), settings.now()
    view = report_view(store, trace(store, now, settings.terms), now)
    store.close()
    return {number.code for number in kin.controls(view)}
