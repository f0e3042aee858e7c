"""The thread that syncs recorded ticks to disk, so that a slow disk holds up neither the ticker nor the commands."""

import threading

from nodes.clock.runs import RunLogs

FLUSH_INTERVAL = 1.0
"""Seconds of ticks that a power cut may take. A killed process loses none, and accepted commands are on disk."""


class Flusher(threading.Thread):
    """Flushes once a second; a failed flush ends it, since nobody knows afterwards what is on disk."""

    def __init__(self, runs: RunLogs) -> None:
        super().__init__(name="flusher", daemon=True)
        self._runs = runs
        self._stopping = threading.Event()
        self.failure: OSError | None = None

    def run(self) -> None:
        """Flush until stopped; an error is kept in `failure` for the main thread."""
        # The event is the clock of the loop: a stop does not wait for the interval to pass.
        while not self._stopping.wait(FLUSH_INTERVAL):
            try:
                self._runs.sync()
            except OSError as error:
                # Not tried again: after a failed fsync Linux marks the pages as clean, and the next call would succeed
                # although nothing was written.
                self.failure = error
                raise

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        # No longer than a stop may take: a disk that hangs would keep the process from ending.
        self.join(timeout=2.0)
