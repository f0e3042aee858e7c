"""Removes checkpoints of forks that no recorded run began from.

Modules write a checkpoint as a file before a run is forked from it. Whoever computes that run again needs the file: a
module that was restarted, `kpp verify`, a bundle. The recorded first tick of a run says which one it began from.
"""

from contextlib import closing
from pathlib import Path

from recording.database import open_reader
from recording.folder import RunFolder, run_folders
from recording.ticks import read_ticks

SUFFIX = ".snap"
PREFIX = "fork:"
"""Beginning of a scenario's name that stands for a checkpoint; the name of its file, without the suffix, follows."""

UNUSED_SECONDS = 3600.0
"""Age in seconds from which a checkpoint may be removed; a younger one may be for a run that is about to begin."""


class Checkpoints:
    """Removes checkpoints that nobody needs.

    Args:
        forks: the folder of all checkpoints.
        root: folder of all recordings.
    """

    def __init__(self, forks: Path, root: Path) -> None:
        self._forks = forks
        self._root = root
        self._began: dict[str, str] = {}

    def prune(self, wall: float) -> list[str]:
        """Remove checkpoints that no recorded run began from.

        As long as the beginning of any run is not recorded, nobody knows what that run needs, and all of them stay.

        Args:
            wall: Unix time now, in seconds.

        Returns:
            Names of the files that were removed, each with its module's folder.

        Raises:
            StoreError: if a recording cannot be read.
            OSError: if a file cannot be removed.
        """
        # By far the most turns end here, without a look at any recording.
        old = [path for path in self._forks.glob(f"*/*{SUFFIX}") if wall - path.stat().st_mtime > UNUSED_SECONDS]
        if not old:
            return []
        needed = {self._beginning(folder) for folder in run_folders(self._root)}
        if "" in needed:
            return []
        removed = []
        for path in old:
            if f"{PREFIX}{path.name.removesuffix(SUFFIX)}" not in needed:
                path.unlink(missing_ok=True)
                removed.append(f"{path.parent.name}/{path.name}")
        return removed

    def _beginning(self, folder: RunFolder) -> str:
        """The scenario that a run began with; empty if that is not recorded."""
        if folder.run not in self._began:  # remembered, for it never changes; an empty answer may, and is not
            with closing(open_reader(folder.hot)) as hot:
                first = next(read_ticks(hot, "WHERE first = ?", (1,)), None)
            begins = [each for each in (first.commands if first else ()) if each.name == "begin"]
            if not begins:
                return ""
            self._began[folder.run] = str(begins[0].args["scenario"])
        return self._began[folder.run]
