"""Output to what a user has named: a file, which is written whole or left as it was; a pipe, a device or a stream."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from system.parts import clear_away, new_file
from system.whole import sync

STANDARD_OUTPUT: Final = "-"
"""Name that stands for standard output."""

MOST_LINKS: Final = 40
"""Most links that are followed; the kernel follows as many."""


@contextmanager
def opened_output(name: str, standard: BinaryIO) -> Iterator[IO[bytes]]:
    """Open for writing what a user has named.

    A file is written beside its name and put into its place when the block has ended, so that it is whole or as it was;
    it keeps its mode, and links are followed. One that has other names too, belongs to somebody else or lies in a
    folder that takes no new file stays the file that it is: it is written from an unnamed copy once that is whole.
    Everything else is written to. No folder is made: one that is not there was mistyped, or is not mounted.

    Args:
        name: path, or "-" for standard output.
        standard: standard output.

    Raises:
        OSError: if it cannot be written; if there is no folder for it, naming that.
    """
    path = Path(name)
    # Looked at before the path is followed: /dev/stdout leads to a file where the shell has redirected it, and that
    # must not be replaced.
    descriptor = _descriptor(path)
    if means_standard_output(name):
        yield standard
        standard.flush()
        return
    if descriptor is not None:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            yield file
        return
    found = _stat(path)
    if found is not None and not stat.S_ISREG(found.st_mode):
        with path.open("wb") as file:
            yield file
        return
    # What the links lead to is replaced, not the link.
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder", str(target.parent))
    writing = _written_beside(target, found) if _replaceable(target, found) else _written_over(target)
    with writing as file:
        yield file


def means_standard_output(name: str) -> bool:
    """True for "-" and names such as /dev/stdout."""
    return name == STANDARD_OUTPUT or _descriptor(Path(name)) == 1


def folder_of(name: str) -> Path | None:
    """The folder of a file that a user has named; None if it takes no other files, or if the name is no file's."""
    if means_standard_output(name):
        return None
    found = _stat(Path(name))
    folder = Path(os.path.realpath(name)).parent
    regular = found is None or stat.S_ISREG(found.st_mode)
    return folder if regular and os.access(folder, os.W_OK | os.X_OK) else None


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _descriptor(path: Path) -> int | None:
    """Number of the open stream that a name such as /dev/stdout or /dev/fd/3 stands for; None for any other name."""
    own = os.path.realpath("/proc/self/fd")
    # Bounded: links may lead in a circle.
    for _link in range(MOST_LINKS):
        if path.name.isdecimal() and os.path.realpath(path.parent) == own:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _replaceable(target: Path, found: os.stat_result | None) -> bool:
    """True if the file may be replaced by another one of the same name without anybody noticing a difference."""
    if found is None:
        return True
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    # A new file would belong to whoever writes it; and of two names for one file only one would change.
    own = (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
    return own and found.st_nlink == 1 and os.access(target.parent, os.W_OK | os.X_OK)


@contextmanager
def _written_beside(target: Path, found: os.stat_result | None) -> Iterator[IO[bytes]]:
    clear_away(target.parent)
    beside, descriptor = new_file(target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if found is not None:
                # Before it is put in place: at no moment may it be readable by more people than the old one.
                os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            file.flush()
            os.fsync(file.fileno())
            beside.replace(target)  # while it is locked: whoever clears away leaves it alone
        sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _written_over(target: Path) -> Iterator[IO[bytes]]:
    # Without a name, so that nothing is left of it however the process ends.
    with tempfile.TemporaryFile() as copy:
        yield copy
        copy.seek(0)
        with target.open("wb") as file:
            shutil.copyfileobj(copy, file)
            file.flush()
            os.fsync(file.fileno())
