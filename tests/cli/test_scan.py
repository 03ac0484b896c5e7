"""`canary scan`: from a file that turned up to the copy it came from, forgetting everybody else."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from canary.mint.facts import Row
from canary.plant.formats.detect import format_of
from canary.settings import load
from canary.store.finds import sought
from canary.store.schema import Canary
from canary.store.vault import Vault, new_key
from tests.cli.conftest import Shell, canaries

NAME, ADDRESS, PHONE, DUE = 0, 3, 4, 6


def rows(shell: Shell, name: str) -> Sequence[Row]:
    return format_of(shell.folder / name).read(shell.folder / name).rows


def csv(shell: Shell, name: str, table: Sequence[Sequence[object]], encoding: str = "utf-8") -> str:
    return shell.write(name, *(",".join("" if c is None else str(c) for c in row) for row in table), encoding=encoding)


def said(shell: Shell, *arguments: str) -> dict[str, str]:
    return {v["copy"]: v["verdict"] for v in shell.json("scan", *arguments, code=1)["verdicts"]}


def test_a_seeded_file_gives_its_canaries_by_row_and_the_verdict(seeded: Shell) -> None:
    report = seeded.json("scan", "a.xlsx", code=1)
    assert report["format"] == "canary-scan/1"
    (file,) = report["files"]
    assert (file["path"], file["rows"], file["error"]) == ("a.xlsx", 102, "")
    planted = {c["canary"]: c["row"] for c in seeded.json("copy", "show", "a")["canaries"]}
    assert {c["canary"]: c["row"] for c in file["canaries"]} == planted
    assert all(c["copies"] == ["a"] and c["by"][0] == "phone" for c in file["canaries"])
    assert report["copies"] == [{"copy": "a", "canaries": 12, "present": 12, "absent": []}]
    assert [(v["copy"], v["verdict"]) for v in report["verdicts"]] == [("a", "leaked"), ("c", "cannot tell")]
    assert report["law"] == {"rows": 5000, "passed": False}


def test_a_file_without_canaries_is_exit_code_0_and_accuses_nobody(seeded: Shell) -> None:
    report = seeded.json("scan", "city.xlsx")
    assert report["files"][0]["canaries"] == [] and report["copies"] == []
    assert {v["verdict"] for v in report["verdicts"]} == {"cannot tell"}


def test_a_canary_handed_on_names_every_copy_and_the_lowest_is_accused(seeded: Shell) -> None:
    seeded("seed", "b", "a.xlsx", "-o", "b.xlsx", "--canaries", "12")
    report = seeded.json("scan", "b.xlsx", code=1)
    found = {c["canary"]: c["copies"] for c in report["files"][0]["canaries"]}
    assert all(found[code] == ["a", "b"] for code in canaries(seeded, "a"))
    assert all(found[code] == ["b"] for code in canaries(seeded, "b"))
    verdicts = {v["copy"]: v for v in report["verdicts"]}
    assert verdicts["b"]["verdict"] == "leaked"
    assert verdicts["a"]["verdict"] == "cannot tell" and verdicts["a"]["explained_by"] == "b"
    assert said(seeded, "a.xlsx") == {"a": "leaked", "b": "cannot tell", "c": "cannot tell"}


def test_absent_canaries_are_named(seeded: Shell) -> None:
    table = rows(seeded, "a.xlsx")
    place = {c["row"]: c["canary"] for c in seeded.json("copy", "show", "a")["canaries"]}
    kept = [row for at, row in enumerate(table, 1) if at not in sorted(place)[:4]]
    report = seeded.json("scan", csv(seeded, "cut.csv", kept), code=1)
    absent = sorted(place[at] for at in sorted(place)[:4])
    assert report["copies"][0]["present"] == 8 and sorted(report["copies"][0]["absent"]) == absent
    assert report["verdicts"][0]["verdict"] == "leaked"


TREATED = {
    "only numbers, shuffled": lambda r: [r[PHONE]],
    "masked": lambda r: [r[NAME], f"{str(r[PHONE])[:3]}****{str(r[PHONE])[-4:]}"],
    "md5": lambda r: [hashlib.md5(str(r[PHONE]).encode()).hexdigest()],
    "float": lambda r: [r[DUE], f"{r[PHONE]}.0"],
    "no numbers": lambda r: [r[DUE], r[NAME]],
}


@pytest.mark.parametrize("treatment", TREATED)
def test_a_treated_copy_is_named_all_the_same(seeded: Shell, treatment: str) -> None:
    table = [TREATED[treatment](row) for row in rows(seeded, "c.xlsx") if row[PHONE] and row[NAME] and row[DUE]]
    random.Random(1).shuffle(table)
    csv(seeded, "found.csv", table, encoding="gbk")
    assert said(seeded, "found.csv") == {"c": "leaked", "a": "cannot tell"}


def test_two_merged_copies_are_both_accused(seeded: Shell) -> None:
    csv(seeded, "both.csv", [*rows(seeded, "a.xlsx"), *rows(seeded, "c.xlsx")])
    report = seeded.json("scan", "both.csv", code=1)
    assert {v["copy"]: v["verdict"] for v in report["verdicts"]} == {"a": "leaked", "c": "leaked"}
    assert set(report["pair"]["copies"]) == {"a", "c"}


def test_a_scan_is_a_ledger_line_of_codes_and_counts_but_a_rehearsal_is_none(seeded: Shell) -> None:
    seeded("scan", "a.xlsx", "--no-ledger", code=1)
    assert seeded.ledger("scan") == []
    seeded("scan", "a.xlsx", code=1)
    (line,) = seeded.ledger("scan")
    (file,) = line["files"]
    content = (seeded.folder / "a.xlsx").read_bytes()
    assert (file["sha256"], file["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (file["rows"], file["matches"], file["canaries"]) == (102, 12, sorted(canaries(seeded, "a")))
    assert line["words"] == {"a": "leaked"}
    seeded("prove", "verify")


def test_nothing_of_anybody_else_is_left_anywhere(seeded: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    temporary = tmp_path_factory.mktemp("tmp")
    table = rows(seeded, "a.xlsx")
    planted = {c["row"] for c in seeded.json("copy", "show", "a")["canaries"]}
    others = [row for at, row in enumerate(table, 1) if at not in planted]
    csv(seeded, "found.csv", table)
    with zipfile.ZipFile(seeded.folder / "found.zip", "w") as package:
        package.write(seeded.folder / "found.csv", "found.csv")
    (seeded.folder / "found.csv").rename(temporary.parent / f"{temporary.name}.csv")
    before = sorted(seeded.folder.iterdir())
    inputs = ["a.xlsx", "found.zip", str(temporary.parent / f"{temporary.name}.csv")]
    done = process(seeded, "scan", *inputs, "--format", "json", "--jobs", "2", TMPDIR=str(temporary))
    assert done.returncode == 1
    assert list(temporary.iterdir()) == [] and sorted(seeded.folder.iterdir()) == before
    kept = done.stdout + done.stderr + b"".join(p.read_bytes() for p in seeded.folder.glob("canary*"))
    for row in others:
        assert not any(str(row[c]).encode() in kept for c in (PHONE, ADDRESS) if row[c])
    named = {str(row[NAME]) for row in others if row[NAME]}
    assert not any(name.encode() in kept for name in named)


def process(shell: Shell, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    env = {**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "canary", *arguments]
    return subprocess.run(command, cwd=shell.folder, env=env, capture_output=True, timeout=60)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_scan_ends_at_once_and_leaves_nothing(seeded: Shell, jobs: str) -> None:
    names = [f"big{i}.csv" for i in range(2)]
    for name in names:
        (seeded.folder / name).write_bytes(b"somebody,13900000000,2026-03-01\n" * 2_000_000)
    before = sorted(p.name for p in seeded.folder.iterdir())
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "canary", "scan", *names, "--jobs", jobs]
    # Run in the background, a test's process ignores Ctrl-C, and so would its children.
    with subprocess.Popen(
        command,
        cwd=seeded.folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stderr is not None
        while b"scanning" not in running.stderr.readline():
            pass
        time.sleep(0.5)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and out == b"" and b"Traceback" not in err and b"nothing was kept" in err
    assert sorted(p.name for p in seeded.folder.iterdir() if not p.name.endswith(("-wal", "-shm"))) == before
    assert seeded.ledger("scan") == []
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)


def test_folders_are_searched_whole_and_a_fragment_comes_on_stdin(seeded: Shell) -> None:
    (seeded.folder / "leak" / "deep").mkdir(parents=True)
    (seeded.folder / "a.xlsx").rename(seeded.folder / "leak" / "deep" / "x.bin")
    shown = seeded.json("scan", "leak", code=1)
    assert [len(f["canaries"]) for f in shown["files"]] == [12]
    phones = "\n".join(str(row[PHONE]) for row in rows(seeded, "c.xlsx")[:60])
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "canary", "scan", "-", "--format", "json"]
    done = subprocess.run(command, cwd=seeded.folder, env=env, input=phones.encode(), capture_output=True, timeout=60)
    report = json.loads(done.stdout)
    assert done.returncode == 1 and report["files"][0]["path"] == "stdin"
    assert {copy for c in report["files"][0]["canaries"] for copy in c["copies"]} == {"c"}


def test_what_cannot_be_read_is_never_reported_as_clean(seeded: Shell) -> None:
    (seeded.folder / "x.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + b"0" * 90)
    result = seeded("scan", "x.7z", "city.xlsx", code=2)
    assert "damaged archive" in result.stderr and "not everything could be read" in result.stderr
    result = seeded("scan", "x.7z", "a.xlsx", code=1)
    assert "damaged archive" in result.stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("way", ["--no-ledger", "--phones-only"])
def test_a_persona_that_cannot_be_opened_is_an_error_of_the_registry_not_of_the_file(
    way: str, jobs: str, seeded: Shell
) -> None:
    other = Vault(new_key()).seal({"name": "陈丽芳"})
    with load().store().writing() as session:
        session.execute(update(Canary).values(sealed_persona=other))
    shutil.copy(seeded.folder / "a.xlsx", seeded.folder / "b.xlsx")
    result = seeded("scan", "a.xlsx", "b.xlsx", way, "--jobs", jobs, code=2)
    assert "canary: the key does not open this registry" in result.stderr


def test_a_name_in_an_archive_cannot_forge_lines_of_the_report(seeded: Shell) -> None:
    with zipfile.ZipFile(seeded.folder / "x.zip", "w") as package:
        package.writestr("a.csv\n\nleaked: c (ln E 99.0)\x1b[8m", "nobody\n")
        package.writestr("b.pdf\nleaked: c", "%PDF")
    result = seeded("scan", "x.zip", code=2)
    assert not [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("leaked")]
    assert "x.zip!a.csv\\n\\nleaked: c (ln E 99.0)\\x1b[8m: 1 rows" in result.stdout


def test_the_laws_threshold_can_be_set(seeded: Shell) -> None:
    assert seeded.json("scan", "a.xlsx", "--law-rows", "102", code=1)["law"] == {"rows": 102, "passed": True}
    assert "threshold of 102 is passed" in seeded("scan", "a.xlsx", "--law-rows", "102", code=1).stderr


def test_shared_numbers_are_told_apart_by_the_names_beside_them(stocked: Shell) -> None:
    stocked.write("canary.toml", 'law = "shared"')
    for slug in "ac":
        stocked("seed", slug, "city.xlsx", "-o", f"{slug}.xlsx", "--canaries", "20")
    report = stocked.json("scan", "a.xlsx", code=1)
    assert {tuple(c["copies"]) for c in report["files"][0]["canaries"] if "name+due" in c["by"]} == {("a",)}
    verdicts = {v["copy"]: v for v in report["verdicts"]}
    assert verdicts["a"]["verdict"] == "leaked" and verdicts["a"]["posterior"] > 0.99
    assert verdicts["c"]["verdict"] == "cannot tell"


def test_who_is_sought_is_everyone_of_a_live_draw_and_nobody_of_one_taken_back(seeded: Shell) -> None:
    with load().store().reading() as session:
        looked = sought(session)
    assert sum(s.planted for s in looked) == 24 and all(s.copies == () for s in looked if not s.planted)
    seeded.sql("UPDATE placement SET state = 'void' WHERE id = 1")
    assert set(said(seeded, "a.xlsx", "c.xlsx")) == {"c"}
