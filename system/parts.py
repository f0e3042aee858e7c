"""Temporary files and folders beside their destination, and the removal of those that killed processes left behind.

Each is locked while it is being made. A lock ends with its process, so whatever can be locked was left behind.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = ".kpp-"
_SUFFIX: Final = ".part"


def new_file(folder: Path, mode: int = 0o666) -> tuple[Path, int]:
    """A new file, and its descriptor to write to; the file is locked until the descriptor is closed.

    Args:
        folder: where the file is to lie.
        mode: its permissions, less those that the umask takes away.

    Raises:
        OSError: if it cannot be made.
    """
    # Beside its destination and not in the temporary folder: a rename works only within one file system.
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        # Between the making and the locking, another process may clear the file away: then another one is made.
        if _is_ours(descriptor):
            return path, descriptor
        os.close(descriptor)


@contextmanager
def new_folder(parent: Path | None) -> Iterator[Path]:
    """A new folder, locked and there for as long as the block runs; what others left behind beside it is removed.

    Args:
        parent: where it is to lie; None for the system's temporary folder.

    Raises:
        OSError: if it cannot be made.
    """
    # Leftovers are removed here and not at the start of the process: a command that runs once has no other occasion.
    clear_away(Path(tempfile.gettempdir()) if parent is None else parent)
    while True:
        path = Path(tempfile.mkdtemp(dir=parent, prefix=_PREFIX, suffix=_SUFFIX))
        descriptor = _opened(path)
        if descriptor is not None and _is_ours(descriptor):
            break
        if descriptor is not None:
            os.close(descriptor)
    try:
        yield path
    finally:
        shutil.rmtree(path)
        os.close(descriptor)


def clear_away(folder: Path) -> None:
    """Remove what processes that were killed have left behind in a folder; what is in use stays."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        descriptor = _opened(left)
        if descriptor is None:
            continue
        try:
            with suppress(BlockingIOError, PermissionError, FileNotFoundError):  # in use, another user's, gone
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()
        finally:
            os.close(descriptor)


def _opened(path: Path) -> int | None:
    """A descriptor by which to lock a file or folder; None if it is another user's, a link, or gone."""
    try:
        # No link is followed, and a pipe of that name does not hang: the temporary folder belongs to everybody.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None


def _is_ours(descriptor: int) -> bool:
    """Lock what was just made; False if another process took it for a leftover before that."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # The lock may be ours and the file gone all the same: another process had removed it and closed its descriptor
    # before the lock, and ours outlives the name.
    return os.fstat(descriptor).st_nlink > 0
