"""Files that are either whole or not there, whoever is killed while writing one.

A file is written beside its place, locked meanwhile, and then moved there. What a killed process leaves beside it is
removed when its owner starts again, or with the next file that is written in the folder; see `system.parts`.
"""

import os
from pathlib import Path

from system.folder_lock import FILE_MODE
from system.parts import clear_away, new_file


def write_whole(path: Path, data: bytes) -> None:
    """Write a file for its user alone; after a kill or a power cut either all of it is there, or the file before it.

    Args:
        path: the file; the target if it is a link.
        data: its content.

    Raises:
        OSError: if it cannot be written. Unless the folder is what could not be synced, the old file is untouched.
    """
    path = path.resolve()  # a rename would replace the link itself by a file
    clear_away(path.parent)
    beside, descriptor = new_file(path.parent, FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            # First the data, then the name. A rename may reach the disk before data that was not synced: after a power
            # cut the name would lead to an empty file, and the old content would be gone.
            file.flush()
            os.fsync(file.fileno())
            beside.replace(path)  # while it is locked, or another process could clear it away before
    finally:
        beside.unlink(missing_ok=True)  # there only if something above failed
    # A name is an entry of its folder, which has to reach the disk as well.
    sync(path.parent)


def remove_whole(path: Path) -> None:
    """Remove a file such that it is still gone after a power cut.

    Raises:
        OSError: if it cannot be removed, or if the folder cannot be synced.
    """
    path.unlink()
    sync(path.parent)


def sync(path: Path) -> None:
    """Have the content of a file, or the list of names in a folder, written to the disk.

    Raises:
        OSError: if the disk does not take it. Trying again proves nothing: the kernel may have dropped the pages.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
