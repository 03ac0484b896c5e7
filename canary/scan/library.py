"""The compiled library of the scan (kernel.c, digests.c), where the installation could build it."""

import ctypes
from ctypes import POINTER, c_int, c_int64, c_uint32, c_uint64, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


def built() -> Path | None:
    """Where it lies, or None where there is none that can be loaded."""
    files = (Path(__file__).with_name(f"_kernel{suffix}") for suffix in EXTENSION_SUFFIXES)
    return next((file for file in files if file.exists() and load(file)), None)


@cache
def load(path: Path) -> ctypes.CDLL | None:
    """The library at a path; None if it is not for this machine."""
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError:  # built for another machine
        return None
    loaded.kernel_new.argtypes = [*[c_void_p] * 7, c_uint32, c_int]
    loaded.kernel_new.restype = c_void_p
    loaded.kernel_twin.argtypes = [c_void_p, c_void_p]
    loaded.kernel_twin.restype = c_void_p
    loaded.kernel_free.argtypes = [c_void_p]
    loaded.kernel_free.restype = None
    loaded.kernel_search.argtypes = [
        *(c_void_p, c_void_p, c_uint64, c_uint64, c_int, c_void_p, c_uint64, c_int, c_int),
        *(POINTER(c_uint64), POINTER(c_void_p)),
    ]
    loaded.kernel_search.restype = c_int64
    loaded.kernel_digests.argtypes = [c_void_p, c_void_p, c_uint64, c_void_p]
    loaded.kernel_digests.restype = c_int
    return loaded
