"""Every reader fed with damaged, hostile and endless files: a clean result or an error that names the file, in bounded
memory, with nothing left behind.

Usage: fuzz_readers.py [--mutants 300] [--line 1073741824] [--bomb 4294967296] [--seed N]. Mutants of each kind are read
in one process a kind, bombs and the long line in one each, whose peak memory is measured.
"""

import argparse
import gzip
import io
import os
import random
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.robustness import FACTS, TREATMENTS, looked, person  # noqa: E402
from tests.scan.packed import archived, seven  # noqa: E402

MOST_MB = 400
CHILD = """
import sys, traceback; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from benchmarks.fuzz_readers import sought
from canary.scan.needles import needles
from canary.scan.run import Scan
scan = Scan(needles(sought()))
for path in sorted(Path(sys.argv[2]).iterdir()):
    try:
        parts = scan.files([path])
        assert all(path.name in part.error for part in parts if part.error), [part.error for part in parts]
        print("error" if any(part.error for part in parts) else "clean")
    except BaseException as error:
        print("CRASH", path, repr(error)[:300], traceback.format_exc().strip().splitlines()[-3].strip(), flush=True)
# Not getrusage: its peak begins at what the parent held when it forked.
print("peak", next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
"""


def sought() -> list[object]:
    return list(looked(random.Random(3), 8, 4))


def originals() -> dict[str, bytes]:
    """A file of each kind, with all canaries."""
    from tests.scan.test_readers import CSV, ods  # here: what it makes would count as memory of the child

    rng = random.Random(4)
    rows = [[str(person(rng)[fact]) for fact in FACTS] for _ in range(60)]
    rows += [[str(who.facts[fact]) for fact in FACTS] for who in looked(random.Random(3), 8, 4)]
    names = ("as it was", "encoding gbk", "encoding utf-16", "json", "json lines", "sql dump", "sqlite", "xls")
    kinds = {name: TREATMENTS[name](rows)[1] for name in (*names, "xlsx, numbers as numbers", "zip in zip")}
    kinds["gz"] = gzip.compress(kinds["as it was"] * 1000)
    kinds["zip of more"] = _zipped(kinds["encoding gbk"] * 1000)
    for mode in ("w", "w:gz"):
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode=mode) as package:  # type: ignore[call-overload]
            for name in ("as it was", "sqlite", "xls"):
                info = tarfile.TarInfo(name)
                info.size = len(kinds[name])
                package.addfile(info, io.BytesIO(kinds[name]))
        kinds[f"tar {mode}"] = held.getvalue()
    kinds["ods"], kinds["utf-16, big end first"] = ods(), CSV.decode("gbk").encode("utf-16-be")
    kinds["7z"] = seven({name: kinds[name] for name in ("as it was", "sqlite", "xls")})
    kinds["rar"] = archived({name: kinds[name] for name in ("as it was", "sqlite", "xls")})
    return kinds


def _zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("a.csv", content)
    return held.getvalue()


