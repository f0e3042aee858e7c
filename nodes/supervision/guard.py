"""Who watches the watchdog, pure: supervisord's plug-in receives its calls and asks here whether it still lives."""

from dataclasses import dataclass, field

from nodes.supervision.account import Account, Usage

BEAT_LIMIT = 3.0
"""Seconds of its own without a call of the watchdog after which it counts as hung."""

START_LIMIT = 5.0
"""Seconds that its process may do nothing before its first call, though nothing keeps it from running."""

START_WORK = 30.0
"""Seconds on a processor within which it makes its first call."""

PATIENCE_MOST = 64
"""Each kill of one that had not called doubles the limits, up to so many times."""

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
    patience: int = 1
    account: Account = field(default_factory=lambda: Account(0.0))
    retry_delay: float = RETRY_FIRST
    retry_due: float | None = None

    def beat(self, now: float) -> None:
        """The watchdog has called."""
        self.heard = now
        self.beaten = True
        self.patience = 1
        self.retry_delay = RETRY_FIRST

    def hangs(self, pid: int, usage: Usage | None, now: float) -> bool:
        """True if the process `pid` (0 while there is none) is to be killed at `now`.

        Args:
            pid: the watchdog's present process.
            usage: what the kernel tells of it, None where it does not.
            now: present moment.
        """
        if pid != self.pid:
            self.pid, self.heard, self.beaten, self.account = pid, now, False, Account(now)
        if now - self.looked > OWN_PAUSE:
            # A laptop that was closed, or supervisord stopped with SIGSTOP: nobody could call meanwhile.
            self.heard = now
        self.looked = now
        self.account.look(usage, now)
        if pid == 0 or not self._late():
            return False
        self.heard = now  # it dies in a moment; if it does not, it is killed again after a while
        if not self.beaten:
            # It never got as far as its first call. On a machine on which it cannot load within the limits, the same
            # limits would kill it for ever.
            self.patience = min(2 * self.patience, PATIENCE_MOST)
        return True

    def _late(self) -> bool:
        if self.beaten:
            return self.account.usable(self.heard) > BEAT_LIMIT
        # Before the first call it imports and compiles, which may take long on a slow machine and is no reason to kill
        # it. Two things are: to do nothing, and to work far longer than loading takes, as in an endless loop.
        idle, ran = self.account.idle(self.heard), self.account.ran(self.heard)
        return idle > START_LIMIT * self.patience or ran > START_WORK * self.patience

    def starts(self, failed: bool, now: float) -> bool:
        """True if a watchdog that supervisord has given up is to be started at `now`."""
        if not failed:
            self.retry_due = None
        elif self.retry_due is None:
            # Not at once: supervisord has just tried several times in a row, and what kept it from starting, such as a
            # full table of processes, needs time to go.
            self.retry_due = now + self.retry_delay
        elif now >= self.retry_due:
            self.retry_delay = min(2 * self.retry_delay, RETRY_LONGEST)
            self.retry_due = now + self.retry_delay
            return True
        return False
