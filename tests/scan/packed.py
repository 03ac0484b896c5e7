"""Archives of every kind, for tests of the readers."""

import io
import tarfile
import zipfile
import zlib

import py7zr

STORED, PACKED = 0, 3


def number(value: int) -> bytes:
    """A vint: 7 bits a byte, the least first (https://www.rarlab.com/technote.htm)."""
    return bytes([value & 0x7F | 0x80]) + number(value >> 7) if value > 0x7F else bytes([value])


def block(kind: int, flags: int, rest: bytes) -> bytes:
    head = number(kind) + number(flags) + rest
    sized = number(len(head)) + head
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def archived(members: dict[str, bytes], method: int = STORED, size: int | None = None) -> bytes:
    """A rar 5 archive; of method `PACKED` only the headers are true."""
    made = b"Rar!\x1a\x07\x01\x00" + block(1, 0, number(0))
    for name, content in members.items():
        sizes = number(len(content)), number(4), number(len(content) if size is None else size)
        crc, spelled = zlib.crc32(content).to_bytes(4, "little"), name.encode()
        rest = (*sizes, number(0o100644), crc, number(method << 7), number(1), number(len(spelled)), spelled)
        made += block(2, 2, b"".join(rest)) + content
    return made + block(5, 0, number(0))


def zipped(members: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return held.getvalue()


def tarred(members: dict[str, bytes], mode: str) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as package:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return held.getvalue()


def seven(members: dict[str, bytes], **options: object) -> bytes:
    held = io.BytesIO()
    with py7zr.SevenZipFile(held, "w", **options) as package:
        for name, content in members.items():
            package.writestr(content, name)
    return held.getvalue()
