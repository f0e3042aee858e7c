"""Checkpoints that runs are forked at: modules write them as files, which go once no recorded run began from them.

A run that began from a checkpoint needs it to be computed again: by a module that was restarted, by `kpp verify`, for a
bundle. What is recorded of its first tick says so.
"""

from contextlib import closing
from pathlib import Path

from recording.database import open_reader
from recording.folder import RunFolder, run_folders
from recording.ticks import read_ticks

SUFFIX = ".snap"
PREFIX = "fork:"
"""How a scenario's name begins that means a checkpoint; the name of its file without the suffix follows."""

UNUSED_SECONDS = 3600.0
"""Age from which a checkpoint can go: a younger one may just have been made ready for a run that begins soon."""


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

        As long as the beginning of a run is not recorded, nobody knows what it needs, and all of them stay.

        Args:
            wall: Unix time now, in seconds.

        Returns:
            Names of what was removed.

        Raises:
            StoreError: if a recording cannot be read.
            OSError: if a file cannot be removed.
        """
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
        if folder.run not in self._began:
            with closing(open_reader(folder.hot)) as hot:
                first = next(read_ticks(hot, "WHERE first = ?", (1,)), None)
            begins = [each for each in (first.commands if first else ()) if each.name == "begin"]
            if not begins:
                return ""
            self._began[folder.run] = str(begins[0].args["scenario"])
        return self._began[folder.run]
