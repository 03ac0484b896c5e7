"""`canary scan` given what it cannot read: one line that names it, and the other files are scanned all the same."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from canary.cli import scan as command
from tests.cli.conftest import Shell
from tests.cli.test_scan import process
from tests.scan.packed import PACKED, archived, seven, zipped
from tests.scan.processes import is_gone


@pytest.fixture
def leak(seeded: Shell) -> Path:
    """A folder `leak` with a copy in it, which is found whatever lies beside it."""
    (seeded.folder / "leak").mkdir()
    (seeded.folder / "a.xlsx").rename(seeded.folder / "leak" / "m.xlsx")
    return seeded.folder / "leak"


def remarks(shell: Shell, *arguments: str) -> list[str]:
    """What is said on the scan of `leak`, in which all 12 canaries are found; as a process, in a second of its own."""
    done = process(shell, "scan", *(arguments or ("leak",)), "--no-ledger")
    assert done.returncode == 1 and b", 12 canaries, " in done.stdout and b"Traceback" not in done.stderr, done
    return [line for line in done.stderr.decode().splitlines() if not line.startswith(("scanning", "\r"))]


def test_what_is_no_file_is_passed_over_and_links_are_not_followed(seeded: Shell, leak: Path) -> None:
    os.mkfifo(leak / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(leak)
        listening.bind("socket")
        os.chdir(here)
    (leak / "loop").symlink_to(leak)
    (leak / "self").symlink_to(leak / "self")
    (leak / "x.csv").symlink_to(seeded.folder / "city.xlsx")
    assert remarks(seeded) == [
        "leak/loop: a link, not followed",
        "leak/pipe: a pipe, socket or device, passed over",
        "leak/self: a link, not followed",
        "leak/socket: a pipe, socket or device, passed over",
        "leak/x.csv: a link, not followed",
    ]


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_a_pipe_or_device_is_not_waited_for(name: str, seeded: Shell, leak: Path) -> None:
    os.mkfifo(seeded.folder / "pipe")
    said = remarks(seeded, name, "leak")
    assert said == [
        f"not read to its end: {name}: a pipe, socket or device, and no file (pipe what it gives to: canary scan -)"
    ]
    assert remarks(seeded, name, "leak", "--jobs", "2") == said


def test_a_file_is_scanned_once_however_often_it_is_named(seeded: Shell, leak: Path) -> None:
    shown = seeded.json("scan", "leak", "leak/m.xlsx", "leak/../leak/m.xlsx", "--no-ledger", code=1)
    assert [file["path"] for file in shown["files"]] == ["leak/m.xlsx"]


def test_folders_without_files_are_wrong_use_and_enter_nothing_in_the_ledger(seeded: Shell, leak: Path) -> None:
    (seeded.folder / "empty" / "deep").mkdir(parents=True)
    result = seeded("scan", "empty", code=2)
    assert "empty: no file in it" in result.stderr and "canary: no file to scan" in result.stderr
    assert seeded.ledger("scan") == []
    assert remarks(seeded, "empty", "leak") == ["empty: no file in it"]


def test_a_folder_that_may_not_be_read_is_never_passed_over(
    seeded: Shell, leak: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (leak / "closed").mkdir()
    (leak / "m.xlsx").rename(leak / "z.xlsx")
    scandir, opened = os.scandir, Path.open

    def refusing(path: str) -> "Iterator[os.DirEntry[str]]":
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    def refused(path: Path, *arguments: str, **named: str) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(Path, "open", refused)
    result = seeded("scan", "leak", "--no-ledger", code=1)
    assert "not read to its end: leak/closed: Permission denied" in result.stderr


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_that_vanishes_is_named(jobs: str, seeded: Shell, leak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (leak / "a.csv").write_bytes(b"1,2\n")
    expanded = command._expanded

    def vanishing(files: object) -> list[Path]:
        found = expanded(files)  # type: ignore[arg-type]
        (leak / "a.csv").unlink()
        return found

    monkeypatch.setattr(command, "_expanded", vanishing)
    result = seeded("scan", "leak", "--jobs", jobs, code=1)
    assert "leak/a.csv: No such file or directory" in result.stderr
    assert "leak/m.xlsx: 102 rows, 12 canaries" in result.stdout


def test_nothing_or_too_much_on_stdin_is_wrong_use(seeded: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "stdin: nothing came" in seeded.refused("scan", "-")
    monkeypatch.setattr(command, "FRAGMENT", 3)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    code = "import canary.cli.scan as s, canary.cli.main as m; s.FRAGMENT = 3; m.main()"
    run = [sys.executable, "-c", code, "scan", "-"]
    done = subprocess.run(run, cwd=seeded.folder, env=env, input=b"1,2\n", capture_output=True, timeout=60)
    assert done.returncode == 2 and b"canary: stdin: more than" in done.stderr


def test_names_that_are_no_text_are_shown_escaped_and_entered(seeded: Shell, leak: Path) -> None:
    (leak / "m.xlsx").rename(Path(os.fsdecode(bytes(leak) + b"/\xff\x1b[8m\n.xlsx")))
    done = process(seeded, "scan", "leak", "--format", "json")
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b'"canaries"' in done.stdout, done.stderr
    (line,) = seeded.ledger("scan")
    assert line["files"][0]["name"].endswith("\x1b[8m\n.xlsx") and line["files"][0]["matches"] == 12
    seeded("prove", "verify")
    done = process(seeded, "scan", "leak")
    assert b"\\x1b[8m\\n.xlsx: 102 rows, 12 canaries" in done.stdout


def test_what_holds_no_table_is_named_with_what_to_do(seeded: Shell, leak: Path) -> None:
    for name, content in {
        "a.pdf": b"%PDF-1.7",
        "b.png": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "c.docx": zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"}),
        "d.xz": b"\xfd7zXZ\0" + bytes(99),
        "e.7z": seven({"a.csv": b"1,2\n"}, password="geheim"),
        "f.doc": document("WordDocument"),
        "g.xlsx": document("EncryptedPackage"),
    }.items():
        (leak / name).write_bytes(content)
    assert remarks(seeded) == [
        f"not read to its end: leak/{said}"
        for said in (
            "a.pdf: PDF is not read here (save its tables as CSV)",
            "b.png: a picture or film is not read here (type the rows that it shows, and scan those: canary scan -)",
            "c.docx: a Word document is not read here (save it as text, or its tables as CSV)",
            "d.xz: xz is not read here (unpack it and scan what comes out)",
            "e.7z: needs a password (unpack it with its password and scan the folder)",
            "f.doc: a Word document, which is not read here (save it as text, or its tables as CSV)",
            "g.xlsx: encrypted (open it with its password, save it without, and scan that)",
        )
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_scan_ended_from_outside_ends_what_it_started(jobs: str, number: signal.Signals, seeded: Shell) -> None:
    folder = seeded.folder / "bin"
    folder.mkdir()
    (folder / "unrar").write_text("#!/bin/sh\necho $$ > id\nexec /bin/sleep 600\n")
    (folder / "unrar").chmod(0o755)
    (seeded.folder / "x.rar").write_bytes(archived({"a.csv": b"1,2\n"}, PACKED))
    env = {**os.environ, "PATH": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "canary", "scan", "x.rar", "city.xlsx", "--jobs", jobs]
    as_usual = partial(signal.signal, number, signal.SIG_DFL)  # under nohup it is not
    with subprocess.Popen(command, cwd=seeded.folder, env=env, stdout=-1, stderr=-1, preexec_fn=as_usual) as running:
        while not (seeded.folder / "id").exists() or not (seeded.folder / "id").read_text():
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, b"") and b"nothing was kept" in err and b"Traceback" not in err
    assert is_gone(int((seeded.folder / "id").read_text()))


def test_a_scan_ends_also_when_it_is_asked_to_while_it_forks(seeded: Shell) -> None:
    code = """if True:
        import os, signal, time
        def asked():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)
        os.register_at_fork(after_in_parent=asked)  # what is raised here, Python ignores
        from canary.scan.readers import rehearsal, workbook
        workbook.survives = lambda read, size: rehearsal.survives(lambda: time.sleep(60), size)
        from canary.cli.main import main
        main()
    """
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = [sys.executable, "-c", code, "scan", "city.xlsx"]
    done = subprocess.run(run, cwd=seeded.folder, env=env, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, b"") and b"Traceback" not in done.stderr, done.stderr


def document(stream: str) -> bytes:
    """A compound file with one stream of this name and nothing in it (MS-CFB: a sector of the table, one of names)."""
    free, end = b"\xff" * 4, b"\xfe\xff\xff\xff"
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0\x06\0" + bytes(10)
    head += (1).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(4) + b"\0\x10\0\0" + end + bytes(4) + end
    head += bytes(4) + bytes(4) + free * 108
    table = b"\xfd\xff\xff\xff" + end + free * 126
    entries = b""
    for name, kind, child in (("Root Entry", 5, 1), (stream, 2, 0xFFFFFFFF)):
        named = name.encode("utf-16-le")
        entry = named.ljust(64, b"\0") + (len(named) + 2).to_bytes(2, "little") + bytes([kind, 1]) + free * 2
        entries += entry + child.to_bytes(4, "little") + bytes(36) + end + bytes(8)
    return head[:512].ljust(512, b"\xff") + table + entries.ljust(512, b"\0")
