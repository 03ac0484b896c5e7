"""Rar archives: headers are read here, contents by a tool, and nothing of either stays."""

import base64
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue

import py7zr
import pytest

from canary.scan.readers import rar, sevenzip, solid
from canary.scan.readers import tool as tools
from canary.scan.readers.detect import parts
from canary.scan.readers.file import source_of
from canary.scan.run import Scan
from tests.scan.packed import PACKED, archived, seven, zipped
from tests.scan.people import found
from tests.scan.processes import commands, is_gone
from tests.scan.test_readers import CSV, EXPECTED, FILES, NEEDLES, ROWS, scan

# Of rarfile's own tests (ISC licence): rar 3, a packed comment for the archive and for each file.
COMMENTED = base64.b64decode(
    "UmFyIRoHAM+QcwAADQAAAAAAAADSmXoAgCMAFgAAAAsAAAADvFDsdQAAAAAdMwMAAAAAAENNVAwAi+zL9lbBSCmPAOW/5v/w0GtqdnruDHQg"
    "kCsACAAAAAAAAAADAAAAAGxQYj0dMwkApIEAAGZpbGUxLnR4dADAAL+IZ/ap/9RBmXoQgCMAFgAAAAsAAAADSD9vEAAAAAAdMwMAAAAAgENN"
    "VAwAi+zL9jaQVix4DyZvzf/s1IuXwr1zFnQgkCsACAAAAAAAAAADAAAAAGxQYj0dMwkApIEAAGZpbGUyLnR4dADAAL+IZ/ap/9R8oHoQgCMA"
    "FgAAAAsAAAADppDaAgAAAAAdMwMAAAAAgENNVBAQy+yJ5HNBSLDP2ScX4v7rgY9XKvTEPXsAQAcA"
)


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only tool there is, which gives whatever stands in `plain`, and says who it is in `id`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = f"#!/bin/sh\necho $$ > '{tmp_path}/id'\nexec /bin/cat '{tmp_path}/plain'\n"
    (folder / "unrar").write_text(script)
    (folder / "unrar").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return tmp_path / "plain"


def test_stored_members_are_read_without_a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.rar").write_bytes(archived({"one.txt": b"nobody\n", "in/a.csv": CSV, "b.xlsx": FILES["a.xlsx"]}))
    parts = scan(tmp_path / "a.rar")
    assert [(p.error, p.path.rpartition("!")[2], p.rows) for p in parts] == [
        ("", "one.txt", 1), ("", "in/a.csv", len(ROWS)), ("", "b.xlsx", len(ROWS)),
    ]  # fmt: skip
    assert [found(p) for p in parts[1:]] == [EXPECTED, EXPECTED]


@pytest.mark.parametrize("around", [lambda c: c, lambda c: zipped({"a.rar": c}), lambda c: seven({"a.rar": c})])
@pytest.mark.parametrize("held", [solid.HELD, 100])
def test_packed_members_are_read_from_what_the_tool_gives(
    around: "type[bytes]", held: int, tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solid, "HELD", held)
    members = {"one.txt": b"nobody\n", "in/a.csv": CSV}
    tool.write_bytes(b"".join(members.values()))
    (tmp_path / "a").write_bytes(around(archived(members, PACKED)))
    one, two = scan(tmp_path / "a")
    assert (one.error, one.rows, two.error, two.rows, found(two)) == ("", 1, "", len(ROWS), EXPECTED)


def test_without_a_tool_the_error_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    (part,) = scan(tmp_path / "a.rar")
    assert "a.rar" in part.error and "unrar" in part.error and "apt install" in part.error


@pytest.mark.parametrize(("given", "said"), [(CSV[:-9], "ends too soon"), (CSV[:-9] + b"unpacked!", "not what was")])
def test_what_the_tool_gives_is_checked(given: bytes, said: str, tool: Path, tmp_path: Path) -> None:
    tool.write_bytes(given)
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    assert said in scan(tmp_path / "a.rar")[-1].error


def test_a_bomb_is_refused_by_what_its_headers_say(tool: Path, tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED, size=1 << 40))
    assert "refused" in scan(tmp_path / "a.rar")[-1].error


def test_a_tool_and_a_thread_end_when_the_reading_does(tool: Path, tmp_path: Path) -> None:
    before = threading.active_count()
    tool.write_bytes(bytes(1 << 24))
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV, "b.csv": CSV}, PACKED))
    (tmp_path / "a.7z").write_bytes(seven({"a.csv": CSV, "b.csv": os.urandom(1 << 20)}))
    assert "not what was packed" in scan(tmp_path / "a.rar")[-1].error
    reading = parts(source_of(tmp_path / "a.7z"))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert is_gone(int((tmp_path / "id").read_text()))


