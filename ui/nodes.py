"""How punctual ticks are, as the clock reports it and as they come here. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from bus.protocol.messages import Lateness

KEPT = 3000
"""Ticks whose way here is kept: 30 s at the default rate."""

INTERVALS = 300
"""Reports of the clock whose lateness is kept: one minute."""

EDGES_MS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Upper edges of the bins of a histogram in milliseconds; the last bin is open."""


class LatenessHistograms:
    """Histograms of how late ticks left, as the clock reports it, and of how long they took to this process."""

    def __init__(self) -> None:
        self._travelled: deque[float] = deque(maxlen=KEPT)
        self._late: deque[float] = deque(maxlen=INTERVALS)

    def arrived(self, mono_ns: int, now: float) -> None:
        """A tick has come; one that was sent again does not tell when it left.

        Args:
            mono_ns: the sender's monotonic clock, 0 when not known.
            now: the same clock here [s]; clocks of two machines have nothing to do with each other.
        """
        took = now - mono_ns / 1e9
        if mono_ns and 0.0 <= took < 60.0:
            self._travelled.append(took * 1e3)

    def reported(self, lateness: Lateness | None) -> None:
        """The clock has reported on an interval."""
        if lateness is not None:
            self._late.append(lateness.max * 1e3)

    def histograms(self) -> dict[str, Any]:
        """Counts per bin: the worst tick of each interval of the clock, and the way of each tick to the dashboard."""
        return {"edges_ms": list(EDGES_MS), "late": _histogram(self._late), "travelled": _histogram(self._travelled)}


def _histogram(values: Iterable[float]) -> list[int]:
    counts = [0] * (len(EDGES_MS) + 1)
    for value in values:
        counts[next((place for place, edge in enumerate(EDGES_MS) if value < edge), len(EDGES_MS))] += 1
    return counts