def mutant(rng: random.Random, content: bytes, other: bytes) -> bytes:
    """Damaged once to four times."""
    data = bytearray(content)
    for _ in range(rng.randrange(1, 5)):
        at, size = rng.randrange(len(data) + 1), rng.randrange(1, 1 << rng.randrange(1, 11))
        match rng.randrange(8):
            case 0:
                del data[at:]
            case 1:
                data[at : at + size] = rng.randbytes(size)
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                data[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f" + b"\xff" * 3, struct.pack("<I", size)])
            case 4:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 5:
                data[:size] = other[:size]
            case 6:
                del data[at : at + size]
            case _:
                data[-size:] = other[-size:]
    return bytes(data)


def mutants(folder: Path, seed: int, count: int) -> Iterator[tuple[str, Path]]:
    """Folders of files to read, one a kind."""
    kinds = originals()
    for at, (name, content) in enumerate(kinds.items()):
        rng, below = random.Random(f"{seed} {name}"), folder / f"{at:02}"
        below.mkdir()
        for i in range(count):
            (below / f"m{i:05}").write_bytes(mutant(rng, content, rng.choice(list(kinds.values()))))
        yield f"{count} mutants of {name}", below
    below = folder / "random"
    below.mkdir()
    for i in range(count):
        (below / f"m{i:05}").write_bytes(random.Random(f"{seed} {i}").randbytes(1 << i % 18))
    yield f"{count} files of random bytes", below


def _deflated(size: int, piece: bytes = b"\0" * (1 << 20)) -> bytes:
    packer, held = zlib.compressobj(9, zlib.DEFLATED, -15), bytearray()
    for _ in range(max(1, size // len(piece))):
        held += packer.compress(piece)
    return bytes(held + packer.flush())


def _zip(member: str, size: int, claimed: int) -> bytes:
    """A zip of zeros that says it holds `claimed` bytes."""
    packed, name = _deflated(size), member.encode()
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, len(packed), min(claimed, 0xFFFFFFFE), len(name), 0)
    local = b"PK\x03\x04" + fields + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def _nested(depth: int) -> bytes:
    content = b"1,2\n"
    for _ in range(depth):
        content = _zipped(content)
    return content


def _book(size: int) -> bytes:
    """A workbook whose sheet is one long cell."""
    held = io.BytesIO(originals()["xlsx, numbers as numbers"])
    made = io.BytesIO()
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            with target.open(info.filename, "w", force_zip64=True) as member:
                member.write(source.read(info))
                for _ in range(size >> 20 if "sheet1" in info.filename else 0):
                    member.write(b" " * (1 << 20))
    return made.getvalue()


def _far() -> bytes:
    held, made = io.BytesIO(originals()["xlsx, numbers as numbers"]), io.BytesIO()
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            content = source.read(info)
            if "sheet1" in info.filename:
                far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", far)
            target.writestr(info.filename, content)
    return made.getvalue()


def _circle() -> bytes:
    data = bytearray(originals()["xls"])
    data[68:72], data[72:76] = struct.pack("<I", 0), struct.pack("<I", 9)
    data[512 + 508 : 1024] = struct.pack("<I", 0)
    return bytes(data)


def _beyond(at: str) -> bytes:
    """A .xls of which something means what is far behind its end."""
    data = bytearray(originals()["xls"])
    table, names = (512 * (1 + int.from_bytes(data[x : x + 4], "little")) for x in (76, 48))
    place = {"header": 48, "table": table, "stream": names + 128 + 116, "length": names + 128 + 120}[at]
    data[place : place + 4] = struct.pack("<I", (1 << 32) - 8 if at == "length" else 1 << 24)
    return bytes(data)


def _gzipped(size: int) -> bytes:
    return b"\x1f\x8b\x08" + b"\0" * 7 + _deflated(size) + b"\0" * 8


def _tar(size: int) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as package:
        info = tarfile.TarInfo("big.csv")
        info.size = 0
        package.addfile(info)
    head = bytearray(held.getvalue())
    head[124:136] = b"%011o\0" % size
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head[:512])
    return bytes(head[:1024])


def _dense(size: int) -> bytes:
    """What shrinks a hundred times, as a real table nearly can."""
    rng, line = random.Random(5), b"0" * 99 + b"\n"
    return b"".join(rng.randbytes(10_000) + line * 9_900 for _ in range(max(1, size // 1_000_000)))


BOMBS: dict[str, Callable[[int], bytes]] = {
    "zip of zeros": lambda size: _zip("a.csv", size, size),
    "zip of zeros that says it is small": lambda size: _zip("a.csv", size, 1000),
    "zip of a zip bomb": lambda size: _zipped(_zip("a.csv", size, size)),
    "zip of a workbook bomb": lambda size: _zipped(_book(size // 8)),
    "workbook of blanks": lambda size: _book(size // 8),
    "workbook of two cells far apart": lambda size: _far(),
    "xls whose sectors run in a circle": lambda size: _circle(),
    "xls whose sectors run in a circle, with a zip's end": lambda size: _circle() + _zipped(b"")[-22:],
    "xls whose names lie beyond its end": lambda size: _beyond("header"),
    "xls whose sectors lie beyond its end": lambda size: _beyond("table"),
    "xls whose stream lies beyond its end": lambda size: _beyond("stream"),
    "xls whose stream is longer than it": lambda size: _beyond("length"),
    "gzip of zeros": _gzipped,
    "gzip of a gzip of zeros": lambda size: gzip.compress(_gzipped(size)),
    "7z of zeros": lambda size: seven({"a.csv": bytes(size // 4)}),
    "7z of as much as is let through": lambda size: seven({"a.csv": _dense(size // 16)}),
    "7z of as much as is let through, by Zstandard": lambda size: seven(
        {"a.csv": random.Random(6).randbytes(size >> 9) + bytes(size // 16)}, filters=[{"id": 53}]
    ),
    "7z of a zip bomb": lambda size: seven({"b.zip": _zip("a.csv", size, size)}),
    "rar that says it holds a terabyte": lambda size: archived({"a.csv": b"0" * 1000}, 3, 1 << 40),
    "rar that says it is small, nested": lambda size: _zipped(archived({"a.csv": _deflated(size)}, 3, 1000)),
    "zips 40 deep": lambda size: _nested(40),
    "tar that says it is large": _tar,
}


def bombs(folder: Path, size: int) -> Iterator[tuple[str, Path]]:
    for at, (name, made) in enumerate(BOMBS.items()):
        below = folder / f"bomb{at}"
        below.mkdir()
        (below / "bomb").write_bytes(made(size))
        yield name, below


LINES = {
    "digits": b"1380013800" * 1024,
    "a field that repeats": "陈雅婷,".encode() * 1024,
    "json of one text": b"lorem ipsum 123 " * 600,
    "sql of one text": b"lorem ipsum 123 " * 600,
    "json of many records": b'{"a": "abc", "phone": "13800138000"}, ' * 300,
    "sql of many records": "(1,'陈雅婷','13800138000'), ".encode() * 300,
    "utf-16 with a mark": "姓名,13800138000,".encode("utf-16-le") * 400,
    "quotes": b'"' * 8192,
    "masks": b"138****" * 1024,
    "utf-16": "13,".encode("utf-16-le") * 1024,
    "json": b'{"a": [[[' * 1024,
    "sql": b"INSERT INTO t VALUES ((((" * 400,
}


BEGINNINGS = {
    "json of one text": b'{"text": "',
    "sql of one text": b"INSERT INTO t VALUES (0,'",
    "json of many records": b"[",
    "sql of many records": b"INSERT INTO t VALUES (0,'',''),",
    "utf-16 with a mark": b"\xff\xfe",
}


def lines(folder: Path, size: int) -> Iterator[tuple[str, Path]]:
    for at, (name, piece) in enumerate(LINES.items()):
        below = folder / f"line{at}"
        below.mkdir()
        with (below / "line").open("wb") as file:
            file.write(BEGINNINGS.get(name, b""))
            block = piece * max(1, (1 << 20) // len(piece))
            for _ in range(max(1, size // len(block))):
                file.write(block)
        yield f"one line of {name}, {size >> 20} MB", below
        (below / "line").unlink()


def read(below: Path, seconds: int) -> tuple[list[str], float]:
    """What a child says of each file, and its peak in MB; a temporary file that stays is a line as well."""
    with tempfile.TemporaryDirectory() as kept:
        command = [sys.executable, "-c", CHILD, str(ROOT), str(below)]
        environment = {**os.environ, "TMPDIR": kept}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as running:
            try:
                out, _ = running.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                running.kill()
                out = running.communicate()[0] + f"\nCRASH {below}: longer than {seconds} s".encode()
        said = [line for line in out.decode("utf-8", "replace").splitlines() if line]
        return said + [f"LEFT {path}" for path in Path(kept).rglob("*")], _peak(said)


def _peak(said: list[str]) -> float:
    return max((float(line.split()[1]) for line in said if line.startswith("peak ")), default=0.0)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name, default in (("mutants", 300), ("line", 1 << 30), ("bomb", 1 << 32), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for below in ("m", "b", "l"):
            (folder / below).mkdir()
        made = [mutants(folder / "m", chosen.seed, chosen.mutants), bombs(folder / "b", chosen.bomb)]
        for source in (*made, lines(folder / "l", chosen.line)):
            for what, below in source:
                said, peak = read(below, 600)
                wrong = [line for line in said if not line.startswith(("clean", "error", "peak"))]
                expected = len(list(below.iterdir()))
                wrong += [] if sum(line in ("clean", "error") for line in said) == expected else ["files unread"]
                wrong += [f"{peak:.0f} MB"] if peak > MOST_MB else []
                errors = said.count("error")
                print(f"{what}: {errors} errors, {said.count('clean')} clean, peak {peak:.0f} MB", flush=True)
                print("".join(f"  {line}\n" for line in wrong[:5]), end="", flush=True)
                bad += len(wrong)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
