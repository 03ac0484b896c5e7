"""Looks for keys with the compiled kernel (kernel.c), where the installation could build it."""

import ctypes
import weakref
from ctypes import c_uint64, c_void_p
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canary.scan import library
from canary.scan.blocks import Block, Syntax
from canary.scan.index import Index, Places

_HIT = np.dtype([(name, np.uint32) for name in ("at", "end", "key", "start", "stop")] + [("line", np.int32)])
_GROUP = np.dtype([("last", np.uint64), *((name, np.uint32) for name in ("count", "sign", "after"))], align=True)


class Kernel:
    """A finder over raw bytes; its tables are made once. It is of the process, or a fork of it, and of one thread."""

    def __init__(self, index: Index, path: Path) -> None:
        loaded = library.load(path)
        if loaded is None:
            raise OSError(f"{path} cannot be loaded")
        self.index, self._path, self._library = index, path, loaded
        self._of: Kernel | None = None
        keys = [*index.names, *index.numbers]
        masks = index.masks
        ends = np.cumsum(
            np.concatenate(
                [
                    np.fromiter(map(len, keys), np.uint32, len(keys)),
                    np.full(len(index.hashes) // 8, 8, np.uint32),
                    np.fromiter(map(len, masks), np.uint32, len(masks)),
                ]
            ),
            dtype=np.uint32,
        )
        signs, of_group = index.signs()
        flat = list(chain.from_iterable(signs))
        upto = np.array([0, *accumulate(map(len, signs))], np.uint32)
        self._groups = np.zeros(len(of_group), _GROUP)
        self._groups["sign"], self._groups["after"] = upto[of_group], upto[1:][of_group]
        self._held = (  # what the kernel points to
            np.frombuffer(b"".join((*keys, index.hashes, *masks)) + b"\0", np.uint8),
            ends,
            np.array(index.until, np.uint32),
            index.groups,
            self._groups,
            np.array([0, *accumulate(map(len, flat))], np.uint32),
            np.fromiter(chain.from_iterable([*flat, [0]]), np.uint64),
        )
        self._kernel = loaded.kernel_new(*(array.ctypes.data for array in self._held), len(flat), index.latin)
        if not self._kernel:
            raise MemoryError
        weakref.finalize(self, loaded.kernel_free, self._kernel)

    def __reduce__(self) -> tuple[type["Kernel"], tuple[Index, Path]]:
        return Kernel, (self.index, self._path)

    def twin(self) -> "Kernel":
        """Another over the same tables, for another thread: the library searches without Python's lock."""
        twin = object.__new__(Kernel)  # not by `copy`, which would make the tables again
        twin.__dict__.update(self.__dict__)
        twin._groups = self._groups.copy()
        twin._kernel = self._library.kernel_twin(self._kernel, twin._groups.ctypes.data)
        if not twin._kernel:
            raise MemoryError
        weakref.finalize(twin, self._library.kernel_free, twin._kernel)
        twin._of = self  # which it must not outlive
        return twin

    def begin(self) -> None:
        """Forget what was counted."""
        self._groups["count"] = 0

    @property
    def name_rows(self) -> NDArray[np.uint32]:
        """How many records showed a name of each group since `begin`."""
        return self._groups["count"]

    def search(self, block: Block, syntax: Syntax, breaks: NDArray[np.uint64] | None) -> Places:
        """The places in a block."""
        lines, hits, data = c_uint64(), c_void_p(), np.frombuffer(block.data, np.uint8)
        count = self._library.kernel_search(
            *(self._kernel, data.ctypes.data, len(data), block.fresh, block.open_left | block.open_right << 1),
            *((None, 0) if breaks is None else (breaks.ctypes.data, len(breaks))),
            *(self.index.everything, syntax.pipe, lines, hits),
        )
        if count < 0:
            raise MemoryError
        if not count or hits.value is None:
            return Places((), lines.value)
        found = np.frombuffer((ctypes.c_char * (count * _HIT.itemsize)).from_address(hits.value), _HIT)
        return Places(found.tolist(), lines.value)
