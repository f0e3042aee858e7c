"""Files that are either whole or not there, whoever is killed while writing one.

A file is written beside its place, locked meanwhile, and then put there. A lock goes with its process, so whatever
beside can be locked was left by one that was killed, and goes with the next start or the next file of the folder.
"""

import os
from pathlib import Path

from system.folder_lock import FILE_MODE
from system.parts import clear_away, new_file


def write_whole(path: Path, data: bytes) -> None:
    """Write a file for its user alone: after a kill or a power cut either all of it is there or the one before.

    Raises:
        OSError: if it cannot be written; then nothing has changed.
    """
    path = path.resolve()  # what a link leads to is written, and the link stays
    clear_away(path.parent)
    beside, descriptor = new_file(path.parent, FILE_MODE)
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
    sync(path.parent)


def remove_whole(path: Path) -> None:
    """Remove a file; after a power cut it has gone.

    Raises:
        OSError: if it cannot be removed.
    """
    path.unlink()
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file written to the disk, or which files a folder has.

    Raises:
        OSError: if the disk does not take it. That is final: the kernel may have dropped the pages.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
