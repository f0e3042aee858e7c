"""How far the recording is behind the plant, pure: ticks of which something is published and not on disk."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from bus.protocol.messages import CLOCK_MODULE, Tick

WINDOW = 20.0
"""Seconds over which a lag must have grown to count as growing."""

SAMPLE = 1.0
"""Seconds between two looks at it."""

SHORT = 2.0
"""A lag of at most so many seconds of ticks is no news: groups, fsyncs and starts take their time."""


@dataclass(frozen=True)
class OnDisk:
    """How far one publisher's messages are on disk: the run, and its last tick."""

    run: str = ""
    last: int = 0


class Lag:
    """Compares what was published with what is on disk, in the run of the newest tick."""

    def __init__(self) -> None:
        self.newest = 0
        """Newest tick heard."""
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
            self._samples.clear()
        self.newest, self._run, self._rate, self._published = tick.seq, tick.run, tick.rate, tick.published

    def written(self, clock: OnDisk, modules: Mapping[str, OnDisk]) -> None:
        """Take note that everything received from each publisher is on disk now."""
        self._clock, self._modules = clock, modules

    @property
    def each(self) -> dict[str, int]:
        """Ticks of each publisher that are not on disk. What a module has not published is nobody's lag here."""
        found = {CLOCK_MODULE: max(0, self.newest - self._of_run(self._clock))}
        for name, published in self._published.items():
            found[name] = max(0, published - self._of_run(self._modules.get(name, OnDisk())))
        return found

    @property
    def behind(self) -> int:
        """Ticks of which something is not on disk."""
        return max(self.each.values())

    def _of_run(self, on_disk: OnDisk) -> int:
        return on_disk.last if on_disk.run == self._run else 0

    @property
    def seq(self) -> int:
        """Newest tick of which everything is on disk."""
        return max(0, self.newest - self.behind)

    def look(self, now: float) -> None:
        """Take a sample if it is time."""
        if now >= self._due:
            self._due = now + SAMPLE
            self._samples.append(self.each)

    @property
    def long(self) -> dict[str, int]:
        """Publishers whose lag is more than usual, and how long it is, the longest first."""
        found = sorted(self.each.items(), key=lambda lag: -lag[1])
        return {name: lag for name, lag in found if lag > SHORT * self._rate}

    @property
    def growing(self) -> dict[str, int]:
        """Those of them whose lag was longer throughout the later half of the window than ever in the earlier half."""
        if len(self._samples) < (self._samples.maxlen or 0):
            return {}
        return {name: lag for name, lag in self.long.items() if self._grows(name)}

    def _grows(self, name: str) -> bool:
        kept = [sample.get(name, 0) for sample in self._samples]
        middle = len(kept) // 2
        return min(kept[middle:]) > max(kept[:middle])
