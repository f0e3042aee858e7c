"""What is plotted live: means over short intervals of simulated time, in a ring of fixed size."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CAPACITY = 16_384
"""Samples that are kept; 5 min of simulated time are 6,000 of them at a speed of 1 or more."""

STRETCH_US = 50_000
"""Simulated time that one sample covers, in microseconds."""

STRETCH_WALL = 0.045
"""Wall time in seconds after which a sample is closed earlier, so that slow motion too gets 20 samples a second."""


class Samples(NamedTuple):
    """Consecutive samples: the running number of the first one, their times [s], and a row of values for each."""

    first: int
    t: npt.NDArray[np.float64]
    values: npt.NDArray[np.float32]


class SampleHistory:
    """Rows of values over simulated time. Readers ask for what follows a running number, so that none needs a queue.

    Args:
        width: number of values in a row.
        capacity: most samples.
    """

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
            t: simulated time [s]; a state that does not advance it is left out (in a pause, or computed once more).
            row: its values.
            now: monotonic wall time [s].
        """
        t_us = round(t * 1e6)  # whole microseconds, as the clock counts: floats that mean the same time are equal then
        if t_us <= self._last_us:
            return
        self._last_us = t_us
        self._sum += row
        self._count += 1
        # The very first one is a sample by itself, so that a plot begins where the run does.
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
        """The samples from a running number on, as far as they are kept; the arrays are copies."""
        first = min(max(number, self.end - len(self._t)), self.end)
        places = np.arange(first, self.end) % len(self._t)
        return Samples(first, self._t[places], self._rows[places])
