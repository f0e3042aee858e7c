"""What a user sees who may read, and not write."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def only_read(folder: Path) -> Iterator[Path]:
    """A copy of a folder in which nothing can be written, read as a user who is not root.

    Args:
        folder: of which the copy is made; those above it may be closed to others.
    """
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        copy = Path(shutil.copytree(folder, Path(place) / folder.name))
        for path in [copy, *copy.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield copy
        finally:
            if root:
                os.seteuid(0)
            for path in [copy, *copy.rglob("*")]:
                path.chmod(0o755)
