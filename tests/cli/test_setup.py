"""From nothing to a working registry: keys, database, settings, status, doctor, the ledger."""

import re
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from canary.store.vault import new_key
from tests.cli.conftest import Shell, canaries

URL = "CANARY_DATABASE_URL"


def test_init_makes_a_key_only_its_owner_may_read_and_an_empty_registry(bare: Shell) -> None:
    result = bare("init")
    assert result.stdout == f"registry ready: sqlite:///{bare.folder / 'canary.sqlite3'}\n"
    assert "keep a copy in a safe" in result.stderr and "next: " in result.stderr
    key = bare.folder / "canary.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    status = bare.json("status")
    assert status["format"] == "canary-status/1"
    assert (status["recipients"], status["copies"], status["seeded copies"]) == (0, 0, 0)


def test_init_again_keeps_key_and_content_and_adds_nothing(canary: Shell) -> None:
    canary("recipient", "add", "h", "--name", "H", "--kind", "hospital")
    key = (canary.folder / "canary.key").read_bytes()
    before = canary("prove", "verify").stdout
    again = canary("init")
    assert (canary.folder / "canary.key").read_bytes() == key
    assert "made" not in again.stderr
    assert canary("prove", "verify").stdout == before
    assert [r["slug"] for r in canary.json("recipient", "list")["recipients"]] == ["h"]


def test_init_makes_the_folder_of_the_config(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_CONFIG", str(bare.folder / "new folder" / "canary.toml"))
    bare("init")
    assert {"canary.key", "canary.sqlite3"} <= {p.name for p in (bare.folder / "new folder").iterdir()}
    bare("status")


def test_init_with_a_key_from_the_environment_writes_none(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", new_key())
    bare("init")
    assert not (bare.folder / "canary.key").exists()
    bare("status")


def change_key(shell: Shell) -> None:
    (shell.folder / "canary.key").write_text(new_key())


def cut_key(shell: Shell) -> None:
    (shell.folder / "canary.key").write_text("c2hvcnQ=")


def empty_key(shell: Shell) -> None:
    (shell.folder / "canary.key").write_text("")


def lose_key(shell: Shell) -> None:
    (shell.folder / "canary.key").unlink()


READS = [("status",), ("number", "list", "--reveal"), ("trace",), ("report", "--format", "text", "-o", "-"), ("init",)]


@pytest.mark.parametrize("command", READS, ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change_key, "key does not open this registry\n  hint: .*restore it from your safe"),
        (cut_key, "not 32 bytes .*\n  hint: use the key that `canary init` made"),
        (empty_key, "not 32 bytes"),
    ],
)
def test_a_wrong_key_is_refused_by_every_door_and_shows_nothing(
    seeded: Shell, spoil: Callable[[Shell], None], words: str, command: tuple[str, ...]
) -> None:
    spoil(seeded)
    error = seeded.refused(*command)
    assert re.search(words, error), error
    assert "+8612" not in error


def test_a_lost_key_says_where_it_was_looked_for(seeded: Shell) -> None:
    lose_key(seeded)
    error = seeded.refused("status")
    assert "no key: neither CANARY_KEY nor canary.key" in error
    assert "restore the key from your safe" in error


def test_init_after_losing_the_key_does_not_pass_for_a_working_registry(seeded: Shell) -> None:
    lose_key(seeded)
    assert "key does not open this registry" in seeded("init", code=2).stderr


