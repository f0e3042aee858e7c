"""How punctual ticks are: when they are sent, by the clock's report, and how long they take to this process. Pure."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from bus.protocol.messages import Lateness

KEPT = 3000
"""Ticks whose travel time is kept: 30 s at the default rate."""

INTERVALS = 300
"""Reports of the clock whose lateness is kept: those of one minute."""

EDGES_MS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Upper edges of the bins of a histogram in milliseconds; the last bin is open."""


class LatenessHistograms:
    """Histograms of how late ticks were sent, as the clock reports it, and of how long they took to this process."""

    def __init__(self) -> None:
        self._travelled: deque[float] = deque(maxlen=KEPT)
        self._late: deque[float] = deque(maxlen=INTERVALS)

    def arrived(self, mono_ns: int, now: float) -> None:
        """Take note that a tick has come.

        Args:
            mono_ns: the sender's monotonic clock when the tick was sent; 0 if it was sent again and that is not known.
            now: the same clock here [s].
        """
        took = now - mono_ns / 1e9
        # Monotonic clocks of two machines have nothing to do with each other: a difference that cannot be a travel time
        # says that the clock runs elsewhere.
        if mono_ns and 0.0 <= took < 60.0:
            self._travelled.append(took * 1e3)

    def reported(self, lateness: Lateness | None) -> None:
        """Take note of the clock's report on an interval; None if there was no tick in it."""
        if lateness is not None:
            self._late.append(lateness.max * 1e3)

    def histograms(self) -> dict[str, Any]:
        """Counts per bin: of the latest tick in each of the clock's reports, and of the travel times of all ticks."""
        return {"edges_ms": list(EDGES_MS), "late": _histogram(self._late), "travelled": _histogram(self._travelled)}


def _histogram(values: Iterable[float]) -> list[int]:
    counts = [0] * (len(EDGES_MS) + 1)
    for value in values:
        counts[next((place for place, edge in enumerate(EDGES_MS) if value < edge), len(EDGES_MS))] += 1
    return counts
