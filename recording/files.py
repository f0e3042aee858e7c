"""Files that are either whole or not there."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from system.whole import sync


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; after the block the whole file is on disk under its name, or nothing is.

    Raises:
        OSError: if the disk does not take it.
    """
    path = path.resolve()  # what a link leads to is written, and the link stays
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that it can be renamed: over a file system's border nothing is atomic.
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        yield temporary
        # Data before name and name before return: each step is on disk before the next one can be.
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        # Whatever went wrong; after the rename there is nothing under this name.
        temporary.unlink(missing_ok=True)


def checksum(path: Path) -> str:
    """SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
