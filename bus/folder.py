"""A data folder that one program at a time may use."""

import fcntl
import os
from pathlib import Path


class FolderTakenError(OSError):
    """Another program that lives uses the folder."""


def claim(folder: Path, name: str) -> int:
    """Lock a folder for as long as this process lives, or until the returned file descriptor is closed.

    The kernel keeps the lock, so nothing is left of it when the process is killed. Children do not inherit it.

    Args:
        folder: made if it is missing.
        name: what the folder is claimed for; programs with other names are not in each other's way.

    Raises:
        FolderTakenError: with the process that holds it.
        OSError: if the folder or its lock file cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise FolderTakenError(f"{folder.absolute()} is in use by another {name}, process {holder}") from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor
