"""The recorder's second thread: seals, makes room, looks for damage and has holes repaired, beside the recording."""

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
"""Rows of a module that are sealed at once, however young."""

SEAL_SECONDS = 60.0
"""Age at which rows are sealed, however few."""

SCRUB_SECONDS = 600.0
"""Time between two scrubs; each takes the run whose turn it is."""

POLL = 5.0
"""Seconds between two turns; each looks at the sizes of all recordings."""


@dataclass
class _Due:
    """When something is to be done next, in seconds of the monotonic clock."""

    seal: dict[tuple[str, str], float] = field(default_factory=dict)
    scrub: float = 0.0
    prune: float | None = None
    turn: int = 0


class MaintenanceThread(threading.Thread):
    """Keeps recordings in order.

    Args:
        root: folder of all recordings.
        limits: how much room they may take.
        present: gives the runs that are being recorded.
        repairer: has missing rows sent again.
        checkpoints: what runs were forked at.
        log: gets what was done.
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
        self._over: set[str] = set()  # runs that have ended and are sealed
        self._stopping = threading.Event()
        self.problem = ""
        """What cannot be done now, empty when all is well."""
        self.damage = 0
        """Findings of the scrub and of sealing since the recorder started."""
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Work until stopped."""
        try:
            while not self._stopping.wait(POLL):
                try:
                    self.work(time.monotonic())
                except OSError as error:  # a full disk: the rows stay hot, and the next turn tries again
                    self.problem = str(error)
                else:
                    self.problem = ""
        except BaseException as error:
            self.failure = error
            raise

    def work(self, now: float) -> None:
        """One turn.

        Raises:
            OSError: if the disk does not take it.
        """
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
        """Ranges of hot rows that are to be sealed now."""
        ranges = hot_ranges(sealer.connection, number)
        due = self._due.seal.setdefault(key, now + SEAL_SECONDS)
        rows = sum(last - first + 1 for first, last in ranges)
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
        for finding in scrub(folder) if present else recover(folder, deep=True):
            self._tell(finding)
        self._over.discard(folder.run)
        self._repairing = folder

    def _repair(self) -> None:
        """Have holes filled for a while, those of the run that was looked through last."""
        folder = self._repairing
        if folder is not None and (not folder.hot.exists() or self._repairer.repair(folder)):
            self._repairing = None

    def _prune(self, now: float) -> None:
        """Not right after the start: what the present run began from may not be recorded yet."""
        if self._due.prune is None:
            self._due.prune = now + SCRUB_SECONDS
        if now >= self._due.prune and self._present():
            self._due.prune = now + SCRUB_SECONDS
            for name in self._checkpoints.prune(time.time()):
                self._log.info("checkpoint of a fork removed: no recorded run began from it", checkpoint=name)

    def _tell(self, finding: Finding) -> None:
        self.damage += 1
        self._log.error("damaged", where=finding.where, what=finding.what)

    def stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        if self.is_alive():
            self.join(timeout=5.0)
