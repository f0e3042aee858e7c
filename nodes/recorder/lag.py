"""How far the recording is behind the plant: ticks of which something is published and not yet on disk. Pure.

A single number would not tell whose messages are late, so there is a lag for each publisher: for the clock, whose ticks
the recorder hears itself, and for the modules, whose progress each tick reports.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from bus.protocol.messages import CLOCK_MODULE, Tick

WINDOW = 20.0
"""Seconds over which a lag has to grow to count as growing."""

SAMPLE = 1.0
"""Seconds between two samples of the lags."""

SHORT = 2.0
"""Lag, in seconds of ticks, up to which nothing is reported: group commits, fsyncs and starts take their time."""


@dataclass(frozen=True)
class OnDisk:
    """How far one publisher's messages are on disk: a run, and the last of its ticks."""

    run: str = ""
    last: int = 0


class Lag:
    """Compares what was published with what is on disk, in the run of the newest tick."""

    def __init__(self) -> None:
        self.newest = 0
        """The newest tick heard."""
        self._run = ""
        self._rate = 100
        self._published: Mapping[str, int] = {}
        self._clock = OnDisk()
        self._modules: Mapping[str, OnDisk] = {}
        self._samples: deque[Mapping[str, int]] = deque(maxlen=round(WINDOW / SAMPLE) + 1)
        self._due = 0.0

    def hear(self, tick: Tick) -> None:
        """Take note of a tick, which also says how far each module has published."""
        if tick.run != self._run:
            self._samples.clear()  # ticks are counted anew in each run: lags of two runs cannot be compared
        self.newest, self._run, self._rate, self._published = tick.seq, tick.run, tick.rate, tick.published

    def written(self, clock: OnDisk, modules: Mapping[str, OnDisk]) -> None:
        """Take note that everything received from each publisher is on disk now."""
        self._clock, self._modules = clock, modules

    @property
    def each(self) -> dict[str, int]:
        """How many ticks of each publisher are not on disk. What a module has not published yet does not count."""
        found = {CLOCK_MODULE: max(0, self.newest - self._of_run(self._clock))}
        for name, published in self._published.items():
            found[name] = max(0, published - self._of_run(self._modules.get(name, OnDisk())))
        return found

    @property
    def behind(self) -> int:
        """Ticks of which something is not on disk."""
        return max(self.each.values())

    def _of_run(self, on_disk: OnDisk) -> int:
        # A publisher that is still being recorded in an earlier run has nothing of this one on disk.
        return on_disk.last if on_disk.run == self._run else 0

    @property
    def seq(self) -> int:
        """The newest tick of which everything is on disk."""
        return max(0, self.newest - self.behind)

    def look(self, now: float) -> None:
        """Take a sample of the lags if one is due at `now` (s)."""
        if now >= self._due:
            self._due = now + SAMPLE
            self._samples.append(self.each)

    @property
    def long(self) -> dict[str, int]:
        """Publishers whose lag is worth reporting, each with its lag in ticks, the longest first."""
        found = sorted(self.each.items(), key=lambda lag: -lag[1])
        return {name: lag for name, lag in found if lag > SHORT * self._rate}

    @property
    def growing(self) -> dict[str, int]:
        """Those whose lag was longer throughout the later half of the window than ever in the earlier half.

        By this rule a lag that goes up and down with the disk does not count as growing, however long it is.
        """
        if len(self._samples) < (self._samples.maxlen or 0):
            return {}
        return {name: lag for name, lag in self.long.items() if self._grows(name)}

    def _grows(self, name: str) -> bool:
        kept = [sample.get(name, 0) for sample in self._samples]
        middle = len(kept) // 2
        return min(kept[middle:]) > max(kept[:middle])
