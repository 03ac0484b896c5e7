"""`canary filter export` and `canary scan --filter`: rows found by somebody who holds no registry."""

import hashlib

import pytest

from tests.cli.conftest import Shell


def test_a_filter_finds_the_rows_without_registry_and_key(seeded: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded("filter", "export", "-o", "f.json", "--for", "the platform")
    rows = {c["row"] for c in seeded.json("copy", "show", "a")["canaries"]}
    for name in ("canary.sqlite3", "canary.toml", "canary.key"):
        (seeded.folder / name).unlink(missing_ok=True)
    monkeypatch.delenv("CANARY_KEY", raising=False)
    report = seeded.json("scan", "a.xlsx", "--filter", "f.json", code=1)
    assert report["format"] == "canary-filter-scan/1" and report["rate"] == 0.001
    (file,) = report["files"]
    assert rows <= set(file["hits"]) and len(file["hits"]) <= len(rows) + 5
    assert set(file) == {"path", "rows", "hits", "error"} and file["rows"] == 102


def test_each_export_is_a_line_of_the_ledger(seeded: Shell) -> None:
    seeded("filter", "export", "-o", "f.json", "--for", "the police lab", "--rate", "0.01")
    (line,) = seeded.ledger("filter")
    digest = hashlib.sha256((seeded.folder / "f.json").read_bytes()).hexdigest()
    assert line == {"sha256": digest, "for": "the police lab", "rate": 0.01}


def test_a_filter_overwrites_nothing_and_names_who_gets_it(seeded: Shell) -> None:
    seeded.write("f.json", "mine")
    assert "f.json" in seeded.refused("filter", "export", "-o", "f.json", "--for", "x")
    assert "--for" in seeded.refused("filter", "export", "-o", "g.json", "--for", " ")
    assert seeded.ledger("filter") == []


def test_a_file_without_numbers_of_ours_is_exit_code_0(seeded: Shell) -> None:
    seeded("filter", "export", "-o", "f.json", "--for", "x", "--rate", "0.000001")
    assert seeded.json("scan", "city.xlsx", "--filter", "f.json")["files"][0]["hits"] == []
