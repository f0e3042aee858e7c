"""The hot stores of the runs that are being recorded: opening, recovering, writing and closing them."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recording.database import StoreError, transaction
from recording.folder import RunFolder, make_folder, run_folders
from recording.hot import Batch, Conflict, HotStore
from recording.recovery import Finding, recover
from recording.retention import Limits

STOP_SHARE = 8
"""Writing stops when less than one part in this many of the reserve is free: the rest is for the clock's tick log, and
without that the plant itself would stand still."""


@dataclass
class Counters:
    """What was recorded since the recorder started."""

    written: int = 0
    """New rows."""
    repeated: int = 0
    """Rows that came again with the same content."""
    conflicts: int = 0
    """Rows that came again with another content, which was not recorded."""
    first_conflict: Conflict | None = None


class Stores:
    """Writes batches to the runs that they belong to. For one thread, except for `present`.

    Args:
        root: folder of all recordings.
        limits: how much room they may take.
    """

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._open: dict[str, HotStore] = {}
        self.present: frozenset[str] = frozenset()
        """Runs that may still be written to. A new set at each change, so that other threads may iterate over it."""
        self.findings: list[Finding] = []
        """Damage that was found when runs were opened; whoever reports it empties the list."""
        self.counters = Counters()
        root.mkdir(parents=True, exist_ok=True)

    def folders(self) -> list[RunFolder]:
        """Every recorded run, the oldest first."""
        return run_folders(self._root)

    def store(self, run: str) -> HotStore:
        """The hot store of a run; its recording is recovered when the store is opened.

        Raises:
            OSError: if the disk does not take it.
        """
        store = self._open.get(run)
        if store is None:
            folder = make_folder(self._root, run)
            # Before the store is opened for writing: recovery may replace the file that a store would have open.
            self.findings += recover(folder)
            store = self._open[run] = HotStore(folder.hot)
            self.present = frozenset(self._open)
        return store

    def write(self, batches: Mapping[str, Batch]) -> list[Conflict]:
        """Write batches; they are on disk when this returns.

        Args:
            batches: by run.

        Returns:
            The conflicts: rows that are recorded already with another content.

        Raises:
            OSError: if the disk does not take them; what was not written has to be asked for again.
        """
        self.require_room()
        conflicts: list[Conflict] = []
        # One run after the other. If one fails, those before it stay on disk; they come again with the rest, and are
        # found to be the same.
        for run, batch in batches.items():
            outcome = self.store(run).write(batch)
            self.counters.written += outcome.written
            self.counters.repeated += outcome.repeated
            conflicts += outcome.conflicts
        self.counters.conflicts += len(conflicts)
        if conflicts and self.counters.first_conflict is None:
            self.counters.first_conflict = conflicts[0]
        return conflicts

    def require_room(self) -> None:
        """Check that there is room on the disk.

        Raises:
            StoreError: if the disk is nearly full.
        """
        free = shutil.disk_usage(self._root).free
        least = self._limits.reserve // STOP_SHARE
        if free < least:
            raise StoreError(
                f"the disk is full: {free / 1e6:.0f} MB are free, and recording leaves {least / 1e6:.0f} MB "
                "to the rest of the plant: free some space"
            )

    def probe(self) -> None:
        """Check that the disk takes something.

        Raises:
            OSError: if it does not.
        """
        self.require_room()
        for store in self._open.values():
            with transaction(store.connection):
                store.connection.execute("INSERT OR REPLACE INTO facts VALUES ('probe', hex(zeroblob(2000)))")

    def leave(self, runs: frozenset[str]) -> None:
        """Close the stores of runs that are over; those that are not open are passed over."""
        for run in runs & self._open.keys():
            store = self._open.pop(run)
            self.present = frozenset(self._open)
            store.close()

    def close(self) -> None:
        """Close all stores."""
        self.leave(self.present)
