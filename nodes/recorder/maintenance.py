"""The recorder's second thread: seals, makes room, looks for damage and has holes repaired, while recording goes on.

Each of these may take seconds, and the recording loop may wait for none of them. The two meet in the hot store alone,
where SQLite keeps them apart, so every write here is a short transaction.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from nodes.recorder.checkpoints import Checkpoints
from nodes.recorder.holes import HoleRepairer
from recording.database import module_names
from recording.folder import RunFolder, run_folders
from recording.hot import hot_ranges
from recording.recovery import Finding, recover, scrub
from recording.retention import Limits, make_room
from recording.seal import Sealer

SEAL_ROWS = 20_000
"""Hot rows of a module that are sealed without delay, however young they are."""

SEAL_SECONDS = 60.0
"""Seconds after which hot rows are sealed, however few they are."""

SCRUB_SECONDS = 600.0
"""Seconds between two scrubs; each compares the files of one run, in turn."""

POLL = 5.0
"""Seconds between two turns; each adds up the sizes of all recordings."""


@dataclass
class _Due:
    """When something is to be done next, in seconds of the monotonic clock."""

    seal: dict[tuple[str, str], float] = field(default_factory=dict)
    """By run and module."""
    scrub: float = 0.0
    prune: float | None = None
    """None until the first turn."""
    turn: int = 0
    """Which run is scrubbed next, counted from the newest."""


class MaintenanceThread(threading.Thread):
    """Keeps recordings in order.

    Args:
        root: folder of all recordings.
        limits: how much room they may take.
        present: gives the runs that are being recorded.
        repairer: has missing rows sent again.
        checkpoints: removes checkpoints that no run needs.
        log: gets a line for everything that was sealed, dropped, removed or found damaged.
    """

    def __init__(
        self,
        root: Path,
        limits: Limits,
        present: Callable[[], frozenset[str]],
        repairer: HoleRepairer,
        checkpoints: Checkpoints,
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        super().__init__(name="maintenance", daemon=True)
        self._root = root
        self._limits = limits
        self._present = present
        self._repairer = repairer
        self._checkpoints = checkpoints
        self._log = log
        self._due = _Due()
        self._repairing: RunFolder | None = None
        self._over: set[str] = set()  # runs that have ended and are sealed as a whole
        self._stopping = threading.Event()
        self.problem = ""
        """Why the last turn could not be completed; empty if it was."""
        self.damage = 0
        """Findings of the scrub and of sealing since the recorder started."""
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.wait(POLL):
                try:
                    self.work(time.monotonic())
                except OSError as error:
                    # A full disk, for example. Nothing is lost: rows stay hot until their segment has been compared,
                    # and the next turn tries again.
                    self.problem = str(error)
                else:
                    self.problem = ""
        except BaseException as error:
            self.failure = error  # a thread's error ends the thread alone: the main loop raises it again
            raise

    def work(self, now: float) -> None:
        """Do one turn at the time `now` (s).

        Raises:
            OSError: if the disk does not take it.
        """
        # Sealing before making room: sealed rows take far less of it, and only what is sealed can be dropped in parts.
        for folder in run_folders(self._root):
            present = folder.run in self._present()
            if present or folder.run not in self._over:
                self._seal(folder, now, present=present)
                self._over |= set() if present else {folder.run}
        for dropped in make_room(self._root, self._limits, max(self._present(), default="")):
            self._log.warning("dropped to make room", run=dropped.run, what=dropped.what, bytes=dropped.bytes)
        if now >= self._due.scrub:
            self._due.scrub = now + SCRUB_SECONDS
            self._scrub()
        self._repair()
        self._prune(now)

    def _seal(self, folder: RunFolder, now: float, *, present: bool) -> None:
        with closing(Sealer(folder)) as sealer:
            for number, module in module_names(sealer.connection).items():
                for first, last in self._ready(sealer, number, (folder.run, module), now, present=present):
                    for line in sealer.seal(module, first, last):
                        self._log.info("sealed", run=folder.run, module=module, first=line.first, last=line.last)
                sealer.merge(module)
            for damaged in sealer.damaged:
                self._tell(Finding(folder.run, damaged))

    def _ready(
        self, sealer: Sealer, number: int, key: tuple[str, str], now: float, *, present: bool
    ) -> Iterator[tuple[int, int]]:
        """Ranges of hot rows that are to be sealed now, as (first, last)."""
        ranges = hot_ranges(sealer.connection, number)
        due = self._due.seal.setdefault(key, now + SEAL_SECONDS)
        rows = sum(last - first + 1 for first, last in ranges)
        # Of a run that is over all rows are ready: no more will come, however few they are.
        if present and rows < SEAL_ROWS and now < due:
            return
        self._due.seal[key] = now + SEAL_SECONDS
        yield from ranges

    def _scrub(self) -> None:
        folders = run_folders(self._root)
        if not folders:
            return
        self._due.turn = (self._due.turn + 1) % len(folders)
        folder = folders[-1 - self._due.turn]
        present = folder.run in self._present()
        # Recovery removes what is damaged, which is only safe where nobody writes; of a present run it is reported, and
        # recovered when the run is opened the next time.
        for finding in scrub(folder) if present else recover(folder, deep=True):
            self._tell(finding)
        self._over.discard(folder.run)  # what comes in repair has to be sealed once more
        self._repairing = folder

    def _repair(self) -> None:
        """Have holes filled for a while: those of the run that was scrubbed last."""
        folder = self._repairing
        if folder is not None and (not folder.hot.exists() or self._repairer.repair(folder)):
            self._repairing = None

    def _prune(self, now: float) -> None:
        """Remove checkpoints that no run needs, if that is due.

        Not right after the start, and not without a present run: what it began from may not be recorded yet.
        """
        if self._due.prune is None:
            self._due.prune = now + SCRUB_SECONDS
        if now >= self._due.prune and self._present():
            self._due.prune = now + SCRUB_SECONDS
            for name in self._checkpoints.prune(time.time()):
                self._log.info("checkpoint of a fork removed: no recorded run began from it", checkpoint=name)

    def _tell(self, finding: Finding) -> None:
        self.damage += 1
        self._log.error("damage found in a recording", where=finding.where, what=finding.what)

    def stop(self) -> None:
        """End the thread after the turn under way, or leave it to the end of the process if that takes too long."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=5.0)
