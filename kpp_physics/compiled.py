"""Compilation of the kernel and the version that names it.

Numba's own file cache looks at the file that defines a function and not at the functions it calls, so an edit in
`air.py` would leave a stale `kernel.py` in the cache, and a comment in `kernel.py` would compile it again. Here the
cache directory carries a hash of what this package computes: other code, other directory. Only this file and `cache.py`
look outside the package.

The kernel works on the arrays that its caller holds and makes none, so it is compiled without numba's memory manager: a
function that takes memory does not compile. With the manager every call counts references to every array it is given,
atomically, which takes a third of a step.
"""

import ast
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, TypeVar, cast

import numba

from kpp_physics.cache import LOCATOR, clear, is_complete, note_complete, place

_config: Any = numba.config

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final[Mapping[str, Any]] = {"error_model": "numpy", "_nrt": False}
"""How everything here is compiled; NRT is numba's run time, its memory manager."""

_SOURCES: Final = Path(__file__).parent
_COMPUTES_NOTHING: Final = frozenset({"__main__.py", "cache.py"})


def version(folder: Path) -> str:
    """The version of the kernel whose sources lie in a folder.

    It covers the syntax trees, so that a comment, a docstring, a line break or the meaning of a declared number makes
    no other kernel: yesterday's snapshot or recording must not be refused because a text has changed. The trees depend
    on Python's own version too.
    """
    digest = hashlib.sha256(f"numba {numba.__version__}".encode())
    for source in sorted(folder.glob("*.py")):
        if source.name not in _COMPUTES_NOTHING:
            digest.update(source.name.encode() + b"\0" + _computed(source.read_text(encoding="utf-8")) + b"\0")
    return digest.hexdigest()


def _computed(source: str) -> bytes:
    """What a source computes: its syntax tree without docstrings (strings that stand alone) and without meanings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):  # `table.Entry.meaning` is for people
            node.keywords = [given for given in node.keywords if given.arg != "meaning"]
        body = getattr(node, "body", None)
        if isinstance(body, list):
            cast(Any, node).body = [part for part in body if not _is_text(part)]
    return ast.dump(tree).encode()


def _is_text(part: ast.AST) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)


KERNEL_VERSION: Final = version(_SOURCES)
"""sha256 over what this package computes and the compiler's version: equal versions compute equal bits."""


_kept = True


def is_compiled() -> bool:
    """True if all of this very kernel lies in the cache: importing it takes a second, not a minute."""
    folder = place(KERNEL_VERSION)
    return folder is not None and is_complete(folder)


def note_compiled() -> None:
    """To be called after the whole kernel has been imported; the next process then knows that it need not compile."""
    folder = place(KERNEL_VERSION)
    if folder is not None and _kept:
        note_complete(folder)


def inlined(function: F) -> F:
    """Make `function` callable from compiled code; it is compiled as part of its callers."""
    return cast(F, numba.njit(**_OPTIONS)(function))


def merged(function: F) -> F:
    """Like `inlined`, and its machine code becomes part of its caller's: for a step of a long computation.

    The compiler left to itself calls a long function rather than merge it, and then passes dozens of numbers through
    memory: a tenth of a step. Only for functions with one or two callers.
    """
    return cast(F, numba.njit(forceinline=True, **_OPTIONS)(function))


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
        global _kept  # noqa: PLW0603 - what one function met counts for the whole kernel
        folder = place(KERNEL_VERSION)
        for _attempt in range(2):
            if folder is None:
                break
            try:
                return _from_cache(function, signature, folder)
            except (OSError, EOFError, UnpicklingError):  # damaged files, a full disk, a folder that was taken away
                clear(folder)
        _kept = False
        return cast(F, numba.njit(signature, **_OPTIONS)(function))

    return decorate


def _from_cache(function: F, signature: str, folder: Path) -> F:
    before = _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES
    _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES = str(folder), LOCATOR
    try:
        return cast(F, numba.njit(signature, cache=True, **_OPTIONS)(function))
    finally:
        _config.CACHE_DIR, _config.CACHE_LOCATOR_CLASSES = before
