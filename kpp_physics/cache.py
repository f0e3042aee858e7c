"""Where the compiled kernel is kept: in a folder that can be written, else in one that can be read, else nowhere.

A mark in the folder says that all of the kernel lies there, for one kind of processor. It lists the files, so that it
holds only as long as they are what was written; where the sources lie does not matter. numba's own locators take no
folder that cannot be written, and another one for each place of the sources.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import numba
from numba.core.caching import UserProvidedCacheLocator
from numba.core.registry import cpu_target

_config: Any = numba.config

LOCATOR: Final = f"{__name__}.Locator"
"""Name of the locator for `numba.config.CACHE_LOCATOR_CLASSES`."""

_FOLDER: Final = "kpp_physics_kernel"
_FILES: Final = "*.nb[ic]"
_VERSION_DIGITS: Final = 16


def _processor() -> str:
    """What code is compiled for here, as numba tells code for one processor from that for another."""
    kind = cpu_target.target_context.codegen().magic_tuple()
    return hashlib.sha256(repr(kind).encode()).hexdigest()[:16]


def _roots() -> list[Path]:
    """Where the kernel may be kept, in the order of preference."""
    if _config.CACHE_DIR:
        return [Path(_config.CACHE_DIR).absolute()]
    roots = [Path(sys.prefix) / _FOLDER]
    with suppress(RuntimeError):  # a user without a home
        roots.append(Path.home() / ".cache" / _FOLDER)
    return [root for root in roots if root.is_absolute()]


@cache
def place(version: str) -> Path | None:
    """The folder of a kernel: one in which all of it lies, else one that can be written, None if there is neither."""
    folders = [root / version[:_VERSION_DIGITS] for root in _roots()]
    found = next((folder for folder in folders if is_complete(folder)), None)
    return found or next((folder for folder in folders if _can_be_written(folder)), None)


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def is_complete(folder: Path) -> bool:
    """True if all of the kernel lies there, compiled for this processor, with every file as it was written."""
    try:
        listed = json.loads(_mark(folder).read_bytes())
        return bool(listed) and all((folder / name).stat().st_size == size for name, size in listed.items())
    except (OSError, ValueError):
        return False


def note_complete(folder: Path) -> None:
    """Mark that all of the kernel lies there, for this processor.

    The kernel is no secret: anyone who can reach the folder may read it. The mark is written where it stays, so that a
    process that is killed meanwhile leaves nothing beside it. What is half written is no JSON and marks nothing; the
    next process that has the kernel writes it again.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        return
    files = sorted(folder.glob(_FILES))
    if not files or is_complete(folder):
        return
    for path in files:
        path.chmod(0o644)
    folder.chmod(0o755)
    mark = _mark(folder)
    mark.write_text(json.dumps({path.name: path.stat().st_size for path in files}), encoding="utf-8")
    mark.chmod(0o644)


def clear(folder: Path) -> None:
    """Take away what cannot be used."""
    for path in [*folder.glob("whole-*"), *folder.glob(_FILES)]:
        with suppress(OSError):  # of another user, or taken away by another process
            path.unlink()


def _mark(folder: Path) -> Path:
    return folder / f"whole-{_processor()}"


class Locator(UserProvidedCacheLocator):
    """Has numba keep a function in the one folder of `numba.config.CACHE_DIR`."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]  # numba publishes no types
        self._cache_path = _config.CACHE_DIR

    def ensure_cache_path(self) -> None:
        """The folder is there already, and need not be writable."""

    def get_source_stamp(self) -> str:
        """No stamp: the folder is that of one kernel, whatever comments its sources have by now."""
        return ""

    def get_disambiguator(self) -> str:
        """No line number, which a comment moves: each compiled function has a name of its own."""
        return ""
