"""How much of its time a process could use, pure: what waits for a processor or a disk cannot show that it lives.

Whoever judges a process by the time that passes without a sign of it kills healthy ones on a busy machine. Here only
the time counts in which it ran, or did nothing though nothing kept it from running: a process that gets a hundredth of
a processor is given a hundred times as long, one that sleeps or was stopped is not.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEPT = 8192
"""Moments that are remembered of a process; at four a second, half an hour."""


@dataclass(frozen=True)
class Usage:
    """What the kernel tells of a process.

    Attributes:
        ran: seconds on a processor since its start, all threads together.
        queued: seconds in which it could have run and another process had the processor, since its start; those of
            the thread that waited longest at the time.
        blocked: it waits for a disk now, where no signal reaches it either.
        waits: it says that it waits for something outside, such as a locked file; see `runtime.process.ExternalWait`.
    """

    ran: float
    queued: float
    blocked: bool = False
    waits: bool = False

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Usage":
        """Read it from plain values."""
        return cls(told["ran"], told["queued"], told["blocked"], told["waits"])


@dataclass(frozen=True)
class _Sample:
    at: float
    excused: float
    ran: float


class Account:
    """Keeps the account of one process.

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
        """Take what the kernel tells at `now`; without it all time counts as usable."""
        last = self._last
        excused, ran = 0.0, last.ran
        if usage is not None:
            # Not bounded by the time since the last look: the kernel books a wait when it is over, so that its
            # beginning may lie before the last look.
            queued = max(0.0, usage.queued - self._queued)
            self._queued = usage.queued
            # That a process is blocked or waits is seen only at the moment of the look. The whole interval is excused:
            # too much patience finds a hung process a little later, too little kills a healthy one.
            excused = max(0.0, now - last.at) if usage.blocked or usage.waits else queued
            ran = max(ran, usage.ran)  # the sum falls when a thread ends
        self._samples.append(_Sample(now, last.excused + excused, ran))
        if len(self._samples) > KEPT:
            # The first sample stays: it is the moment of the start, from which a program that never spoke is judged.
            # Half of the others go at once, so that the cost of moving the rest is spread over thousands of looks.
            del self._samples[1 : KEPT // 2]

    def _before(self, moment: float) -> _Sample:
        return self._samples[max(0, bisect_right(self._samples, moment, key=lambda each: each.at) - 1)]

    def excused(self, since: float) -> float:
        """Seconds from `since` to the last look in which it was kept from running."""
        return self._last.excused - self._before(since).excused

    def usable(self, since: float) -> float:
        """Seconds from `since` to the last look that count: those in which nothing kept it from running, or it ran."""
        # Both bounds are needed. A process with many threads may run on one processor while another thread waits: then
        # it was excused for a time in which it did run. And it cannot have had more time than has passed.
        passed = max(0.0, self._last.at - since)
        return min(passed, max(passed - self.excused(since), self.ran(since)))

    def ran(self, since: float) -> float:
        """Seconds of them on a processor."""
        return self._last.ran - self._before(since).ran

    def idle(self, since: float) -> float:
        """Seconds of them in which it did nothing."""
        return max(0.0, self.usable(since) - self.ran(since))
