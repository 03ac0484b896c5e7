"""7z archives, by py7zr, which pushes what it unpacks: a thread of its own lets us ask for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from canary.errors import CanaryError
from canary.scan.readers.base import Source
from canary.scan.readers.solid import Member

if TYPE_CHECKING:
    from py7zr import SevenZipFile
    from py7zr.archiveinfo import Folder

PIECE, PACKED = 1 << 21, 1 << 13  # bytes unpacked, and read, at a time
MOST_NEEDED = 1 << 28  # bytes of a dictionary or model: as much as 7-Zip's "ultra" takes
_LZMA, _LZMA2, _PPMD = b"\x03\x01\x01", b"\x21", b"\x03\x04\x01"
_Put = Callable[[bytes], None]


class SevenZip:
    """A 7z archive; raises CanaryError if it is damaged or needs a password."""

    def __init__(self, source: Source) -> None:
        self._source = source
        with self._opened() as archive:
            _refuse_hungry(source.name, archive)
            files = [info for info in archive.list() if not info.is_directory]
        self.members: Sequence[Member] = [Member(info.filename, info.uncompressed) for info in files]

    def contents(self) -> Iterator[bytes]:
        """The bytes of all members; the library checks them."""
        pieces, stopped = Queue[bytes | Exception | None](1), Event()
        thread = Thread(target=self._unpack, args=(pieces, stopped), daemon=True)
        thread.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            stopped.set()
            while thread.is_alive():
                _drain(pieces)
                thread.join(0.01)

    def _unpack(self, pieces: Queue[bytes | Exception | None], stopped: Event) -> None:
        def put(piece: bytes) -> None:
            if stopped.is_set():
                raise InterruptedError
            pieces.put(bytes(piece))

        try:
            with self._opened() as archive:
                for place, info in enumerate(archive.files.files_list):
                    info["filename"] = str(place)  # else paths that lead astray are refused; here none is written
                archive.extractall(factory=_sinks(put, archive.files))
            pieces.put(None)
        except Exception as error:
            pieces.put(error)

    @contextmanager
    def _opened(self) -> "Iterator[SevenZipFile]":
        # Imported here: it takes a while, which other files need not wait.
        from py7zr.exceptions import PasswordRequired

        name = self._source.name
        try:
            with self._source.open() as stream, _library().SevenZipFile(stream) as archive:
                if archive.needs_password():
                    raise PasswordRequired
                yield archive
        except PasswordRequired:
            raise CanaryError(f"{name}: needs a password", "unpack it with its password and scan the folder") from None
        except (CanaryError, GeneratorExit):
            raise
        except Exception as error:  # whatever comes of rotten headers
            said = str(error) or type(error).__name__
            raise CanaryError(f"{name}: damaged archive: {said}", "mend it, or unpack what can be") from error


def _refuse_hungry(name: str, archive: "SevenZipFile") -> None:
    """Raises CanaryError if what must lie in memory while an archive is unpacked is too much."""
    streams = archive.header.main_streams
    needed = [_needed(folder) for folder in streams.unpackinfo.folders] if streams else []
    if max(needed, default=0) > MOST_NEEDED:
        said = f"needs {max(needed) >> 20:,} MB of memory to be unpacked: refused"
        raise CanaryError(f"{name}: {said}", "unpack it yourself and scan the folder")


def _needed(folder: "Folder") -> int:
    """Bytes of the dictionaries and models of one stream (7-Zip's DOC/Methods.txt): of a dictionary, only as much as
    there is to unpack is ever used."""
    held = 0
    for coder in folder.coders:
        said = coder.get("properties") or b""
        if coder["method"] == _LZMA2 and said:
            held += min((2 | said[0] & 1) << (said[0] >> 1) + 11, max(folder.unpacksizes))
        elif coder["method"] == _LZMA and len(said) == 5:
            held += min(int.from_bytes(said[1:], "little"), max(folder.unpacksizes))
        elif coder["method"] == _PPMD and len(said) >= 5:
            held += int.from_bytes(said[1:5], "little")
    return held


@cache
def _library() -> Any:
    """py7zr, told to take small pieces: else it takes 128 MB, and unpacks a whole megabyte of deflate to a gigabyte, or
    64 KB of Zstandard to two."""
    import py7zr
    import py7zr.compressor as packing
    import py7zr.py7zr

    class Zstandard(packing.ZstdDecompressor):
        def decompress(self, data: "bytes | bytearray | memoryview", max_length: int = -1) -> bytes:
            return self.decompressor.decompress(data, max_length)

    setattr(py7zr.py7zr, "get_memory_limit", lambda: PIECE)  # noqa: B010
    setattr(packing, "get_default_blocksize", lambda: PACKED)  # noqa: B010
    packing.algorithm_class_map[py7zr.FILTER_ZSTD] = (packing.ZstdCompressor, Zstandard)
    return py7zr


def _drain(pieces: Queue[Any]) -> None:
    try:
        pieces.get_nowait()
    except Empty:
        return


def _sinks(put: _Put, files: Any) -> Any:
    from py7zr.io import Py7zIO, WriterFactory

    class Sink(Py7zIO):
        """Hands on what is written, and keeps nothing."""

        def write(self, s: bytes | bytearray) -> int:
            put(bytes(s))
            return len(s)

        def read(self, size: int | None = None) -> bytes:
            return b""

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def flush(self) -> None:
            return None

        def size(self) -> int:
            return 0

    class Sinks(WriterFactory):
        """One for each member; with the first of a stream, what unpacked the one before is let go."""

        def __init__(self) -> None:
            self._stream: Any = None

        def create(self, filename: str) -> Py7zIO:
            stream = files[int(filename)].folder
            if self._stream not in (None, stream):
                self._stream.decompressor = None
            self._stream = stream or self._stream
            return Sink()

    return Sinks()
