"""Compilation of the kernel and the version that names it.

Numba's file cache looks at the time stamp of the file that defines a function and not at the functions it calls, so an
edit in `air.py` would leave a stale `kernel.py` in the cache. Here the cache directory carries a hash of every source
of this package: other sources, other directory. This is the only file of the package that looks outside itself.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_config: Any = numba.config

F = TypeVar("F", bound=Callable[..., Any])

_SOURCES = Path(__file__).parent


def _version() -> str:
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for source in sorted(_SOURCES.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()


KERNEL_VERSION = _version()
"""sha256 over the sources of this package and the compiler's version: equal versions compute equal bits."""


def _cache_directory() -> str:
    for root in (Path(sys.prefix), Path.home() / ".cache"):
        if os.access(root, os.W_OK):
            return str(root / "kpp_physics_kernel" / KERNEL_VERSION[:16])
    return ""  # nowhere to write: numba then decides, and compiles anew if it finds no place either


def _cached() -> Path:
    before = _config.CACHE_DIR
    folder = str(Path(before) / KERNEL_VERSION[:16]) if before else _cache_directory()
    return Path(folder or ".") / "complete"


def is_compiled() -> bool:
    """True if every function of this very kernel lies in the cache: importing it takes a second, not a minute."""
    return _cached().exists()


def note_compiled() -> None:
    """To be called after the whole kernel has been imported; the next process then knows that it need not compile."""
    if _cached().parent.is_dir() and os.access(_cached().parent, os.W_OK):
        _cached().touch()


def inlined(function: F) -> F:
    """Make `function` callable from compiled code; it is compiled as part of its callers."""
    return cast(F, numba.njit(error_model="numpy")(function))


def interpreted(function: F) -> F:
    """An inlined function for a few calls from Python, where compiling it takes longer than it ever runs.

    A restarted module would wait for it: a tenth of a second for each function.
    """
    return cast(F, cast(Any, function).py_func)


def compiled(signature: str) -> Callable[[F], F]:
    """Compile a function to machine code at import, or load it from the cache.

    Args:
        signature: numba signature; a fixed one keeps compilation out of the first call.
    """

    def decorate(function: F) -> F:
        before = _config.CACHE_DIR
        _config.CACHE_DIR = str(Path(before) / KERNEL_VERSION[:16]) if before else _cache_directory()
        try:
            return cast(F, numba.njit(signature, cache=True, error_model="numpy")(function))
        finally:
            _config.CACHE_DIR = before

    return decorate
