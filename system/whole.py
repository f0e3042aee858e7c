"""Files that are either whole or not there, whoever is killed while writing one.

A file is written beside its place, locked meanwhile, and then put there. A lock goes with its process, so whatever
beside can be locked was left by one that was killed, and goes with the next start or the next file of the folder.
"""

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from system.folder_lock import FILE_MODE

_PREFIX: Final = ".kpp-"
_SUFFIX: Final = ".part"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file for its user alone: after a kill or a power cut either all of it is there or the one before.

    Raises:
        OSError: if it cannot be written; then nothing has changed.
    """
    path = path.resolve()  # what a link leads to is written, and the link stays
    clear_away(path.parent)
    beside, descriptor = _new_file(path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            # In this order. A rename may reach the disk before the data: after a power cut the name would lead to an
            # empty file, and the old content would be gone.
            file.flush()
            os.fsync(file.fileno())
            beside.replace(path)  # while it is locked: whoever clears away leaves it alone
    finally:
        beside.unlink(missing_ok=True)
    # The name is an entry of the folder, which has to be written as well.
    _sync(path.parent)


def remove_whole(path: Path) -> None:
    """Remove a file; after a power cut it has gone.

    Raises:
        OSError: if it cannot be removed.
    """
    path.unlink()
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Put on disk which files a folder has."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_away(folder: Path) -> None:
    """Remove what was left half written in a folder by processes that were killed; what is being written stays."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(BlockingIOError, PermissionError, FileNotFoundError):  # in use, another user's, gone
            # What lies there may be anything: a link is not followed, and a named pipe does not keep us waiting.
            descriptor = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(descriptor)


def _new_file(folder: Path) -> tuple[Path, int]:
    """A new file and its descriptor, locked until that is closed."""
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between making the file and locking it, `clear_away` of another process may have taken it for a leftover.
            # A file without a name cannot be put in place any more, so another one is made.
            if os.fstat(descriptor).st_nlink:
                return path, descriptor
        os.close(descriptor)
