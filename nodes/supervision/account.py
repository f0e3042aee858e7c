"""How much of its time a process could use, pure: one that waits for a processor or a disk cannot show that it lives.

A judge that counts all the time without a sign of life kills healthy processes on a busy machine. Here only that time
counts in which the process ran, or did nothing although nothing kept it from running. A process that gets a hundredth
of a processor is thus given a hundred times as long; one that sleeps or was stopped is not.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT = 8192
"""Looks that are remembered of a process; at four a second, half an hour."""


@dataclass(frozen=True)
class Usage:
    """What the kernel reports of a process.

    Attributes:
        ran: seconds on a processor since its start, all threads together.
        queued: seconds since its start in which it was ready to run and another process had the processor. Of several
            threads that wait at the same time only the one that waits longest counts.
        blocked: it waits for a disk at present; even SIGKILL acts only when that wait is over.
        waits: it says that it waits for something outside, such as a locked file; see `runtime.process.ExternalWait`.
    """

    ran: float
    queued: float
    blocked: bool = False
    waits: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Usage":
        """Build it from plain values, one for each attribute, as they come with a remote call.

        Raises:
            KeyError: naming an attribute that is missing.
        """
        return cls(told["ran"], told["queued"], told["blocked"], told["waits"])


@dataclass(frozen=True)
class _Sample:
    at: float
    excused: float
    ran: float


class Account:
    """Keeps the account of one process. All times are moments of one monotonic clock in seconds.

    Args:
        since: moment of its start.
    """

    def __init__(self, since: float) -> None:
        self._samples = [_Sample(since, 0.0, 0.0)]
        self._queued = 0.0

    @property
    def begun(self) -> float:
        """Moment of its start."""
        return self._samples[0].at

    @property
    def looked(self) -> float:
        """Moment of the last look."""
        return self._last.at

    @property
    def _last(self) -> _Sample:
        return self._samples[-1]

    def look(self, usage: Usage | None, now: float) -> None:
        """Take what the kernel reports at `now`; where it reports nothing (None), all time counts as usable."""
        last = self._last
        excused, ran = 0.0, last.ran
        if usage is not None:
            # Not bounded by the time since the last look: the kernel books a wait when it is over, so the wait may
            # have begun before that look.
            queued = max(0.0, usage.queued - self._queued)
            self._queued = usage.queued
            # Whether a process is blocked or waits is seen only at the moment of the look. The whole interval is
            # excused: too much patience finds a hung process a little later, too little kills a healthy one.
            excused = max(0.0, now - last.at) if usage.blocked or usage.waits else queued
            ran = max(ran, usage.ran)  # the sum falls when a thread ends
        # Running sums rather than intervals: the difference of two samples answers for any stretch of time at once,
        # however often the process was looked at meanwhile.
        self._samples.append(_Sample(now, last.excused + excused, ran))
        if len(self._samples) > KEPT:
            # The first sample stays: it is the moment of the start, from which a program that never spoke is judged.
            # Half of the others go at once, so that the cost of moving the rest is spread over thousands of looks.
            del self._samples[1 : KEPT // 2]

    def _before(self, moment: float) -> _Sample:
        # The last sample at or before the moment: an interval that a moment cuts counts as a whole. For a moment before
        # the start, and for one whose samples have been dropped, the oldest sample there is has to do.
        return self._samples[max(0, bisect_right(self._samples, moment, key=lambda each: each.at) - 1)]

    def excused(self, since: float) -> float:
        """Seconds from `since` to the last look in which it was kept from running."""
        return self._last.excused - self._before(since).excused

    def usable(self, since: float) -> float:
        """Seconds from `since` to the last look that count: those in which nothing kept it from running, or it ran."""
        # Both bounds are needed. While one thread of a process waits, another may run: then the process was excused for
        # a time in which it did run. And several threads that run at once add up to more time than has passed.
        passed = max(0.0, self._last.at - since)
        return min(passed, max(passed - self.excused(since), self.ran(since)))

    def ran(self, since: float) -> float:
        """Seconds of them on a processor."""
        return self._last.ran - self._before(since).ran

    def idle(self, since: float) -> float:
        """Seconds of them in which it did nothing."""
        return max(0.0, self.usable(since) - self.ran(since))
