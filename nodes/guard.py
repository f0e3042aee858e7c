"""Who watches the watchdog, pure: supervisord's plug-in hears its calls and asks here whether it still lives."""

from dataclasses import dataclass

BEAT_LIMIT = 3.0
"""Seconds without a call of the watchdog after which it counts as hung."""

START_LIMIT = 5.0
"""Seconds from the start of its process to its first call."""

OWN_PAUSE = 1.0
"""Seconds between two looks after which supervisord itself has slept, and the watchdog gets time anew."""

RETRY_FIRST = 0.5
RETRY_LONGEST = 10.0
"""Seconds from its failure to its next start: the first doubles up to the longest, for ever."""


@dataclass
class Guard:
    """Judges one program, the watchdog. All times are moments of one monotonic clock in seconds."""

    looked: float
    pid: int = 0
    heard: float = 0.0
    beaten: bool = False
    retry_delay: float = RETRY_FIRST
    retry_due: float | None = None

    def beat(self, now: float) -> None:
        """The watchdog has called."""
        self.heard = now
        self.beaten = True
        self.retry_delay = RETRY_FIRST

    def hangs(self, pid: int, now: float) -> bool:
        """True if the process `pid` (0 while there is none) is to be killed at `now`."""
        if pid != self.pid:
            self.pid, self.heard, self.beaten = pid, now, False
        if now - self.looked > OWN_PAUSE:
            self.heard = now
        self.looked = now
        if pid == 0 or now - self.heard <= (BEAT_LIMIT if self.beaten else START_LIMIT):
            return False
        self.heard = now  # it dies in a moment; if it does not, it is killed again after a while
        return True

    def starts(self, failed: bool, now: float) -> bool:
        """True if a watchdog that supervisord has given up is to be started at `now`."""
        if not failed:
            self.retry_due = None
        elif self.retry_due is None:
            self.retry_due = now + self.retry_delay
        elif now >= self.retry_due:
            self.retry_delay = min(2 * self.retry_delay, RETRY_LONGEST)
            self.retry_due = now + self.retry_delay
            return True
        return False
