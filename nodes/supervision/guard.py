"""Who watches the watchdog, pure: supervisord's plug-in receives the watchdog's calls and asks here if it still lives.

The watchdog cannot judge itself, and supervisord notices only processes that have died.
"""

from dataclasses import dataclass, field

from nodes.supervision.account import Account, Usage

BEAT_LIMIT = 3.0
"""Usable seconds without a call after which the watchdog counts as hung; see `nodes.supervision.account`."""

START_LIMIT = 5.0
"""Seconds that its process may do nothing before its first call, although nothing keeps it from running."""

START_WORK = 30.0
"""Seconds on a processor within which it must make its first call."""

PATIENCE_MOST = 64
"""Each kill of a watchdog that had not called yet doubles the limits, up to this many times the usual."""

OWN_PAUSE = 1.0
"""Seconds between two looks above which supervisord itself has slept, and the watchdog's time starts again."""

RETRY_FIRST = 0.5
RETRY_LONGEST = 10.0
"""Seconds from its failure to its next start: the first pause doubles up to the longest, without an end."""


@dataclass
class Guard:
    """Judges one program, the watchdog. All times are moments of one monotonic clock in seconds.

    Attributes:
        looked: last look at its process.
        pid: its present process, 0 while there is none.
        heard: its last call, or the moment from which its time counts.
        beaten: its present process has called at least once.
        patience: by how much the limits of a start are multiplied.
        account: what its process could use of its time.
        retry_delay: seconds that it waits after its next failure before it is started.
        retry_due: moment of that start, None while supervisord has not given it up.
    """

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
            usage: what the kernel reports of it, None where it reports nothing.
            now: present moment.
        """
        if pid != self.pid:
            # Another process, and therefore one that has not called: the patience stays, since it belongs to the
            # machine, not to the process that was killed.
            self.pid, self.heard, self.beaten, self.account = pid, now, False, Account(now)
        if now - self.looked > OWN_PAUSE:
            # A laptop was closed, or supervisord stopped with SIGSTOP: no call was taken meanwhile.
            self.heard = now
        self.looked = now
        self.account.look(usage, now)
        if pid == 0 or not self._late():
            return False
        self.heard = now  # it dies in a moment; if it does not, it is killed again after a while
        if not self.beaten:
            # It never got as far as its first call. On a machine that cannot load it within the limits, unchanged
            # limits would kill every start of it, without an end.
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
            # Not at once: supervisord has just tried several times in a row, and whatever kept it from starting, such
            # as a full process table, needs time to pass.
            self.retry_due = now + self.retry_delay
        elif now >= self.retry_due:
            self.retry_delay = min(2 * self.retry_delay, RETRY_LONGEST)
            self.retry_due = now + self.retry_delay
            return True
        return False
