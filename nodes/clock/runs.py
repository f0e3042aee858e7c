"""The runs on disk: a tick log for each, and the one that a starting clock continues."""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

from bus.ordered.tick_log import Recorded, RunHeader, TickLog, TickLogError, read
from bus.protocol.messages import IDENTIFIER, Command, Tick
from nodes.clock.recovered_run import RecoveredRun

SUFFIX = ".ticks"
"""How the names of tick logs end; before it stands the id of the run."""


def _order(run: str) -> tuple[int, ...]:
    """Sort key, greater for later runs: an id is the clock's epoch and the number of the run in it."""
    # As numbers, since as text epoch 10000 would come before epoch 9999.
    return tuple(int(part) for part in run.split("-")) if re.fullmatch(r"[0-9]+-[0-9]+", run) else ()


ReadCommands = Callable[[str], list[tuple[int, Command]]]
"""Run id -> its journaled commands with their ticks, in order."""


class RunLogs:
    """A folder of tick logs, one of which is being written.

    Args:
        folder: where they are; made if it does not exist.
        commands: gives the journaled commands of a run.
    """

    def __init__(self, folder: Path, commands: ReadCommands) -> None:
        self._folder = folder
        self._commands = commands
        self._log: TickLog | None = None
        self._closing = threading.Lock()
        self._run = ""
        self._settled = ""
        folder.mkdir(parents=True, exist_ok=True)

    def newest(self) -> tuple[RecoveredRun | None, list[str]]:
        """The newest run that can be read, open for writing, and what is wrong with those that cannot be read."""
        problems: list[str] = []
        found: list[tuple[Path, Recorded]] = []
        for path in self._folder.glob(f"*{SUFFIX}"):
            try:
                found.append((path, read(path)))
            except TickLogError as error:
                # Reported and skipped. A damaged file must not keep the plant from starting; it stays for people to
                # look into.
                problems.append(str(error))
        if not found:
            return None, problems
        # By the headers and not by the files' times, which a restored backup changes.
        path, recorded = max(found, key=lambda each: each[1].header.order)
        if recorded.damaged:
            count = len(recorded.records)
            problems.append(f"tick log {path} is damaged after {count} records: the run continues from there")
        # After the last whole record. What was torn off there was never published, since a tick leaves only after its
        # record was written.
        self._log = TickLog.reopen(path, recorded.end, recorded.records[-1] if recorded.records else None)
        self._run = recorded.header.run
        # The journal is read after the log: what it has beyond the log's end is commands that wait for their tick.
        return self._recovered(recorded), problems

    def read(self, run: str) -> RecoveredRun | None:
        """A run that has ended; None if there is none of that name.

        Raises:
            TickLogError: if its log cannot be read.
            JournalError: if its commands cannot be read.
        """
        path = self._folder / f"{run}{SUFFIX}"
        # The name comes from outside, and must not lead out of the folder.
        if re.fullmatch(IDENTIFIER, run) is None or not path.exists():
            return None
        return self._recovered(read(path))

    def following(self, run: str) -> str:
        """Name of the run that was begun after another one; "" if there is none."""
        # By the names only: reading every log for a question would take longer the older the plant is.
        orders = {_order(path.stem): path.stem for path in self._folder.glob(f"*{SUFFIX}")}
        return orders[min(later)] if (later := [order for order in orders if order > _order(run)]) else ""

    def _recovered(self, recorded: Recorded) -> RecoveredRun:
        return RecoveredRun(recorded.header, recorded.records, self._commands(recorded.header.run))

    def record(self, header: RunHeader, tick: Tick) -> None:
        """Write a tick before it is published; the first one of a run begins its file.

        Raises:
            TickLogError: if it cannot be written; then it must not be published.
        """
        self.begin(header).append(tick)

    def begin(self, header: RunHeader) -> TickLog:
        """The log of a run, which is begun if the run is new.

        Call it before the first tick of a run and before the first command for it is accepted.

        Raises:
            TickLogError: if there is no room for it.
        """
        if self._log is None or self._run != header.run:
            # The new file first: if there is no room for it, the old run is still open and goes on.
            log = TickLog.create(self._folder / f"{header.run}{SUFFIX}", header)
            self.close()
            self._log, self._run = log, header.run
        return self._log

    def settle(self, run: str) -> None:
        """Make the beginning of a run survive a power cut: a command that was accepted for it must find it."""
        # Once for each run: later commands find file and folder entry on disk, and the flusher takes care of the ticks.
        if self._settled != run:
            self.sync()
            self._settled = run

    @property
    def short(self) -> bool:
        """True when the disk is full and simulated time has to wait."""
        if self._log is not None and self._log.short:
            # Tried at every report, since nothing else shows that somebody has made room.
            self._log.look_for_room()
        return self._log is not None and self._log.short

    def sync(self) -> None:
        """Make everything that was written survive a power cut; callable from another thread."""
        with self._closing:
            if self._log is not None:
                self._log.sync()
        # A synced file in a folder that was not synced can be gone after a power cut: its name is the folder's data.
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def close(self) -> None:
        """Close the file that is being written."""
        with self._closing:
            if self._log is not None:
                self._log.close()
            self._log = None
