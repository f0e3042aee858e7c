"""The hot stores of the runs that are being recorded, and what is wrong with writing to them."""

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
"""Writing stops when less than this part of the reserve is free: what is left belongs to the clock's tick log."""


@dataclass
class Counters:
    """What was recorded since the recorder started."""

    written: int = 0
    repeated: int = 0
    conflicts: int = 0
    first_conflict: Conflict | None = None


class Stores:
    """Writes batches to the runs that they belong to.

    Args:
        root: folder of all recordings.
        limits: how much room they may take.
    """

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._open: dict[str, HotStore] = {}
        self.present: frozenset[str] = frozenset()
        """Runs that may still be written to; made anew at each change, so that other threads may go through it."""
        self.findings: list[Finding] = []
        """Damage that was found when runs were opened; emptied by whoever reports it."""
        self.counters = Counters()
        root.mkdir(parents=True, exist_ok=True)

    def folders(self) -> list[RunFolder]:
        """Every recorded run, the oldest first."""
        return run_folders(self._root)

    def store(self, run: str) -> HotStore:
        """The hot store of a run; what is damaged in its recording is repaired when it is opened.

        Raises:
            OSError: if the disk does not take it.
        """
        store = self._open.get(run)
        if store is None:
            folder = make_folder(self._root, run)
            self.findings += recover(folder)
            store = self._open[run] = HotStore(folder.hot)
            self.present = frozenset(self._open)
        return store

    def write(self, batches: Mapping[str, Batch]) -> list[Conflict]:
        """Write what was gathered; it is on disk when this returns. Returns the conflicts.

        Raises:
            OSError: if the disk does not take it; what was not written has to be repaired by its producers.
        """
        self.require_room()
        conflicts: list[Conflict] = []
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
        """Raises StoreError if the disk is nearly full."""
        free = shutil.disk_usage(self._root).free
        if free < self._limits.reserve // STOP_SHARE:
            raise StoreError(f"the disk is full: {free / 1e6:.0f} MB are free, and recording leaves that to the plant")

    def probe(self) -> None:
        """Raises OSError if the disk still takes nothing."""
        self.require_room()
        for store in self._open.values():
            with transaction(store.connection):
                store.connection.execute("INSERT OR REPLACE INTO facts VALUES ('probe', hex(zeroblob(2000)))")

    def leave(self, runs: frozenset[str]) -> None:
        """Close runs that are over."""
        for run in runs & self._open.keys():
            store = self._open.pop(run)
            self.present = frozenset(self._open)
            store.close()

    def close(self) -> None:
        """Close all."""
        self.leave(self.present)
