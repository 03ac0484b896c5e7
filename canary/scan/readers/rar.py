"""Rar archives: rarfile reads their headers, and a tool of the machine unpacks them, as only such can."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from shutil import which
from typing import TYPE_CHECKING, Any

from canary.errors import CanaryError
from canary.scan.readers.base import Source
from canary.scan.readers.solid import Member
from canary.scan.readers.tool import Program, path_of

if TYPE_CHECKING:
    from rarfile import RarFile, RarInfo

# Each unpacks all members to its standard output, one after another. The last two do not know all of the other's.
_BEST = (
    ("unrar", "p", "-inul", "-p-", "--"),
    ("7zz", "e", "-so", "-bb0", "-p", "--"),
    ("7z", "e", "-so", "-bb0", "-p", "--"),
)
_UNAR, _BSDTAR = ("unar", "-q", "-o", "-", "-p", "", "--"), ("bsdtar", "-xOf")
_RAR5 = b"Rar!\x1a\x07\x01"
_PIECE = 1 << 20


class Rar:
    """A rar archive; raises CanaryError if it is damaged, needs a password, or nothing is there to unpack it."""

    def __init__(self, source: Source) -> None:
        rarfile = _library()
        self._source = source
        with self._opened() as archive:
            files = [info for info in archive.infolist() if _is_packed(info)]
            if archive.needs_password():
                raise CanaryError(f"{source.name}: needs a password", "unpack it and scan the folder")
            self._stored = all(info.compress_type == rarfile.RAR_M0 for info in files)
        self.members: Sequence[Member] = [Member(info.filename, info.file_size, info.CRC) for info in files]
        with source.open() as stream:
            newer = stream.read(len(_RAR5)) == _RAR5
        self._tool = () if self._stored else _tool(source.name, newer)

    def contents(self) -> Iterator[bytes]:
        """The bytes of all members."""
        if self._stored:
            yield from self._as_stored()
            return
        with Program([*self._tool, path_of(self._source)], self._source.name) as stream:
            while piece := stream.read(_PIECE):
                yield piece

    def _as_stored(self) -> Iterator[bytes]:
        with self._opened() as archive:
            for info in filter(_is_packed, archive.infolist()):
                with archive.open(info) as member:
                    while piece := member.read(_PIECE):
                        yield piece

    @contextmanager
    def _opened(self) -> "Iterator[RarFile]":
        rarfile = _library()
        name = self._source.name
        try:
            # By its path where it has one: further volumes lie beside it.
            with self._source.open() as stream, rarfile.RarFile(self._source.path or stream) as archive:
                yield archive
        except rarfile.NeedFirstVolume as error:
            raise CanaryError(f"{name}: a later volume of an archive", "scan the first: it reads them all") from error
        except rarfile.RarCannotExec as error:
            raise _no_tool(name) from error
        except (rarfile.Error, ValueError, LookupError) as error:
            said = str(error) or type(error).__name__
            raise CanaryError(f"{name}: damaged archive: {said}", "mend it, or unpack what can be") from error


@cache
def _library() -> Any:
    """rarfile, told to leave comments alone: for each it would run a tool on a temporary file."""
    import rarfile

    rarfile.RAR_MAX_COMMENT = -1
    return rarfile


def _is_packed(info: "RarInfo") -> bool:
    """Whether it is a file of its own: not a folder, a link or a repetition of another."""
    return bool(info.is_file() and info.file_redir is None)


def _tool(name: str, newer: bool) -> tuple[str, ...]:
    """The first that is installed, for version 5 or older ones; raises CanaryError if none is."""
    tools = (*_BEST, _BSDTAR, _UNAR) if newer else (*_BEST, _UNAR, _BSDTAR)
    found = next((tool for tool in tools if (path := which(tool[0])) and _knows_rar(path)), None)
    if found is None:
        raise _no_tool(name)
    return found


@cache
def _knows_rar(path: str) -> bool:
    """Whether a tool can: 7-Zip is also handed out without."""
    if not os.path.basename(path).startswith("7z"):
        return True
    try:
        with Program([path, "i"], path) as listed:
            return b" Rar" in listed.read()
    except CanaryError:  # it hangs
        return False


def _no_tool(name: str) -> CanaryError:
    return CanaryError(
        f"{name}: rar, and neither unrar, 7zz, 7z, unar nor bsdtar is here to unpack it",
        "apt install unar libarchive-tools, or brew install sevenzip; or unpack it yourself and scan the folder",
    )
