"""What was plotted lately: means over short stretches of simulated time in a ring of fixed size."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CAPACITY = 16_384
"""Samples kept: 5 min of simulated time hold 6,000 at any speed of 1 and above."""

STRETCH_US = 50_000
"""Simulated time that one sample covers, in microseconds."""

STRETCH_WALL = 0.045
"""Wall time after which a sample is closed earlier, in seconds: slow motion still moves at 20 samples a second."""


class Samples(NamedTuple):
    """Samples in a row: the running number of the first one, their times [s] and one line of values for each."""

    first: int
    t: npt.NDArray[np.float64]
    values: npt.NDArray[np.float32]


class SampleHistory:
    """Rows over simulated time. Readers ask for what follows a running number; nobody has a queue."""

    def __init__(self, width: int, capacity: int = CAPACITY) -> None:
        self._t = np.zeros(capacity)
        self._rows = np.zeros((capacity, width), dtype=np.float32)
        self._sum = np.zeros(width)
        self._count = 0
        self._last_us = -1
        self._closed = (0, 0.0)
        self.end = 0
        """Running number that the next sample will have."""

    def add(self, t: float, row: tuple[float, ...], now: float) -> None:
        """Take the values of one state.

        Args:
            t: simulated time [s]; what does not advance it is no new sample (a pause, or a run worked off again).
            row: values.
            now: monotonic wall time [s].
        """
        t_us = round(t * 1e6)
        if t_us <= self._last_us:
            return
        self._last_us = t_us
        self._sum += row
        self._count += 1
        closed_us, closed = self._closed
        if self.end == 0 or t_us - closed_us >= STRETCH_US or now - closed >= STRETCH_WALL:
            self._close(t, t_us, now)

    def _close(self, t: float, t_us: int, now: float) -> None:
        place = self.end % len(self._t)
        self._t[place] = t
        self._rows[place] = self._sum / self._count
        self._sum[:] = 0.0
        self._count = 0
        self._closed = (t_us, now)
        self.end += 1

    def since(self, number: int) -> Samples:
        """Every sample kept from a running number on."""
        first = min(max(number, self.end - len(self._t)), self.end)
        places = np.arange(first, self.end) % len(self._t)
        return Samples(first, self._t[places], self._rows[places])
