"""Folders that one program at a time may use or change, and that no other user may read."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
"""What the plant's processes make is for their user alone: journal, logs and recordings say who did what."""

FOLDER_MODE, FILE_MODE = 0o700, 0o600
"""Permissions of a folder and of a file that are for their user alone."""

PATIENCE = 5.0
"""Seconds to wait for another process that changes files of a folder, which takes it a few writes to the disk."""

LOCK_POLL = 0.005
"""Seconds between two attempts to lock a folder."""


class FolderTakenError(OSError):
    """Another program, which is still alive, uses the folder."""


@contextmanager
def private_umask() -> Iterator[None]:
    """While the block runs, keep to the user what the process makes, in all of its threads."""
    before = os.umask(PRIVATE_UMASK)
    try:
        yield
    finally:
        os.umask(before)


def keep_private(folder: Path) -> None:
    """Close a folder and the files directly in it to other users; without such a folder, do nothing.

    A folder of another user, a folder for all users such as /tmp, and the user's home are left as they are.

    Raises:
        OSError: if it cannot be closed.
    """
    # KPP_DATA may name any folder, and a mistake there must not close somebody's home or a shared folder to others.
    # Folders below it need nothing: who cannot enter this one cannot reach them either.
    if not folder.is_dir() or not _ours(folder):
        return
    try:
        _close(folder, FOLDER_MODE)
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink():
                _close(path, FILE_MODE)
    except OSError as error:
        # A data folder on read-only media, of which recordings are read. Its permissions are as they are.
        if error.errno != errno.EROFS:
            raise


def _close(path: Path, mode: int) -> None:
    with suppress(FileNotFoundError):  # SQLite's -wal and -shm files come and go
        found = path.lstat()
        if found.st_uid == os.geteuid() and found.st_mode & PRIVATE_UMASK:
            path.chmod(mode)


def _ours(folder: Path) -> bool:
    # The sticky bit marks a folder that all users share, whoever owns it.
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX and folder.resolve() != home()


def home() -> Path | None:
    """The user's home folder, None for a user who has none, as in many containers."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None


@contextmanager
def alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """While the block runs, hold off every process and thread that changes files of a folder by way of this function.

    What the block has read in the folder is then still true when it writes.

    Args:
        folder: made if it is missing.
        patience: longest wait for another process or thread (s).

    Raises:
        FolderTakenError: if the other one takes longer.
        OSError: if the folder cannot be made or opened.
    """
    # The folder itself is locked: a lock file would have to be made first, which is a race of its own, and would stay
    # behind. Each call opens the folder again, because flock belongs to an opened file and would not keep two threads
    # apart that share one.
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise FolderTakenError(f"another process has been changing {folder} for {patience:g} s: try again")
            time.sleep(LOCK_POLL)  # flock waits without a limit or not at all, and reports nothing when it is released
        yield
    finally:
        os.close(descriptor)  # releases the lock as well


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def claim(folder: Path, name: str) -> int:
    """Lock a folder for as long as this process lives, or until the returned file descriptor is closed.

    The kernel keeps the lock, so none is left when the process is killed. Programs that this process starts do not
    inherit it.

    Args:
        folder: made if it is missing.
        name: what the folder is claimed for; claims of different names do not exclude each other.

    Raises:
        FolderTakenError: naming the process that holds the lock.
        OSError: if the folder or its lock file cannot be made, or cannot be closed to other users.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    keep_private(folder)
    # Here a file is locked, since it can say who holds the lock, for the message to the second program. It is never
    # removed: a third program could lock the file that has just been unlinked, and a fourth the one made after it.
    path = folder / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise FolderTakenError(f"{folder.absolute()} is in use by another {name}, process {holder}") from None
    # Only after the lock is held: until then the file holds the number of the program that has it. A reader between the
    # two calls finds it empty, and says "unknown".
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
