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

PIECE, PACKED = 1 << 23, 1 << 16  # bytes unpacked, and read, at a time
_Put = Callable[[bytes], None]


class SevenZip:
    """A 7z archive; raises CanaryError if it is damaged or needs a password."""

    def __init__(self, source: Source) -> None:
        self._source = source
        with self._opened() as archive:
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
                archive.extractall(factory=_sinks(put))
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


@cache
def _library() -> Any:
    """py7zr, told to take small pieces: else it takes 128 MB, and unpacks a whole megabyte of deflate to a gigabyte."""
    import py7zr
    import py7zr.compressor
    import py7zr.py7zr

    setattr(py7zr.py7zr, "get_memory_limit", lambda: PIECE)  # noqa: B010
    setattr(py7zr.compressor, "get_default_blocksize", lambda: PACKED)  # noqa: B010
    return py7zr


def _drain(pieces: Queue[Any]) -> None:
    try:
        pieces.get_nowait()
    except Empty:
        return


def _sinks(put: _Put) -> Any:
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
        """One for each member."""

        def create(self, filename: str) -> Py7zIO:
            return Sink()

    return Sinks()
