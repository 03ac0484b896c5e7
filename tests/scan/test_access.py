"""Access databases are read as mdbtools gives them; without it, or where it fails, the error says so."""

from pathlib import Path

import pytest

from canary.scan.readers import tool
from tests.scan.packed import seven
from tests.scan.people import found
from tests.scan.test_readers import CSV, EXPECTED, ROWS, scan

DATABASE = b"\x00\x01\x00\x00Standard ACE DB\x00" + bytes(4000)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two tables, `women` and `notes`, in whatever file begins as an Access database does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "women").write_bytes(CSV)
    (tmp_path / "notes").write_bytes(b"nobody\n")
    checked = "/usr/bin/head -c 16 -- {path} | /bin/grep -q Standard || exit 1\n"
    for name, body in {
        "mdb-tables": checked.format(path='"$3"') + "echo women; echo notes",
        "mdb-export": 'for last; do [ "$last" = -- ] || name=$last; done; /bin/cat ' + f'"{tmp_path}/$name"',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_every_table_is_a_part(packed: bool, tools: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(seven({"in.accdb": DATABASE}) if packed else DATABASE)
    women, notes = scan(tmp_path / "a")
    assert (women.error, women.rows, found(women)) == ("", len(ROWS), EXPECTED)
    assert (women.path.rpartition("!")[2], notes.path.rpartition("!")[2], notes.rows) == ("women", "notes", 1)


def test_a_program_that_fails_is_an_error_and_what_it_gave_is_searched(tools: Path, tmp_path: Path) -> None:
    with (tools / "mdb-export").open("a") as script:
        script.write("exit 3\n")
    (tmp_path / "a.mdb").write_bytes(DATABASE)
    assert "gave up" in scan(tmp_path / "a.mdb")[0].error


def test_more_than_the_database_can_hold_is_refused(tools: Path, tmp_path: Path) -> None:
    (tools / "mdb-export").write_text("#!/bin/sh\nexec /usr/bin/yes\n")
    (tmp_path / "a.mdb").write_bytes(DATABASE)
    assert "refused" in scan(tmp_path / "a.mdb")[0].error


@pytest.mark.parametrize("closed", ["", "exec >&-\n"], ids=["its output open", "its output closed"])
def test_a_program_that_hangs_is_ended(
    closed: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "PATIENCE", 0.2)
    with (tools / "mdb-export").open("a") as script:
        script.write(f"{closed}exec /bin/sleep 600\n")
    (tmp_path / "a.mdb").write_bytes(DATABASE)
    assert "a.mdb!women: mdb-export" in scan(tmp_path / "a.mdb")[0].error


def test_tables_without_end_are_refused(tools: Path, tmp_path: Path) -> None:
    (tools / "mdb-tables").write_text("#!/bin/sh\n/usr/bin/yes | /usr/bin/head -c 20000000\n")
    (tmp_path / "a.mdb").write_bytes(DATABASE)
    (part,) = scan(tmp_path / "a.mdb")
    assert "refused" in part.error


def test_without_mdbtools_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.mdb").write_bytes(DATABASE)
    (part,) = scan(tmp_path / "a.mdb")
    assert "a.mdb" in part.error and "apt install mdbtools" in part.error
