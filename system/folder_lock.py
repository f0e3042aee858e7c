"""A data folder that one program at a time may use, and its user alone."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
"""What the plant's processes make is for their user alone: journal, logs and recordings tell who did what."""

FOLDER_MODE, FILE_MODE = 0o700, 0o600


PATIENCE = 5.0
"""Seconds that one who changes files of a folder waits for another one; each takes the time of a few writes to disk."""

LOCK_POLL = 0.005
"""Seconds between two attempts to lock a folder."""


class FolderTakenError(OSError):
    """Another program that lives uses the folder."""


@contextmanager
def private_umask() -> Iterator[None]:
    """Keep what a command makes to its user for as long as the block lasts."""
    before = os.umask(PRIVATE_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def keep_private(folder: Path) -> None:
    """Close a folder to other users, with the files that lie directly in it; one that is not there is left alone.

    A folder of another user or for all users, such as /tmp, and the user's home are not ours to close.

    Raises:
        OSError: if it cannot be closed.
    """
    # KPP_DATA may name any folder, and a mistake there must not close somebody's home or a shared folder to others.
    if not folder.is_dir() or not _ours(folder):
        return
    try:
        _close(folder, FOLDER_MODE)
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink():
                _close(path, FILE_MODE)
    except OSError as error:
        # On a file system that is mounted read-only nothing will be written, so there is nothing to protect.
        if error.errno != errno.EROFS:
            raise


def _close(path: Path, mode: int) -> None:
    with suppress(FileNotFoundError):  # SQLite's companions come and go
        found = path.lstat()
        if found.st_uid == os.geteuid() and found.st_mode & PRIVATE_UMASK:
            path.chmod(mode)


def _ours(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX and folder.resolve() != home()


def home() -> Path | None:
    """The user's home, None for a user who has none."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold off whoever else changes files of a folder like this, in any process or thread, while the block runs.

    What one has looked at is then still so when it writes.

    Args:
        folder: made if it is missing.
        patience: longest wait for another one (s).

    Raises:
        FolderTakenError: if the other one takes longer.
        OSError: if the folder cannot be made or opened.
    """
    # The folder itself is locked: a lock file would have to be made first, which is a race of its own, and stays
    # behind. Each call opens it anew, because flock belongs to the opening and would not keep two threads apart that
    # share one.
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise FolderTakenError(f"another process has been changing {folder} for {patience:g} s: try again")
            time.sleep(LOCK_POLL)  # flock waits for ever or not at all: it has no time limit
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(folder: Path, name: str) -> int:
    """Lock a folder for as long as this process lives, or until the returned file descriptor is closed.

    The kernel keeps the lock, so nothing is left of it when the process is killed. Children do not inherit it.

    Args:
        folder: made if it is missing.
        name: what the folder is claimed for; programs with other names are not in each other's way.

    Raises:
        FolderTakenError: with the process that holds it.
        OSError: if the folder or its lock file cannot be made, or kept to ourselves.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    keep_private(folder)
    # A file this time: it says who holds the lock, for the message to whoever comes second. It is never removed, since
    # a third one could lock a file that has just been unlinked and believe itself alone.
    path = folder / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise FolderTakenError(f"{folder.absolute()} is in use by another {name}, process {holder}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
