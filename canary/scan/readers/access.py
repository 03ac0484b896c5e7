"""Access databases (mdb, accdb): every table, by the programs of mdbtools."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from shutil import which
from typing import BinaryIO

from canary.errors import CanaryError
from canary.scan.readers.base import Part, Source
from canary.scan.readers.text import TextReader
from canary.scan.readers.tool import Output, path_of

MAGIC = (b"\x00\x01\x00\x00Standard Jet", b"\x00\x01\x00\x00Standard ACE")
_EXPORT = ("mdb-export", "-b", "strip", "-D", "%Y-%m-%d", "-T", "%Y-%m-%d %H:%M:%S", "--")
_INSTALL = "apt install mdbtools, or brew install mdbtools; or save its tables as CSV"
_HINT = "save its tables as CSV"


class AccessReader:
    """Reads a database as the CSV that mdb-export makes of each table."""

    def parts(self, source: Source) -> Iterator[Part]:
        """The tables; the only one has the file's own name."""
        if not (which("mdb-tables") and which("mdb-export")):
            raise CanaryError(f"{source.name}: an Access database, and mdbtools is not here to read it", _INSTALL)
        path = path_of(source)
        with _opened(["mdb-tables", "-1", "--", path], source) as listed:
            names = [name for name in listed.read().decode("utf-8", "replace").split("\n") if name]
        if not names:
            raise CanaryError(f"{source.name}: not a database that can be read", _HINT)
        for name in names:
            label = source.name if len(names) == 1 else f"{source.name}!{name}"
            opened = partial(_opened, [*_EXPORT, path, name], replace(source, name=label))
            yield from TextReader().parts(Source(label, opened, source.size, source.depth + 1))


def _opened(command: list[str], source: Source) -> BinaryIO:
    return Output(command, source)  # type: ignore[return-value]
