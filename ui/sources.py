"""How fresh a source is, and how many messages it sends. Pure: the caller says what time it is."""

from collections import deque
from typing import Literal

STALE_AFTER = 1.0
"""Seconds of silence after which the newest values of a source are shown as stale."""

LOST_AFTER = 5.0
"""Seconds of silence after which a source is shown as missing."""

Freshness = Literal["live", "stale", "missing"]


def freshness(age: float | None) -> Freshness:
    """How a source is shown whose newest message has this age (s); None if it was never heard."""
    if age is None or age >= LOST_AFTER:
        return "missing"
    return "stale" if age >= STALE_AFTER else "live"


class MessageRate:
    """Counts the messages of the last second."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=20_000)

    def hear(self, now: float) -> None:
        """Count one message at the time `now` (s)."""
        self._times.append(now)

    def rate(self, now: float) -> int:
        """How many messages came in the last second."""
        while self._times and self._times[0] <= now - 1.0:
            self._times.popleft()
        return len(self._times)