def test_a_tool_that_has_given_all_and_hangs_is_not_waited_for(tool: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/unrar").write_text(f"#!/bin/sh\n/bin/cat '{tool}'\nexec /bin/sleep 600\n")
    tool.write_bytes(CSV)
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    assert found(scan(tmp_path / "a.rar")[0]) == EXPECTED


@pytest.mark.parametrize("before", ["", "/bin/head -c 1000 '{plain}'\n"], ids=["nothing given", "some given"])
def test_a_tool_that_hangs_is_ended_with_all_it_started(
    before: str, tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "PATIENCE", 0.2)
    hangs = before.format(plain=tool) + f"/bin/sleep 600 &\necho $! > '{tmp_path}/id'\nwait\n"
    (tmp_path / "bin/unrar").write_text(f"#!/bin/sh\n{hangs}")
    tool.write_bytes(CSV)
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    files = {path.name for path in tmp_path.rglob("*")}
    (part,) = scan(tmp_path / "a.rar")
    assert "a.rar: unrar" in part.error and "gave nothing for" in part.error
    assert {path.name for path in tmp_path.rglob("*")} == files | {"id"}
    assert is_gone(int((tmp_path / "id").read_text()))


@pytest.mark.parametrize("moment", ["while it works", "while it starts"])
def test_a_tool_ends_also_when_what_started_it_is_killed(moment: str, tool: Path, tmp_path: Path) -> None:
    """By kill -9, after which nothing is done in order."""
    (tmp_path / "bin/unrar").write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/id'\n/bin/sleep 600 &\nwait\n")
    code = "import sys; from canary.scan.readers.tool import Program; p = Program(sys.argv[1:], 'x.rar'); "
    code += "p.read(1)" if moment == "while it works" else "import os; os.kill(os.getpid(), 9)"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "bin/unrar")], env=env) as starter:
        if moment == "while it works":
            while not (tmp_path / "id").exists() or not (tmp_path / "id").read_text().endswith("\n"):
                time.sleep(0.01)
            starter.kill()
    for _ in range(100):
        if not (left := [line for line in commands() if bytes(tmp_path) in line]):
            break
        time.sleep(0.02)
    assert not left


def test_a_tool_that_hangs_when_asked_what_it_knows_is_passed_over(
    tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "PATIENCE", 0.2)
    (tmp_path / "bin/unrar").rename(tmp_path / "bin/bsdtar")
    (tmp_path / "bin/7zz").write_text("#!/bin/sh\nexec /bin/sleep 600\n")
    (tmp_path / "bin/7zz").chmod(0o755)
    tool.write_bytes(CSV)
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    assert found(scan(tmp_path / "a.rar")[0]) == EXPECTED


def test_a_tool_that_hangs_ends_with_a_scan_of_several_processes(tool: Path, tmp_path: Path) -> None:
    (tmp_path / "bin/unrar").write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/id'\nexec /bin/sleep 600\n")
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    (tmp_path / "b.7z").write_bytes(seven({"a.csv": CSV}))

    def interrupted(done: int, rows: int) -> None:
        while not (tmp_path / "id").exists() or not (tmp_path / "id").read_text().endswith("\n"):
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Scan(NEEDLES, 2, interrupted).files([tmp_path / "b.7z", tmp_path / "a.rar"])
    assert is_gone(int((tmp_path / "id").read_text()))


def test_a_7z_archive_is_unpacked_no_further_than_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drained: list[object] = []
    (tmp_path / "a.7z").write_bytes(seven({f"{at}.csv": CSV for at in range(50)}))
    monkeypatch.setattr(sevenzip, "_drain", lambda pieces: drained.append(_taken(pieces)))
    reading = parts(source_of(tmp_path / "a.7z"))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert sum(isinstance(piece, bytes) for piece in drained) < 5


def _taken(pieces: "Queue[object]") -> object:
    try:
        return pieces.get(timeout=0.1)
    except Empty:
        return None


def test_comments_are_not_unpacked_for_that_takes_a_temporary_file(tool: Path, tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(COMMENTED)
    assert [member.name for member in rar.Rar(source_of(tmp_path / "a.rar")).members] == ["file1.txt", "file2.txt"]
    assert not (tmp_path / "id").exists()


def test_the_tool_is_told_no_secret(tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", "geheim")
    with tools.Program(["/usr/bin/env"], "a.rar") as stream:
        assert b"geheim" not in stream.read()


def test_7zip_is_asked_what_it_knows_without_being_told_a_secret(
    tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin/unrar").unlink()
    asked = f"""[ "$1" = i ] && {{ /usr/bin/env >> '{tmp_path}/told'; echo ' Rar5'; exit; }}"""
    (tmp_path / "bin/7zz").write_text(f"#!/bin/sh\n{asked}\nexec /bin/cat '{tool}'\n")
    (tmp_path / "bin/7zz").chmod(0o755)
    monkeypatch.setenv("CANARY_KEY", "geheim")
    tool.write_bytes(CSV)
    (tmp_path / "a.rar").write_bytes(archived({"a.csv": CSV}, PACKED))
    assert found(scan(tmp_path / "a.rar")[0]) == EXPECTED
    assert "geheim" not in (tmp_path / "told").read_text()


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "C:\\a.csv", "a\nb.csv", "-rf"])
def test_members_of_a_7z_archive_may_be_called_anything(name: str, tmp_path: Path) -> None:
    held = io.BytesIO()
    with py7zr.SevenZipFile(held, "w") as package:
        package.writestr(CSV, "a.csv")
        package.files.files_list[0]["filename"] = name
    (tmp_path / "a.7z").write_bytes(held.getvalue())
    (part,) = scan(tmp_path / "a.7z")
    assert (part.error, part.path.partition("!")[2], found(part)) == ("", name.replace("\\", "/"), EXPECTED)