def test_the_right_key_in_a_secret_file_works(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = (canary.folder / "canary.key").rename(canary.folder / "docker-secret")
    monkeypatch.setenv("CANARY_KEY_FILE", str(moved))
    canary("status")


@pytest.mark.parametrize("variable", ["CANARY_KEY_FILE", "CANARY_TWILIO_AUTH_TOKEN_FILE"])
@pytest.mark.parametrize(("path", "why"), [("none", "No such file"), (".", "Is a directory")])
def test_a_secret_file_that_cannot_be_read_is_named(
    canary: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, path: str, why: str
) -> None:
    monkeypatch.setenv(variable, path)
    error = canary.refused("status")
    assert variable in error and why in error


def test_a_secret_file_of_noise_is_named(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (canary.folder / "noise").write_bytes(b"\xff\xd0\x00\x80" * 9)
    monkeypatch.setenv("CANARY_KEY_FILE", "noise")
    assert "CANARY_KEY_FILE" in canary.refused("status")


def test_the_token_file_reaches_the_doctor(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    canary.write("token", "0123456789abcdef")
    assert checks(canary)["twilio"] == "no token: every request is refused"
    monkeypatch.setenv("CANARY_TWILIO_AUTH_TOKEN_FILE", "token")
    assert checks(canary)["twilio"] == "ok"
    assert "0123456789abcdef" not in canary("doctor", code=1).output


def test_the_environment_outranks_the_config_file(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    canary.write("canary.toml", 'public_url = "http://plain.example"')
    assert "http://plain.example: not https" in checks(canary)["public_url"]
    monkeypatch.setenv("CANARY_PUBLIC_URL", "https://calls.example")
    assert checks(canary)["public_url"] == "ok"


def checks(shell: Shell) -> dict[str, str]:
    return {line["check"]: line["result"] for line in shell.json("doctor", code=1)["doctor"]}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("colour = 1", "colour"),
        ('alpha = "small"', "alpha"),
        ("alpha = ", "not valid TOML"),
        ('canaries_per_copy = "many"', "canaries_per_copy"),
    ],
)
def test_a_wrong_line_in_the_config_is_named(canary: Shell, line: str, words: str) -> None:
    canary.write("canary.toml", line)
    error = canary.refused("status")
    assert words in error and "canary.toml" in error


@pytest.mark.parametrize("line", ["alpha = 0", "alpha = 5", "control_share = 3", "window_days = -1"])
def test_a_setting_out_of_range_is_named(canary: Shell, line: str) -> None:
    canary.write("canary.toml", line)
    assert line.split(" ")[0] in canary.refused("trace")


@pytest.mark.parametrize("url", ["nonsense", "postgres://h/db", "oracle-of-delphi://x"])
def test_a_database_url_that_is_none_is_refused(canary: Shell, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(URL, url)
    assert "hint: sqlite:///file or postgresql+psycopg://" in canary.refused("status")


@pytest.mark.parametrize("url", ["mysql://h/db", "oracle://h", "postgresql://h:port/db"])
def test_a_database_we_do_not_speak_is_refused(canary: Shell, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(URL, url)
    assert "hint: sqlite:///file or postgresql+psycopg://" in canary.refused("status")


@pytest.mark.parametrize("command", [("status",), ("init",), ("trace",), ("schedule",)], ids=lambda c: c[0])
def test_an_unreachable_database_is_the_outside_world(
    canary: Shell, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv(URL, "postgresql+psycopg://someone:sesame@127.0.0.1:9/db")
    error = canary.refused(*command, code=3)
    assert "database: " in error and "refused" in error
    assert "sesame" not in error


def test_doctor_shows_an_unreachable_database_as_a_finding(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, "postgresql+psycopg://127.0.0.1:9/db")
    assert "refused" in checks(canary)["registry"]


def test_a_database_without_tables_says_to_run_init(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL, f"sqlite:///{canary.folder / 'other.sqlite3'}")
    assert "canary init" in canary.refused("status")


def test_a_registry_of_another_version_says_to_migrate(canary: Shell) -> None:
    canary.sql("UPDATE alembic_version SET version_num = '0000'")
    assert "`canary init` to migrate" in canary.refused("status")


def test_a_file_that_is_no_database_is_the_outside_world(canary: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    canary.write("noise.db", "this is not a database at all " * 99)
    monkeypatch.setenv(URL, f"sqlite:///{canary.folder / 'noise.db'}")
    assert "not a database" in canary.refused("status", code=3)


def test_status_counts_what_there_is(heard: Shell) -> None:
    status = heard.json("status")
    assert {k: status[k] for k in ("recipients", "copies", "seeded copies")} == {
        "recipients": 2,
        "copies": 3,
        "seeded copies": 2,
    }
    assert (status["numbers control"], status["numbers ready"], status["numbers planted"]) == (20, 16, 24)
    assert status["contacts maternal"] == 12
    assert status["ledger head"] == heard.json("prove", "ledger")["ledger"][-1]["hash"][:16]
    table = heard("status").stdout
    assert "numbers planted" in table and "+8612" not in table


def test_doctor_is_content_when_all_is_well(stocked: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_PUBLIC_URL", "https://calls.example")
    monkeypatch.setenv("CANARY_TWILIO_AUTH_TOKEN", "0123456789abcdef")
    found = stocked.json("doctor")
    assert found["format"] == "canary-doctor/1"
    assert {line["result"] for line in found["doctor"]} == {"ok"}


def test_doctor_names_every_problem_with_a_way_out(canary: Shell) -> None:
    lines = canary.json("doctor", code=1)["doctor"]
    wrong = {line["check"]: line["hint"] for line in lines if line["result"] != "ok"}
    assert set(wrong) == {"public_url", "twilio", "pool"}
    assert all(wrong.values())


@pytest.mark.parametrize(("days", "result"), [(6, "ok"), (8, "nothing for 8 days")])
def test_doctor_hears_when_a_provider_fell_silent(stocked: Shell, days: int, result: str) -> None:
    at = datetime.now(UTC) - timedelta(days=days)
    kept = "INSERT INTO delivery (at, provider, endpoint, sealed_request) VALUES (?, ?, 'sms', x'00')"
    for provider, signature in (("twilio", "good"), ("twilio", "bad"), ("forgotten", "good")):
        late = at if signature == "good" else datetime.now(UTC)
        stocked.sql(kept, f"{late:%Y-%m-%d %H:%M:%S.%f}", provider)
        stocked.sql("INSERT INTO delivery_outcome SELECT max(id), ?, '' FROM delivery", signature)
    found = checks(stocked)
    assert found["heard of twilio"] == result, "a forger's requests are no sign of life"
    assert "heard of forgotten" not in found


def test_doctor_still_speaks_when_the_key_is_lost(canary: Shell) -> None:
    lose_key(canary)
    lines = canary.json("doctor", code=1)["doctor"]
    assert [line["check"] for line in lines] == ["registry"]
    assert "no key" in lines[0]["result"] and lines[0]["hint"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET payload = replace(payload, 'bureau', 'burrow') WHERE kind = 'copy'",
        "UPDATE ledger SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 3",
        "UPDATE ledger SET hash = prev WHERE seq = 3",
        "DELETE FROM ledger WHERE seq = 3",
        "DELETE FROM ledger WHERE seq = 1",
        "UPDATE ledger SET seq = seq + 100 WHERE seq >= 3",
    ],
)
def test_verify_and_doctor_see_a_ledger_changed_behind_our_back(stocked: Shell, change: str) -> None:
    whole = stocked("prove", "verify").stdout
    assert whole.startswith("ledger whole: ")
    stocked.sql(change)
    broken = stocked("prove", "verify", code=1)
    assert broken.stdout.startswith("ledger broken at entry ")
    assert "broken" in checks(stocked)["ledger"]


def test_the_ledger_holds_no_phone_and_no_persona(heard: Shell) -> None:
    heard("trace")
    text = heard("prove", "ledger", "--format", "json").stdout
    kinds = {e["kind"] for e in heard.json("prove", "ledger")["ledger"]}
    assert {"init", "recipient", "copy", "numbers", "block", "placement", "sealed", "sighting", "verdicts"} <= kinds
    assert "+8612" not in text and "奶粉" not in text
    assert not any(code in text for code in canaries(heard, "a"))
