"""Where recordings lie on disk: a folder for each run, in it the hot store, the segments and their tiers."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from recording.database import FILE

WRITER = "recorder"
"""What the folder of all recordings is claimed for by the one process that writes to them."""

_MARK = "begun"
"""Empty file whose time is that of the run's first record."""

_DOTS = re.compile(r"^\.+")


class RunFolder(NamedTuple):
    """The files of one run."""

    run: str
    path: Path

    @property
    def hot(self) -> Path:
        """The hot store."""
        return self.path / FILE

    def segment(self, file: str) -> Path:
        """A segment by the name of its file."""
        return self.path / "segments" / file

    def segments(self) -> list[Path]:
        """Every segment that is there, in order."""
        return sorted((self.path / "segments").glob("*.parquet"))

    def tier(self, file: str) -> Path:
        """The tier of a segment, by the name of the segment's file."""
        return self.path / "tiers" / file

    @property
    def damaged(self) -> Path:
        """Folder for files that are not what was written."""
        return self.path / "damaged"

    def size(self) -> int:
        """Bytes of all its files."""
        total = 0
        for path in self.path.rglob("*"):
            with suppress(FileNotFoundError):  # SQLite's companions come and go
                total += path.stat().st_size if path.is_file() else 0
        return total


def run_folder(root: Path, run: str) -> RunFolder:
    """The folder of a run, whether it exists or not. Any run id gives a name that stays inside `root`."""
    # Characters with a meaning to file systems are written as numbers; so are dots at the beginning, or `..` would be a
    # run.
    name = quote(run, safe="")
    return RunFolder(run, root / _DOTS.sub(lambda dots: "%2E" * len(dots[0]), name))


def make_folder(root: Path, run: str) -> RunFolder:
    """The folder of a run, made if it is not there; its mark keeps the time at which it was made."""
    folder = run_folder(root, run)
    folder.path.mkdir(parents=True, exist_ok=True)
    # A file of its own, since the hot store gets a new time whenever it is rebuilt.
    mark = folder.path / _MARK
    if not mark.exists():
        mark.touch()
    return folder


def run_folders(root: Path) -> list[RunFolder]:
    """Every recorded run, the oldest first."""
    if not root.is_dir():
        return []
    found = [path for path in root.iterdir() if (path / _MARK).exists()]
    # By the mark's time: the folder's own changes with every file that is made or deleted in it.
    found.sort(key=lambda path: ((path / _MARK).stat().st_mtime, path.name))
    return [RunFolder(unquote(path.name), path) for path in found]


def segment_name(module: str, first: int) -> str:
    """Name of a segment's file."""
    return f"{module}-{first:012d}.parquet"
